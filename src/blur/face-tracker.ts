import { between, grown, type Box, type Face, type PictureSize } from "./boxes.ts";
import { FaceLinker, predictedBox, velocityOf, type LinkedTrack, type Weight } from "./linking.ts";

/**
 * From faces in single pictures to what has to be covered in each, while a recording is still being
 * looked at. One clear picture is enough to recognise somebody, so whatever is doubtful is covered:
 * between two finds, for a second before the first and after the last, and along the way that a face
 * was going. Pure; keeps boxes for as long as they can still matter, and says nothing of whose.
 */

export interface TrackerRules {
  readonly size: PictureSize;
  /** What is followed: of bodies, large finds are no more doubtful than small ones. */
  readonly of?: "faces" | "bodies";
}

/** One picture that was looked at. */
export interface LookedAt {
  /** When it is shown; of any origin. A time before that of the last picture counts as the same. */
  readonly atMs: number;
  /** Candidates included: {@link CANDIDATE_SCORE} of the detectors and more. */
  readonly faces: readonly Face[];
}

/** One box of a picture, and what it is known from. */
export interface FollowedBox {
  readonly box: Box;
  /** The same number for all boxes of one track; null between two, and for a whole picture. */
  readonly track: number | null;
  /** Whether it was found for sure in this picture, or before and after it; not only held. */
  readonly isSure: boolean;
}

type Put = (frame: number, box: Box, isSure: boolean) => void;

/** A track of which one find was this sure counts from its first hit to its last. */
const SURE_SCORE = 0.5;
/** One that never was counts where it was seen more often than chance sees a face in a wall. */
const DOUBTFUL_HITS = 2;
/**
 * Floors and cloth have faint "faces" as wide as a third of the picture, while real ones that large
 * are found with certainty. From the first of these shares of the width on nothing doubtful counts,
 * and from there to the second more certainty is wanted, up to this score.
 */
const LARGE_SHARE = 0.12;
const HUGE_SHARE = 0.24;
const HUGE_SURE_SCORE = 0.8;
/** Before the first find and after the last, ... */
const HOLD_MS = 1_000;
/** ... and at least this many pictures, however few a second there are. */
const HOLD_FRAMES_MIN = 6;
/** Between two finds. */
const GAP_MS = 2_000;
const GAP_FRAMES_MIN = 15;
/** Finds before and after that a box is held to, frame by frame. */
const STEADY_HITS = 3;
const STEADY_GROWTH_MAX = 1.4;
/** Width of a head for its height. */
const HEAD_WIDTH_MIN = 0.75;
/** Two tracks that may be one are joined over a gap: this far for each second, in widths. */
const JOIN_WIDTHS = 1;
const JOIN_WIDTHS_PER_SECOND = 2.5;
const JOIN_SIZE_RATIO = 2;
/** What nobody found grows by this a frame from the nearest find, since nobody knows where it is. */
const GROWTH_PER_FRAME = 0.02;
const GROWTH_MAX = 1.5;
/** A face goes on as it did for this long, and then it may be anywhere between. */
const GOING_ON_MS = 500;
/** More candidates in one picture are no faces but a pattern: then all of it is covered. */
const FACES_MAX = 100;
/** Pictures that nobody has asked about yet: 30 s at 60 a second, twice. */
const FRAMES_MAX = 3_600;
/** How much larger than the face the part of the picture is that is looked at again. */
const LOOK_AGAIN_GROWTH = 3;
const LOOK_AGAIN_MAX = 8;

/** Frames are numbered from 0 in the order of {@link FaceTracker.push}, across segments. */
export class FaceTracker {
  readonly #size: PictureSize;
  readonly #of: "faces" | "bodies";
  readonly #linker: FaceLinker;
  #times: number[] = [];
  /** Frame number of the first entry of `#times`. */
  #firstFrame = 0;
  #flooded = new Set<number>();
  #ended = false;
  #forgottenBefore = 0;
  #settledBefore = 0;

