import { emptyRoot, hashNode } from "../../src/protocol/merkle.ts";

// The recursive definitions of RFC 6962 section 2.1, word for word: slow, and easy to compare with
// the text. What the hub does faster is tested against them.

/** MTH(D[n]). */
export function naiveRoot(leaves: readonly Uint8Array[]): Uint8Array {
  const [first] = leaves;
  if (first === undefined) return emptyRoot();
  if (leaves.length === 1) return first;
  const split = largestPowerOfTwoBelow(leaves.length);
  return hashNode(naiveRoot(leaves.slice(0, split)), naiveRoot(leaves.slice(split)));
}

/** PATH(m, D[n]). */
export function naiveInclusionProof(index: number, leaves: readonly Uint8Array[]): Uint8Array[] {
  if (leaves.length <= 1) return [];
  const split = largestPowerOfTwoBelow(leaves.length);
  const [left, right] = [leaves.slice(0, split), leaves.slice(split)];
  return index < split
    ? [...naiveInclusionProof(index, left), naiveRoot(right)]
    : [...naiveInclusionProof(index - split, right), naiveRoot(left)];
}

/** PROOF(m, D[n]). */
export function naiveConsistencyProof(size: number, leaves: readonly Uint8Array[]): Uint8Array[] {
  return subProof(size, leaves, true);
}

function subProof(
  size: number,
  leaves: readonly Uint8Array[],
  isWholeOldTree: boolean,
): Uint8Array[] {
  if (size === leaves.length) return isWholeOldTree ? [] : [naiveRoot(leaves)];
  const split = largestPowerOfTwoBelow(leaves.length);
  const [left, right] = [leaves.slice(0, split), leaves.slice(split)];
  return size <= split
    ? [...subProof(size, left, isWholeOldTree), naiveRoot(right)]
    : [...subProof(size - split, right, false), naiveRoot(left)];
}

function largestPowerOfTwoBelow(count: number): number {
  let power = 1;
  while (power * 2 < count) power *= 2;
  return power;
}
