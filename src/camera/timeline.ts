import type { Clock } from "../base/clock.ts";
import type { Fragment, TrackInit } from "../protocol/fragment.ts";
import type { CameraId } from "../protocol/ids.ts";
import { fragmentBytes } from "./fragments.ts";

/** An access unit with its place on the time line, in ticks of its track. */
export interface PlacedUnit {
  readonly init: TrackInit;
  readonly decodeTicks: number;
  readonly compositionTicks: number;
  readonly durationTicks: number;
  readonly keyFrame: boolean;
  readonly wallClockMs: number;
  /** Access units known to be missing before this one. */
  readonly lostBefore: number;
  /** Copied: may be a view of a buffer that is used again. */
  readonly bytes: Uint8Array;
}

/**
 * The decode time line of one stream for as long as the hub runs. It goes on across reconnections,
 * with the gap that really was, so that fragments from before and after can be joined.
 */
export interface Timeline {
  /** Where a new connection whose first access unit arrives now has to start, in milliseconds. */
  startMs(): number;
  /** Says that a connection begins: what it sends does not follow what was sent before. */
  beginConnection(): void;
  write(unit: PlacedUnit): void;
}

export function createTimeline(
  camera: CameraId,
  clock: Clock,
  onFragment: (fragment: Fragment) => void,
): Timeline {
  const nextSequence = { video: 0, audio: 0 };
  let epochMs: number | null = null;
  let endMs = 0;

  return {
    startMs() {
      const nowMs = clock.monotonicMs();
      epochMs ??= nowMs;
      return Math.max(endMs, nowMs - epochMs);
    },
    beginConnection() {
      // Numbers jump, as for any other loss.
      if (nextSequence.video > 0) nextSequence.video += 1;
      if (nextSequence.audio > 0) nextSequence.audio += 1;
    },
    write(unit) {
      const { init, decodeTicks, durationTicks, compositionTicks, keyFrame } = unit;
      const { track, timescale } = init;
      const sequence = nextSequence[track] + unit.lostBefore;
      nextSequence[track] = sequence + 1;
      const decodeTimeMs = (decodeTicks / timescale) * 1000;
      const durationMs = (durationTicks / timescale) * 1000;
      endMs = Math.max(endMs, decodeTimeMs + durationMs);
      onFragment({
        camera,
        track,
        sequence,
        decodeTimeMs,
        durationMs,
        keyFrame,
        wallClockMs: unit.wallClockMs,
        init,
        bytes: fragmentBytes(track, {
          sequence,
          decodeTicks,
          durationTicks,
          compositionTicks,
          keyFrame,
          bytes: unit.bytes,
        }),
      });
    },
  };
}
