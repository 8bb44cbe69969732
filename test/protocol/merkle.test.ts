import fc from "fast-check";
import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { concatBytes, toHex, utf8Bytes } from "../../src/protocol/bytes.ts";
import {
  emptyRoot,
  hashLeaf,
  hashNode,
  rootOfLeafHashes,
  verifyConsistency,
  verifyInclusion,
} from "../../src/protocol/merkle.ts";
import { sharedPath } from "../support/requirements.ts";
import { naiveConsistencyProof, naiveInclusionProof, naiveRoot } from "../support/naive-tree.ts";

const vectors = sharedPath("vectors/merkle");

function vectorFiles(group: string): string[] {
  if (vectors === null) return [];
  return readdirSync(path.join(vectors, group), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".json"))
    .map((name) => path.join(vectors, group, name));
}

interface InclusionVector {
  leafIdx: number;
  treeSize: number;
  root: string;
  leafHash: string;
  proof: string[] | null;
  wantErr: boolean;
}
interface ConsistencyVector {
  size1: number;
  size2: number;
  root1: string;
  root2: string;
  proof: string[] | null;
  wantErr: boolean;
}

// Some vectors hold hashes that are not hashes at all, so no strict decoder here.
const base64 = (text: string) => new Uint8Array(Buffer.from(text, "base64"));

describe("published vectors (transparency-dev/merkle)", () => {
  test("every inclusion proof is judged as published", () => {
    if (vectors === null) return console.warn("skipped: the published vectors are not here");
    const files = vectorFiles("inclusion");
    for (const file of files) {
      const vector = JSON.parse(readFileSync(file, "utf8")) as InclusionVector;
      const holds = verifyInclusion({
        leafIndex: vector.leafIdx,
        leafHash: base64(vector.leafHash),
        treeSize: vector.treeSize,
        proof: (vector.proof ?? []).map(base64),
        root: base64(vector.root),
      });
      expect(holds, file).toBe(!vector.wantErr);
    }
    expect(files.length).toBeGreaterThan(40);
  });

  test("every consistency proof is judged as published", () => {
    if (vectors === null) return console.warn("skipped: the published vectors are not here");
    const files = vectorFiles("consistency");
    for (const file of files) {
      const vector = JSON.parse(readFileSync(file, "utf8")) as ConsistencyVector;
      const holds = verifyConsistency({
        size1: vector.size1,
        size2: vector.size2,
        root1: base64(vector.root1),
        root2: base64(vector.root2),
        proof: (vector.proof ?? []).map(base64),
      });
      expect(holds, file).toBe(!vector.wantErr);
    }
    expect(files.length).toBeGreaterThan(40);
  });
});

test("the empty tree has the root that RFC 6962 gives it", () => {
  expect(toHex(emptyRoot())).toBe(
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  );
  expect(rootOfLeafHashes([])).toEqual(emptyRoot());
});

test("leaves and nodes are hashed in separate domains", () => {
  const left = hashLeaf(utf8Bytes("a"));
  const right = hashLeaf(utf8Bytes("b"));
  expect(hashNode(left, right)).not.toEqual(hashLeaf(concatBytes(left, right)));
  // Leaf of the empty entry, as certificate transparency implementations publish it.
  expect(toHex(hashLeaf(new Uint8Array(0)))).toBe(
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
  );
});

const leaves = Array.from({ length: 70 }, (_, index) => hashLeaf(utf8Bytes(`entry ${index}`)));

test("the root agrees with the recursive definition for every size up to 70", () => {
  for (let size = 0; size <= leaves.length; size++)
    expect(rootOfLeafHashes(leaves.slice(0, size))).toEqual(naiveRoot(leaves.slice(0, size)));
});

test("for every pair up to 40 the recursively built proofs hold, and for no other place", () => {
  for (let treeSize = 1; treeSize <= 40; treeSize++) {
    const tree = leaves.slice(0, treeSize);
    const root = naiveRoot(tree);
    for (let leafIndex = 0; leafIndex < treeSize; leafIndex++) {
      const proof = naiveInclusionProof(leafIndex, tree);
      const leafHash = tree[leafIndex]!;
      const claim = { leafIndex, leafHash, treeSize, proof, root };
      expect(verifyInclusion(claim)).toBe(true);
      expect(verifyInclusion({ ...claim, leafIndex: (leafIndex + 1) % (treeSize + 1) })).toBe(
        false,
      );
      const size1 = leafIndex + 1;
      const consistency = {
        size1,
        size2: treeSize,
        root1: naiveRoot(tree.slice(0, size1)),
        root2: root,
        proof: naiveConsistencyProof(size1, tree),
      };
      expect(verifyConsistency(consistency)).toBe(true);
      if (size1 < treeSize) {
        expect(verifyConsistency({ ...consistency, root1: leafHash }), `${size1}`).toBe(
          size1 === 1,
        );
        expect(verifyConsistency({ ...consistency, root2: leafHash })).toBe(false);
      }
    }
  }
});

