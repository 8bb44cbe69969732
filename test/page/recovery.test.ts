import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { recoverySheet } from "../../src/owner/recovery.ts";
import { splitSheet } from "../../src/owner/sheet-split.ts";
import { roleOfDevice } from "../../src/protocol/keyring.ts";
import { CHROMIUM_COMMANDS, expectAccessible, startPage, type TestPage } from "../support/page.ts";
import { hold, typeSheet } from "../support/page-sheet.ts";
import { missingCommands } from "../support/requirements.ts";
import { firstClip } from "../support/test-hub.ts";

const HOUR_MS = 3_600_000;
const isMissing = missingCommands(...CHROMIUM_COMMANDS, "ffmpeg");

/** The vault signs with the time of its own scope: a worker, which no other clock of the tests reaches. */
async function shiftVaultClock(page: Page, shift: { ms: number }): Promise<void> {
  await page.route(/vault-worker/, async (route) => {
    const response = await route.fetch();
    const moved = `{ const now = Date.now; Date.now = () => now() + ${shift.ms}; }\n`;
    await route.fulfill({ response, body: moved + (await response.text()) });
  });
}

describe.skipIf(isMissing)("a household that comes back with its recovery sheet", () => {
  let home: TestPage;
  let page: Page;
  let sheet: string;
  const shift = { ms: 0 };
  beforeAll(async () => {
    home = await startPage({ hub: { clips: 1, nowMs: Date.now() }, at: "#/house" });
    ({ page } = home);
    if (!home.hub.recovery) throw new Error("there is no sheet");
    sheet = recoverySheet(home.hub.recovery, "x25519");
    await page.getByRole("heading", { name: "People and devices" }).waitFor();
  });
  afterAll(async () => home[Symbol.asyncDispose]());

  const keyring = () => {
    const found = home.hub.hub.services.household.keyring;
    if (!found) throw new Error("there is no household");
    return found;
  };
  async function begin(other: TestPage): Promise<void> {
    await other.page.getByText("All devices lost?").click();
    await other.page.getByRole("button", { name: "I have my recovery sheet" }).click();
  }
  const meet = (other: TestPage) =>
    other.page.getByRole("button", { name: "Look whether the sheet fits" }).click();
  async function announce(other: TestPage, label: string): Promise<void> {
    await other.page.getByLabel("Name of this device").fill(label);
    await expectAccessible(other.page);
    await hold(other.page, "Hold to announce it");
    await expect.poll(() => keyring().pending?.admit?.id ?? null).not.toBeNull();
  }

  test("two parts announce a device; an owner sees it loudly, and one hold ends it", async () => {
    await using other = await home.another({ device: "none" });
    await begin(other);
    await other.page.getByLabel("Two of its three parts, 30 words each").check();
    const [one, , three] = await splitSheet(sheet);
    await typeSheet(other.page, one);
    await typeSheet(other.page, three, 1);
    await meet(other);
    await announce(other, "A new phone");
    // Wherever that owner is just looking.
    await page.getByRole("link", { name: /^House\s*1$/ }).waitFor();
    await page.getByText("asks for “A new phone” to become an owner's device").waitFor();
    await page.getByText("It takes effect in 72 hours").waitFor();
    await expectAccessible(page);
    // It was handed the keys that will be new: first things first, and the way there.
    await page.getByRole("button", { name: "Remove … founder" }).click();
    await page.getByText("Object to the recovery first, or wait").waitFor();
    await expectAccessible(page);
    expect(await page.getByRole("button", { name: "Hold to remove" }).count()).toBe(0);
    await page.getByRole("button", { name: "Go to the recovery" }).click();
    await expect.poll(() => page.evaluate("document.activeElement?.id")).toBe("recovery");
    await hold(page, "Hold to object");
    await page.getByText("The recovery was stopped.").waitFor();
    await page.getByRole("link", { name: /^House$/ }).waitFor();
    expect(keyring().pending).toBeNull();
    expect([...keyring().devices.keys()]).toEqual([home.hub.owner.key.device]);
  });

  test("the whole sheet opens everything at once, and signs again when 72 hours are over", async () => {
    await using other = await home.another({ device: "none" });
    await shiftVaultClock(other.page, shift);
    await begin(other);
    await typeSheet(other.page, sheet);
    await other.page.getByLabel("The sheet says “kind: x25519”").check();
    await meet(other);
    await other.page.getByRole("checkbox", { name: "founder" }).check();
    await announce(other, "My next phone");
    const admitted = keyring().pending?.admit?.id;
    if (!admitted) throw new Error("nothing is pending");
    expect(roleOfDevice(keyring(), admitted)).toBe("adult");
    // It looks at a recording of before, and signs nothing.
    await other.page.goto(`${home.url}/#/event/${firstClip(home.hub)}`);
    await expect.poll(() => home.hub.ledgerKinds().includes("view")).toBe(true);
    await other.page.goto(`${home.url}/#/house`);
    await other.page.getByText("This is your own recovery.").waitFor();
    expect(await other.page.getByRole("button", { name: "Hold to object" }).count()).toBe(0);

    shift.ms = 73 * HOUR_MS;
    home.hub.clock.nowMs += shift.ms;
    home.hub.clock.ranMs += shift.ms;
    await other.page.reload();
    // Its session is over by then, and its passkey opens the keys.
    await other.page.getByRole("button", { name: "Unlock" }).click();
    await other.page.getByRole("button", { name: "Hold to take over" }).waitFor();
    await typeSheet(other.page, sheet);
    await other.page.getByLabel("The sheet says “kind: x25519”").check();
    await hold(other.page, "Hold to take over");
    await expect.poll(() => roleOfDevice(keyring(), admitted)).toBe("owner");
    expect(roleOfDevice(keyring(), home.hub.owner.key.device)).toBeNull();
    await other.page.getByText("could still be opened by “founder”").waitFor();
    await other.page.getByRole("button", { name: "Seal them anew" }).click();
    await other.page.getByText("Done: 1.").waitFor();
  });
});
