import { setTimeout } from "node:timers/promises";
import { systemClock } from "../../src/base/clock.ts";
import { findFfmpeg } from "../../src/base/ffmpeg.ts";
import type { Fragment } from "../../src/protocol/fragment.ts";
import { GreyFrames } from "../../src/vision/frames.ts";
import { MotionWatch, type MotionWatchCounts } from "../../src/vision/motion-watch.ts";
import { FOOTAGE_STARTS_AT_MS, type FoundEvent } from "./footage.ts";

/** Pictures come so far apart, and those that are sent out of order so much later. */
const PICTURE_DELAY_MS = 600;
const STUCK_AFTER_MS = 10_000;
const ALONE_MS = 2_000;
/** Fed in pieces of this length, so that pictures are looked at about when they would be. */
const PIECE_MS = 300;

export interface Watched {
  readonly events: readonly FoundEvent[];
  readonly counts: MotionWatchCounts;
  /** Seconds of the footage during which no decoder was needed but for key frames. */
  readonly asleepSeconds: number;
  readonly isTrusted: boolean;
}

/** What a camera's watch makes of a whole stream, with a real decoder, faster than it was filmed. */
export async function watchAll(
  fragments: readonly Fragment[],
  { alwaysLook = false } = {},
): Promise<Watched> {
  const events: FoundEvent[] = [];
  const seconds = (atMs: number): number => (atMs - FOOTAGE_STARTS_AT_MS) / 1000;
  const { path: ffmpegPath } = await findFfmpeg();
  const fed = { untilMs: -Infinity, seenMs: FOOTAGE_STARTS_AT_MS, nowMs: 0 };
  const watch = MotionWatch.open({
    alwaysLook,
    pictures: (onFrame) => {
      const frames = GreyFrames.open({
        ffmpegPath,
        clock: systemClock,
        onFrame: (frame) => {
          fed.seenMs = frame.atMs;
          onFrame(frame);
        },
      });
      return {
        push: (fragment) => {
          fed.untilMs = fragment.wallClockMs;
          frames.push(fragment);
        },
        get isDecoding() {
          return frames.isDecoding;
        },
        [Symbol.asyncDispose]: () => frames[Symbol.asyncDispose](),
      };
    },
    onEvent: (event) => {
      if (event.type === "start") {
        const onset = seconds(event.onsetAtMs);
        events.push({ onset, said: Math.max(onset, seconds(fed.nowMs)), end: Infinity });
      } else {
        const open = events.pop();
        if (open) events.push({ ...open, end: seconds(event.atMs) });
      }
    },
  });
  await using _watch = watch;
  let asleepMs = 0;
  let pieceEndsMs = 0;
  for (const fragment of fragments) {
    fed.nowMs = fragment.wallClockMs;
    watch.push(fragment);
    if (watch.isAsleep) asleepMs += fragment.durationMs;
    if (fragment.decodeTimeMs < pieceEndsMs && fragment !== fragments.at(-1)) continue;
    pieceEndsMs = fragment.decodeTimeMs + PIECE_MS;
    const givesUpAtMs = performance.now() + (watch.isAsleep ? ALONE_MS : STUCK_AFTER_MS);
    while (fed.seenMs < fed.untilMs - PICTURE_DELAY_MS) {
      if (performance.now() > givesUpAtMs) {
        // A stream with pictures out of order gives none of a key frame alone.
        if (watch.isAsleep) break;
        throw new Error("The decoder does not keep up");
      }
      await setTimeout(1);
    }
  }
  const { counts, gate } = watch;
  return { events, counts, asleepSeconds: asleepMs / 1000, isTrusted: gate.isTrusted };
}
