import { between, isFiniteBox, type Box } from "../../../src/blur/boxes.ts";
import type { Track, TrackBox } from "../../../src/blur/tracks.ts";

/**
 * What an owner changed: boxes of his own, and boxes of the detector that he took away. Pure; every
 * change gives a new value, so that each can be taken back.
 */
export interface Corrections {
  readonly added: readonly AddedBox[];
  readonly removed: readonly Removal[];
}

/** A box from one frame to another, drawn at one or more frames and moved evenly in between. */
export interface AddedBox {
  readonly id: number;
  readonly fromFrame: number;
  /** Included. */
  readonly toFrame: number;
  /** At least one. Before the first and after the last it stands still. */
  readonly drawn: ReadonlyMap<number, Box>;
}

/** A track that is not blurred from one frame to another, both included. */
export interface Removal {
  readonly track: number;
  readonly fromFrame: number;
  readonly toFrame: number;
}

export interface ShownBox extends TrackBox {
  /** Of the track, or of the added box where `origin` is "owner". */
  readonly id: number;
}

export const NO_CORRECTIONS: Corrections = { added: [], removed: [] };
const ADDED_MAX = 200;

/** Every box of a frame: what will be covered, and nothing else. */
export function boxesOfFrame(
  frame: number,
  tracks: readonly Track[],
  { added, removed }: Corrections,
): ShownBox[] {
  const shown: ShownBox[] = [];
  for (const { id, boxes } of tracks) {
    const box = boxes.get(frame);
    const isRemoved = removed.some(
      ({ track, fromFrame, toFrame }) => track === id && frame >= fromFrame && frame <= toFrame,
    );
    if (box && !isRemoved) shown.push({ ...box, id });
  }
  for (const one of added) {
    const box = addedBoxAt(one, frame);
    if (box) shown.push({ ...box, id: one.id, origin: "owner", score: 1 });
  }
  return shown;
}

export function addedBoxAt({ fromFrame, toFrame, drawn }: AddedBox, frame: number): Box | null {
  if (frame < fromFrame || frame > toFrame) return null;
  const frames = [...drawn.keys()].toSorted((left, right) => left - right);
  const before = frames.findLast((one) => one <= frame);
  const after = frames.find((one) => one >= frame);
  const [one, other] = [drawn.get(before ?? after ?? -1), drawn.get(after ?? before ?? -1)];
  if (!one || !other) return null;
  if (before === undefined || after === undefined || before === after) return one;
  return between(one, other, (frame - before) / (after - before));
}

/** @returns The same corrections where the box is none or there are too many. */
export function withAdded(
  corrections: Corrections,
  box: Box,
  range: { readonly frame: number; readonly fromFrame: number; readonly toFrame: number },
): Corrections {
  if (!isFiniteBox(box) || corrections.added.length >= ADDED_MAX) return corrections;
  const id = Math.max(0, ...corrections.added.map((one) => one.id)) + 1;
  const { frame, fromFrame, toFrame } = range;
  const one: AddedBox = { id, fromFrame, toFrame, drawn: new Map([[frame, box]]) };
  return { ...corrections, added: [...corrections.added, one] };
}

/** The owner moved or resized his box at a frame. */
export function withMoved(
  corrections: Corrections,
  id: number,
  frame: number,
  box: Box,
): Corrections {
  if (!isFiniteBox(box)) return corrections;
  return {
    ...corrections,
    added: corrections.added.map((one) =>
      one.id === id ? { ...one, drawn: new Map(one.drawn).set(frame, box) } : one,
    ),
  };
}

/** From this frame on the owner's box ends, or begins. */
export function withRange(
  corrections: Corrections,
  id: number,
  change: { readonly fromFrame?: number; readonly toFrame?: number },
): Corrections {
  return {
    ...corrections,
    added: corrections.added.map((one) => {
      if (one.id !== id) return one;
      const changed = { ...one, ...change };
      return changed.fromFrame <= changed.toFrame ? changed : one;
    }),
  };
}

/** Takes a box away: one of the owner's own wholly, a track's from one frame to another. */
export function withRemoved(
  corrections: Corrections,
  box: Pick<ShownBox, "id" | "origin">,
  range: { readonly fromFrame: number; readonly toFrame: number },
): Corrections {
  return box.origin === "owner"
    ? { ...corrections, added: corrections.added.filter(({ id }) => id !== box.id) }
    : { ...corrections, removed: [...corrections.removed, { track: box.id, ...range }] };
}
