import { describe, expect, test } from "vitest";
import { audioInit, fragmentBytes } from "../../src/camera/fragments.ts";
import { ENCODED_SOUND, SoundEncoder } from "../../src/camera/sound-encoder.ts";
import { encodeG711 } from "../../src/protocol/g711.ts";
import type { Fragment } from "../../src/protocol/fragment.ts";
import { CAMERA } from "../clips/test-stream.ts";
import { CHROMIUM_COMMANDS, expectAccessible, startPage } from "../support/page.ts";
import { missingCommands } from "../support/requirements.ts";
import { CLIP_SECONDS, clipStartsAtMs, realFragments, recordClip } from "../support/test-clips.ts";

/** Of a test hub whose own clips end before. */
const CLIP = 5;
const UNIT_MS = (ENCODED_SOUND.samplesPerUnit / ENCODED_SOUND.sampleRate) * 1_000;

/** A tone as a doorbell sends it, encoded as the hub does, where `isThere` says so. */
async function tone(isThere: (atMs: number) => boolean): Promise<Fragment[]> {
  const samples = Int16Array.from({ length: CLIP_SECONDS * 8_000 }, (_, index) =>
    Math.round(12_000 * Math.sin((index * 2 * Math.PI * 440) / 8_000)),
  );
  const wanted = Math.floor((CLIP_SECONDS * 1_000) / UNIT_MS) - 2;
  const frames: Uint8Array[] = [];
  const done = Promise.withResolvers<null>();
  const encoder = SoundEncoder.start({
    ...{ law: "PCMU", sampleRate: 8_000 },
    onFrame: (frame) => {
      frames.push(frame.slice());
      if (frames.length === wanted) done.resolve(null);
    },
    onEnd: (reason) => done.reject(new Error(reason)),
  });
  encoder.feed(encodeG711("PCMU", samples));
  await done.promise;
  await encoder[Symbol.asyncDispose]();
  const init = audioInit(ENCODED_SOUND);
  return frames.flatMap((bytes, index): Fragment[] => {
    const atMs = index * UNIT_MS;
    if (!isThere(atMs)) return [];
    const sample = {
      ...{ sequence: index, decodeTicks: index * 1_024, durationTicks: 1_024 },
      ...{ compositionTicks: 0, keyFrame: true, bytes },
    };
    return [
      {
        ...{ camera: CAMERA, track: "audio", sequence: index, keyFrame: true, init },
        ...{ decodeTimeMs: atMs, durationMs: UNIT_MS },
        wallClockMs: clipStartsAtMs(CLIP) + atMs,
        bytes: fragmentBytes("audio", sample),
      },
    ];
  });
}

/** Reads what was heard of the playing video, loudest first of some looks. */
const LISTEN = `(() => {
  const video = document.querySelector("video");
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  context.createMediaElementSource(video).connect(analyser);
  const samples = new Uint8Array(analyser.fftSize);
  globalThis.heard = [];
  setInterval(() => {
    analyser.getByteTimeDomainData(samples);
    const loudness = Math.max(...samples.map((sample) => Math.abs(sample - 128)));
    globalThis.heard.push({ atSeconds: video.currentTime, loudness });
  }, 50);
})()`;

interface Heard {
  readonly atSeconds: number;
  readonly loudness: number;
}

const isMissing = missingCommands(...CHROMIUM_COMMANDS, "ffmpeg");

describe.skipIf(isMissing)("an event with sound", () => {
  test("that begins late and has a hole plays from its beginning to its end, and is heard where it is", async () => {
    await using home = await startPage({ at: "#/ledger", hub: { clips: 1 } });
    const { page, hub, url } = home;
    // Nothing in the first part at all, and a hole in the middle of a later one.
    const sound = await tone((atMs) => atMs > 4_600 && !(atMs > 6_500 && atMs < 7_500));
    const fragments = [...realFragments(CLIP), ...sound].toSorted(
      (left, right) => left.wallClockMs - right.wallClockMs,
    );
    const clip = await recordClip(hub.hub.services, hub.dataDirectory, fragments);
    await page.goto(`${url}/#/event/${clip}`);
    const soundOn = page.getByRole("button", { name: "Sound on" });
    await soundOn.waitFor();
    await page.evaluate(LISTEN);
    await page.keyboard.press("Home");
    await page.keyboard.press("m");
    await page.evaluate("document.querySelector('video').play()");
    const ended = async (): Promise<boolean> =>
      page.evaluate<boolean>("document.querySelector('video').ended");
    await expect.poll(ended, { timeout: 30_000 }).toBe(true);
    const heard = await page.evaluate<Heard[]>("globalThis.heard");
    const loudest = (from: number, to: number): number =>
      Math.max(
        ...heard
          .filter(({ atSeconds }) => atSeconds > from && atSeconds < to)
          .map(({ loudness }) => loudness),
      );
    expect(loudest(0.5, 4.4)).toBeLessThan(4);
    expect(loudest(5, 6.4)).toBeGreaterThan(20);
    expect(loudest(6.9, 7.3)).toBeLessThan(4);
    expect(loudest(7.8, 9)).toBeGreaterThan(20);
    await page.keyboard.press("m");
    await soundOn.waitFor();
    await page.keyboard.press("j");
    await expectAccessible(page);
    home.expectClean();
  });
});
