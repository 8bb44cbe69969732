import type { SealedFile } from "../protocol/clip.ts";
import type { BlurReason } from "../protocol/blur-state.ts";
import type { Fragment } from "../protocol/fragment.ts";
import type { CameraId, ClipId } from "../protocol/ids.ts";
import type { BlurRules } from "../vision/blur-footage.ts";
import { countedBytes } from "./segment-file.ts";

/** A clip that is to be blurred, as the recorder names it. */
export interface CopiedClip {
  readonly id: ClipId;
  readonly camera: CameraId;
  readonly folder: string;
  readonly rules: BlurRules;
  /** True where no original is recorded: then the copy is all there is. */
  readonly isOnly: boolean;
}

/** One segment in memory, from its first fragment until it is blurred and sealed, or given up. */
export interface HeldSegment {
  readonly arrivedMs: number;
  readonly fragments: Fragment[];
  bytes: number;
  segment: number;
  /** Null where no original is recorded. */
  original: SealedFile | null;
  /** The original of it is on the disk, or none is recorded: nobody writes from its pictures any more. */
  isWritten: boolean;
  /** How often the worker ended with it. */
  tries: number;
  /** Its answer is being sealed: the worker holds it no more. */
  isAnswered: boolean;
  /** Given up: nothing of it is held any more. */
  isLost: boolean;
}

/** How one clip's copy stands. Only `BlurQueue` changes it. */
export interface CopyState extends CopiedClip {
  /** Being recorded. */
  open: HeldSegment | null;
  /** Closed, while the original is being written. */
  readonly closing: Set<HeldSegment>;
  readonly waiting: HeldSegment[];
  /** With the worker, or being sealed. */
  readonly flying: Map<number, HeldSegment>;
  /** What the worker was given, now or before. */
  readonly pushed: { readonly span: Span; readonly original: SealedFile | null }[];
  readonly posters: Set<"original" | "blurred">;
  job: number | null;
  hasEnded: boolean;
  /** Set when the recorder has closed the clip. */
  endedAtMs: number | null;
  /** Nobody waits for it any more. */
  droppedFor: BlurReason | null;
  /** Why something is missing, or pixelated whole: the first that was. */
  missing: BlurReason | null;
  whole: BlurReason | null;
  isFinished: boolean;
  tail: Promise<void>;
}

export function newCopy(clip: CopiedClip): CopyState {
  return {
    ...clip,
    open: null,
    closing: new Set(),
    waiting: [],
    flying: new Map(),
    pushed: [],
    posters: new Set(),
    job: null,
    hasEnded: false,
    endedAtMs: null,
    droppedFor: null,
    missing: null,
    whole: null,
    isFinished: false,
    tail: Promise.resolve(),
  };
}

export function newSegment(arrivedMs: number): HeldSegment {
  return {
    ...{ arrivedMs, fragments: [], bytes: 0, segment: 0, original: null },
    ...{ isWritten: false, tries: 0, isAnswered: false, isLost: false },
  };
}

/** Every segment of a copy that is in memory. */
export function heldOf(copy: CopyState): HeldSegment[] {
  return [
    ...copy.flying.values(),
    ...copy.waiting,
    ...copy.closing,
    ...(copy.open === null ? [] : [copy.open]),
  ];
}

/** What a fragment takes while it is held; the first of a segment brings its initialisation. */
export function heldBytes(fragment: Fragment, isFirst: boolean): number {
  return countedBytes(fragment.bytes) + (isFirst ? fragment.init.bytes.length : 0);
}

/** Wall clock of the first access unit, and of the end of the last. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

export function spanOf({ fragments, original }: HeldSegment): Span {
  if (original !== null) return { fromMs: original.fromMs, toMs: original.toMs };
  const fromMs = Math.round(fragments[0]?.wallClockMs ?? 0);
  let toMs = fromMs;
  // A wall clock that was set back must not make a file end before it began.
  for (const { wallClockMs, durationMs } of fragments)
    toMs = Math.max(toMs, Math.round(wallClockMs + durationMs));
  return { fromMs, toMs };
}

/** What a segment lasts. */
export function footageMsOf({ fragments }: HeldSegment): number {
  return fragments.reduce((sum, { durationMs }) => sum + durationMs, 0);
}
