import { ed25519 } from "@noble/curves/ed25519.js";
import { describe, expect, test } from "vitest";
import { LedgerWatch } from "../../src/owner/alarms.ts";
import { LedgerChanged, followLedger, type Seen } from "../../src/owner/witness.ts";
import { fromBase64, toBase64 } from "../../src/protocol/bytes.ts";
import { canonicalJson, parseCanonicalJson } from "../../src/protocol/canonical-json.ts";
import { checkpointText, signCheckpoint } from "../../src/protocol/checkpoint.ts";
import type { Keyring } from "../../src/protocol/keyring.ts";
import {
  hashLeaf,
  hashNode,
  rootOfLeafHashes,
  verifyConsistency,
  verifyInclusion,
} from "../../src/protocol/merkle.ts";
import { formatSignedNote } from "../../src/protocol/signed-note.ts";
import {
  consistencyRanges,
  inclusionRanges,
  rangeRoot,
  type LeafRange,
} from "../../src/ledger/tree.ts";
import { testChain } from "../support/test-household.ts";
import { clockEntry, origin } from "./test-ledger.ts";

/**
 * Every ledger of one to eight entries, and everything that can be done to it: the hub itself lies,
 * with its own key, and signs whatever it shows. A device that has seen an earlier state of it must
 * notice each time.
 */
const SIZE_MAX = 8;
const secretKey = new Uint8Array(32).fill(3);
const publicKey = ed25519.getPublicKey(secretKey);
const keyring: Keyring = { ...(await testChain()).keyring(), origin, ledgerKey: publicKey };

type Entries = readonly Uint8Array[];
const entry = (number: number): Uint8Array => canonicalJson(clockEntry(number));
const original = Array.from({ length: SIZE_MAX }, (_, number) => entry(number));

function rootOf(entries: Entries): Uint8Array {
  return rootOfLeafHashes(entries.map(hashLeaf));
}

/** The hub's word for these entries, signed with its true key. */
function noteOf(entries: Entries, root = rootOf(entries)): string {
  const checkpoint = { origin, size: entries.length, root };
  const sign = (message: Uint8Array) => ed25519.sign(message, secretKey);
  const signature = signCheckpoint(checkpoint, publicKey, sign);
  return formatSignedNote({ text: checkpointText(checkpoint), signatures: [signature] });
}

function subtree(entries: Entries): (level: number, index: number) => Uint8Array {
  const hash = (level: number, index: number): Uint8Array =>
    level === 0
      ? hashLeaf(entries[index] ?? new Uint8Array())
      : hashNode(hash(level - 1, index * 2), hash(level - 1, index * 2 + 1));
  return hash;
}
function proofOf(entries: Entries, ranges: readonly LeafRange[]): string[] {
  return ranges.map((range) => toBase64(rangeRoot(range, subtree(entries))));
}

async function seenAt(entries: Entries): Promise<Seen> {
  return followLedger(keyring, noteOf(entries), null, async () => []);
}

/** Whether the device follows from `seen` to what the hub now shows, with the best proof there is. */
async function follows(seen: Seen, shown: Entries): Promise<boolean> {
  try {
    await followLedger(keyring, noteOf(shown), seen, async (from, to) =>
      proofOf(shown, from <= to ? consistencyRanges(from, to) : []),
    );
    return true;
  } catch (error) {
    if (error instanceof LedgerChanged) return false;
    throw error;
  }
}

/** The step of it that compares: all that there is can be tried, where signatures would take minutes. */
function continues(from: Entries, shown: Entries, proof?: readonly string[]): boolean {
  const [size1, size2] = [from.length, shown.length];
  const best = proof ?? proofOf(shown, size1 <= size2 ? consistencyRanges(size1, size2) : []);
  return verifyConsistency({
    ...{ size1, size2, root1: rootOf(from), root2: rootOf(shown) },
    proof: best.map((hash) => fromBase64(hash, "proof")),
  });
}

/** Whether the device's judgement, which reads the entries, takes them for those of `note`. */
function reads(shown: Entries, note: Entries): boolean {
  const watch = LedgerWatch.begin();
  for (const bytes of shown) watch.take(parseCanonicalJson(bytes, "entry"), hashLeaf(bytes));
  return watch.tree.size === note.length && toBase64(watch.tree.root()) === toBase64(rootOf(note));
}

const sizes = Array.from({ length: SIZE_MAX }, (_, index) => index + 1);
const isSame = (a: Entries, b: Entries): boolean =>
  a.length === b.length && a.every((bytes, at) => toBase64(bytes) === toBase64(b[at] ?? bytes));

/** Every order of a list of at most five. */
function orders<Item>(list: readonly Item[]): Item[][] {
  if (list.length <= 1) return [[...list]];
  return list.flatMap((item, at) =>
    orders([...list.slice(0, at), ...list.slice(at + 1)]).map((rest) => [item, ...rest]),
  );
}

/** What somebody with the hub makes of its first `size` entries: none is what it was. */
function forgeries(size: number): Entries[] {
  const own = original.slice(0, size);
  const places = own.map((_, at) => at);
  return [
    ...places.map((at) => own.slice(0, at)),
    ...places.map((at) => own.toSpliced(at, 1)),
    ...places.map((at) => own.toSpliced(at, 0, entry(90))),
    ...places.map((at) => own.with(at, entry(91))),
    ...places.flatMap((a) =>
      places
        .filter((b) => b > a)
        .map((b) => {
          const [first, second] = [own[a], own[b]];
          if (!first || !second) throw new Error("no entries");
          return own.with(a, second).with(b, first);
        }),
    ),
    ...(size <= 5 ? orders(own) : []),
    own.toReversed(),
    [...own, ...own],
  ].filter((forged) => !isSame(forged.slice(0, size), own));
}

