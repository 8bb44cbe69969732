import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readSettings } from "../../src/settings/settings.ts";
import { CHROMIUM_COMMANDS, expectAccessible, startPage, type TestPage } from "../support/page.ts";
import { missingCommands } from "../support/requirements.ts";
import { temporaryFolder } from "../support/temporary.ts";

// The privacy switch, its hours and the chime as people meet them in the page.

const FILE = `cameras:
  # Nobody answers there.
  - { id: front, name: Front door, main: "rtsp://127.0.0.1:9/main" }
`;

describe.skipIf(missingCommands(...CHROMIUM_COMMANDS))("privacy and chime in the page", () => {
  const folder = temporaryFolder();
  const file = path.join(folder.path, "doorward.yaml");
  let home: TestPage;
  let page: Page;
  const privacy = () => home.hub.hub.services.privacy;
  beforeAll(async () => {
    writeFileSync(file, FILE);
    const settings = await readSettings(folder.path, null, {});
    home = await startPage({
      hub: { dataDirectory: folder.path, settings: { ...settings, port: 0 } },
      at: "#/live",
    });
    ({ page } = home);
  });
  afterAll(async () => {
    await home[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  test("is switched off where one looks, and the picture says so at once", async () => {
    await page.getByRole("button", { name: "Switch off: Front door" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("The hub closes its connection to the camera.").waitFor();
    await expectAccessible(page);
    await dialog.getByRole("button", { name: "For an hour" }).click();
    await page.locator('figure[data-state="off"]').waitFor();
    await page.getByText(/^Off until \d\d:\d\d\. Nothing is recorded/).waitFor();
    expect(privacy().isOff("front")).toBe(true);
    await expectAccessible(page);
  });

  test("an adult who did not do it is told who can switch it on", async () => {
    const other = await home.another({ device: "adult", at: "#/live" });
    await other.page.locator('[data-privacy="off"]').waitFor();
    await other.page.getByText("An owner, or whoever switched it off").waitFor();
    expect(await other.page.getByRole("button", { name: /^Switch on/ }).count()).toBe(0);
    await other[Symbol.asyncDispose]();
  });

  test("is switched on again, and the ledger tells both in sentences", async () => {
    await page.getByRole("button", { name: "Switch on: Front door" }).click();
    await page.locator('[data-privacy="on"]').waitFor();
    expect(privacy().isOff("front")).toBe(false);
    await page.goto(`${home.url}/#/ledger`);
    await page.getByText(/^Front door was switched off on /).waitFor();
    await page.getByText(/^Front door was switched on on /).waitFor();
  });

  test("its hours are set by an owner, and stand in the settings file", async () => {
    await page.goto(`${home.url}/#/cameras`);
    await page.getByText("Hours in which Front door is off").click();
    await page.getByRole("button", { name: "Add hours" }).first().click();
    await page.getByRole("button", { name: "Sun", exact: true }).click();
    await page.getByLabel("From").fill("23:30");
    await page.getByLabel("To").fill("00:00");
    await expectAccessible(page);
    await page.getByRole("button", { name: "Save the hours" }).click();
    await page.getByText("Saved.").waitFor();
    const text = readFileSync(file, "utf8");
    expect(text).toContain("# Nobody answers there.");
    expect(text).toMatch(
      /days: \[ ?mon, tue, wed, thu, fri, sat ?\], from: "?23:30"?, to: "?24:00"?/,
    );
  });

  test("a chime is chosen, saved and tried; what is missing is said with what to do", async () => {
    await page.getByLabel("Sound on the hub’s own loudspeaker").check();
    await page.getByRole("combobox", { name: "Sound" }).selectOption({ label: "Small bell" });
    await page.getByText("Save first").waitFor();
    await page.getByRole("button", { name: "Save the chime" }).click();
    await page.getByRole("button", { name: "Play it now" }).click();
    // This machine has no sound card, or it has one: both are said.
    await page
      .getByText(/^(It was played\.|The hub’s machine (found no loudspeaker|has no program))/)
      .first()
      .waitFor();
    expect(readFileSync(file, "utf8")).toMatch(/chime:\s+audio: true\s+sound: bell/);
    await expectAccessible(page);
    home.expectClean();
  });
});
