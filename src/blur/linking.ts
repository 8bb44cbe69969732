import { overlapOf, type Box, type Face } from "./boxes.ts";

/** Which faces of successive pictures may be one and the same. Pure; says nothing of whose. */

const LINK_OVERLAP = 0.2;
/** A face that moved fast does not overlap where it was: this far, in its own widths. */
const LINK_DISTANCE = 0.8;
/** Of one that was found once only, nobody knows yet how fast it goes. */
const LINK_DISTANCE_FIRST = 1.6;
const LINK_SIZE_RATIO = 1.8;
/** What a velocity is taken from: long enough for the detector's jitter, short enough for a turn. */
const VELOCITY_HITS = 5;
/** Nobody walks on in a straight line for longer, and a wrong velocity leads far away. */
const PREDICTED_FRAMES_MAX = 8;
/** A flood of candidates is noise, and comparing each with each would take for ever. */
const OPEN_MAX = 256;

/** One face as far as it could be followed, without what lies between the finds. */
export interface LinkedTrack {
  /** Frame number to where it was found, in order. */
  readonly hits: Map<number, Face>;
  firstFrame: number;
  lastFrame: number;
  last: Face;
  /** The highest score of all its hits, also of those that were forgotten. */
  best: number;
  /** Whether any of them, also of those, was a sure one for its own width; it stays so, whatever follows. */
  wasSure: boolean;
  /** Hits so far, also those that were forgotten, that were doubtful, but of a width at which doubtful ones are often faces. */
  doubtful: number;
}

/** What a find says by itself: a sure one is enough, doubtful ones count together. */
export type Weight = "sure" | "doubtful" | "none";

/** Follows faces from frame to frame; both directions in time are for whoever reads the tracks. */
export class FaceLinker {
  readonly #gapFramesMax: () => number;
  readonly #weightOf: (face: Face) => Weight;
  #tracks: LinkedTrack[] = [];
  #open: LinkedTrack[] = [];

  /** @param gapFramesMax - Frames in a row without a find after which a track has ended. */
  constructor(gapFramesMax: () => number, weightOf: (face: Face) => Weight = () => "none") {
    this.#gapFramesMax = gapFramesMax;
    this.#weightOf = weightOf;
  }

  get tracks(): readonly LinkedTrack[] {
    return this.#tracks;
  }

  /** Tracks that the next frame may continue. */
  get open(): readonly LinkedTrack[] {
    return this.#open;
  }

  push(frame: number, found: readonly Face[]): void {
    this.#open = this.#open.filter(
      ({ lastFrame }) => frame - lastFrame <= this.#gapFramesMax() + 1,
    );
    const free = new Set(found);
    const pairs = this.#open
      .flatMap((track) => found.map((face) => ({ track, face, fit: fitOf(track, frame, face) })))
      .filter(({ fit }) => fit > 0)
      .toSorted((left, right) => right.fit - left.fit);
    const taken = new Set<LinkedTrack>();
    for (const { track, face } of pairs) {
      if (taken.has(track) || !free.delete(face)) continue;
      taken.add(track);
      track.hits.set(frame, face);
      track.last = face;
      track.lastFrame = frame;
      track.best = Math.max(track.best, face.score);
      this.#weigh(track, face);
    }
    for (const face of free) {
      const hits = new Map([[frame, face]]);
      const ends = { firstFrame: frame, lastFrame: frame, last: face };
      const sums = { best: face.score, wasSure: false, doubtful: 0 };
      const track: LinkedTrack = { hits, ...ends, ...sums };
      this.#weigh(track, face);
      this.#tracks.push(track);
      this.#open.push(track);
    }
    if (this.#open.length > OPEN_MAX)
      this.#open = this.#open
        .toSorted((left, right) => right.lastFrame - left.lastFrame || right.best - left.best)
        .slice(0, OPEN_MAX);
  }

  #weigh(track: LinkedTrack, face: Face): void {
    const weight = this.#weightOf(face);
    if (weight === "sure") track.wasSure = true;
    if (weight === "doubtful") track.doubtful += 1;
  }

  /** What lies before this frame is dropped; a track with nothing after it too. */
  forgetBefore(frame: number): void {
    for (const track of this.#tracks) {
      if (track.firstFrame >= frame) continue;
      for (const at of track.hits.keys()) if (at < frame) track.hits.delete(at);
      track.firstFrame = track.hits.keys().next().value ?? track.lastFrame;
    }
    this.#tracks = this.#tracks.filter(({ hits }) => hits.size > 0);
    this.#open = this.#open.filter(({ hits }) => hits.size > 0);
  }
}

/** Pixels a frame of the centre, over a track's last hits or, `atStart`, its first. */
export function velocityOf(
  hits: ReadonlyMap<number, Box>,
  atStart = false,
): { readonly x: number; readonly y: number } {
  const frames = [...hits.keys()];
  const near = atStart ? frames.slice(0, VELOCITY_HITS) : frames.slice(-VELOCITY_HITS);
  const [first, last] = [near[0] ?? 0, near.at(-1) ?? 0];
  const [from, to] = [hits.get(first), hits.get(last)];
  if (!from || !to || first === last) return { x: 0, y: 0 };
  return {
    x: (to.x + to.width / 2 - from.x - from.width / 2) / (last - first),
    y: (to.y + to.height / 2 - from.y - from.height / 2) / (last - first),
  };
}

/** Where the track would be in this frame if it went on as it did. */
export function predictedBox({ hits, last, lastFrame }: LinkedTrack, frame: number): Box {
  const { x, y } = velocityOf(hits);
  const by = Math.min(PREDICTED_FRAMES_MAX, frame - lastFrame);
  return { ...last, x: last.x + x * by, y: last.y + y * by };
}

/** How well a face may be the track's next: more than 1 where they overlap, 0 for not at all. */
function fitOf(track: LinkedTrack, frame: number, face: Face): number {
  if (track.hits.size < 2) return fitOfBoxes(track.last, face, LINK_DISTANCE_FIRST);
  const still = fitOfBoxes(track.last, face, LINK_DISTANCE);
  return Math.max(still, fitOfBoxes(predictedBox(track, frame), face, LINK_DISTANCE));
}

function fitOfBoxes(before: Box, now: Box, distanceMax: number): number {
  const overlap = overlapOf(before, now);
  if (overlap >= LINK_OVERLAP) return 1 + overlap;
  const ratio = before.width / now.width;
  if (ratio > LINK_SIZE_RATIO || ratio < 1 / LINK_SIZE_RATIO) return 0;
  const distance =
    Math.hypot(
      before.x + before.width / 2 - now.x - now.width / 2,
      before.y + before.height / 2 - now.y - now.height / 2,
    ) / Math.max(before.width, now.width);
  return distance < distanceMax ? 1 - distance / distanceMax : 0;
}