describe("a device that has seen a ledger of one to eight entries", () => {
  test("follows it to each later size, whatever it grew by (control)", async () => {
    for (const from of sizes) {
      const own = original.slice(0, from);
      expect(await follows(await seenAt(own), original)).toBe(true);
      for (const to of sizes.filter((size) => size >= from))
        expect(continues(own, original.slice(0, to))).toBe(true);
    }
  });

  test("follows none of these, with every step that a device takes, up to three entries", async () => {
    for (const size of [1, 2, 3]) {
      const seen = await seenAt(original.slice(0, size));
      for (const forged of forgeries(size).filter(({ length }) => length > 0))
        expect(await follows(seen, forged)).toBe(false);
    }
  });

  test("follows no truncation, fork, order, removal, insertion or replacement, at any later size", () => {
    let tried = 0;
    for (const size of sizes) {
      const own = original.slice(0, size);
      for (const forged of forgeries(size))
        for (let more = 0; more <= 4; more += 1) {
          const shown = [...forged, ...original.slice(0, more)];
          if (shown.length === 0 || isSame(shown.slice(0, size), original.slice(0, size))) continue;
          tried += 1;
          expect(continues(own, shown)).toBe(false);
        }
    }
    expect(tried).toBeGreaterThan(1_500);
  });

  test("follows no rollback, whatever is offered as its proof", () => {
    for (const from of sizes)
      for (const to of sizes.filter((size) => size < from)) {
        const own = original.slice(0, from);
        const proofs = [[], proofOf(original, consistencyRanges(to, from))];
        for (const proof of proofs)
          expect(continues(own, original.slice(0, to), proof)).toBe(false);
      }
  });

  test("follows no forged ledger with the true ledger's proof, nor any proof of another pair", () => {
    for (const from of sizes)
      for (const to of sizes.filter((size) => size >= from)) {
        const own = original.slice(0, from);
        const forged = original.slice(0, to).with(0, entry(92));
        const honest = proofOf(original, consistencyRanges(from, to));
        expect(continues(own, forged, honest)).toBe(false);
        for (const a of sizes)
          for (const b of sizes.filter((size) => size >= a)) {
            if ((a === from && b === to) || from === to) continue;
            const other = proofOf(original, consistencyRanges(a, b));
            const isEqual = other.join() === honest.join();
            expect(continues(own, original.slice(0, to), other)).toBe(isEqual);
          }
      }
  });

  test("takes no entries with any one byte changed, or a checkpoint of others, for the ledger's", () => {
    let tried = 0;
    for (const size of sizes) {
      const own = original.slice(0, size);
      expect(reads(own, own)).toBe(true);
      for (const other of sizes.filter((each) => each !== size))
        expect(reads(own, original.slice(0, other))).toBe(false);
      for (const forged of forgeries(size)) expect(reads(forged, own)).toBe(false);
      for (const [at, bytes] of own.entries())
        for (const place of bytes.keys()) {
          tried += 1;
          const changed = bytes.with(place, (bytes[place] ?? 0) ^ 1);
          expect(isTaken(own.with(at, changed), own)).toBe(false);
        }
    }
    expect(tried).toBeGreaterThan(1_900);
  });

  test("believes no entry in another place, under another root, or by another's proof", () => {
    for (const size of sizes) {
      const own = original.slice(0, size);
      const proofs = own.map((_, index) =>
        inclusionRanges(index, size).map((range) => rangeRoot(range, subtree(own))),
      );
      for (const claimed of sizes)
        for (const leafIndex of own.keys())
          for (const proofIndex of own.keys())
            for (const entryIndex of own.keys()) {
              const claim = {
                ...{ leafIndex, treeSize: claimed, root: rootOf(original.slice(0, claimed)) },
                leafHash: hashLeaf(original[entryIndex] ?? new Uint8Array()),
                proof: proofs[proofIndex] ?? [],
              };
              const honest = proofOf(original.slice(0, claimed), rangesOf(leafIndex, claimed));
              const isTrue =
                leafIndex < claimed &&
                entryIndex === leafIndex &&
                claim.proof.map(toBase64).join() === honest.join();
              expect(verifyInclusion(claim)).toBe(isTrue);
            }
    }
  });
});

function rangesOf(index: number, size: number): LeafRange[] {
  return index < size ? inclusionRanges(index, size) : [];
}

/** A byte that makes it no JSON is as good as another hash: the entry is not taken. */
function isTaken(shown: Entries, note: Entries): boolean {
  try {
    return reads(shown, note);
  } catch {
    return false;
  }
}

describe("a checkpoint", () => {
  test("is the hub's word at no other size, root, origin or line, with any one byte changed", async () => {
    const own = original.slice(0, 5);
    const seen = await seenAt(original.slice(0, 3));
    const note = noteOf(own);
    const proof = proofOf(own, consistencyRanges(3, 5));
    const taken = async (text: string): Promise<boolean> => {
      try {
        await followLedger(keyring, text, seen, async () => proof);
        return true;
      } catch {
        return false;
      }
    };
    expect(await taken(note)).toBe(true);
    for (let place = 0; place < note.length; place += 1) {
      const changed = String.fromCharCode(note.charCodeAt(place) ^ 1);
      expect(await taken(note.slice(0, place) + changed + note.slice(place + 1))).toBe(false);
    }
    const [text, signatures] = [note.split("\n\n")[0], noteOf(original).split("\n\n")[1]];
    expect(await taken(`${text}\n\n${signatures}`)).toBe(false);
  });
});
