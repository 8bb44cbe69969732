import { sha256 } from "@noble/hashes/sha2.js";
import { concatBytes, equalBytes } from "./bytes.ts";

/** Bytes of every hash in the tree (SHA-256). */
export const HASH_BYTES = 32;

const LEAF_PREFIX = Uint8Array.of(0x00);
const NODE_PREFIX = Uint8Array.of(0x01);

/** Hash of an entry (RFC 6962 section 2.1). */
export function hashLeaf(entry: Uint8Array): Uint8Array {
  return sha256(concatBytes(LEAF_PREFIX, entry));
}

/** Hash of an inner node over its two children (RFC 6962 section 2.1). */
export function hashNode(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(concatBytes(NODE_PREFIX, left, right));
}

/** Root of a tree without entries: the hash of nothing (RFC 6962 section 2.1). */
export function emptyRoot(): Uint8Array {
  return sha256(new Uint8Array(0));
}

/**
 * Root of the tree over `leafHashes`, oldest first (RFC 6962 section 2.1). Takes time linear in
 * the number of leaves; the hub keeps subtree hashes instead and uses this to check them.
 */
export function rootOfLeafHashes(leafHashes: Iterable<Uint8Array>): Uint8Array {
  // One waiting subtree per level, as in binary counting: two of a size become one of the next.
  const waiting: { level: number; hash: Uint8Array }[] = [];
  for (const leafHash of leafHashes) {
    let hash = leafHash;
    let level = 0;
    for (let left = waiting.at(-1); left?.level === level; left = waiting.at(-1)) {
      waiting.pop();
      hash = hashNode(left.hash, hash);
      level += 1;
    }
    waiting.push({ level, hash });
  }
  const last = waiting.pop();
  if (last === undefined) return emptyRoot();
  return waiting.reduceRight((right, { hash }) => hashNode(hash, right), last.hash);
}

export interface InclusionClaim {
  /** Position of the entry, from 0. */
  readonly leafIndex: number;
  readonly leafHash: Uint8Array;
  readonly treeSize: number;
  readonly proof: readonly Uint8Array[];
  readonly root: Uint8Array;
}

/**
 * True when the entry with `leafHash` is number `leafIndex` of the tree with `treeSize` entries
 * and `root` (RFC 9162 section 2.1.3.2). A proof that is too short or too long is false.
 */
export function verifyInclusion(claim: InclusionClaim): boolean {
  const { leafIndex, leafHash, treeSize, proof, root } = claim;
  if (!isCount(leafIndex) || !isCount(treeSize) || leafIndex >= treeSize) return false;
  if (![leafHash, root, ...proof].every(isHash)) return false;
  let index = leafIndex;
  let last = treeSize - 1;
  let hash = leafHash;
  for (const sibling of proof) {
    if (last === 0) return false;
    if (isOdd(index) || index === last) {
      hash = hashNode(sibling, hash);
      // The last node of an odd level has no sibling there and rises unchanged.
      while (!isOdd(index) && index !== 0) {
        index = half(index);
        last = half(last);
      }
    } else {
      hash = hashNode(hash, sibling);
    }
    index = half(index);
    last = half(last);
  }
  return last === 0 && equalBytes(hash, root);
}

export interface ConsistencyClaim {
  readonly size1: number;
  readonly size2: number;
  readonly root1: Uint8Array;
  readonly root2: Uint8Array;
  readonly proof: readonly Uint8Array[];
}

/**
 * True when the tree of `size2` entries begins with exactly the tree of `size1` entries
 * (RFC 9162 section 2.1.4.2). Every tree is consistent with an empty one, so `size1` of 0 says
 * nothing about a ledger: it is false, and the caller handles a first contact as such.
 */
export function verifyConsistency(claim: ConsistencyClaim): boolean {
  const { size1, size2, root1, root2, proof } = claim;
  if (!isCount(size1) || !isCount(size2) || size1 < 1 || size1 > size2) return false;
  if (![root1, root2, ...proof].every(isHash)) return false;
  if (size1 === size2) return proof.length === 0 && equalBytes(root1, root2);
  const path = isPowerOfTwo(size1) ? [root1, ...proof] : proof;
  const start = path[0];
  if (start === undefined) return false;
  let index = size1 - 1;
  let last = size2 - 1;
  while (isOdd(index)) {
    index = half(index);
    last = half(last);
  }
  let older = start;
  let newer = start;
  for (const sibling of path.slice(1)) {
    if (last === 0) return false;
    if (isOdd(index) || index === last) {
      older = hashNode(sibling, older);
      newer = hashNode(sibling, newer);
      while (!isOdd(index) && index !== 0) {
        index = half(index);
        last = half(last);
      }
    } else {
      newer = hashNode(newer, sibling);
    }
    index = half(index);
    last = half(last);
  }
  return last === 0 && equalBytes(older, root1) && equalBytes(newer, root2);
}

// Arithmetic instead of bit operations: those would cut sizes to 32 bits.
function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
function isOdd(value: number): boolean {
  return value % 2 === 1;
}
function half(value: number): number {
  return Math.floor(value / 2);
}
function isPowerOfTwo(value: number): boolean {
  return Number.isInteger(Math.log2(value)) && 2 ** Math.log2(value) === value;
}
function isHash(bytes: Uint8Array): boolean {
  return bytes.length === HASH_BYTES;
}
