import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { CHROMIUM_COMMANDS, expectAccessible, startPage } from "../support/page.ts";
import { missingCommands } from "../support/requirements.ts";
import { FIRST_RUN_WORDS, untilSheet } from "./first-run-steps.ts";

const isMissing = missingCommands(...CHROMIUM_COMMANDS);
const PHONE = { width: 390, height: 844 };
const DESKTOP = { width: 1280, height: 800 };
const SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth";

/** As it stands now: on a phone and on a desktop, in both schemes. */
async function expectGoodLooks(page: Page, step: string): Promise<void> {
  for (const [size, colorScheme] of [
    [PHONE, "light"],
    [PHONE, "dark"],
    [DESKTOP, "dark"],
    [DESKTOP, "light"],
  ] as const) {
    await page.setViewportSize(size);
    await page.emulateMedia({ colorScheme });
    await expectAccessible(page);
    const sideways = await page.evaluate<number>(SIDEWAYS);
    expect(sideways, `${step} at ${size.width} pixels`).toBeLessThanOrEqual(0);
  }
}

describe.skipIf(isMissing).each(["en", "fr"] as const)(
  "a first run in %s, as axe sees it",
  (language) => {
    const words = FIRST_RUN_WORDS[language];

    test("founding, step by step", async () => {
      await using home = await startPage({ hub: { claimed: false }, device: "none", language });
      const { page } = home;
      const atStep = (step: string): Promise<void> => expectGoodLooks(page, step);
      const sheet = await untilSheet(home, { language, atStep });
      await atStep("sheet");
      await page.getByRole("link", { name: words.sheet.done }).click();
      await page.getByRole("textbox").first().fill("qqqq");
      for (const [index, word] of sheet.entries())
        if (index > 0) await page.getByRole("textbox").nth(index).fill(word);
      await page.getByRole("button", { name: words.proof.check }).click();
      await page.getByText(words.proof.wrong("1")).waitFor();
      await atStep("proof");
      await page
        .getByRole("textbox")
        .first()
        .fill(sheet[0] ?? "");
      await page.getByRole("button", { name: words.proof.check }).click();
      await page.getByRole("button", { name: words.camera.find }).waitFor();
      await atStep("camera");
      expect(home.problems).toEqual([]);
    });

    test("joining, step by step", async () => {
      await using home = await startPage({ device: "none", language, prf: false });
      const { page } = home;
      await page.getByLabel(words.join.device).fill("Tablet");
      await page.getByRole("button", { name: words.join.begin }).click();
      await page.getByRole("button", { name: words.keys.makeWithout }).waitFor();
      await expectGoodLooks(page, "asked");
      await page.getByRole("button", { name: words.keys.makeWithout }).click();
      await page.getByRole("heading", { name: words.join.waitTitle }).waitFor();
      await expectGoodLooks(page, "waiting");
      expect(home.problems).toEqual([]);
    });
  },
);
