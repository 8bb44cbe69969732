import { setTimeout as wait } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { CHROMIUM_COMMANDS, startPage } from "../support/page.ts";
import { missingCommands } from "../support/requirements.ts";

/** What is shown stays where it is: nothing that loads later pushes it from under a finger. */

const SCREENS = ["live", "events", "requests", "ledger", "house", "health", "cameras"] as const;
/** Good, of the Web Vitals: https://web.dev/articles/cls */
const SHIFT_MAX = 0.1;
const SETTLED_MS = 2_500;

/** Runs in the page, before anything of its own. */
const ADD_UP_SHIFTS = `
  globalThis.shifted = 0;
  new PerformanceObserver((list) => {
    for (const { value, hadRecentInput } of list.getEntries())
      if (!hadRecentInput) globalThis.shifted += value;
  }).observe({ type: "layout-shift", buffered: true });
`;

const isMissing = missingCommands(...CHROMIUM_COMMANDS);

describe.skipIf(isMissing)("while a slow device loads a screen", () => {
  test.each(["phone", "desktop"] as const)("its parts stay in place on a %s", async (viewport) => {
    await using opened = await startPage({
      viewport,
      hub: { footage: "real", clips: 3, nowMs: "system" },
    });
    const { page, url, context } = opened;
    const tools = await context.newCDPSession(page);
    await tools.send("Emulation.setCPUThrottlingRate", { rate: 4 });
    await page.addInitScript({ content: ADD_UP_SHIFTS });
    const found: Record<string, number> = {};
    for (const screen of SCREENS) {
      await page.goto("about:blank");
      await page.goto(`${url}/#/${screen}`);
      await page.waitForLoadState("networkidle").catch(() => undefined);
      await page.getByRole("heading", { level: 1 }).waitFor();
      await wait(SETTLED_MS);
      found[screen] = await page.evaluate(() => (globalThis as { shifted?: number }).shifted ?? -1);
    }
    for (const screen of SCREENS) {
      expect(found[screen], screen).toBeGreaterThanOrEqual(0);
      expect(found[screen], JSON.stringify(found)).toBeLessThanOrEqual(SHIFT_MAX);
    }
  });
});
