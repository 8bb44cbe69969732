import { randomBytes } from "node:crypto";
import type { Fragment, TrackInit } from "../../src/protocol/fragment.ts";
import { parseCameraId } from "../../src/protocol/ids.ts";

/**
 * Fragments as a camera's would come, with bytes that can be told apart. The recorder reads only
 * what is around the bytes, so they need not be a picture here.
 */

export const CAMERA = parseCameraId("front");
export const FRAME_MS = 100;

export function makeInit(track: TrackInit["track"] = "video"): TrackInit {
  return {
    track,
    codec: track === "video" ? "avc1.64001f" : "mp4a.40.2",
    timescale: track === "video" ? 90_000 : 16_000,
    width: track === "video" ? 640 : 0,
    height: track === "video" ? 360 : 0,
    bytes: Buffer.concat([Buffer.from(`init-${track}:`), randomBytes(8)]),
  };
}

export interface TestStreamOptions {
  /** A key frame every so many frames. */
  readonly keyEvery?: number;
  readonly startAtMs?: number;
  readonly frameBytes?: number;
}

export interface TestStream {
  next(): Fragment;
  take(count: number): Fragment[];
  sound(): Fragment;
  /** Loses frames, as a broken connection does. */
  lose(frames: number): void;
  init: TrackInit;
}

export const START_AT_MS = Date.UTC(2026, 10, 21, 20, 0, 0);

/** Ten frames a second, one sound fragment of the same length for each that is asked for. */
export function testStream(options: TestStreamOptions = {}): TestStream {
  const { keyEvery = 10, startAtMs = START_AT_MS, frameBytes = 200 } = options;
  let sequence = 0;
  const audioInit = makeInit("audio");
  let audioSequence = 0;
  const stream: TestStream = {
    init: makeInit(),
    next: () => {
      const fragment: Fragment = {
        camera: CAMERA,
        track: "video",
        sequence,
        decodeTimeMs: sequence * FRAME_MS,
        durationMs: FRAME_MS,
        keyFrame: sequence % keyEvery === 0,
        wallClockMs: startAtMs + sequence * FRAME_MS,
        bytes: Buffer.concat([Buffer.from(`frame-${sequence};`), randomBytes(frameBytes)]),
        init: stream.init,
      };
      sequence++;
      return fragment;
    },
    take: (count) => Array.from({ length: count }, () => stream.next()),
    sound: () => {
      const at = Math.max(0, sequence - 1);
      return {
        camera: CAMERA,
        track: "audio",
        sequence: audioSequence++,
        decodeTimeMs: at * FRAME_MS,
        durationMs: FRAME_MS,
        keyFrame: true,
        wallClockMs: startAtMs + at * FRAME_MS,
        bytes: Buffer.from(`sound-${at};`),
        init: audioInit,
      };
    },
    lose: (frames) => {
      sequence += frames;
    },
  };
  return stream;
}

/** The frame numbers in opened bytes, in order. */
export function framesIn(plaintext: Uint8Array, word = "frame"): number[] {
  const text = Buffer.from(plaintext).toString("latin1");
  return [...text.matchAll(new RegExp(`${word}-([0-9]+);`, "g"))].map((match) => Number(match[1]));
}
