import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { expectAccessible, startPage, type TestPage } from "../support/page.ts";
import { OVERHANG, SMALL_TARGETS } from "../support/page-sizes.ts";
import { typeRequest } from "../support/test-consent.ts";
import { firstClip } from "../support/test-hub.ts";

/** What every screen owes to everybody, on a phone and a computer, by day and by night. */

/** Screens by their address; a new one belongs here. Of zones, which need a camera: zones.test.ts. */
async function addresses({ hub }: TestPage): Promise<string[]> {
  const request = await typeRequest(hub);
  return [
    ...[
      "live",
      "events",
      `event/${firstClip(hub)}`,
      "requests",
      `request/${request.record.request}`,
      "ask",
    ],
    ...[
      "ledger",
      "transparency",
      "house",
      "cameras",
      "health",
      "notifications",
      "notice/x",
      "address",
      "set-up",
      "nowhere",
    ],
  ];
}

const WAITING = `document.querySelectorAll("p.quiet[role=status][aria-live=polite]").length
  + document.getAnimations().filter(({ playState }) => playState === "running").length`;

/** Until nothing is waited for any more, and what stands there stays: it came from the hub. */
async function settled(page: Page): Promise<void> {
  let before = "";
  await expect
    .poll(
      async () => {
        const now = `${String(await page.evaluate(WAITING))} ${await page.locator("main").innerHTML()}`;
        const isSame = now === before && now.startsWith("0 ");
        before = now;
        return isSame;
      },
      { timeout: 15_000, interval: 150 },
    )
    .toBe(true);
}

describe.each([
  { viewport: "phone", scheme: "light", language: "en" },
  { viewport: "phone", scheme: "dark", language: "fr" },
  { viewport: "desktop", scheme: "light", language: "fr" },
  { viewport: "desktop", scheme: "dark", language: "en" },
] as const)("on a $viewport, $scheme, in $language", { timeout: 120_000 }, (look) => {
  test("nothing is out of reach, too small, too faint, or wider than the screen", async () => {
    await using own = await startPage({ hub: { clips: 2 }, ...look });
    const { page } = own;
    await page.getByRole("navigation").waitFor();
    for (const address of await addresses(own)) {
      await page.goto(`${own.url}/#/${address}`);
      await page.getByRole("heading", { level: 1 }).waitFor();
      await settled(page);
      await expectAccessible(page);
      expect(await page.evaluate<string[]>(SMALL_TARGETS), address).toEqual([]);
      expect(await page.evaluate<number>(OVERHANG), address).toBeLessThanOrEqual(0);
    }
    own.expectClean();
  });
});
