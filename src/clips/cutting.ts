import {
  CLIP_MAX_MS,
  SEGMENT_MAX_BYTES,
  SEGMENT_MAX_MS,
  SEGMENT_TARGET_MS,
} from "../protocol/clip.ts";
import type { Fragment, TrackInit } from "../protocol/fragment.ts";

/** A clip of more segments goes on in a further one: a camera that breaks off all the time. */
export const CLIP_SEGMENTS_MAX = 150;
/** Decode times may be this far from where the one before ended before it is called a break. */
const DECODE_GAP_MAX_MS = 500;

/**
 * Where the cutting of a clip's video stands. Lengths are sums of what the access units say they
 * last, so that a wall clock that is set in the middle of a clip changes no cut.
 */
export type Cutting =
  | {
      /** Before the first segment and after a break: a segment begins with a key frame. */
      readonly phase: "waiting";
      readonly clipMs: number;
      readonly segments: number;
    }
  | {
      readonly phase: "running";
      readonly clipMs: number;
      readonly segments: number;
      readonly segmentMs: number;
      readonly segmentBytes: number;
      readonly init: TrackInit;
      readonly nextSequence: number;
      readonly nextDecodeTimeMs: number;
    };

/** What to do with one video fragment, any open segment or clip being closed first. */
export type CuttingStep = "append" | "begin-segment" | "begin-clip" | "break-off" | "drop";

export interface CuttingDecision {
  readonly step: CuttingStep;
  readonly cutting: Cutting;
}

export const CUTTING_START: Cutting = { phase: "waiting", clipMs: 0, segments: 0 };

function begin(before: Cutting, fragment: Fragment): CuttingDecision {
  const isClipFull = before.clipMs >= CLIP_MAX_MS || before.segments >= CLIP_SEGMENTS_MAX;
  return {
    step: isClipFull ? "begin-clip" : "begin-segment",
    cutting: {
      phase: "running",
      clipMs: (isClipFull ? 0 : before.clipMs) + fragment.durationMs,
      segments: isClipFull ? 1 : before.segments + 1,
      segmentMs: fragment.durationMs,
      segmentBytes: fragment.init.bytes.length + fragment.bytes.length,
      init: fragment.init,
      nextSequence: fragment.sequence + 1,
      nextDecodeTimeMs: fragment.decodeTimeMs + fragment.durationMs,
    },
  };
}

/** Pure: what the next video fragment does to a clip that is being recorded. */
export function cutVideo(cutting: Cutting, fragment: Fragment): CuttingDecision {
  if (cutting.phase === "waiting")
    return fragment.keyFrame ? begin(cutting, fragment) : { step: "drop", cutting };

  const isBroken =
    fragment.init !== cutting.init ||
    fragment.sequence !== cutting.nextSequence ||
    Math.abs(fragment.decodeTimeMs - cutting.nextDecodeTimeMs) > DECODE_GAP_MAX_MS;
  if (isBroken && !fragment.keyFrame) {
    const { clipMs, segments } = cutting;
    return { step: "break-off", cutting: { phase: "waiting", clipMs, segments } };
  }
  const segmentMs = cutting.segmentMs + fragment.durationMs;
  const segmentBytes = cutting.segmentBytes + fragment.bytes.length;
  const isDue = cutting.segmentMs >= SEGMENT_TARGET_MS || cutting.clipMs >= CLIP_MAX_MS;
  const isOverdue = segmentMs > SEGMENT_MAX_MS || segmentBytes > SEGMENT_MAX_BYTES;
  if (isBroken || isOverdue || (fragment.keyFrame && isDue)) return begin(cutting, fragment);
  return {
    step: "append",
    cutting: {
      ...cutting,
      clipMs: cutting.clipMs + fragment.durationMs,
      segmentMs,
      segmentBytes,
      nextSequence: fragment.sequence + 1,
      nextDecodeTimeMs: fragment.decodeTimeMs + fragment.durationMs,
    },
  };
}
