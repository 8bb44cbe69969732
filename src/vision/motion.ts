import type { EventReason } from "../protocol/clip.ts";
import { Background, type Foreground } from "./background.ts";
import { BlobFinder, type Blob } from "./blobs.ts";
import type { GreyFrame } from "./grey-frame.ts";
import { outlinesOf } from "./pattern.ts";
import type { LeftThing, ShareBox } from "./share-box.ts";
import type { ZoneCells } from "./zones.ts";

/** What the detector says, and when: `start` and `end` always take turns. */
export type MotionEvent =
  | {
      readonly type: "start";
      /** Wall clock of the first picture that showed it: up to 0.6 s before this is said. */
      readonly onsetAtMs: number;
      readonly why: EventReason;
    }
  | {
      readonly type: "end";
      /** Wall clock of the last picture in which something moved. */
      readonly atMs: number;
      /** What came with it and stays where it was put, if there is such a thing. */
      readonly left?: LeftThing | null;
    };

/** Where no zones are drawn there is one. */
export const WHOLE_PICTURE = "whole picture";

/** What an owner sets about motion, in cells and factors. */
export interface MotionRules {
  /** Null: the whole picture counts. */
  readonly zones: ZoneCells | null;
  /** How far a cell must stray, as a factor on what is usual: more is less sensitive. */
  readonly threshold: number;
  /** Share of its zone, or of the picture, that a thing must cover; 0 for the least there is. */
  readonly smallestShare: number;
}

export const DEFAULT_RULES: MotionRules = { zones: null, threshold: 1, smallestShare: 0 };

interface Size {
  /** Cells that differ from the scenery, and how many of them just changed. */
  readonly area: number;
  readonly moving: number;
}

/**
 * In cells of the 160x90 that a picture has. A person at the far side of a front garden covers 40;
 * a bush in the wind breaks up into regions of less than 22.
 */
const START: Size = { area: 30, moving: 24 };
/** What goes on moving may get smaller: somebody in front of the door reaches for the bell. */
const KEEP: Size = { area: 24, moving: 10 };
/** Both pictures that make a start lie within this time. */
const CONFIRM_WITHIN_MS = 700;
/** The second region may have moved on by this many cells from the first. */
const CONFIRM_DISTANCE = 24;
/** The event has ended when nothing moved for this long, ... */
const QUIET_MS = 2_500;
/** ... and nothing that came swayed for this long: somebody who waits at the door, ... */
const STEADY_MS = 4_000;
const SWAYING_CELLS = 3;
/** Within this time what it changed by coming looks like swaying. */
const ARRIVING_MS = 1_700;
/** ... but for so long at most. */
const WAITING_MAX_MS = 90_000;
/** Something that was put down: between these sizes, and away from the picture's edges. */
const LEFT_AREA_MIN = 12;
const LEFT_SHARE_MAX = 0.05;
/** It has edges where the scenery had fewer; where something was taken away it is the other way. */
const LEFT_OUTLINE = 1.2;
/** Pictures at the beginning that only teach the model. */
const FIRST_PICTURES = 2;
/** A region that still shows the scenery's pattern this well is a shadow or a lamp. */
const LIGHT_LIKENESS = 0.95;
const LIGHT_CONTRAST_MAX = 60;
/**
 * Cells with an outline or a hidden pattern that a thing has at least: of a small one some, of a
 * larger one more, or its rim, which grows with the root of its area.
 */
const SMALL_CELLS = 200;
const UNLIKE_SHARE_SMALL = 0.08;
const UNLIKE_SHARE = 0.25;
const RIM_FACTOR = 2.5;
/** What covers so much of the picture may have its rim outside. */
const COVERING_SHARE = 0.7;
const COVERING_LIKENESS = 0.5;
/**
 * A camera that changes to its night picture changes nearly everything at once, and is black or
 * white until it has settled; outlines are where they were before.
 */
const FLOOD_SHARE = 0.25;
const FLOOD_ENDS_SHARE = 0.08;
const FLOOD_MS = 1_400;
const SETTLING_MS = 1_000;
const SAME_OUTLINES = 0.45;
const FEATURELESS = 0.25;
const DIMMED_GAIN = 0.45;
/** Cells at which the score is about two thirds. */
const SCORE_MOVING = 60;

type Box = Pick<Blob, "left" | "top" | "right" | "bottom">;

type State =
  | { readonly name: "still" }
  | { readonly name: "suspecting"; readonly sinceMs: number; readonly box: Box }
  | {
      readonly name: "moving";
      readonly lastMovedAtMs: number;
      /** When what came was last seen to sway, or to move. */
      readonly lastThereAtMs: number;
      readonly box: Box;
    };

/**
 * Tells when something begins and stops to move in one camera's small grey pictures. Looks only at
 * how regions differ from the learned scenery and whether they change; it does not know what they
 * are. Reads no clock: time is what the pictures say.
 */
export class MotionDetector {
  readonly #blobs = new BlobFinder();
  #rules: MotionRules;
  #background: Background | undefined;
  #pictures = 0;
  #lastShare = 0;
  #floodSinceMs: number | null = null;
  #settlesUntilMs = -Infinity;
  #state: State = { name: "still" };
  #moving: ShareBox | null = null;

