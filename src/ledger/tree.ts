import { hashNode } from "../protocol/merkle.ts";

/** Entries `start` up to, not including, `end`. */
export interface LeafRange {
  readonly start: number;
  readonly end: number;
}

/** Hash of the complete subtree number `index` of 2^`level` leaves. */
export type SubtreeHash = (level: number, index: number) => Uint8Array;

/** The ranges whose roots are the inclusion proof, in proof order (RFC 6962 section 2.1.1). */
export function inclusionRanges(index: number, size: number): LeafRange[] {
  const ranges: LeafRange[] = [];
  let [start, end] = [0, size];
  while (end - start > 1) {
    const split = start + largestPowerOfTwoBelow(end - start);
    if (index < split) {
      ranges.push({ start: split, end });
      end = split;
    } else {
      ranges.push({ start, end: split });
      start = split;
    }
  }
  return ranges.toReversed();
}

/** The ranges whose roots are the consistency proof, in proof order (RFC 6962 section 2.1.2). */
export function consistencyRanges(olderSize: number, size: number): LeafRange[] {
  const ranges: LeafRange[] = [];
  let [start, end] = [0, size];
  while (olderSize !== end) {
    const split = start + largestPowerOfTwoBelow(end - start);
    if (olderSize <= split) {
      ranges.push({ start: split, end });
      end = split;
    } else {
      ranges.push({ start, end: split });
      start = split;
    }
  }
  // The verifier knows the older root already; the proof names it only as a part of something.
  if (start > 0) ranges.push({ start, end });
  return ranges.toReversed();
}

/** Root over a range that starts where a subtree of its size may start, as all ranges above do. */
export function rangeRoot(range: LeafRange, subtreeHash: SubtreeHash): Uint8Array {
  const { start, end } = range;
  const count = end - start;
  const power = largestPowerOfTwoBelow(count);
  const isComplete = count === 1 || count === power * 2;
  if (isComplete) return subtreeHash(Math.log2(count), start / count);
  const split = start + power;
  return hashNode(
    rangeRoot({ start, end: split }, subtreeHash),
    rangeRoot({ start: split, end }, subtreeHash),
  );
}

function largestPowerOfTwoBelow(count: number): number {
  let power = 1;
  while (power * 2 < count) power *= 2;
  return power;
}
