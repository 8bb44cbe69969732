import type { Track } from "../../../src/blur/tracks.ts";

/** Which frames an owner should look at first. Pure. */

export type Doubt = "start" | "weak" | "filled" | "held" | "unsure" | "moving" | "spot";

export interface DoubtfulFrame {
  readonly frame: number;
  readonly doubt: Doubt;
  /** 0 to 1: how much worth a look. */
  readonly risk: number;
}

/** What the detector's pass knows of a frame beside its faces. */
export interface FrameNotes {
  /** Share of the small grey picture that changed since the frame before, 0 to 1. */
  readonly motion: number;
}

const RISK = { start: 0.75, filled: 0.7, held: 0.45, unsure: 0.65, moving: 0.5 } as const;
const MOTION_MIN = 0.01;
/** Between two frames of the list, so that it is not one doubtful moment only. */
const DISTANCE_SECONDS = 0.6;
const LISTED_MAX = 24;
/** In a list that is not full yet, frames at even distances: what nobody doubted is looked at too. */
const SPOT_CHECKS_MIN = 6;

/**
 * The weakest frames, most doubtful first; after them frames at even distances.
 *
 * @param unsure - Frames with something a little like a face that is not blurred.
 */
export function weakestFrames(
  tracks: readonly Track[],
  notes: readonly FrameNotes[],
  unsure: ReadonlySet<number>,
  framesPerSecond: number,
): DoubtfulFrame[] {
  const doubts = notes.map((note, frame) => doubtOf(frame, note, tracks, unsure));
  const listed: DoubtfulFrame[] = [];
  const apart = Math.max(1, Math.round(framesPerSecond * DISTANCE_SECONDS));
  const isFar = (frame: number): boolean =>
    listed.every((other) => Math.abs(other.frame - frame) >= apart);
  for (const doubt of doubts
    .filter((one) => one !== null)
    .toSorted((left, right) => right.risk - left.risk || left.frame - right.frame)) {
    if (listed.length === LISTED_MAX) return listed;
    if (isFar(doubt.frame)) listed.push(doubt);
  }
  for (let count = 0; count < SPOT_CHECKS_MIN && listed.length < LISTED_MAX; count++) {
    const frame = Math.floor(((count + 0.5) * notes.length) / SPOT_CHECKS_MIN);
    if (frame < notes.length && isFar(frame)) listed.push({ frame, doubt: "spot", risk: 0 });
  }
  return listed;
}

function doubtOf(
  frame: number,
  { motion }: FrameNotes,
  tracks: readonly Track[],
  unsure: ReadonlySet<number>,
): DoubtfulFrame | null {
  let worst: DoubtfulFrame | null = null;
  const add = (doubt: Doubt, risk: number): void => {
    if (risk > (worst?.risk ?? 0)) worst = { frame, doubt, risk };
  };
  let count = 0;
  for (const { boxes } of tracks) {
    const box = boxes.get(frame);
    if (!box) {
      // A face that was covered a moment ago and is not any more, or is about to be.
      if (boxes.has(frame - 1) || boxes.has(frame + 1)) add("start", RISK.start);
      continue;
    }
    count += 1;
    if (box.origin === "found") add("weak", 1 - box.score);
    if (box.origin === "filled") add("filled", RISK.filled);
    if (box.origin === "held") add("held", RISK.held);
  }
  if (unsure.has(frame)) add("unsure", RISK.unsure);
  if (count === 0 && motion >= MOTION_MIN) add("moving", RISK.moving * Math.min(1, motion * 10));
  return worst;
}
