import { existsSync, mkdirSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { CHROMIUM_COMMANDS, expectAccessible, startPage } from "../support/page.ts";
import {
  expectMoving,
  goTo,
  playing,
  rtspCamera,
  shown,
  WAIT,
  watched,
} from "../support/page-live.ts";
import { decodedHashes, hevcFullHd } from "../support/hevc-media.ts";
import { missingCommands } from "../support/requirements.ts";
import {
  hevcPicture,
  pictureAndTone,
  RTSP_SERVER_COMMANDS,
  scaledCopy,
  startRtspServer,
} from "../support/rtsp-server.ts";
import { CLIP_SECONDS } from "../support/test-clips.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { firstClip } from "../support/test-hub.ts";

const isMissing = missingCommands(...CHROMIUM_COMMANDS, ...RTSP_SERVER_COMMANDS);
/** Where whoever looks at the screens wants pictures of them. */
const PICTURES = process.env["DOORWARD_TEST_PICTURES"];

async function picture(
  page: { screenshot(options: { path: string }): Promise<unknown> },
  name: string,
) {
  if (PICTURES === undefined) return;
  if (!existsSync(PICTURES)) mkdirSync(PICTURES, { recursive: true });
  await page.screenshot({ path: path.join(PICTURES, `${name}.png`) });
}

/** Chromium as Debian builds it has no H.265: what is said then is what most people would meet. */
describe.skipIf(isMissing)("H.265 in a browser that cannot show it", () => {
  test("live is the sub stream, what to change is said, and recordings are saved whole", async () => {
    const sub = scaledCopy(pictureAndTone());
    await using server = await startRtspServer({
      ...{ media: hevcFullHd(), shared: true },
      mounts: { sub, alone: hevcPicture() },
    });
    const cameras = [
      rtspCamera("front", "Front door", server.mainUrl, server.subUrl),
      rtspCamera("gate", "Gate", server.url("alone")),
    ];
    await using home = await startPage({
      hub: { clips: 1, footage: "hevc", settings: { cameras } },
    });
    const page = await goTo(home, "#/live/front");
    await playing(page, "front");
    expect(await shown(page, "front")).toMatchObject({ stream: "sub" });
    await page.getByText("This browser cannot show H.265: here is the smaller picture.").waitFor();
    await expectMoving(page);
    await expectAccessible(page);
    await picture(page, "live-sub-instead");
    // The main stream is not sent to somebody who cannot show it.
    await expect.poll(() => watched(home), WAIT).toEqual(["front sub"]);

    await goTo(home, "#/live/gate");
    await expect.poll(async () => (await shown(page, "gate")).state, WAIT).toBe("unsupported");
    await page.getByText("set the sub stream to H.264 in the camera’s settings").waitFor();
    await picture(page, "live-hevc-only");

    await goTo(home, "#/cameras");
    await page.getByText("Recorded in H.265, as the camera sends it.").waitFor();
    await page.getByText("This camera sends H.265 only.").waitFor();
    await page
      .getByText(/, H\.265\./)
      .first()
      .waitFor();
    await expectAccessible(page);
    await picture(page, "cameras");
    await goTo(home, `#/event/${firstClip(home.hub)}`);
    await page.getByText("This browser cannot show H.265, in which").waitFor();
    await page.getByText("play it with VLC").waitFor();
    await picture(page, "event-hevc");
    const downloading = page.waitForEvent("download");
    await page.getByRole("button", { name: "Save to this device" }).click();
    await using folder = temporaryFolder();
    const file = path.join(folder.path, "saved.mp4");
    await (await downloading).saveAs(file);
    expect(decodedHashes(file)).toHaveLength(CLIP_SECONDS * 10);
    home.expectClean();
  });
});
