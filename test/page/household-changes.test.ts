import { readFileSync } from "node:fs";
import path from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { clipIdentities } from "../../src/owner/device-bundle.ts";
import { envelopeSigner } from "../../src/owner/identity.ts";
import { removeDevice } from "../../src/owner/keyring-changes.ts";
import { openSealedFile } from "../../src/owner/open-clip.ts";
import { recoverySheet } from "../../src/owner/recovery.ts";
import { combineSheets } from "../../src/owner/sheet-split.ts";
import { sealedFileName } from "../../src/protocol/clip.ts";
import { FINGERPRINT_WORDS } from "../../src/protocol/words.ts";
import { CHROMIUM_COMMANDS, expectAccessible, startPage, type TestPage } from "../support/page.ts";
import { hold, typeSheet } from "../support/page-sheet.ts";
import { proposeAdmission } from "../support/propose-admission.ts";
import { missingCommands } from "../support/requirements.ts";
import { firstClip, type TestDevice } from "../support/test-hub.ts";
import { followTestHub } from "../support/test-rendition.ts";

const isMissing = missingCommands(...CHROMIUM_COMMANDS, "ffmpeg");

describe.skipIf(isMissing)("an owner who changes the household in the page", () => {
  let home: TestPage;
  let page: Page;
  let removed: TestDevice;
  beforeAll(async () => {
    home = await startPage({ hub: { clips: 2 } });
    ({ page } = home);
    removed = await home.hub.admit("adult");
    await page.goto(`${home.url}/#/house`);
    await page.getByRole("heading", { name: "People and devices" }).waitFor();
  });
  afterAll(async () => home[Symbol.asyncDispose]());

  const opensFor = async (identities: readonly string[]): Promise<boolean[]> => {
    const { clips } = home.hub.hub.services;
    const clip = firstClip(home.hub);
    return Promise.all(
      clips.files(clip).map(async (file) => {
        const bytes = readFileSync(path.join(clips.folderOf(clip), sealedFileName(file)));
        return openSealedFile(bytes, identities, null).then(
          () => true,
          () => false,
        );
      }),
    );
  };

  test("removes a device, is told what it could still open, and seals that anew", async () => {
    await page.getByRole("button", { name: "Remove … a device of role adult" }).click();
    await page.getByRole("heading", { name: "Remove “a device of role adult”?" }).waitFor();
    await expectAccessible(page);
    await hold(page, "Hold to remove");
    await page.getByText("Removed. New keys are in force.").waitFor();
    const { household } = home.hub.hub.services;
    expect(household.keyring?.devices.get(removed.key.device)?.removed).toBe(true);
    expect(await opensFor(clipIdentities(removed.bundle))).not.toContain(false);
    await page.getByText("2 recordings", { exact: false }).waitFor();
    await page.getByText("could still be opened by “a device of role adult”").waitFor();
    await expectAccessible(page);
    await page.getByRole("button", { name: "Seal them anew" }).click();
    await page.getByText("Done: 2.").waitFor();
    expect(await opensFor(clipIdentities(removed.bundle))).not.toContain(true);
    expect(await opensFor([home.hub.recovery?.reader.identity ?? ""])).not.toContain(false);
  });

  test("keeps the new keys over a reload, and opens with them what was sealed anew", async () => {
    await page.reload();
    await page.getByRole("heading", { name: "People and devices" }).waitFor();
    await page.goto(`${home.url}/#/event/${firstClip(home.hub)}`);
    await expect.poll(() => home.hub.ledgerKinds().includes("view")).toBe(true);
    await expect.poll(() => page.getByRole("alert").count()).toBe(0);
    await page.goto(`${home.url}/#/house`);
    await page.getByRole("heading", { name: "People and devices" }).waitFor();
    expect(await page.getByText("What was recorded before").count()).toBe(0);
  });

  test("reads the rules in a sentence, and cannot ask for more owners than there are", async () => {
    await page.getByText("Any one owner may release a recording").waitFor();
    await page.getByRole("button", { name: "Change this …" }).click();
    await page.getByLabel("Owners who must sign a release").fill("2");
    expect(await page.getByRole("button", { name: "Hold to sign" }).isDisabled()).toBe(true);
    await page.getByLabel("Owners who must sign a release").fill("1");
    await page.getByLabel("Hours in which any owner can still stop a release").fill("24");
    await expectAccessible(page);
    await hold(page, "Hold to sign");
    await page.getByText("any owner can still stop a release for 24 h").waitFor();
    expect(home.hub.hub.services.household.keyring?.policy.vetoWindowMs).toBe(24 * 3_600_000);
  });

  test("splits the sheet in three, and any two of the parts give it back", async () => {
    if (!home.hub.recovery) throw new Error("there is no sheet");
    const sheet = recoverySheet(home.hub.recovery, "x25519");
    await page.getByRole("button", { name: "Split it into three …" }).click();
    await typeSheet(page, sheet);
    await page.getByLabel("The sheet says “kind: x25519”").check();
    await expectAccessible(page);
    await page.getByRole("button", { name: "Make the three parts" }).click();
    await page.getByRole("heading", { name: "Part 3 of 3" }).waitFor();
    const sections = await page.locator("dialog section").all();
    const parts = await Promise.all(
      sections.map(async (part) => (await part.locator("li").allTextContents()).join("\n")),
    );
    expect(parts.length).toBe(3);
    expect(combineSheets([parts[0] ?? "", parts[2] ?? ""])).toBe(sheet);
    await page.getByRole("button", { name: "Close" }).click();
  });

  test("puts a new sheet in force only when it was typed from the paper, and counts the old one's", async () => {
    const before = home.hub.hub.services.household.keyring?.readers.recovery;
    await page.getByRole("button", { name: "Make a new sheet …" }).click();
    await page.getByRole("heading", { name: "A new recovery sheet" }).waitFor();
    const items = await page.locator("dialog li").allTextContents();
    const sheet = items.map((item) => item.trim()).join("\n");
    await page.getByRole("button", { name: "I have it on paper" }).click();
    expect(home.hub.hub.services.household.keyring?.readers.recovery).toBe(before);
    await typeSheet(page, sheet);
    await expectAccessible(page);
    await hold(page, "Hold to put it in force");
    await page.getByText("The new sheet is in force.", { exact: false }).waitFor();
    expect(home.hub.hub.services.household.keyring?.readers.recovery).not.toBe(before);
    await page.getByText("could still be opened by the recovery sheet of before").waitFor();
    home.expectClean();
  });
});

