import type BetterSqlite3 from "better-sqlite3";
import { equalBytes } from "../protocol/bytes.ts";
import { parseCanonicalJson } from "../protocol/canonical-json.ts";
import { HubError } from "../protocol/errors.ts";
import type { LedgerEntry } from "../protocol/ledger-entry.ts";
import { hashLeaf, hashNode, rootOfLeafHashes } from "../protocol/merkle.ts";
import { ledgerSubject } from "./ledger.ts";

/** A root that somebody outside has seen: a device's memory, a bundle's checkpoint. */
export interface SeenRoot {
  /** At least 1. */
  readonly size: number;
  readonly root: Uint8Array;
}

export type LedgerVerdict =
  | { readonly holds: true; readonly size: number; readonly root: Uint8Array }
  | {
      readonly holds: false;
      /** First entry that is wrong, or the number of entries where one is missing at the end. */
      readonly index: number;
      readonly reason: string;
    };

interface StoredEntry {
  readonly idx: number;
  readonly kind: string;
  readonly at_ms: number;
  readonly subject: string | null;
  readonly entry: Uint8Array;
  readonly leaf_hash: Uint8Array;
}

interface Subtree {
  readonly level: number;
  readonly hash: Uint8Array;
}

/**
 * Recomputes the whole tree from the entries and compares everything that is stored beside them,
 * and every root that devices have cosigned. A ledger that somebody rewrote as a whole, with all
 * its hashes and cosignatures, is caught only by a root that he could not reach: `seen`.
 *
 * Takes about 25 microseconds an entry; memory does not grow with the ledger.
 */
export function verifyLedger(
  database: BetterSqlite3.Database,
  seen: readonly SeenRoot[] = [],
): LedgerVerdict {
  const roots = [...cosignedRoots(database), ...seen].toSorted((a, b) => a.size - b.size);
  const node = database
    .prepare<[number, number], Uint8Array>(
      "SELECT hash FROM ledger_nodes WHERE level = ? AND idx = ?",
    )
    .pluck();
  const rows = database.prepare<[], StoredEntry>("SELECT * FROM ledger_entries ORDER BY idx");
  const waiting: Subtree[] = [];
  let size = 0;
  let nodes = 0;
  let nextRoot = 0;
  for (const row of rows.iterate()) {
    const wrong = entryFault(row, size);
    if (wrong !== null) return { holds: false, index: size, reason: wrong };
    let hash: Uint8Array = new Uint8Array(row.leaf_hash);
    let level = 0;
    for (let left = waiting.at(-1); left?.level === level; left = waiting.at(-1)) {
      waiting.pop();
      hash = hashNode(left.hash, hash);
      level += 1;
      nodes += 1;
      const stored = node.get(level, (size + 1) / 2 ** level - 1);
      if (stored === undefined || !equalBytes(stored, hash))
        return { holds: false, index: size, reason: `subtree hash of level ${level} is wrong` };
    }
    waiting.push({ level, hash });
    size += 1;
    for (; roots[nextRoot] !== undefined && roots[nextRoot]!.size <= size; nextRoot++) {
      if (!equalBytes(roots[nextRoot]!.root, rootOfSubtrees(waiting)))
        return { holds: false, index: size - 1, reason: `root at size ${size} was another` };
    }
  }
  if (roots[nextRoot] !== undefined)
    return { holds: false, index: size, reason: `${roots[nextRoot]!.size} entries were seen` };
  if (storedNodes(database) !== nodes)
    return { holds: false, index: size, reason: "there are subtree hashes without entries" };
  return { holds: true, size, root: rootOfSubtrees(waiting) };
}

function entryFault(row: StoredEntry, expectedIndex: number): string | null {
  if (row.idx !== expectedIndex) return `entry is missing, next is ${row.idx}`;
  if (!equalBytes(hashLeaf(row.entry), row.leaf_hash)) return "entry does not have its leaf hash";
  try {
    const json = parseCanonicalJson(row.entry, "entry");
    if (typeof json !== "object" || json === null) return "entry is no object";
    const entry = json as LedgerEntry;
    const isLabelledAsItIs =
      row.kind === entry.kind && row.at_ms === entry.atMs && row.subject === ledgerSubject(entry);
    return isLabelledAsItIs ? null : "entry is filed under another kind, time or subject";
  } catch (error) {
    if (error instanceof HubError) return error.message;
    throw error;
  }
}

/** Complete subtrees from left to right make the root from right to left (RFC 6962 section 2.1). */
function rootOfSubtrees(subtrees: readonly Subtree[]): Uint8Array {
  const last = subtrees.at(-1);
  if (last === undefined) return rootOfLeafHashes([]);
  return subtrees.slice(0, -1).reduceRight((right, { hash }) => hashNode(hash, right), last.hash);
}

function cosignedRoots(database: BetterSqlite3.Database): SeenRoot[] {
  return database
    .prepare<[], SeenRoot>("SELECT DISTINCT size, root FROM ledger_cosignatures ORDER BY size")
    .all();
}

function storedNodes(database: BetterSqlite3.Database): number {
  return database.prepare<[], number>("SELECT count(*) FROM ledger_nodes").pluck().get() ?? 0;
}
