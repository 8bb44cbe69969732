import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { CHROMIUM_COMMANDS, startPage } from "../support/page.ts";
import { expectMoving, goTo, playing, rtspCamera, WAIT, watched } from "../support/page-live.ts";
import { missingCommands } from "../support/requirements.ts";
import {
  pictureAndTone,
  RTSP_SERVER_COMMANDS,
  scaledCopy,
  startRtspServer,
} from "../support/rtsp-server.ts";

const isMissing = missingCommands(...CHROMIUM_COMMANDS, ...RTSP_SERVER_COMMANDS);
/** As `HIDDEN_MAX_MS` in web/page/media/live-socket.ts, and a little. */
const UNSEEN_MS = 31_500;

/** A headless browser hides no tab, so the page is told what it would be told. */
const tell = (state: "hidden" | "visible"): string => `
  Object.defineProperty(document, "visibilityState", { configurable: true, value: "${state}" });
  document.dispatchEvent(new Event("visibilitychange"));`;

/** Most of it is waiting; a machine that has other work needs more for the rest. */
const TIMEOUT_MS = 120_000;

describe.skipIf(isMissing)("the live picture in a tab that nobody looks at", () => {
  test(
    "goes on for a moment, then costs the hub nothing, and is back with the person",
    async () => {
      await using server = await startRtspServer({
        media: scaledCopy(pictureAndTone()),
        shared: true,
      });
      const cameras = [rtspCamera("front", "Front door", server.mainUrl)];
      await using home = await startPage({ hub: { settings: { cameras } } });
      const page = await goTo(home, "#/live");
      await playing(page, "front");
      await page.evaluate(tell("hidden"));
      await sleep(3_000);
      expect(watched(home)).toEqual(["front main"]);
      await sleep(UNSEEN_MS - 3_000);
      await expect.poll(() => watched(home)).toEqual([]);
      await page.evaluate(tell("visible"));
      await expect.poll(() => watched(home), WAIT).toEqual(["front main"]);
      await playing(page, "front");
      await expectMoving(page);
      home.expectClean();
    },
    TIMEOUT_MS,
  );
});
