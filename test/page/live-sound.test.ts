import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CHROMIUM_COMMANDS, expectAccessible, startPage, type TestPage } from "../support/page.ts";
import { playing, rtspCamera, WAIT } from "../support/page-live.ts";
import { missingCommands } from "../support/requirements.ts";
import {
  flashAndTone,
  RTSP_SERVER_COMMANDS,
  startRtspServer,
  type RtspServer,
} from "../support/rtsp-server.ts";

/**
 * Notes when the picture turns white, and when a tone that was handed to the loudspeaker is heard:
 * both in `performance.now()`.
 */
const NOTE_FLASHES_AND_TONES = `(() => {
  const noted = (globalThis.noted = { flashes: [], tones: [] });
  const look = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  let wasWhite = false;
  const see = () => {
    const picture = document.querySelector("figure canvas");
    if (picture && picture.width > 0) {
      look.drawImage(picture, 0, 0, 4, 4);
      const isWhite = look.getImageData(1, 1, 1, 1).data[0] > 128;
      if (isWhite && !wasWhite) noted.flashes.push(performance.now());
      wasWhite = isWhite;
    }
    requestAnimationFrame(see);
  };
  see();
  let lastToneS = -1;
  const start = AudioBufferSourceNode.prototype.start;
  AudioBufferSourceNode.prototype.start = function (atS) {
    const samples = this.buffer.getChannelData(0);
    const onset = samples.findIndex((sample) => Math.abs(sample) > 0.15);
    const toneS = atS + onset / this.buffer.sampleRate;
    if (onset >= 0) {
      if (toneS - lastToneS > 0.5) {
        const { contextTime, performanceTime } = this.context.getOutputTimestamp();
        noted.tones.push(performanceTime + (toneS - contextTime) * 1000);
      }
      lastToneS = toneS;
    }
    return start.call(this, atS);
  };
})()`;

interface Noted {
  readonly flashes: readonly number[];
  readonly tones: readonly number[];
}

/** For each flash since sound was on, how much later its tone was heard; with no tone, infinite. */
function apart({ flashes, tones }: Noted): number[] {
  const [first = 0] = tones;
  return flashes
    .filter((flash) => flash > first - 1_000)
    .map((flash) =>
      tones
        .map((tone) => tone - flash)
        .reduce((best, each) => (Math.abs(each) < Math.abs(best) ? each : best), Infinity),
    );
}

const isMissing = missingCommands(...CHROMIUM_COMMANDS, ...RTSP_SERVER_COMMANDS);

describe.skipIf(isMissing)("live sound, of a camera that sends G.711", () => {
  let server: RtspServer;
  let home: TestPage;
  beforeAll(async () => {
    server = await startRtspServer({ media: flashAndTone("pcm_mulaw") });
    const front = { ...rtspCamera("front", "Front door", server.mainUrl), audio: true };
    home = await startPage({ hub: { clips: 1, settings: { cameras: [front] } } });
    // The first file of a run to need the page builds it.
  }, 180_000);
  afterAll(async () => {
    await home?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });

  const stateOf = (page: Page): Promise<string | null> =>
    page.locator("button[data-sound]").getAttribute("data-sound");
  const noted = (page: Page): Promise<Noted> => page.evaluate<Noted>("globalThis.noted");

  test("is off until it is asked for, in step with the picture, and off again", async () => {
    const { page } = home;
    await playing(page, "front");
    const turnOn = page.getByRole("button", { name: "Turn sound on" });
    await turnOn.waitFor();
    const { live } = home.hub.hub.services;
    expect(live.watches).toEqual([{ camera: "front", stream: "main" }]);
    await expectAccessible(page);
    await page.evaluate(NOTE_FLASHES_AND_TONES);
    await turnOn.click();
    await expect.poll(() => stateOf(page), WAIT).toBe("playing");
    expect(live.watches).toEqual([{ camera: "front", stream: "main", sound: true }]);
    await expect.poll(async () => apart(await noted(page)).length, WAIT).toBeGreaterThanOrEqual(5);
    const offsets = apart(await noted(page));
    console.info(`sound after picture: ${offsets.map((each) => each.toFixed(0)).join(", ")} ms`);
    // On a machine that is busy, now and then a picture is seen later than it was drawn.
    const middle = offsets.toSorted((left, right) => left - right)[offsets.length >> 1];
    expect(Math.abs(middle ?? Infinity)).toBeLessThan(100);
    await expectAccessible(page);
    await page.keyboard.press("m");
    await turnOn.waitFor();
    await expect.poll(() => live.watches, WAIT).toEqual([{ camera: "front", stream: "main" }]);
    home.expectClean();
  });

  test("stays with the one picture: who goes away does not listen any more", async () => {
    const { page, url } = home;
    const { live } = home.hub.hub.services;
    await page.keyboard.press("m");
    await expect.poll(() => live.watches[0]?.sound, WAIT).toBe(true);
    await page.goto(`${url}/#/ledger`);
    await expect.poll(() => live.watches, WAIT).toEqual([]);
    await page.goto(`${url}/#/live`);
    await playing(page, "front");
    expect(await stateOf(page)).toBe("off");
    home.expectClean();
  });
});
