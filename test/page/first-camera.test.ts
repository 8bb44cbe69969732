import { describe, expect, test } from "vitest";
import { english as cameras } from "../../web/page/screens/cameras/words.en.ts";
import { english as words } from "../../web/page/screens/welcome/words.en.ts";
import { english as problems } from "../../web/page/words/camera-problem-words.ts";
import { CHROMIUM_COMMANDS, startPage } from "../support/page.ts";
import { missingCommands } from "../support/requirements.ts";
import { proveSheet, untilSheet } from "./first-run-steps.ts";

const isMissing = missingCommands(...CHROMIUM_COMMANDS);

describe.skipIf(isMissing)("the first camera of a household", () => {
  test("is tried, told what is wrong with it, saved, and leads to the door", async () => {
    await using home = await startPage({ hub: { claimed: false }, device: "none" });
    const { page, hub } = home;
    await proveSheet(page, await untilSheet(home));
    await page.getByRole("button", { name: words.camera.add }).click();
    await page.getByLabel(cameras.name, { exact: false }).first().fill("Front door");
    // Port 9 of this machine: nobody answers there.
    await page.getByLabel(cameras.main).fill("rtsp://127.0.0.1:9/main");
    await page.getByRole("button", { name: cameras.try }).click();
    await page.getByText(problems.UNREACHABLE).waitFor();
    await page.getByRole("button", { name: cameras.addIt }).click();
    await page.getByText(words.camera.added).waitFor();
    expect(hub.hub.services.settings.answer().cameras.map(({ name }) => name)).toEqual([
      "Front door",
    ]);
    await page.getByRole("button", { name: words.camera.toLive }).click();
    await page.getByRole("navigation").waitFor();
    home.expectClean();
  });
});