test.skipIf(isMissing)(
  "a change that two owners must sign waits for the second, who signs it by holding",
  async () => {
    await using home = await startPage({ hub: { clips: 1 } });
    const { hub, page } = home;
    const second = await hub.admit("owner");
    const viewer = await hub.admit("viewer");
    const policy = { exportSigners: 1, keyringSigners: 2, vetoWindowMs: 0 };
    await hub.change({ kind: "policy", policy });
    const { client, keyring } = await followTestHub(hub, second);
    const ground = { client, keyring, signer: envelopeSigner(second.key) };
    expect((await removeDevice(ground, viewer.key.device)).state).toBe("proposed");
    await page.goto(`${home.url}/#/house`);
    await page.getByRole("heading", { name: "Remove “a device of role viewer”" }).waitFor();
    await page.getByText("1 of 2 have signed.").waitFor();
    const inForce = () =>
      hub.hub.services.household.keyring?.devices.get(viewer.key.device)?.removed;
    expect(inForce()).toBe(false);
    await expectAccessible(page);
    await hold(page, "Hold to sign it too");
    await page.getByText("Signed.", { exact: true }).waitFor();
    expect(inForce()).toBe(true);
    await page.getByText("a device of role viewer").first().waitFor();

    await using other = await home.another({ device: "none" });
    await other.page.getByRole("textbox").fill("A tablet");
    await other.page.getByRole("button", { name: "Ask to join" }).click();
    await other.page.getByRole("heading", { name: "An owner lets you in" }).waitFor();
    await proposeAdmission(hub, second, { role: "owner", person: "a".repeat(32) });
    await page.getByRole("heading", { name: "Let in a device", exact: true }).waitFor();
    await page.getByText("As: Owner (sees everything").waitFor();
    await page.getByText("A new person, who has no device here yet.").waitFor();
    await page.getByText("one person could sign for two").waitFor();
    const waiting = page.locator("section", { hasText: "Changes that wait for you" });
    const shown = (await waiting.locator(".mono").textContent()) ?? "";
    expect(shown.split(" ")).toHaveLength(FINGERPRINT_WORDS);
    expect(await other.page.locator(".mono").textContent()).toBe(shown);
    await expectAccessible(page);
    await expectAccessible(other.page);
    await hold(page, "Hold to sign it too");
    await other.page.getByRole("navigation").waitFor();
    home.expectClean();
  },
);
