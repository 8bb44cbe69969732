import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { clipIdentities, readDeviceBundle } from "../../src/owner/device-bundle.ts";
import { foundHousehold } from "../../src/owner/household.ts";
import { openSealedFile } from "../../src/owner/open-clip.ts";
import { parseRecoverySheet } from "../../src/owner/recovery.ts";
import type * as Api from "../../src/protocol/api.ts";
import { fromBase64 } from "../../src/protocol/bytes.ts";
import { english as locked } from "../../web/page/screens/locked/words.en.ts";
import { english as words } from "../../web/page/screens/welcome/words.en.ts";
import { english as frame } from "../../web/page/words/words.en.ts";
import { putDevice, storedText } from "../support/page-device.ts";
import { CHROMIUM_COMMANDS, startPage, type PageOptions, type TestPage } from "../support/page.ts";
import { missingCommands } from "../support/requirements.ts";
import type { TestHub } from "../support/test-hub.ts";
import {
  DEVICE_NAME,
  HOUSE_NAME,
  nameThings,
  onSheet,
  proveSheet,
  toLive,
  typeWords,
  untilSheet,
} from "./first-run-steps.ts";

const isMissing = missingCommands(...CHROMIUM_COMMANDS);
/** A person who closes the browser's question. */
const DECLINING = `navigator.credentials.get = () =>
  Promise.reject(new DOMException("closed", "NotAllowedError"))`;
const newHub = (options: PageOptions = {}): Promise<TestPage> =>
  startPage({ ...options, hub: { claimed: false }, device: "none" });

