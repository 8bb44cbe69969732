import type { Page } from "playwright-core";
import { expect } from "vitest";
import { english } from "../../web/page/screens/welcome/words.en.ts";
import { french } from "../../web/page/screens/welcome/words.fr.ts";
import type { TestPage } from "../support/page.ts";

/** The steps of a first run, done as a person does them. */

export const DEVICE_NAME = "Kitchen phone";
export const HOUSE_NAME = "12 Rose Lane";
export const FIRST_RUN_WORDS = { en: english, fr: french } as const;
const LETTERS = 4;

export interface FirstRunOptions {
  readonly language?: "en" | "fr";
  readonly classic?: boolean;
  /** Called when a step is in view. */
  readonly atStep?: (step: string) => Promise<void>;
}

/** From the first look to the recovery sheet; the words on it. */
export async function untilSheet(
  home: TestPage,
  { language = "en", classic = false, atStep = async () => undefined }: FirstRunOptions = {},
): Promise<string[]> {
  const words = FIRST_RUN_WORDS[language];
  const { page } = home;
  await page.getByRole("heading", { name: words.start.title }).waitFor();
  await atStep("start");
  await page.getByRole("button", { name: words.start.begin }).click();
  await nameThings(home, language);
  await atStep("names");
  await page.getByRole("button", { name: words.next }).click();
  await page.getByRole("heading", { name: words.keys.title }).waitFor();
  await atStep("keys");
  if (classic) {
    await page.getByText(words.keys.more, { exact: true }).click();
    await page.getByRole("checkbox", { name: words.keys.classic }).check();
  }
  await page.getByRole("button", { name: words.keys.make }).click();
  return onSheet(page, language);
}

export async function nameThings(home: TestPage, language: "en" | "fr"): Promise<void> {
  const words = FIRST_RUN_WORDS[language].names;
  const { page } = home;
  await page.getByLabel(words.code).fill(home.hub.hub.services.claimDesk.code);
  await page.getByLabel(words.device).fill(DEVICE_NAME);
  await page.getByLabel(words.house).fill(HOUSE_NAME);
}

/** Waits for the sheet and reads it. */
export async function onSheet(page: Page, language: "en" | "fr"): Promise<string[]> {
  const list = page.getByRole("region", { name: FIRST_RUN_WORDS[language].sheet.list });
  await list.waitFor();
  const rows = await list.getByRole("listitem").allInnerTexts();
  expect(rows).toHaveLength(24);
  return rows.map((row, index) => {
    const [number, word = ""] = row.split(/\s+/);
    expect(number).toBe(String(index + 1));
    return word;
  });
}

/** Types the beginnings of words, as somebody does with the paper beside the keyboard. */
export async function typeWords(page: Page, words: readonly string[]): Promise<void> {
  await page.getByRole("textbox").first().focus();
  for (const [index, word] of words.entries()) {
    await page.keyboard.type(word.slice(0, LETTERS));
    if (index < words.length - 1) await page.keyboard.press("Space");
  }
}

/** From the sheet to the hub that is the household's. */
export async function proveSheet(
  page: Page,
  sheet: readonly string[],
  language: "en" | "fr" = "en",
): Promise<void> {
  const words = FIRST_RUN_WORDS[language];
  await page.getByRole("link", { name: words.sheet.done }).click();
  await page.getByRole("heading", { name: words.proof.title }).waitFor();
  await typeWords(page, sheet);
  await page.getByRole("button", { name: words.proof.check }).click();
  await page.getByRole("heading", { name: words.camera.title }).waitFor();
}

export async function toLive(page: Page, language: "en" | "fr" = "en"): Promise<void> {
  const { camera, told } = FIRST_RUN_WORDS[language];
  await page.getByRole("button", { name: camera.demo }).click();
  await page.getByRole("button", { name: told.later, exact: true }).click();
  await expect.poll(() => page.evaluate("location.hash")).toBe("#/live");
}
