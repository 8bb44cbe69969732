import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readSettings } from "../../src/settings/settings.ts";
import { DOORBELL_PROFILES, FakeOnvifDevice } from "../support/onvif-device.ts";
import { CHROMIUM_COMMANDS, expectAccessible, startPage, type TestPage } from "../support/page.ts";
import { missingCommands } from "../support/requirements.ts";
import { temporaryFolder } from "../support/temporary.ts";

// From an address to a camera that is kept, in a real browser, with a device that speaks ONVIF.

const isMissing = missingCommands(...CHROMIUM_COMMANDS, "ffmpeg");

describe.skipIf(isMissing)("finding a camera in the page", () => {
  const folder = temporaryFolder();
  const file = path.join(folder.path, "doorward.yaml");
  let fake: FakeOnvifDevice;
  let home: TestPage;
  beforeAll(async () => {
    const picture = "color=c=blue:size=640x360";
    const { stdout } = spawnSync("ffmpeg", [
      ...["-loglevel", "error", "-f", "lavfi", "-i", picture, "-frames:v", "1"],
      ...["-f", "mjpeg", "-"],
    ]);
    fake = await FakeOnvifDevice.start({
      profiles: DOORBELL_PROFILES("rtsp://10.0.0.9:8554"),
      ...{ snapshot: stdout, clockOffsetMs: 7_200_000, model: "<b>Bell</b>" },
    });
    writeFileSync(file, "# Our house.\nname: A house\n");
    const settings = await readSettings(folder.path, null, {});
    home = await startPage({
      hub: { dataDirectory: folder.path, settings: { ...settings, port: 0 } },
      ...{ at: "#/cameras", viewport: "phone", scheme: "dark" },
    });
  });
  afterAll(async () => {
    await home[Symbol.asyncDispose]();
    await fake[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  test("asks, looks through it, says what is odd, and keeps what was chosen", async () => {
    const { page } = home;
    await page.getByRole("button", { name: "Find a camera" }).click();
    await page.getByLabel("Or its address").fill(fake.url);
    await expectAccessible(page);
    await page.getByRole("button", { name: "Go on" }).click();
    await page.getByLabel("User name").fill("admin");
    await page.getByLabel("Password").fill("not this one");
    await page.getByRole("button", { name: "Ask the camera" }).click();
    await page.getByText("Many cameras want a user of their own for ONVIF").waitFor();
    await expectAccessible(page);
    await page.getByLabel("Password").fill("secret");
    await page.getByRole("button", { name: "Ask the camera" }).click();

    await page.getByRole("heading", { name: "Doormaker <b>Bell</b>" }).waitFor();
    await page.getByRole("img", { name: "What the camera sees now" }).waitFor();
    const blue = `(() => { const c = document.querySelector(".picture canvas");
      return c.width === 640 && c.getContext("2d").getImageData(9, 9, 1, 1).data[2] > 200 })()`;
    await page.waitForFunction(blue);
    await page.getByText("The camera’s clock is 2 hours ahead").waitFor();
    await page.getByText("its pictures are at 10.0.0.9").waitFor();
    await expectAccessible(page);

    await page.getByLabel("Name", { exact: true }).fill("Porte d’entrée");
    await page.getByLabel("Looked at for motion").selectOption({ index: 0 });
    await page.getByRole("button", { name: "Add this camera" }).click();
    await page.getByRole("heading", { name: "Porte d’entrée" }).first().waitFor();
    const text = readFileSync(file, "utf8");
    expect(text).toContain("# Our house.");
    expect(text).toContain("id: porte-d-entree");
    expect(text).toContain("main: rtsp://127.0.0.1:8554/main");
    expect(text).not.toContain("sub:");
    expect(text).toContain(`onvif: ${fake.url}`);
    expect(text).not.toContain("secret");
    home.expectClean();
  });
});
