import type { DoubtfulFrame } from "./review.ts";
import type { Corrections } from "./corrections.ts";
import type { Track } from "../../../src/blur/tracks.ts";

/** Between the page and the worker that redacts. */

export interface OpenedVideo {
  readonly segment: number;
  readonly bytes: ArrayBuffer;
}

/** What the detector's pass found. */
export interface Findings {
  readonly width: number;
  readonly height: number;
  readonly frameCount: number;
  readonly framesPerSecond: number;
  /** Of each frame, in milliseconds from the first one. */
  readonly timesMs: readonly number[];
  readonly tracks: readonly Track[];
  /** Most doubtful first. */
  readonly weakest: readonly DoubtfulFrame[];
  /** Of the detector alone, a frame: to say how long it takes. */
  readonly detectMs: number;
}

export interface Picture {
  readonly bitmap: ImageBitmap;
  /** Of the recording, whatever size the bitmap has. */
  readonly width: number;
  readonly height: number;
}

export interface MadeSegment {
  readonly segment: number;
  readonly bytes: Uint8Array;
}

export interface RedactCalls {
  look: {
    readonly value: { readonly segments: readonly OpenedVideo[] };
    readonly result: Findings;
  };
  /** A frame, not wider than asked for. */
  picture: {
    readonly value: { readonly frame: number; readonly width: number };
    readonly result: Picture;
  };
  make: { readonly value: { readonly corrections: Corrections }; readonly result: MadeSegment[] };
  /** The first picture of a segment, covered, as a small JPEG. */
  still: {
    readonly value: { readonly segment: number; readonly corrections: Corrections };
    readonly result: MadeSegment;
  };
}
export type RedactCallName = keyof RedactCalls;

export type ToRedactor =
  | {
      [Name in RedactCallName]: {
        readonly type: "call";
        readonly id: number;
        readonly name: Name;
        readonly value: RedactCalls[Name]["value"];
      };
    }[RedactCallName]
  | { readonly type: "cancel"; readonly id: number };

export type FromRedactor =
  | { readonly type: "result"; readonly id: number; readonly value: unknown }
  | {
      readonly type: "error";
      readonly id: number;
      readonly code: string;
      readonly message: string;
    }
  | {
      readonly type: "progress";
      readonly id: number;
      readonly done: number;
      readonly total: number;
    };
