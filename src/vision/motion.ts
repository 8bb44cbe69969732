import type { EventReason } from "../protocol/clip.ts";
import { Background, type Foreground } from "./background.ts";
import { BlobFinder, likeness, type Blob } from "./blobs.ts";
import type { GreyFrame } from "./grey-frame.ts";

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
    };

/** Until zones can be drawn there is one. */
export const WHOLE_PICTURE = "whole picture";

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
/** The event has ended when nothing moved for this long. */
const QUIET_MS = 2_500;
/** Pictures at the beginning that only teach the model. */
const FIRST_PICTURES = 2;
/** A region that still shows the scenery's pattern this well is a shadow or a lamp. */
const LIGHT_LIKENESS = 0.95;
const LIGHT_CONTRAST_MAX = 60;
/** A camera that changes to its night picture changes nearly everything, but not the pattern. */
const SWITCH_SHARE = 0.3;
const SWITCH_LIKENESS = 0.5;
/** Cells at which the score is about two thirds. */
const SCORE_MOVING = 60;

type State =
  | { readonly name: "still" }
  | { readonly name: "suspecting"; readonly sinceMs: number; readonly blob: Blob }
  | { readonly name: "moving"; readonly lastMovedAtMs: number };

/**
 * Tells when something begins and stops to move in one camera's small grey pictures. Looks only at
 * how regions differ from the learned scenery and whether they change; it does not know what they
 * are. Reads no clock: time is what the pictures say.
 */
export class MotionDetector {
  readonly #blobs = new BlobFinder();
  #background: Background | undefined;
  #pictures = 0;
  #lastShare = 0;
  #state: State = { name: "still" };

  /** Nothing moves, and nothing looks as if it were about to. */
  get isStill(): boolean {
    return this.#state.name === "still";
  }

  /** Takes the next picture; all of one detector have the same size. */
  push(frame: GreyFrame): MotionEvent | null {
    if (frame.pixels.length !== frame.width * frame.height) {
      throw new RangeError("Cannot look for motion: the picture is not width x height bytes");
    }
    this.#background ??= new Background(frame.width, frame.height);
    const foreground = this.#background.look(frame);
    this.#pictures += 1;
    const blobs = this.#blobs.find(foreground, KEEP.area);
    const switched = this.#sceneSwitched(foreground);
    if (switched) {
      this.#background = undefined;
      this.#pictures = 0;
    }
    const candidates = switched ? [] : blobs.filter((blob) => !isLight(blob));
    return this.#advance(frame.atMs, candidates, foreground);
  }

  /** Ends an open event because no more pictures come. */
  stop(): MotionEvent | null {
    const state = this.#state;
    this.#state = { name: "still" };
    return state.name === "moving" ? { type: "end", atMs: state.lastMovedAtMs } : null;
  }

  #advance(atMs: number, blobs: readonly Blob[], foreground: Foreground): MotionEvent | null {
    const state = this.#state;
    switch (state.name) {
      case "moving": {
        const goesOn = blobs.some((blob) => reaches(blob, KEEP));
        // A wall clock that was set back must not hold the event open.
        const quietMs = Math.abs(atMs - state.lastMovedAtMs);
        if (goesOn) this.#state = { name: "moving", lastMovedAtMs: atMs };
        if (goesOn || quietMs < QUIET_MS) return null;
        this.#state = { name: "still" };
        return { type: "end", atMs: state.lastMovedAtMs };
      }
      case "still":
      case "suspecting": {
        const suspects = blobs.filter((blob) => reaches(blob, START));
        const first = suspects[0];
        if (!first || this.#pictures <= FIRST_PICTURES) {
          const expired =
            state.name === "suspecting" && Math.abs(atMs - state.sinceMs) > CONFIRM_WITHIN_MS;
          if (expired) this.#state = { name: "still" };
          return null;
        }
        const sinceMs = state.name === "suspecting" ? state.sinceMs : atMs;
        const confirmed =
          state.name === "suspecting" &&
          Math.abs(atMs - sinceMs) <= CONFIRM_WITHIN_MS &&
          suspects.find((blob) => isNear(blob, state.blob));
        if (!confirmed) {
          this.#state = { name: "suspecting", sinceMs: atMs, blob: first };
          return null;
        }
        this.#state = { name: "moving", lastMovedAtMs: atMs };
        return { type: "start", onsetAtMs: sinceMs, why: reason(confirmed, foreground) };
      }
    }
  }

  #sceneSwitched(foreground: Foreground): boolean {
    const share = differingShare(foreground);
    const atOnce = this.#lastShare < SWITCH_SHARE / 4;
    this.#lastShare = share;
    return atOnce && share > SWITCH_SHARE && likeness(foreground) > SWITCH_LIKENESS;
  }
}

function differingShare({ differs }: Foreground): number {
  let count = 0;
  for (const cell of differs) count += cell;
  return count / differs.length;
}

function reaches(blob: Blob, size: Size): boolean {
  return blob.area >= size.area && blob.moving >= size.moving;
}

function isLight(blob: Blob): boolean {
  return blob.likeness > LIGHT_LIKENESS && blob.contrast < LIGHT_CONTRAST_MAX;
}

function isNear(one: Blob, other: Blob): boolean {
  return (
    one.left - CONFIRM_DISTANCE <= other.right &&
    other.left - CONFIRM_DISTANCE <= one.right &&
    one.top - CONFIRM_DISTANCE <= other.bottom &&
    other.top - CONFIRM_DISTANCE <= one.bottom
  );
}

function reason(blob: Blob, { columns, rows }: Foreground): EventReason {
  return {
    kind: "motion",
    zone: WHOLE_PICTURE,
    areaShare: blob.area / (columns * rows),
    score: 1 - Math.exp(-blob.moving / SCORE_MOVING),
  };
}
