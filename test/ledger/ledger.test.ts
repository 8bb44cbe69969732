import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { inTransaction } from "../../src/base/database.ts";
import { toHex, utf8Text } from "../../src/protocol/bytes.ts";
import { verifyCheckpoint, verifyCosignature } from "../../src/protocol/checkpoint.ts";
import { hashLeaf, verifyConsistency, verifyInclusion } from "../../src/protocol/merkle.ts";
import { findSignature } from "../../src/protocol/signed-note.ts";
import { naiveConsistencyProof, naiveInclusionProof, naiveRoot } from "../support/naive-tree.ts";
import {
  clockEntry,
  openLedger,
  openTestLedger,
  origin,
  publicKey,
  testDevice,
  viewEntry,
} from "./test-ledger.ts";

const hex = (hashes: readonly Uint8Array[]) => hashes.map(toHex);

describe("proofs", () => {
  test("every root and proof of every size up to 70 is the one the definition gives", async () => {
    await using open = openTestLedger(70);
    const leaves = open.ledger.entries().map(({ leafHash }) => leafHash);
    for (let size = 0; size <= 70; size++) {
      const tree = leaves.slice(0, size);
      const root = open.ledger.root(size);
      expect(toHex(root)).toBe(toHex(naiveRoot(tree)));
      for (let index = 0; index < size; index++) {
        const proof = open.ledger.inclusionProof(index, size);
        expect(hex(proof)).toEqual(hex(naiveInclusionProof(index, tree)));
        const leafHash = leaves[index]!;
        expect(verifyInclusion({ leafIndex: index, leafHash, treeSize: size, proof, root })).toBe(
          true,
        );
      }
      for (let older = 1; older <= size; older++) {
        const proof = open.ledger.consistencyProof(older, size);
        expect(hex(proof)).toEqual(hex(naiveConsistencyProof(older, tree)));
        const root1 = open.ledger.root(older);
        expect(verifyConsistency({ size1: older, size2: size, root1, root2: root, proof })).toBe(
          true,
        );
      }
    }
  });

  test("nothing is proved about entries that are not there", async () => {
    await using open = openTestLedger(5);
    for (const [index, size] of [
      [5, 5],
      [-1, 5],
      [0.5, 5],
      [0, 6],
      [0, -1],
      [0, Number.NaN],
    ] as const)
      expect(() => open.ledger.inclusionProof(index, size)).toThrow(RangeError);
    for (const [older, size] of [
      [0, 5],
      [6, 5],
      [1, 6],
      [1.5, 5],
    ] as const)
      expect(() => open.ledger.consistencyProof(older, size)).toThrow(RangeError);
    expect(() => open.ledger.root(6)).toThrow(RangeError);
  });

  test("a ledger opened again goes on where it was", async () => {
    await using open = openTestLedger(13);
    const before = open.ledger.root();
    const again = openLedger(open.database);
    expect(again.size()).toBe(13);
    expect(again.append(clockEntry(13))).toBe(13);
    const proof = again.consistencyProof(13, 14);
    const root2 = again.root();
    expect(verifyConsistency({ size1: 13, size2: 14, root1: before, root2, proof })).toBe(true);
  });
});

