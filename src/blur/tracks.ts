import { between, overlapOf, type Box, type Face, type PictureSize } from "./boxes.ts";

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
const LINK_OVERLAP = 0.2;
/** A face that moved fast does not overlap where it was: this far, in its own widths. */
const LINK_DISTANCE = 0.8;
const LINK_SIZE_RATIO = 1.8;
const GAP_FRAMES_MAX = 15;
const EXTENSION_FRAMES = 6;
/** A face does not appear in the middle of a picture: held this long before and after. */
const HOLD_SECONDS = 1;
/** What is held grows by this much a frame, since nobody knows where it went. */
const HOLD_GROWTH = 0.02;
const HOLD_GROWTH_MAX = 1.5;

interface OpenTrack {
  readonly boxes: Map<number, TrackBox>;
  last: Face;
  lastFrame: number;
  best: number;
}

/**
 * Links faces over time, fills gaps of up to 15 frames, and goes on for a while at both ends.
 *
 * @param faces - For each frame, in order, candidates included.
 * @returns Tracks that had a sure face at least once; the rest is for {@link unsureFrames}.
 */
export function tracksOf(faces: readonly (readonly Face[])[], rules: TrackRules): Track[] {
  const tracks = linked(faces).filter(({ best }) => best >= SURE_SCORE);
  return tracks.map(({ boxes }, id) => {
    fillGaps(boxes);
    extend(boxes, faces.length, rules);
    return { id, boxes };
  });
}

/** Frames in which something looked a little like a face, and was never sure to be one. */
export function unsureFrames(faces: readonly (readonly Face[])[]): Set<number> {
  const frames = new Set<number>();
  for (const { best, boxes } of linked(faces))
    if (best < SURE_SCORE) for (const frame of boxes.keys()) frames.add(frame);
  return frames;
}

function linked(faces: readonly (readonly Face[])[]): OpenTrack[] {
  const all: OpenTrack[] = [];
  let open: OpenTrack[] = [];
  faces.forEach((found, frame) => {
    open = open.filter(({ lastFrame }) => frame - lastFrame <= GAP_FRAMES_MAX + 1);
    const free = new Set(found);
    const pairs = open
      .flatMap((track) => found.map((face) => ({ track, face, fit: fitOf(track.last, face) })))
      .filter(({ fit }) => fit > 0)
      .toSorted((left, right) => right.fit - left.fit);
    const taken = new Set<OpenTrack>();
    for (const { track, face } of pairs) {
      if (taken.has(track) || !free.delete(face)) continue;
      taken.add(track);
      put(track, frame, face);
    }
    for (const face of free) {
      const track: OpenTrack = { boxes: new Map(), last: face, lastFrame: frame, best: 0 };
      put(track, frame, face);
      all.push(track);
      open.push(track);
    }
  });
  return all;
}

function put(track: OpenTrack, frame: number, face: Face): void {
  const { x, y, width, height, score } = face;
  track.boxes.set(frame, { x, y, width, height, score, origin: "found" });
  track.last = face;
  track.lastFrame = frame;
  track.best = Math.max(track.best, score);
}

/** How well two boxes may be one face: more than 1 where they overlap, 0 for not at all. */
function fitOf(before: Face, now: Face): number {
  const overlap = overlapOf(before, now);
  if (overlap >= LINK_OVERLAP) return 1 + overlap;
  const ratio = before.width / now.width;
  if (ratio > LINK_SIZE_RATIO || ratio < 1 / LINK_SIZE_RATIO) return 0;
  const distance =
    Math.hypot(
      before.x + before.width / 2 - now.x - now.width / 2,
      before.y + before.height / 2 - now.y - now.height / 2,
    ) / Math.max(before.width, now.width);
  return distance < LINK_DISTANCE ? 1 - distance : 0;
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
