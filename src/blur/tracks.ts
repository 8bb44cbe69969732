import { between, type Box, type Face, type PictureSize } from "./boxes.ts";
import { FaceLinker, type LinkedTrack } from "./linking.ts";

/**
 * From faces in single frames to tracks without holes: one clear frame is enough to recognise
 * somebody, so what is doubtful is blurred. Pure.
 */

/** Why a box stands where it does. */
export type BoxOrigin = "found" | "filled" | "held" | "owner";

export interface TrackBox extends Box {
  readonly origin: BoxOrigin;
  /** The detector's, 0 to 1; of a filled or held box that of the nearest found one. */
  readonly score: number;
}

/** One face as far as it could be followed: frame number to box. */
export interface Track {
  readonly id: number;
  readonly boxes: ReadonlyMap<number, TrackBox>;
}

export interface TrackRules {
  readonly framesPerSecond: number;
  readonly size: PictureSize;
}

/** A track needs one face this sure; what joins it may be less. */
export const SURE_SCORE = 0.5;
const GAP_FRAMES_MAX = 15;
const EXTENSION_FRAMES = 6;
/** A face does not appear in the middle of a picture: held this long before and after. */
const HOLD_SECONDS = 1;
/** What is held grows by this much a frame, since nobody knows where it went. */
const HOLD_GROWTH = 0.02;
const HOLD_GROWTH_MAX = 1.5;

/**
 * Links faces over time, fills gaps of up to 15 frames, and goes on for a while at both ends.
 *
 * @param faces - For each frame, in order, candidates included.
 * @returns Tracks that had a sure face at least once; the rest is for {@link unsureFrames}.
 */
export function tracksOf(faces: readonly (readonly Face[])[], rules: TrackRules): Track[] {
  const tracks = linked(faces).filter(({ best }) => best >= SURE_SCORE);
  return tracks.map((track, id) => {
    const boxes = boxesOf(track);
    fillGaps(boxes);
    extend(boxes, faces.length, rules);
    return { id, boxes };
  });
}

/** Frames in which something looked a little like a face, and was never sure to be one. */
export function unsureFrames(faces: readonly (readonly Face[])[]): Set<number> {
  const frames = new Set<number>();
  for (const { best, hits } of linked(faces))
    if (best < SURE_SCORE) for (const frame of hits.keys()) frames.add(frame);
  return frames;
}

function linked(faces: readonly (readonly Face[])[]): readonly LinkedTrack[] {
  const linker = new FaceLinker(() => GAP_FRAMES_MAX);
  faces.forEach((found, frame) => linker.push(frame, found));
  return linker.tracks;
}

function boxesOf({ hits }: LinkedTrack): Map<number, TrackBox> {
  return new Map([...hits].map(([frame, face]) => [frame, { ...face, origin: "found" }]));
}

function fillGaps(boxes: Map<number, TrackBox>): void {
  const frames = [...boxes.keys()];
  frames.slice(1).forEach((frame, index) => {
    const start = frames[index] ?? frame;
    const [before, after] = [boxes.get(start), boxes.get(frame)];
    if (!before || !after) return;
    for (let at = start + 1; at < frame; at++) {
      const share = (at - start) / (frame - start);
      const score = Math.min(before.score, after.score);
      boxes.set(at, { ...between(before, after, share), origin: "filled", score });
    }
  });
}

function extend(boxes: Map<number, TrackBox>, frameCount: number, rules: TrackRules): void {
  const frames = [...boxes.keys()];
  const ends = [
    { frame: Math.min(...frames), step: -1 },
    { frame: Math.max(...frames), step: 1 },
  ];
  for (const { frame, step } of ends) {
    const last = boxes.get(frame);
    if (!last) continue;
    const hold = isAtBorder(last, rules.size)
      ? EXTENSION_FRAMES
      : Math.max(EXTENSION_FRAMES, Math.round(rules.framesPerSecond * HOLD_SECONDS));
    for (let count = 1; count <= hold; count++) {
      const at = frame + count * step;
      if (at < 0 || at >= frameCount) break;
      boxes.set(at, { ...heldBox(last, count), origin: "held", score: last.score });
    }
  }
}

function heldBox({ x, y, width, height }: Box, count: number): Box {
  const by = Math.min(HOLD_GROWTH_MAX, 1 + HOLD_GROWTH * count);
  return {
    x: x - (width * (by - 1)) / 2,
    y: y - (height * (by - 1)) / 2,
    width: width * by,
    height: height * by,
  };
}

/** It may have come in or gone out over the edge. */
function isAtBorder({ x, y, width, height }: Box, size: PictureSize): boolean {
  const near = width / 4;
  return x < near || y < near || x + width > size.width - near || y + height > size.height - near;
}