describe("entries", () => {
  test("an entry reads back as it was written, in canonical bytes that give its leaf", async () => {
    await using open = openTestLedger();
    const entry = viewEntry("ab".repeat(16), 17);
    const index = open.ledger.append(entry);
    const record = open.ledger.entry(index)!;
    expect(record.entry).toEqual(entry);
    expect(utf8Text(record.bytes, "entry")).toBe(
      `{"atMs":17,"clip":"${"ab".repeat(16)}","device":"${"d".repeat(64)}","kind":"view","v":1}`,
    );
    expect(toHex(record.leafHash)).toBe(toHex(hashLeaf(record.bytes)));
    expect(open.ledger.entry(1)).toBeUndefined();
  });

  test("entries are found by place, kind and subject, at most 1,000 at a time", async () => {
    await using open = openTestLedger(1_010);
    open.ledger.append(viewEntry("ab".repeat(16), 1));
    open.ledger.append(viewEntry("cd".repeat(16), 2));
    const indexes = (query: Parameters<typeof open.ledger.entries>[0]) =>
      open.ledger.entries(query).map(({ index }) => index);
    expect(indexes({})).toHaveLength(1_000);
    expect(indexes({ from: 1_008 })).toEqual([1_008, 1_009, 1_010, 1_011]);
    expect(indexes({ from: 3, limit: 2 })).toEqual([3, 4]);
    expect(indexes({ kind: "view" })).toEqual([1_010, 1_011]);
    expect(indexes({ kind: "view", subject: "cd".repeat(16) })).toEqual([1_011]);
    expect(indexes({ subject: "ab".repeat(16) })).toEqual([1_010]);
    expect(indexes({ kind: "genesis" })).toEqual([]);
    for (const query of [{ limit: 1_001 }, { limit: 0 }, { from: -1 }, { limit: 1.5 }])
      expect(() => open.ledger.entries(query)).toThrow(RangeError);
  });

  test("an entry that could not be read back the same is refused, and nothing is written", async () => {
    await using open = openTestLedger();
    for (const jumpMs of [Number.NaN, 2 ** 53, -0])
      expect(() => open.ledger.append({ ...clockEntry(0), jumpMs })).toThrow(
        expect.objectContaining({ code: "MALFORMED_INPUT" }),
      );
    const huge = { ...viewEntry("ab".repeat(16), 1), device: "d".repeat(300_000) };
    expect(() => open.ledger.append(huge)).toThrow(/300,?\d+ bytes/);
    expect(open.ledger.size()).toBe(0);
  });

  test("an entry of a transaction that fails is gone with it, subtree hashes included", async () => {
    await using open = openTestLedger(3);
    const before = toHex(open.ledger.root());
    expect(() =>
      inTransaction(open.database, () => {
        open.ledger.append(clockEntry(3));
        open.ledger.append(clockEntry(4));
        expect(open.ledger.size()).toBe(5);
        throw new Error("the effect failed");
      }),
    ).toThrow("the effect failed");
    expect(open.ledger.size()).toBe(3);
    expect(toHex(open.ledger.root())).toBe(before);
    open.ledger.append(clockEntry(99));
    const leaves = open.ledger.entries().map(({ leafHash }) => leafHash);
    expect(toHex(open.ledger.root())).toBe(toHex(naiveRoot(leaves)));
  });

  test("an append that fails half-way leaves no entry without its subtree hashes", async () => {
    await using open = openTestLedger(1);
    // In the way of the hash that the next entry completes.
    open.database.exec("INSERT INTO ledger_nodes VALUES (1, 0, zeroblob(32))");
    expect(() => open.ledger.append(clockEntry(1))).toThrow(/never changed/);
    expect(open.ledger.size()).toBe(1);
  });

  test("no statement of ours can change or remove what the ledger holds", async () => {
    await using open = openTestLedger(8);
    open.ledger.addCosignature(testDevice(1).cosign(open.ledger.checkpoint(), 1_000));
    for (const sql of [
      "UPDATE ledger_entries SET at_ms = 0 WHERE idx = 3",
      "DELETE FROM ledger_entries WHERE idx = 7",
      "DELETE FROM ledger_entries",
      `INSERT OR REPLACE INTO ledger_entries SELECT * FROM ledger_entries WHERE idx = 3`,
      `INSERT INTO ledger_entries SELECT 9, kind, at_ms, subject, entry, leaf_hash
         FROM ledger_entries WHERE idx = 3`,
      `INSERT INTO ledger_entries SELECT -1, kind, at_ms, subject, entry, leaf_hash
         FROM ledger_entries WHERE idx = 3`,
      "UPDATE ledger_nodes SET hash = zeroblob(32)",
      "DELETE FROM ledger_nodes",
      "INSERT OR REPLACE INTO ledger_nodes VALUES (1, 0, zeroblob(32))",
      "UPDATE ledger_cosignatures SET line = ''",
      "DELETE FROM ledger_cosignatures",
      "INSERT OR REPLACE INTO ledger_cosignatures SELECT * FROM ledger_cosignatures",
    ])
      expect(() => open.database.exec(sql), sql).toThrow(/ever/);
  });
});

