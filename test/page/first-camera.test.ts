import { describe, expect, test } from "vitest";
import { english as bell } from "../../web/page/screens/cameras/bell-words.en.ts";
import { english as cameras } from "../../web/page/screens/cameras/words.en.ts";
import { english as finding } from "../../web/page/screens/cameras/find-words.en.ts";
import { english as words } from "../../web/page/screens/welcome/words.en.ts";
import { english as problems } from "../../web/page/words/camera-problem-words.ts";
import { english as frame } from "../../web/page/words/words.en.ts";
import { DOORBELL_PROFILES, FakeOnvifDevice } from "../support/onvif-device.ts";
import { CHROMIUM_COMMANDS, expectAccessible, startPage } from "../support/page.ts";
import { missingCommands } from "../support/requirements.ts";
import { proveSheet, untilSheet } from "./first-run-steps.ts";

const isMissing = missingCommands(...CHROMIUM_COMMANDS);

describe.skipIf(isMissing)("the first camera of a household", () => {
  test("by hand is tried and told what is wrong; found, it is asked and saved, and leads to the door", async () => {
    await using fake = await FakeOnvifDevice.start({
      profiles: DOORBELL_PROFILES("rtsp://127.0.0.1:9"),
      snapshot: null,
    });
    await using home = await startPage({ hub: { claimed: false }, device: "none" });
    const { page, hub } = home;
    const press = (name: string): Promise<void> =>
      page.getByRole("button", { name, exact: true }).click();
    await proveSheet(page, await untilSheet(home));
    await press(words.camera.byHand);
    await page.getByLabel(cameras.name, { exact: false }).first().fill("Front door");
    // Port 9 of this machine: nobody answers there.
    await page.getByLabel(cameras.main).fill("rtsp://127.0.0.1:9/main");
    await press(cameras.try);
    await page.getByText(problems.UNREACHABLE).waitFor();
    await press(frame.shell.cancel);
    await page.waitForFunction(
      `document.activeElement.textContent.trim() === ${JSON.stringify(words.camera.byHand)}`,
    );

    await press(words.camera.find);
    await page.getByRole("heading", { name: finding.title }).waitFor();
    await page.getByRole("button", { name: finding.search, exact: true }).waitFor();
    await page.getByRole("button", { name: finding.byHand }).waitFor();
    await expectAccessible(page);
    await page.getByLabel(finding.address).fill(fake.url);
    await press(finding.use);
    await page.getByLabel(finding.username).fill("admin");
    await page.getByLabel(finding.password).fill("secret");
    await press(finding.ask);
    await page.getByLabel(finding.name, { exact: true }).fill("Front door");
    await press(finding.add);
    await page.getByRole("heading", { name: words.camera.bellTitle }).waitFor();
    await page.getByText(bell.pressNow).waitFor();
    await expectAccessible(page);
    await page.getByRole("button", { name: new RegExp(`^(${bell.stop}|${bell.close})$`) }).click();
    await page.getByRole("heading", { name: words.told.title }).waitFor();
    expect(hub.hub.services.settings.answer().cameras).toMatchObject([
      { name: "Front door", main: "rtsp://127.0.0.1:9/main", onvif: fake.url },
    ]);
    await press(words.told.later);
    await page.getByRole("navigation").waitFor();
    home.expectClean();
  });
});
