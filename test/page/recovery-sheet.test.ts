import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { foundHousehold } from "../../src/owner/household.ts";
import type * as Api from "../../src/protocol/api.ts";
import { english as words } from "../../web/page/screens/welcome/words.en.ts";
import { CHROMIUM_COMMANDS, startPage, type TestPage } from "../support/page.ts";
import { missingCommands } from "../support/requirements.ts";
import { typeWords, untilSheet } from "./first-run-steps.ts";

const isMissing = missingCommands(...CHROMIUM_COMMANDS);
const newHub = (): Promise<TestPage> => startPage({ hub: { claimed: false }, device: "none" });

describe.skipIf(isMissing)("the recovery sheet in the page", () => {
  test("words that are not the sheet's are named, and nothing is claimed until all are right", async () => {
    await using home = await newHub();
    const { page } = home;
    const claims: string[] = [];
    page.on("request", (request) => {
      if (request.url().endsWith("/api/claim")) claims.push(request.method());
    });
    const sheet = await untilSheet(home);
    await page.getByRole("link", { name: words.sheet.done }).click();
    const check = page.getByRole("button", { name: words.proof.check });
    await typeWords(page, sheet.slice(0, 23));
    await check.click();
    await page.getByText(words.proof.missing(1)).waitFor();
    const fields = page.getByRole("textbox");
    await fields.nth(23).fill("qqqq");
    await expect.poll(() => fields.nth(23).getAttribute("aria-invalid")).toBe("true");
    await fields.nth(23).fill(sheet[23] ?? "");
    const other = sheet[6] === "zoo" ? "zone" : "zoo";
    await fields.nth(6).fill(other);
    await check.click();
    await page.getByText(words.proof.wrong("7")).waitFor();
    expect(claims).toEqual([]);
    expect(home.hub.hub.services.household.keyring).toBeNull();

    await fields.nth(6).fill((sheet[6] ?? "").slice(0, 4));
    await check.click();
    await page.getByRole("heading", { name: words.camera.title }).waitFor();
    expect(claims).toEqual(["POST"]);
    home.expectClean();
  });

  test("a paste of the whole sheet fills all fields", async () => {
    await using home = await newHub();
    const { page } = home;
    const sheet = await untilSheet(home);
    await page.getByRole("link", { name: words.sheet.done }).click();
    await page.getByRole("textbox").first().focus();
    await page.evaluate(`(${PASTE})(${JSON.stringify(`kind: pq\n${sheet.join(" ")}`)})`);
    const values = (): Promise<string[]> =>
      Promise.all(sheet.map((_, index) => page.getByRole("textbox").nth(index).inputValue()));
    // "kind" is a word of the list too, so it is only left out of what is numbered.
    expect((await values())[0]).toBe("kind");
    const numbered = sheet.map((word, index) => `${index + 1}. ${word}`).join("\n");
    await page.evaluate(`(${PASTE})(${JSON.stringify(`kind: pq\n${numbered}`)})`);
    await expect.poll(values).toEqual(sheet);
  });

  test("the saved file proves the sheet as well; another household's does not", async () => {
    await using home = await newHub();
    const { page, hub } = home;
    await untilSheet(home);
    const saved = page.waitForEvent("download");
    await page.getByRole("button", { name: words.sheet.save }).click();
    const file = await readFile(await (await saved).path(), "utf8");
    expect(file).toContain("kind: pq");
    await page.getByRole("link", { name: words.sheet.done }).click();
    const info = (await hub.call("GET", "/api/hub")).json<Api.HubInfo>();
    const other = await foundHousehold(info, { kind: "pq", label: "other", nowMs: Date.now() });
    const choose = page.getByLabel(words.proof.file);
    const numbered = other.recovery.words.map((word, index) => `${index + 1} ${word}`).join("\n");
    const asFile = (text: string) => ({
      ...{ name: "sheet.txt", mimeType: "text/plain" },
      buffer: Buffer.from(text),
    });
    await choose.setInputFiles(asFile(`kind: pq\n${numbered}\n`));
    await page.getByText(words.proof.wrongFile).waitFor();
    expect(hub.hub.services.household.keyring).toBeNull();
    await choose.setInputFiles(asFile(file));
    await page.getByRole("heading", { name: words.camera.title }).waitFor();
    home.expectClean();
  });

  test("on paper there is the sheet and nothing else", async () => {
    await using home = await newHub();
    const { page } = home;
    const sheet = await untilSheet(home, { classic: true });
    await page.emulateMedia({ media: "print" });
    const text = await page.evaluate<string>("document.body.innerText");
    expect(text).toContain(words.sheet.printTitle);
    expect(text).toContain("kind: x25519");
    for (const word of sheet) expect(text).toContain(word);
    for (const label of [words.sheet.print, words.sheet.done, words.trialText])
      expect(text.split("\n")).not.toContain(label);
  });
});

/** Runs in the browser, where these tests have no types. */
const PASTE = `(text) => {
  const clipboardData = new DataTransfer();
  clipboardData.setData("text/plain", text);
  const paste = new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true });
  document.activeElement.dispatchEvent(paste);
}`;