  constructor({ size, of = "faces" }: TrackerRules) {
    this.#size = size;
    this.#of = of;
    this.#linker = new FaceLinker(
      () => this.#framesWithin(GAP_MS, GAP_FRAMES_MIN),
      (face) => this.#weightOf(face),
    );
  }

  /** Pictures so far. */
  get frames(): number {
    return this.#firstFrame + this.#times.length;
  }

  /** Pictures and finds that are still known of: what this takes of memory. */
  get kept(): number {
    return this.#linker.tracks.reduce((sum, { hits }) => sum + hits.size, this.#times.length);
  }

  /** Boxes of frames below this one are final: what comes later does not change them. */
  get settled(): number {
    if (this.#ended) return this.frames;
    const last = this.#times.at(-1) ?? 0;
    const wait = Math.max(HOLD_MS, GAP_MS);
    let settled = this.frames - Math.max(HOLD_FRAMES_MIN, GAP_FRAMES_MIN);
    while (settled > this.#forgottenBefore && this.#timeOf(settled - 1) + wait > last) settled -= 1;
    return Math.max(this.#forgottenBefore, this.#settledBefore, settled);
  }

  /** Whoever asks for frames below this one cannot wait for more: they are as far as is known. */
  settleBefore(frame: number): void {
    this.#settledBefore = Math.max(this.#settledBefore, Math.min(frame, this.frames));
  }

  /**
   * Where the next picture may have a face that is not among those found in it: parts of it to look
   * at again at full resolution, before {@link push} gets what was found in all of them.
   */
  lookAgainAt(found: readonly Face[]): Box[] {
    const missing = this.#linker.open
      .filter((track) => isCounted(track))
      .map((track) => ({ track, box: predictedBox(track, this.frames) }))
      .filter(({ box }) => !found.some((face) => isAbout(box, face)));
    return missing
      .toSorted((left, right) => right.track.lastFrame - left.track.lastFrame)
      .slice(0, LOOK_AGAIN_MAX)
      .map(({ box }) => grown(box, LOOK_AGAIN_GROWTH));
  }

  /** @throws RangeError where far more pictures wait than anybody can have forgotten to ask about. */
  push({ atMs, faces }: LookedAt): void {
    if (this.#ended) throw new RangeError("a picture after the end");
    if (this.#times.length >= FRAMES_MAX) throw new RangeError("too many pictures wait");
    const frame = this.frames;
    this.#times.push(Math.max(atMs, this.#times.at(-1) ?? -Infinity));
    if (faces.length > FACES_MAX) this.#flooded.add(frame);
    else this.#linker.push(frame, faces);
  }

  /** Nothing follows: every frame is settled. */
  end(): void {
    this.#ended = true;
  }

  /**
   * What to cover in each frame from `from` to before `to`, in pixels; boxes are not grown for hair
   * and chin yet, and may reach outside of the picture.
   *
   * @throws RangeError for frames that are not settled or were forgotten.
   */
  boxesFor(from: number, to: number): Box[][] {
    return this.followedFor(from, to).map((boxes) => boxes.map(({ box }) => box));
  }

  /** As {@link boxesFor}, and of which track each box is. */
  followedFor(from: number, to: number): FollowedBox[][] {
    if (from < this.#forgottenBefore || to > this.settled || to < from)
      throw new RangeError(`frames ${from} to ${to} are not there`);
    const frames: FollowedBox[][] = Array.from({ length: to - from }, () => []);
    const putOf =
      (track: number | null): Put =>
      (frame, box, isSure) => {
        if (frame >= from && frame < to) frames[frame - from]?.push({ box, track, isSure });
      };
    for (const frame of this.#flooded) putOf(null)(frame, { x: 0, y: 0, ...this.#size }, false);
    for (const [number, track] of this.#linker.tracks.entries()) this.#cover(track, putOf(number));
    this.#join(putOf(null));
    return frames;
  }

  /** What lies before this frame is not asked for any more. */
  forgetBefore(frame: number): void {
    this.#forgottenBefore = Math.max(this.#forgottenBefore, Math.min(frame, this.frames));
    const start = this.#timeOf(this.#forgottenBefore) - Math.max(HOLD_MS, GAP_MS);
    let keep = this.#forgottenBefore - Math.max(HOLD_FRAMES_MIN, GAP_FRAMES_MIN);
    while (keep > this.#firstFrame && this.#timeOf(keep - 1) >= start) keep -= 1;
    if (keep <= this.#firstFrame) return;
    this.#times.splice(0, keep - this.#firstFrame);
    this.#firstFrame = keep;
    this.#linker.forgetBefore(keep);
    for (const flooded of this.#flooded) if (flooded < keep) this.#flooded.delete(flooded);
  }

  #timeOf(frame: number): number {
    const index = Math.min(this.#times.length - 1, Math.max(0, frame - this.#firstFrame));
    return this.#times[index] ?? 0;
  }

  /** How many of the last pictures lie within so long, at least so many. */
  #framesWithin(lengthMs: number, atLeast: number): number {
    const last = this.#times.at(-1) ?? 0;
    const count = this.#times.length - 1;
    let frames = 0;
    while (frames < count && last - (this.#times[count - frames - 1] ?? 0) <= lengthMs) frames += 1;
    return Math.max(atLeast, frames);
  }

  #cover(track: LinkedTrack, put: Put): void {
    const hits: readonly Hit[] = this.#of === "faces" ? steadied(track.hits) : [...track.hits];
    const counts = isCounted(track);
    const isSure = (frame: number): boolean => {
      const found = track.hits.get(frame);
      return found !== undefined && this.#weightOf(found) === "sure";
    };
    for (const [frame, box] of hits) {
      const found = track.hits.get(frame);
      if (counts || !found || found.score >= this.#ownScoreMin(found))
        put(frame, box, isSure(frame));
    }
    if (!counts) return;
    this.#follow(hits, isSure, put);
    // A faint find may be another thing beside a face that is not found any more: what was sure goes
    // on as though there were none.
    const sure = hits.filter(([frame]) => (track.hits.get(frame)?.score ?? 0) >= SURE_SCORE);
    if (sure.length > 0 && sure.length < hits.length) this.#follow(sure, isSure, put);
  }

  #follow(hits: readonly Hit[], isSure: (frame: number) => boolean, put: Put): void {
    hits.slice(1).forEach(([frame, face], index) => {
      const before = hits[index];
      if (before && this.#isGap(before[0], frame))
        fill({ frame: before[0], box: before[1] }, { frame, box: face }, (at, box) =>
          put(at, box, isSure(before[0]) && isSure(frame)),
        );
    });
    this.#hold(hits, -1, put);
    this.#hold(hits, 1, put);
  }

  /** Whether a face that was found in both frames may not have been found between them. */
  #isGap(from: number, to: number): boolean {
    return to - from <= GAP_FRAMES_MIN + 1 || this.#timeOf(to) - this.#timeOf(from) <= GAP_MS;
  }

  /** Goes on from the first or the last find: along its way, and where it was. */
  #hold(hits: readonly Hit[], step: 1 | -1, put: Put): void {
    const [end, box] = hits.at(step === 1 ? -1 : 0) ?? [];
    if (end === undefined || !box) return;
    const velocity = velocityOf(new Map(hits), step === -1);
    const endMs = this.#timeOf(end);
    let moved: Box = box;
    for (let count = 1; ; count++) {
      const frame = end + count * step;
      if (frame < this.#firstFrame || frame >= this.frames) return;
      const awayMs = Math.abs(this.#timeOf(frame) - endMs);
      if (awayMs > HOLD_MS && count > HOLD_FRAMES_MIN) return;
      if (awayMs <= GOING_ON_MS || count <= HOLD_FRAMES_MIN)
        moved = {
          ...moved,
          x: box.x + velocity.x * count * step,
          y: box.y + velocity.y * count * step,
        };
      put(frame, grown(hull(box, moved), growthAfter(count)), false);
    }
  }

  /** What a find of a track that does not count needs to be covered in its own frame. */
  #ownScoreMin({ width }: Box): number {
    return this.#of === "faces" && width >= LARGE_SHARE * this.#size.width ? SURE_SCORE : 0;
  }

  /** Each find is judged for its own width: who comes nearer was there before. */
  #weightOf({ score, width }: Face): Weight {
    const share = this.#of === "bodies" ? 0 : width / this.#size.width;
    const more = Math.min(1, Math.max(0, share - LARGE_SHARE) / (HUGE_SHARE - LARGE_SHARE));
    if (score >= SURE_SCORE + more * (HUGE_SURE_SCORE - SURE_SCORE)) return "sure";
    return share < LARGE_SHARE ? "doubtful" : "none";
  }

  /** One face may have become two tracks: then it is covered between them. */
  #join(put: Put): void {
    const counted = this.#linker.tracks
      .filter((track) => isCounted(track))
      .toSorted((left, right) => left.firstFrame - right.firstFrame);
    for (const before of counted) {
      const endMs = this.#timeOf(before.lastFrame);
      for (const after of counted) {
        const gapMs = this.#timeOf(after.firstFrame) - endMs;
        if (after.firstFrame - before.lastFrame <= 1) continue;
        if (!this.#isGap(before.lastFrame, after.firstFrame)) break;
        const face = after.hits.get(after.firstFrame);
        if (face && mayBeOne(before.last, face, gapMs))
          fill(
            { frame: before.lastFrame, box: before.last },
            { frame: after.firstFrame, box: face },
            (at, box) => put(at, box, false),
          );
      }
    }
  }
}

/**
 * Whether what it found may be a face: sure once, or seen again. What counted once goes on counting;
 * nobody is less there for being found less surely.
 */
function isCounted({ wasSure, doubtful }: LinkedTrack): boolean {
  return wasSure || doubtful >= DOUBTFUL_HITS;
}

/**
 * Detectors see a turned face narrower than it is, and each picture a little differently: a box is as
 * large as the largest of the finds just before and after it, and no narrower than heads are.
 */
function steadied(hits: ReadonlyMap<number, Face>): Hit[] {
  const all = [...hits];
  return all.map(([frame, face], index) => {
    const near = all
      .slice(Math.max(0, index - STEADY_HITS), index + STEADY_HITS + 1)
      .filter(([at]) => Math.abs(at - frame) <= STEADY_HITS)
      .map(([, other]) => other);
    const limit = (side: "width" | "height"): number =>
      Math.min(face[side] * STEADY_GROWTH_MAX, Math.max(...near.map((other) => other[side])));
    const [width, height] = [limit("width"), limit("height")];
    return [
      frame,
      resized(face, Math.max(width, height * HEAD_WIDTH_MIN), Math.max(height, width)),
    ];
  });
}

function resized({ x, y, width, height }: Box, newWidth: number, newHeight: number): Box {
  return {
    x: x - (newWidth - width) / 2,
    y: y - (newHeight - height) / 2,
    width: newWidth,
    height: newHeight,
  };
}

type Hit = readonly [frame: number, box: Box];

interface At {
  readonly frame: number;
  readonly box: Box;
}

function fill(one: At, other: At, put: (frame: number, box: Box) => void): void {
  for (let frame = one.frame + 1; frame < other.frame; frame++) {
    const share = (frame - one.frame) / (other.frame - one.frame);
    const away = Math.min(frame - one.frame, other.frame - frame);
    put(frame, grown(between(one.box, other.box, share), growthAfter(away)));
  }
}

function growthAfter(frames: number): number {
  return Math.min(GROWTH_MAX, 1 + GROWTH_PER_FRAME * frames);
}

function hull(one: Box, other: Box): Box {
  const x = Math.min(one.x, other.x);
  const y = Math.min(one.y, other.y);
  const right = Math.max(one.x + one.width, other.x + other.width);
  const bottom = Math.max(one.y + one.height, other.y + other.height);
  return { x, y, width: right - x, height: bottom - y };
}

function mayBeOne(before: Box, after: Box, gapMs: number): boolean {
  const ratio = before.width / after.width;
  if (ratio > JOIN_SIZE_RATIO || ratio < 1 / JOIN_SIZE_RATIO) return false;
  const away = Math.hypot(
    before.x + before.width / 2 - after.x - after.width / 2,
    before.y + before.height / 2 - after.y - after.height / 2,
  );
  const widths = JOIN_WIDTHS + (JOIN_WIDTHS_PER_SECOND * gapMs) / 1_000;
  return away <= widths * Math.max(before.width, after.width);
}

/** Whether a find is about where a face was expected. */
function isAbout(expected: Box, face: Box): boolean {
  const away = Math.hypot(
    expected.x + expected.width / 2 - face.x - face.width / 2,
    expected.y + expected.height / 2 - face.y - face.height / 2,
  );
  return away <= Math.max(expected.width, face.width) / 2;
}