describe("checkpoints", () => {
  test("a checkpoint is signed over the tree as it is, and again after each entry", async () => {
    await using open = openTestLedger();
    const notes = new Set<string>();
    for (let size = 0; size < 4; size++) {
      const note = open.ledger.checkpoint();
      const checkpoint = verifyCheckpoint(note, { origin, publicKey });
      expect(checkpoint.size).toBe(size);
      expect(toHex(checkpoint.root)).toBe(toHex(open.ledger.root(size)));
      expect(open.ledger.checkpoint()).toBe(note);
      notes.add(note);
      open.ledger.append(clockEntry(size));
    }
    expect(notes.size).toBe(4);
  });

  test("entries that may still be undone are never signed for", async () => {
    await using open = openTestLedger(3);
    expect(() =>
      inTransaction(open.database, () => {
        open.ledger.append(clockEntry(3));
        open.ledger.checkpoint();
      }),
    ).toThrow(/transaction is open/);
    open.ledger.append(clockEntry(50));
    const checkpoint = verifyCheckpoint(open.ledger.checkpoint(), { origin, publicKey });
    expect(toHex(checkpoint.root)).toBe(toHex(open.ledger.root(4)));
  });

  test("the newest cosigned checkpoint carries the ledger's and every device's signature", async () => {
    await using open = openTestLedger(3);
    expect(open.ledger.cosignedCheckpoint()).toBeNull();
    const [first, second] = [testDevice(1), testDevice(2)];
    const early = open.ledger.checkpoint();
    open.ledger.append(clockEntry(3));
    open.ledger.append(clockEntry(4));
    open.ledger.addCosignature(first.cosign(early, 1_000));
    expect(verifyCheckpoint(open.ledger.cosignedCheckpoint()!, { origin, publicKey }).size).toBe(3);
    const late = open.ledger.checkpoint();
    open.ledger.addCosignature(first.cosign(late, 2_000));
    open.ledger.addCosignature(second.cosign(late, 3_000));
    open.ledger.addCosignature(second.cosign(late, 4_000));
    open.ledger.append(clockEntry(5));
    const { size, note } = verifyCheckpoint(open.ledger.cosignedCheckpoint()!, {
      origin,
      publicKey,
    });
    expect(size).toBe(5);
    expect(note.signatures).toHaveLength(3);
    const times = [first, second].map(({ key }) =>
      verifyCosignature(note.text, findSignature(note, key)!, key),
    );
    expect(times).toEqual([2_000, 3_000]);
  });

  test("only a cosignature that holds for this ledger at that size is kept", async () => {
    await using open = openTestLedger(5);
    await using other = openTestLedger(4);
    other.ledger.append(clockEntry(77));
    const device = testDevice(1);
    const good = device.cosign(open.ledger.checkpoint(), 1_000);
    for (const claim of [
      device.cosign(other.ledger.checkpoint(), 1_000),
      { ...good, size: 4 },
      { ...good, size: 6 },
      { ...good, size: 0 },
      { ...good, publicKey: testDevice(2).key.publicKey },
    ])
      expect(() => open.ledger.addCosignature(claim)).toThrow(
        expect.objectContaining({ code: "COSIGNATURE_REFUSED" }),
      );
    expect(() => open.ledger.addCosignature({ ...good, line: `${good.line}\n` })).toThrow(
      expect.objectContaining({ code: "MALFORMED_INPUT" }),
    );
    expect(open.ledger.cosignedCheckpoint()).toBeNull();
  });
});

test("whatever is appended in whatever portions, all earlier roots stay provable", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(fc.integer({ min: 0, max: 9_999 }), { maxLength: 9 }), { maxLength: 9 }),
      async (portions) => {
        await using open = openTestLedger();
        const seen: { size: number; root: Uint8Array }[] = [];
        for (const portion of portions) {
          inTransaction(open.database, () => {
            for (const number of portion) open.ledger.append(clockEntry(number));
          });
          const [size, root] = [open.ledger.size(), open.ledger.root()];
          for (const earlier of seen.filter((known) => known.size > 0)) {
            const proof = open.ledger.consistencyProof(earlier.size, size);
            const claim = { size1: earlier.size, size2: size, root1: earlier.root, root2: root };
            expect(verifyConsistency({ ...claim, proof })).toBe(true);
          }
          seen.push({ size, root });
        }
      },
    ),
    { numRuns: 15 },
  );
});
