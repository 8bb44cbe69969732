import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { english as words } from "../../web/page/screens/welcome/words.en.ts";
import { storedText } from "../support/page-device.ts";
import {
  CHROMIUM_COMMANDS,
  expectAccessible,
  startPage,
  type PageOptions,
  type TestPage,
} from "../support/page.ts";
import { missingCommands } from "../support/requirements.ts";
import { typeWords, untilSheet } from "./first-run-steps.ts";

const isMissing = missingCommands(...CHROMIUM_COMMANDS);
const IPHONE =
  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1";
const TYPED_BEFORE = 5;

/** A hub that is nobody's until the last of these tests, and the first browser that looks at it. */
let house: TestPage | undefined;
beforeAll(async () => {
  if (!isMissing)
    house = await startPage({ hub: { claimed: false }, device: "none", viewport: "phone" });
});
afterAll(async () => house?.[Symbol.asyncDispose]());
function own(): TestPage {
  if (!house) throw new Error("no hub was started");
  return house;
}
const newPhone = (options: Omit<PageOptions, "hub">): Promise<TestPage> =>
  own().another({ ...options, device: "none", viewport: "phone" });

/** All that the page had in memory is gone, as when a phone has ended the app. */
async function end({ page, url }: TestPage): Promise<void> {
  await page.goto("about:blank");
  await page.goto(url);
}
const typedWords = (page: Page): Promise<string[]> =>
  page.evaluate(
    `Array.from(document.querySelectorAll("form input[lang=en]"), (each) => each.value)`,
  );

describe.skipIf(isMissing)("on an iPhone, whose app has a storage of its own", () => {
  test("the browser sends one to the app first, and says what follows of staying", async () => {
    await using home = await newPhone({ switches: [`--user-agent=${IPHONE}`] });
    const { page } = home;
    await page.getByRole("heading", { name: words.install.title }).waitFor();
    await expectAccessible(page);
    const begin = page.getByRole("button", { name: words.start.begin });
    expect(await begin.count()).toBe(0);
    await page.locator("summary", { hasText: words.install.claimHere }).click();
    await page.getByText(words.install.claimHereText).waitFor();
    await page.getByRole("button", { name: words.install.claimHere }).click();
    await begin.waitFor();

    // The same, opened from the home screen.
    await page.addInitScript("Object.defineProperty(navigator, 'standalone', { value: true })");
    await page.reload();
    await begin.click();
    expect(await page.getByLabel(words.names.device).inputValue()).toBe(words.names.devices.iphone);
    home.expectClean();
  });
});

describe.skipIf(isMissing)("a first run that a phone has interrupted", () => {
  test("without a passkey it goes on by itself, with what was typed and the same sheet", async () => {
    await using home = await newPhone({ prf: false });
    const { page } = home;
    page.on("dialog", (dialog) => void dialog.accept());
    await page.getByRole("button", { name: words.start.begin }).click();
    await page.getByLabel(words.names.code).fill(home.hub.hub.services.claimDesk.code);
    await page.getByLabel(words.names.house).fill("12 Rose Lane");
    await page.getByRole("button", { name: words.next }).click();
    await page.getByRole("heading", { name: words.keys.title }).waitFor();
    await end(home);
    // Nothing is made yet: what was typed is there, and one tap leads on.
    await page.getByRole("heading", { name: words.names.title }).waitFor();
    expect(await page.getByLabel(words.names.house).inputValue()).toBe("12 Rose Lane");
    await page.getByRole("button", { name: words.next }).click();
    await page.getByRole("button", { name: words.keys.make }).click();
    await page.getByRole("button", { name: words.keys.makeWithout }).click();
    await page.getByRole("heading", { name: words.sheet.title }).waitFor();
    const list = page.getByRole("region", { name: words.sheet.list });
    const sheet = await list.innerText();
    await end(home);
    await page.getByRole("heading", { name: words.sheet.title }).waitFor();
    expect(await list.innerText()).toBe(sheet);
    home.expectClean();
  });

  test("goes on at the same word of the same sheet, and nothing of it is stored in clear", async () => {
    const home = own();
    const { page, hub } = home;
    page.on("dialog", (dialog) => void dialog.accept());
    const sheet = await untilSheet(home);
    await page.getByRole("link", { name: words.sheet.done }).click();
    await typeWords(page, sheet.slice(0, TYPED_BEFORE));
    await page.keyboard.press("Space");
    await expect.poll(async () => (await typedWords(page))[4]).toBe(sheet[4]);
    await end(home);

    await page.getByRole("heading", { name: words.goOn.title }).waitFor();
    await expectAccessible(page);
    const stored = await storedText(page);
    expect(stored).toContain("typedRight");
    for (const secret of ["AGE-SECRET-KEY", "signingSeed", `${sheet[0]} ${sheet[1]}`])
      expect(stored).not.toContain(secret);
    for (const [index, word] of sheet.entries())
      expect(stored).not.toContain(`${index + 1} ${word}`);

    await page.getByRole("button", { name: words.goOn.goOn, exact: true }).click();
    await page.getByRole("heading", { name: words.proof.title }).waitFor();
    const filled = sheet.map((word, index) => (index < TYPED_BEFORE ? word : ""));
    expect(await typedWords(page)).toEqual(filled);
    await page.getByRole("textbox").nth(TYPED_BEFORE).focus();
    for (const word of sheet.slice(TYPED_BEFORE)) {
      await page.keyboard.type(word.slice(0, 4));
      await page.keyboard.press("Space");
    }
    await page.getByRole("button", { name: words.proof.check }).click();
    await page.getByRole("heading", { name: words.camera.title }).waitFor();
    expect(hub.hub.services.household.keyring?.devices.size).toBe(1);
    expect(await storedText(page)).not.toContain("typedRight");
    home.expectClean();
  });
});
