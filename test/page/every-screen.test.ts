import { describe, expect, test } from "vitest";
import { expectAccessible, startPage, type TestPage } from "../support/page.ts";
import { typeRequest } from "../support/test-consent.ts";
import { firstClip } from "../support/test-hub.ts";

/** What every screen owes to everybody, on a phone and a computer, by day and by night. */
const TARGET_PIXELS = 48;

/** Screens by their address; a new one belongs here. */
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
    ...["ledger", "transparency", "house", "cameras", "health", "nowhere"],
  ];
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
      await page.waitForLoadState("networkidle").catch(() => undefined);
      await page.waitForTimeout(700);
      await expectAccessible(page);
      expect(await page.evaluate<string[]>(SMALL_TARGETS), address).toEqual([]);
      expect(await page.evaluate<number>(OVERHANG), address).toBeLessThanOrEqual(0);
    }
    own.expectClean();
  });
});

/** Runs in the browser: what can be pressed and is smaller than a thumb. */
const SMALL_TARGETS = `[...document.querySelectorAll(
  "button, .button, select, summary, nav a, label.check, input:not([type=checkbox], [type=radio], [type=range], [type=file])",
)]
  .filter((element) => element.checkVisibility({ visibilityProperty: true }))
  .map((element) => ({ element, box: element.getBoundingClientRect() }))
  .filter(({ box }) => box.width > 1 && Math.min(box.width, box.height) < ${TARGET_PIXELS} - 0.5)
  .map(({ element, box }) =>
    element.outerHTML.slice(0, 120) + " " + Math.round(box.width) + " x " + Math.round(box.height))`;

/** How far the page reaches beyond the screen's width. */
const OVERHANG = `document.documentElement.scrollWidth - document.documentElement.clientWidth`;
