import type { BlurReason } from "../protocol/blur-state.ts";
import type { Fragment, TrackInit } from "../protocol/fragment.ts";

/** What goes to be blurred, and what comes back. Pictures of people: in memory only. */

export interface BlurRules {
  /** What is covered of a person: the face, or all of them. */
  readonly cover: "faces" | "persons";
  /** Whether the lower part of vehicles is covered too. */
  readonly plates: boolean;
  readonly mode: "live" | "standard" | "thorough";
}

/** One access unit, `moof` + `mdat`. */
export type FootageFragment = Pick<
  Fragment,
  "keyFrame" | "decodeTimeMs" | "durationMs" | "wallClockMs" | "bytes"
>;

/** The video of one recorded segment. Numbers of a clip rise, and leave out what was given up. */
export interface BlurFootage {
  readonly segment: number;
  readonly init: TrackInit;
  readonly fragments: readonly FootageFragment[];
  /** How long its first picture has been in memory; none where it has just come. */
  readonly ageMs?: number;
}

/**
 * What became of one segment. `blurred`: every frame was looked at, and what was found is covered.
 * `whole`: pixelated from edge to edge, `reason` says why. `absent`: no footage comes with it.
 * Otherwise there is one fragment for each of the original, with the same times.
 */
export interface BlurredSegment {
  readonly segment: number;
  readonly outcome: "blurred" | "whole" | "absent";
  readonly reason: BlurReason | null;
  /** Frames in the original, and how many of them a detector has looked at. */
  readonly frames: number;
  readonly framesLooked: number;
  /** Null and none where absent. */
  readonly init: TrackInit | null;
  readonly fragments: readonly FootageFragment[];
}

/** A still of a clip, as JPEG. */
export interface BlurredPoster {
  readonly rendition: "original" | "blurred";
  /** Wall clock of its frame. */
  readonly atMs: number;
  /** How it was covered; null for the original. */
  readonly pixelated: "faces" | "whole" | null;
  readonly jpeg: Uint8Array;
}