test("a proof that is damaged anywhere, shortened or lengthened never holds", () => {
  const places = fc
    .tuple(fc.integer({ min: 2, max: 70 }), fc.nat(), fc.nat(), fc.nat({ max: 255 }))
    .map(([treeSize, place, part, bit]) => ({ treeSize, place: place % treeSize, part, bit }));
  fc.assert(
    fc.property(places, ({ treeSize, place, part, bit }) => {
      const tree = leaves.slice(0, treeSize);
      const root = naiveRoot(tree);
      const proof = naiveInclusionProof(place, tree);
      const claim = { leafIndex: place, leafHash: tree[place]!, treeSize, proof, root };
      expect(verifyInclusion({ ...claim, proof: proof.slice(1) })).toBe(false);
      expect(verifyInclusion({ ...claim, proof: proof.slice(0, -1) })).toBe(false);
      expect(verifyInclusion({ ...claim, proof: [...proof, root] })).toBe(false);
      const damaged = proof.with(part % proof.length, flip(proof[part % proof.length]!, bit));
      expect(verifyInclusion({ ...claim, proof: damaged })).toBe(false);
      expect(verifyInclusion({ ...claim, root: flip(root, bit) })).toBe(false);
      expect(verifyInclusion({ ...claim, leafHash: flip(tree[place]!, bit) })).toBe(false);
    }),
    { numRuns: 200 },
  );
});

test("a damaged, shortened or lengthened consistency proof never holds", () => {
  const places = fc
    .tuple(fc.integer({ min: 2, max: 70 }), fc.nat(), fc.nat(), fc.nat({ max: 255 }))
    .map(([size2, size1, part, bit]) => ({ size2, size1: 1 + (size1 % (size2 - 1)), part, bit }));
  fc.assert(
    fc.property(places, ({ size2, size1, part, bit }) => {
      const tree = leaves.slice(0, size2);
      const [root1, root2] = [naiveRoot(tree.slice(0, size1)), naiveRoot(tree)];
      const proof = naiveConsistencyProof(size1, tree);
      const claim = { size1, size2, root1, root2, proof };
      expect(verifyConsistency({ ...claim, proof: proof.slice(1) })).toBe(false);
      expect(verifyConsistency({ ...claim, proof: proof.slice(0, -1) })).toBe(false);
      expect(verifyConsistency({ ...claim, proof: [...proof, root2] })).toBe(false);
      const damaged = proof.with(part % proof.length, flip(proof[part % proof.length]!, bit));
      expect(verifyConsistency({ ...claim, proof: damaged })).toBe(false);
      expect(verifyConsistency({ ...claim, root1: flip(root1, bit) })).toBe(false);
      expect(verifyConsistency({ ...claim, root2: flip(root2, bit) })).toBe(false);
    }),
    { numRuns: 200 },
  );
});

test("sizes that are not counts are refused, and large ones are not cut to 32 bits", () => {
  const hash = leaves[0]!;
  for (const treeSize of [-1, 0, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])
    expect(verifyInclusion({ leafIndex: 0, leafHash: hash, treeSize, proof: [], root: hash })).toBe(
      false,
    );
  // With 32-bit arithmetic 2^32 + 1 would be taken for 1, whose proof is empty.
  const treeSize = 2 ** 32 + 1;
  expect(verifyInclusion({ leafIndex: 0, leafHash: hash, treeSize, proof: [], root: hash })).toBe(
    false,
  );
  // Leaf 5 of a full tree of 2^33: bit n of the index says on which side sibling n stands.
  const proof = Array.from({ length: 33 }, (_, level) => leaves[level + 1]!);
  const root = proof.reduce(
    (below, sibling, level) =>
      level === 0 || level === 2 ? hashNode(sibling, below) : hashNode(below, sibling),
    hash,
  );
  const claim = { leafIndex: 5, leafHash: hash, treeSize: 2 ** 33, proof, root };
  expect(verifyInclusion(claim)).toBe(true);
  expect(verifyInclusion({ ...claim, treeSize: 2 ** 34 })).toBe(false);
});

test("a proof may not go on above the root: a smaller tree cannot borrow a larger one's root", () => {
  const [a, b, c, d] = leaves as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
  expect(
    verifyInclusion({ leafIndex: 0, leafHash: b, treeSize: 1, proof: [a], root: hashNode(a, b) }),
  ).toBe(false);
  expect(
    verifyConsistency({
      size1: 3,
      size2: 4,
      root1: hashNode(d, hashNode(c, a)),
      root2: hashNode(d, hashNode(c, hashNode(a, b))),
      proof: [a, b, c, d],
    }),
  ).toBe(false);
});

function flip(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = bytes.slice();
  copy[bit >> 3]! ^= 1 << (bit & 7);
  return copy;
}

test("two roots that are the same and no hashes are of no ledger", () => {
  const short = new Uint8Array(31);
  const claim = { size1: 4, size2: 4, root1: short, root2: short, proof: [] };
  expect(verifyConsistency(claim)).toBe(false);
  const root = new Uint8Array(32);
  expect(verifyConsistency({ ...claim, root1: root, root2: root })).toBe(true);
});
