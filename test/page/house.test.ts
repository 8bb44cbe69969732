import { existsSync } from "node:fs";
import path from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startPairing } from "../../src/owner/pairing.ts";
import { roleOfDevice, type Role } from "../../src/protocol/keyring.ts";
import { runCli, type CommandResult } from "../support/live-hub.ts";
import { CHROMIUM_COMMANDS, expectAccessible, startPage, type TestPage } from "../support/page.ts";
import { storedText } from "../support/page-device.ts";
import { missingCommands } from "../support/requirements.ts";
import { temporaryFolder } from "../support/temporary.ts";

const HOLD_MS = 1_500;
const isMissing = missingCommands(...CHROMIUM_COMMANDS, "ffmpeg");

describe.skipIf(isMissing)("letting a device in", () => {
  const folder = temporaryFolder();
  let home: TestPage;
  let page: Page;
  beforeAll(async () => {
    home = await startPage({ hub: { clips: 1, kind: "pq" }, at: "#/house" });
    ({ page } = home);
    await page.getByRole("heading", { name: "Let a device in" }).waitFor();
  });
  afterAll(async () => {
    await home[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  const keysOf = (name: string): string => path.join(folder.path, name, "keys");
  const join = (name: string): Promise<CommandResult> => {
    const where = ["--hub", home.hub.hub.url, "--keys", keysOf(name), "--label", name];
    return runCli(["owner", "join", ...where], folder.path);
  };
  const begin = async (name: string): Promise<string> => {
    await page.getByRole("button", { name: "Begin with it" }).click();
    await page.getByRole("heading", { name: `“${name}” must show the same three words` }).waitFor();
    return (await page.locator(".three").textContent()) ?? "";
  };
  const same = () => page.getByRole("button", { name: "The words are the same: hold to sign" });
  const rolesOf = (): (Role | null)[] => {
    const { keyring } = home.hub.hub.services.household;
    return keyring ? [...keyring.devices.keys()].map((id) => roleOfDevice(keyring, id)) : [];
  };

  test("shows the newcomer's own three words; the space bar held signs, a tap of it does not", async () => {
    const joining = join("phone");
    const words = await begin("phone");
    expect(words.split(" ")).toHaveLength(3);
    // Nothing is chosen for the person who admits.
    expect(await same().isDisabled()).toBe(true);
    await page.getByLabel("Mine, one more device").check();
    await same().focus();
    await page.keyboard.press(" ");
    await page.getByText("Keep holding until the bar is full.").waitFor();
    expect(rolesOf()).toEqual(["owner"]);
    await page.keyboard.down(" ");
    await page.waitForTimeout(HOLD_MS);
    await page.keyboard.up(" ");
    await page.getByText("Signed. The new device has its keys now.").waitFor();
    const { code, stdout, stderr } = await joining;
    expect(code, stderr).toBe(0);
    expect(stdout.trim()).toBe(words);
    expect(rolesOf()).toEqual(["owner", "owner"]);
    await page.getByText("phone", { exact: true }).waitFor();
    const listed = await runCli(["owner", "clips", "--keys", keysOf("phone")], folder.path);
    expect(listed.stdout).toContain(home.hub.clips[0]);
  });

  test("a viewer is let in by a pointer held down, as a person of its own who cannot administer", async () => {
    const joining = join("tablet");
    await begin("tablet");
    await page.getByLabel("Somebody else's").check();
    expect(await same().isDisabled()).toBe(true);
    await page.getByRole("radio", { name: "Viewer" }).check();
    await same().scrollIntoViewIfNeeded();
    await same().scrollIntoViewIfNeeded();
    const box = await same().boundingBox();
    if (!box) throw new Error("no button");
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    await page.mouse.down();
    await page.waitForTimeout(HOLD_MS);
    await page.mouse.up();
    await page.getByText("Signed. The new device has its keys now.").waitFor();
    const { code, stderr } = await joining;
    expect(stderr).toContain("This device is of role viewer.");
    expect(code).toBe(0);
    expect(rolesOf()).toEqual(["owner", "owner", "viewer"]);
    // Known by its device, as the keyring has no names of people.
    await page.getByRole("heading", { name: "tablet" }).waitFor();
    const out = path.join(folder.path, "never.mp4");
    const clip = home.hub.clips[0] ?? "";
    const open = ["owner", "open", clip, "--out", out, "--keys", keysOf("tablet")];
    expect((await runCli(open, folder.path)).code).toBe(1);
    expect(existsSync(out)).toBe(false);
  });

  test("words that differ sign nothing, and the device may try anew", async () => {
    const before = home.hub.hub.services.ledger.size();
    const { newcomer, answer } = await waitingDevice(home, "stray");
    await answer(begin("stray"));
    await page.getByRole("button", { name: "They differ" }).click();
    await page.getByText("Nothing was signed.", { exact: false }).waitFor();
    expect(home.hub.hub.services.ledger.size()).toBe(before);
    expect(rolesOf()).toHaveLength(3);
    expect(newcomer.commitment).toHaveLength(64);
  });

  test("a key that somebody put in its place on the way is refused, and said so", async () => {
    const { pairing } = await waitingDevice(home, "swapped");
    const other = await startPairing("swapped");
    await page.getByRole("button", { name: "Begin with it" }).click();
    await expect.poll(() => pairing().ownerNonce).not.toBeNull();
    // The hub itself would not take it: this is what one that lies would hand out.
    pairing().reveal = other.reveal;
    await page.getByRole("alert").getByText("shows another key than at first").waitFor();
    expect(await same().count()).toBe(0);
    // It is not offered again: what is begun with next is the next device.
    await page.getByText("No device is waiting").waitFor();
    expect(await page.getByRole("button", { name: "Begin with it" }).count()).toBe(0);
    expect(rolesOf()).toHaveLength(3);
    await expectAccessible(page);
    home.expectClean();
  });

  test("where two must sign, nobody is told that the device has its keys", async () => {
    await home.hub.admit("owner");
    const policy = { exportSigners: 1, keyringSigners: 2, vetoWindowMs: 0 };
    await home.hub.change({ kind: "policy", policy });
    const before = rolesOf().length;
    const { answer } = await waitingDevice(home, "proposed");
    await answer(begin("proposed"));
    await page.getByLabel("Mine, one more device").check();
    await same().focus();
    await page.keyboard.down(" ");
    await page.waitForTimeout(HOLD_MS);
    await page.keyboard.up(" ");
    await page.getByText("waits until another owner has signed too").waitFor();
    expect(rolesOf()).toHaveLength(before);
    home.expectClean();
  });
});

/** A device that has shown its commitment, and is answered for by this test. */
async function waitingDevice(home: TestPage, label: string) {
  const newcomer = await startPairing(label);
  const { pairings } = home.hub.hub.services;
  const { pairing: id } = pairings.start(newcomer.commitment);
  const pairing = () => pairings.get(id);
  const answer = async (begun: Promise<string>): Promise<string> => {
    await expect.poll(() => pairing().ownerNonce).not.toBeNull();
    pairings.setReveal(pairing(), newcomer.reveal);
    return begun;
  };
  return { newcomer, pairing, answer };
}

describe.skipIf(isMissing)("sessions and this device's keys", () => {
  test("another browser's session is ended: it is shown out, and gets in again when its person asks", async () => {
    await using own = await startPage({ at: "#/house" });
    await using other = await own.another({ device: "adult", at: "#/house" });
    await other.page.getByRole("heading", { name: "People and devices" }).waitFor();
    // The hub's own test session, this page's, and the other's.
    await own.page.reload();
    const sessions = own.page
      .locator("section", { hasText: "Open sessions" })
      .getByRole("listitem");
    await expect.poll(() => sessions.count()).toBe(4);
    expect(await own.page.getByText("this one", { exact: true }).count()).toBe(1);
    const theirs = sessions.filter({ hasText: "a device of role adult" });
    // The one that the browser has; its first was made by this test.
    await theirs.first().getByRole("button").click();
    await other.page.getByText("This session is over", { exact: false }).waitFor();
    expect(await other.page.getByRole("navigation").count()).toBe(0);
    await expect.poll(() => sessions.count()).toBe(3);
    await other.page.waitForTimeout(1_500);
    expect(await other.page.getByRole("navigation").count()).toBe(0);
    await other.page.getByRole("button", { name: "Log in again" }).click();
    await other.page.getByRole("heading", { name: "People and devices" }).waitFor();
    own.expectClean();
    other.expectClean();
  });

  test("logging out here shows nothing any more until one logs in again", async () => {
    await using own = await startPage({ at: "#/house" });
    const { page, hub } = own;
    const count = async (): Promise<number> =>
      (await hub.call("GET", "/api/sessions", { as: hub.owner })).json<unknown[]>().length;
    await page.getByRole("button", { name: "Log out here" }).click();
    await page.getByRole("heading", { name: "This device is locked" }).waitFor();
    expect(await count()).toBe(1);
    await expectAccessible(page);
    await page.getByRole("button", { name: "Log in again" }).click();
    await page.getByRole("heading", { name: "People and devices" }).waitFor();
    expect(await count()).toBe(2);
    own.expectClean();
  });

  test("two browsers show the same words; the new one's passkey locks it and opens it again", async () => {
    await using own = await startPage({ at: "#/house" });
    await using other = await own.another({ device: "none" });
    await other.page.getByRole("textbox").fill("Ada’s phone");
    await other.page.getByRole("button", { name: "Ask to join" }).click();
    await own.page.getByRole("button", { name: "Begin with it" }).click();
    const here = own.page.locator(".three");
    await here.waitFor();
    await other.page.locator(".words").waitFor();
    expect(await other.page.locator(".words").textContent()).toBe(await here.textContent());
    await own.page.getByLabel("Mine, one more device").check();
    await own.page.getByRole("button", { name: "hold to sign" }).focus();
    await own.page.keyboard.down(" ");
    await own.page.waitForTimeout(HOLD_MS);
    await own.page.keyboard.up(" ");
    await other.page.getByRole("navigation").waitFor();

    const { page } = other;
    await page.goto(`${own.url}/#/house`);
    await page.getByText("Sealed by your passkey.", { exact: false }).waitFor();
    // Not the only owner's device any more.
    await page.getByRole("button", { name: "Remove the keys from this device" }).click();
    expect(await page.getByText("This is the only owner's device.").count()).toBe(0);
    await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
    await page.getByRole("button", { name: "Lock this device" }).click();
    await page.getByRole("heading", { name: "This device is locked" }).waitFor();
    expect(await page.evaluate("fetch('/api/session').then(({ status }) => status)")).toBe(401);
    await page.reload();
    await page.getByRole("button", { name: "Unlock with the passkey" }).click();
    await page.getByRole("heading", { name: "People and devices" }).waitFor();
    other.expectClean();
  });

  test("keys are removed only when held; the last owner is warned, and nothing stays behind", async () => {
    await using own = await startPage({ at: "#/house" });
    const { page } = own;
    await page.getByRole("button", { name: "Remove the keys from this device" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("This is the only owner's device.", { exact: false }).waitFor();
    await expectAccessible(page);
    await dialog.getByRole("button", { name: "Cancel" }).click();
    await dialog.waitFor({ state: "detached" });
    expect(await storedText(page)).toContain("sealed");
    await page.getByRole("button", { name: "Remove the keys from this device" }).click();
    const hold = dialog.getByRole("button", { name: "Hold to remove" });
    await hold.click();
    expect(await storedText(page)).toContain("sealed");
    await hold.focus();
    await page.keyboard.down(" ");
    await page.waitForTimeout(HOLD_MS);
    await page.keyboard.up(" ");
    await page.getByRole("navigation").waitFor({ state: "detached" });
    expect(await storedText(page)).not.toContain("sealed");
    await page.reload();
    await page.getByRole("heading", { level: 1 }).waitFor();
    expect(await page.getByRole("navigation").count()).toBe(0);
    own.expectClean();
  });

  test("a viewer sees the household and none of an owner's controls", async () => {
    await using own = await startPage({ device: "viewer", at: "#/house" });
    const { page } = own;
    await page.getByRole("heading", { name: "People and devices" }).waitFor();
    await page.getByRole("heading", { name: "This device's keys" }).waitFor();
    for (const name of ["Let a device in", "Open sessions"])
      expect(await page.getByRole("heading", { name }).count()).toBe(0);
    expect(await page.getByRole("link", { name: "Cameras and settings" }).count()).toBe(0);
    // Nor by typing the address: the hub says no, and the page shows no form.
    await page.goto(`${own.url}/#/cameras`);
    await page.getByText("This device has no right to that.").waitFor();
    expect(await page.getByRole("textbox").count()).toBe(0);
  });

  test.each([
    ["en", "phone", "light"],
    ["fr", "phone", "dark"],
    ["fr", "desktop", "light"],
    ["en", "desktop", "dark"],
  ] as const)("in %s on a %s, %s: nothing for axe, nothing cut off", async (...of) => {
    const [language, viewport, scheme] = of;
    await using own = await startPage({ language, viewport, scheme, at: "#/house" });
    await own.page.getByRole("heading", { level: 2 }).nth(3).waitFor();
    await own.page.locator("summary").click();
    await expectAccessible(own.page);
    const overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
    expect(await own.page.evaluate(overflow)).toBeLessThanOrEqual(0);
    own.expectClean();
  });
});