  constructor(rules: MotionRules = DEFAULT_RULES) {
    this.#rules = rules;
  }

  /** Nothing moves, and nothing looks as if it were about to. */
  get isStill(): boolean {
    return this.#state.name === "still" && this.#floodSinceMs === null;
  }

  /** Where something moved when it last did, while an event goes on. */
  get moving(): ShareBox | null {
    return this.#state.name === "moving" ? this.#moving : null;
  }

  /** From the next picture on. What was learned of the scenery stays. */
  setRules(rules: MotionRules): void {
    this.#rules = rules;
  }

  /** Takes the next picture; all of one detector have the same size. */
  push(frame: GreyFrame): MotionEvent | null {
    if (frame.pixels.length !== frame.width * frame.height) {
      throw new RangeError("Cannot look for motion: the picture is not width x height bytes");
    }
    this.#background ??= new Background(frame.width, frame.height);
    const foreground = this.#background.look(frame, this.#rules.threshold);
    this.#pictures += 1;
    const flood = this.#floodOf(frame.atMs, foreground);
    if (flood === "waits") return this.#advance(frame.atMs, [], foreground);
    if (flood === "covered") return this.#cover(frame.atMs, foreground);
    const areaMin = this.#state.name === "moving" ? LEFT_AREA_MIN : KEEP.area;
    const blobs = this.#blobs.find(foreground, areaMin, this.#rules.zones);
    const things = blobs.filter((blob) => !isLight(blob, foreground));
    return this.#advance(frame.atMs, things, foreground);
  }

  /** Ends an open event because no more pictures come. */
  stop(): MotionEvent | null {
    const state = this.#state;
    this.#state = { name: "still" };
    return state.name === "moving" ? { type: "end", atMs: state.lastThereAtMs, left: null } : null;
  }

  #advance(atMs: number, blobs: readonly Blob[], foreground: Foreground): MotionEvent | null {
    const state = this.#state;
    if (state.name === "moving") return this.#goOn(state, atMs, blobs, foreground);
    const suspects = blobs.filter((blob) => this.#mayStart(blob, foreground));
    const first = suspects[0];
    if (!first || this.#pictures <= FIRST_PICTURES || atMs < this.#settlesUntilMs) {
      const expired =
        state.name === "suspecting" && Math.abs(atMs - state.sinceMs) > CONFIRM_WITHIN_MS;
      if (expired) this.#state = { name: "still" };
      return null;
    }
    const sinceMs = state.name === "suspecting" ? state.sinceMs : atMs;
    const confirmed =
      state.name === "suspecting" &&
      Math.abs(atMs - sinceMs) <= CONFIRM_WITHIN_MS &&
      suspects.find((blob) => isNear(blob, state.box));
    if (!confirmed) {
      this.#state = { name: "suspecting", sinceMs: atMs, box: first };
      return null;
    }
    this.#state = { name: "moving", lastMovedAtMs: atMs, lastThereAtMs: atMs, box: confirmed };
    this.#moving = unionOf([confirmed], foreground);
    return { type: "start", onsetAtMs: sinceMs, why: reason(confirmed, foreground) };
  }