describe.skipIf(isMissing)("founding a household in the page", () => {
  test("with a passkey: claimed, recording, locked without a session, and opened by the passkey", async () => {
    await using home = await newHub();
    const { page, hub } = home;
    const sheet = await untilSheet(home);
    expect(hub.hub.services.household.keyring).toBeNull();
    await proveSheet(page, sheet);
    const keyring = hub.hub.services.household.keyring;
    const devices = [...(keyring?.devices.values() ?? [])];
    expect(devices.map(({ record }) => record.passkey?.required)).toEqual([true]);
    expect(keyring?.readers.kind).toBe("pq");
    expect((await hub.call("GET", "/api/hub")).json<Api.HubInfo>().name).toBe(HOUSE_NAME);
    await toLive(page);
    const stored = await storedText(page);
    expect(stored).toContain(DEVICE_NAME);
    for (const secret of ["AGE-SECRET-KEY", "signingSeed", ...sheet.map((word) => ` ${word} `)])
      expect(stored).not.toContain(secret);
    await home.context.clearCookies();
    await page.reload();
    await page.getByRole("heading", { name: locked.locked }).waitFor();
    await page.getByRole("button", { name: frame.shell.unlock }).click();
    await page.getByRole("navigation").waitFor();
    home.expectClean();
  });

  test("loaded again after the claim, it goes on where it was; a passkey that does not confirm is named", async () => {
    await using home = await newHub();
    const { page } = home;
    await proveSheet(page, await untilSheet(home));
    await page.goto(home.url);
    await page.getByRole("heading", { name: words.camera.title }).waitFor();
    expect(await page.evaluate("location.hash")).toBe("#/set-up");
    await toLive(page);
    await page.goto(home.url);
    await page.getByRole("navigation").waitFor();
    expect(await page.evaluate("location.hash")).not.toBe("#/set-up");
    await page.getByRole("link", { name: "House" }).click();
    await page.evaluate(DECLINING);
    await page.getByRole("button", { name: frame.shell.unlock }).click();
    await page.getByText(frame.shell.notConfirmed).waitFor();
    // Of no matter any more on another screen.
    await page.getByRole("link", { name: "Ledger" }).click();
    await page.getByText(frame.shell.notConfirmed).waitFor({ state: "detached" });
    home.expectClean();
  });

  test("what was written down opens what the hub records from then on, with nothing else", async () => {
    await using home = await newHub();
    const sheet = await untilSheet(home);
    await proveSheet(home.page, sheet);
    const numbered = sheet.map((word, index) => `${index + 1} ${word}`);
    const { reader } = await parseRecoverySheet(["kind: pq", ...numbered].join("\n"));
    const opened = await openFirstFile(home.hub, [reader.identity]);
    expect(opened.byteLength).toBeGreaterThan(1_000);
  });

  test("without a passkey the browser seals: nothing in clear is stored, and what is opens clips", async () => {
    await using home = await newHub({ prf: false });
    const { page, hub } = home;
    await page.getByRole("button", { name: words.start.begin }).click();
    await nameThings(home, "en");
    await page.getByRole("button", { name: words.next }).click();
    await page.getByRole("button", { name: words.keys.make }).click();
    await page.getByText(words.keys.declined).waitFor();
    await page.getByRole("button", { name: words.keys.makeWithout }).click();
    await proveSheet(page, await onSheet(page, "en"));
    await toLive(page);

    const bundle = readDeviceBundle(JSON.parse(await page.evaluate<string>(`(${UNSEAL})()`)));
    const stored = await storedText(page);
    const seed = Buffer.from(fromBase64(bundle.signingSeed, "seed")).toString("latin1");
    const secrets = [bundle.signingSeed, seed, ...Object.values(bundle.readers)];
    for (const secret of secrets) expect(stored).not.toContain(secret);
    expect(stored).not.toContain("EXTRACTABLE");
    // The search itself sees what lies open.
    await page.evaluate(`localStorage.setItem("planted", ${JSON.stringify(bundle.signingSeed)})`);
    expect(await storedText(page)).toContain(bundle.signingSeed);

    const opened = await openFirstFile(hub, clipIdentities(bundle));
    expect(opened.byteLength).toBeGreaterThan(1_000);
    await home.context.clearCookies();
    await page.reload();
    await page.getByRole("navigation").waitFor();
    home.expectClean();
  });

  test("a wrong code clears nothing, makes no keys, and going back loses nothing", async () => {
    await using home = await newHub();
    const { page } = home;
    await page.getByRole("button", { name: words.start.begin }).click();
    const code = page.getByLabel(words.names.code);
    await code.pressSequentially("abcd efgh2jklm");
    expect(await code.inputValue()).toBe("ABCD-EFGH-2JKL");
    await page.getByLabel(words.names.device).fill(DEVICE_NAME);
    await page.getByLabel(words.names.house).fill(HOUSE_NAME);
    await page.getByRole("button", { name: words.next }).click();
    await page.getByRole("alert").getByText(words.errors.CLAIM_CODE_WRONG).waitFor();
    expect(await code.inputValue()).toBe("ABCD-EFGH-2JKL");
    expect(await page.getByLabel(words.names.device).inputValue()).toBe(DEVICE_NAME);

    await code.fill(home.hub.hub.services.claimDesk.code);
    await page.getByRole("button", { name: words.next }).click();
    await page.getByRole("button", { name: words.keys.make }).click();
    const sheet = await onSheet(page, "en");
    await page.getByRole("link", { name: words.sheet.done }).click();
    await typeWords(page, sheet.slice(0, 3));
    for (const _step of ["sheet", "keys", "names"]) await page.goBack();
    expect(await page.getByLabel(words.names.house).inputValue()).toBe(HOUSE_NAME);
    for (const _step of ["keys", "sheet"]) await page.goForward();
    expect(await onSheet(page, "en")).toEqual(sheet);
    await page.goForward();
    await expect.poll(() => page.getByRole("textbox").nth(1).inputValue()).toBe(sheet[1]);
    // Another name is in the keys themselves: the old sheet would belong to nobody.
    for (const _step of ["sheet", "keys", "names"]) await page.goBack();
    await page.getByLabel(words.names.device).fill("Hall tablet");
    await page.getByRole("button", { name: words.next }).click();
    await page.getByText(words.keys.again).waitFor();
    await page.getByRole("button", { name: words.keys.make }).click();
    expect(await onSheet(page, "en")).not.toEqual(sheet);
    home.expectClean();
  });

  test("a browser that holds keys of a household does not give them up unasked", async () => {
    await using home = await newHub();
    const { page, hub } = home;
    const info = (await hub.call("GET", "/api/hub")).json<Api.HubInfo>();
    const kept = { kind: "x25519", label: "Old phone", nowMs: Date.now() } as const;
    await putDevice(page, (await foundHousehold(info, kept)).bundle);
    await page.reload();
    await page.getByText(words.start.held("Old phone")).waitFor();
    const begin = page.getByRole("button", { name: words.start.begin });
    expect(await begin.isDisabled()).toBe(true);
    await page.goto(`${home.url}/#/welcome/keys`);
    await page.getByText(words.start.held("Old phone")).waitFor();
    await page.getByRole("checkbox", { name: words.start.replace }).check();
    expect(await begin.isEnabled()).toBe(true);
  });
});

async function openFirstFile(hub: TestHub, identities: readonly string[]): Promise<Uint8Array> {
  const id = await hub.record();
  const { clips } = hub.hub.services;
  const file = clips.files(id).find(({ rendition }) => rendition === "original");
  if (!file) throw new Error("nothing was recorded");
  const sealed = await readFile(clips.pathOf(id, file));
  return openSealedFile(new Uint8Array(sealed), identities, null);
}

/** Runs in the browser, where these tests have no types. */
const UNSEAL = `async () => {
  const database = await new Promise((resolve) => {
    const request = indexedDB.open("doorward", 1);
    request.onsuccess = () => resolve(request.result);
  });
  const request = database.transaction("device").objectStore("device").get("device");
  await new Promise((resolve) => { request.onsuccess = resolve; });
  const { seal, iv, sealed } = request.result;
  database.close();
  const content = await crypto.subtle.decrypt({ name: "AES-GCM", iv }, seal.key, sealed);
  return new TextDecoder().decode(content);
}`;