  #goOn(
    state: State & { readonly name: "moving" },
    atMs: number,
    blobs: readonly Blob[],
    foreground: Foreground,
  ): MotionEvent | null {
    // What was put down must still differ from the scenery when whoever brought it has gone.
    const laid = blobs.filter((blob) => isLaid(blob, foreground));
    for (const blob of laid) this.#background?.keepOut(blob);
    const movers = blobs.filter((blob) => reaches(blob, KEEP));
    const [moving] = movers;
    if (moving) {
      this.#moving = unionOf(movers, foreground);
      this.#state = { name: "moving", lastMovedAtMs: atMs, lastThereAtMs: atMs, box: moving };
      return null;
    }
    // A wall clock that was set back must not hold the event open.
    const quietMs = Math.abs(atMs - state.lastMovedAtMs);
    const waiting =
      quietMs < WAITING_MAX_MS
        ? blobs.find((blob) => blob.area >= KEEP.area && isNear(blob, state.box))
        : undefined;
    if (waiting) this.#background?.keepOut(waiting);
    const sways = waiting !== undefined && waiting.swaying >= SWAYING_CELLS;
    const lastThereAtMs = sways && quietMs > ARRIVING_MS ? atMs : state.lastThereAtMs;
    const hasSwayed = lastThereAtMs !== state.lastMovedAtMs;
    const isThere = waiting && hasSwayed && Math.abs(atMs - lastThereAtMs) < STEADY_MS;
    if (quietMs < QUIET_MS || isThere) {
      this.#state = { ...state, lastThereAtMs };
      return null;
    }
    this.#state = { name: "still" };
    const [first] = laid;
    const left = first ? leftThing(first, foreground) : null;
    return { type: "end", atMs: lastThereAtMs, left };
  }

  #mayStart({ area, moving, zoneCells }: Blob, { columns, rows }: Foreground): boolean {
    const smallest = this.#rules.smallestShare * (zoneCells ?? columns * rows);
    return reaches({ area, moving }, START) && area >= smallest;
  }

  /**
   * Where everything changed at once: "waits" while it cannot be told what that is, and where it was
   * the camera itself, whose scenery is learned anew; "covered" where it is something before it.
   */
  #floodOf(atMs: number, foreground: Foreground): "none" | "waits" | "covered" {
    const share = differingShare(foreground);
    const isFlood = this.#lastShare < FLOOD_SHARE / 4 && share > FLOOD_SHARE;
    this.#lastShare = share;
    const mayBeGone = foreground.gain < DIMMED_GAIN;
    if (this.#floodSinceMs === null && !isFlood && !mayBeGone) return "none";
    const { likeness: outlines, strength } = outlinesOf(foreground);
    const isGone = strength < FEATURELESS;
    if (this.#floodSinceMs === null && !isFlood && !isGone) return "none";
    this.#floodSinceMs ??= atMs;
    if (outlines > SAME_OUTLINES && share > FLOOD_ENDS_SHARE) {
      this.#background = undefined;
      this.#pictures = 0;
      this.#lastShare = 0;
      this.#floodSinceMs = null;
      this.#settlesUntilMs = atMs + SETTLING_MS;
      return "waits";
    }
    if (!isGone) {
      this.#floodSinceMs = null;
      return "none";
    }
    return Math.abs(atMs - this.#floodSinceMs) > FLOOD_MS ? "covered" : "waits";
  }

  /** Something plain was put before the lens, and is still there: it becomes scenery. */
  #cover(atMs: number, { columns, rows }: Foreground): MotionEvent | null {
    const onsetAtMs = this.#floodSinceMs ?? atMs;
    this.#floodSinceMs = null;
    this.#background = undefined;
    this.#pictures = 0;
    if (this.#state.name === "moving") return null;
    const box = { left: 0, top: 0, right: columns - 1, bottom: rows - 1 };
    this.#moving = { x: 0, y: 0, width: 1, height: 1 };
    this.#state = { name: "moving", lastMovedAtMs: atMs, lastThereAtMs: atMs, box };
    const zone = this.#rules.zones?.names[0] ?? WHOLE_PICTURE;
    return { type: "start", onsetAtMs, why: { kind: "motion", zone, areaShare: 1, score: 1 } };
  }
}

function differingShare({ differs }: Foreground): number {
  let count = 0;
  for (const cell of differs) count += cell;
  return count / differs.length;
}

function reaches(blob: Size, size: Size): boolean {
  return blob.area >= size.area && blob.moving >= size.moving;
}

function isLight(blob: Blob, { columns, rows }: Foreground): boolean {
  const { area, likeness: pattern, contrast, unlike } = blob;
  if (pattern > LIGHT_LIKENESS && contrast < LIGHT_CONTRAST_MAX) return true;
  if (area > COVERING_SHARE * columns * rows && pattern < COVERING_LIKENESS) return false;
  const share = area < SMALL_CELLS ? UNLIKE_SHARE_SMALL : UNLIKE_SHARE;
  return unlike.cells < share * area && unlike.strong < RIM_FACTOR * Math.sqrt(area);
}

function isNear(one: Box, other: Box): boolean {
  return (
    one.left - CONFIRM_DISTANCE <= other.right &&
    other.left - CONFIRM_DISTANCE <= one.right &&
    one.top - CONFIRM_DISTANCE <= other.bottom &&
    other.top - CONFIRM_DISTANCE <= one.bottom
  );
}

function isLaid(blob: Blob, { columns, rows }: Foreground): boolean {
  const { area, moving, swaying, outline, left, top, right, bottom } = blob;
  const isInside = left > 0 && top > 0 && right < columns - 1 && bottom < rows - 1;
  const isStill = moving === 0 && swaying < SWAYING_CELLS;
  return isInside && isStill && outline > LEFT_OUTLINE && area <= LEFT_SHARE_MAX * columns * rows;
}

function leftThing(blob: Blob, { columns, rows }: Foreground): LeftThing {
  const areaShare = Math.min(1, blob.area / (blob.zoneCells ?? columns * rows));
  return { zone: blob.zone ?? WHOLE_PICTURE, areaShare };
}

function unionOf(boxes: readonly Box[], { columns, rows }: Foreground): ShareBox {
  const left = Math.min(...boxes.map((box) => box.left));
  const top = Math.min(...boxes.map((box) => box.top));
  const right = Math.max(...boxes.map((box) => box.right)) + 1;
  const bottom = Math.max(...boxes.map((box) => box.bottom)) + 1;
  return {
    ...{ x: left / columns, y: top / rows },
    ...{ width: (right - left) / columns, height: (bottom - top) / rows },
  };
}

function reason(blob: Blob, { columns, rows }: Foreground): EventReason {
  return {
    kind: "motion",
    zone: blob.zone ?? WHOLE_PICTURE,
    areaShare: Math.min(1, blob.area / (blob.zoneCells ?? columns * rows)),
    score: 1 - Math.exp(-blob.moving / SCORE_MOVING),
  };
}
