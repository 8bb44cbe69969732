import type BetterSqlite3 from "better-sqlite3";
import { inTransaction } from "../base/database.ts";
import { toHex } from "../protocol/bytes.ts";
import { canonicalJson, parseCanonicalJson } from "../protocol/canonical-json.ts";
import {
  checkpointText,
  signCheckpoint,
  verifyCosignature,
  type Checkpoint,
} from "../protocol/checkpoint.ts";
import { HubError } from "../protocol/errors.ts";
import type { LedgerEntry, LedgerEntryKind } from "../protocol/ledger-entry.ts";
import { LIMITS } from "../protocol/limits.ts";
import { emptyRoot, hashLeaf, hashNode } from "../protocol/merkle.ts";
import { formatSignedNote, parseSignatureLine, type Sign } from "../protocol/signed-note.ts";
import { consistencyRanges, inclusionRanges, rangeRoot, type LeafRange } from "./tree.ts";

export interface LedgerOptions {
  readonly database: BetterSqlite3.Database;
  /** Identity of this ledger: first line of its checkpoints and name of its key. */
  readonly origin: string;
  /** Raw Ed25519 key, 32 bytes, of `sign`. */
  readonly publicKey: Uint8Array;
  readonly sign: Sign;
  /** Called inside the transaction, which may still be undone. */
  readonly onAppend?: (entry: LedgerEntry) => void;
}

/** An entry as it stands in the ledger. */
export interface LedgerRecord {
  /** Position, from 0. */
  readonly index: number;
  readonly entry: LedgerEntry;
  /** The canonical JSON that is hashed. */
  readonly bytes: Uint8Array;
  readonly leafHash: Uint8Array;
}

export interface EntriesQuery {
  /** First index wanted; by default 0. */
  readonly from?: number;
  /** Newest first, from below this index down; not together with `from`. */
  readonly before?: number;
  /** At most 1,000, which is the default. */
  readonly limit?: number;
  readonly kind?: LedgerEntryKind;
  /** Id of a clip or a request. */
  readonly subject?: string;
}

export interface CosignatureClaim {
  /** Size of the checkpoint that was cosigned. */
  readonly size: number;
  /** One signature line of a note, without its newline. */
  readonly line: string;
  /** Raw Ed25519 key of the device; that the device may witness is the caller's to know. */
  readonly publicKey: Uint8Array;
}

interface EntryRow {
  readonly idx: number;
  readonly entry: Uint8Array;
  readonly leaf_hash: Uint8Array;
}

interface CosignatureRow {
  readonly size: number;
  readonly root: Uint8Array;
}

export const ENTRIES_LIMIT_MAX = 1_000;

/** One note holds 64 signatures; one is the ledger's own. */
const COSIGNATURES_PER_SIZE_MAX = 63;

/**
 * The hub's append-only record (RFC 6962 tree in SQLite). An entry is written before what it
 * records takes effect (invariant 8): `append` inside the transaction that has the effect, or
 * alone before it.
 */
export class Ledger {
  readonly origin: string;
  readonly publicKey: Uint8Array;
  readonly #database: BetterSqlite3.Database;
  readonly #sign: Sign;
  readonly #onAppend: LedgerOptions["onAppend"];
  readonly #statements: ReturnType<typeof prepareStatements>;
  #lastCheckpoint: { readonly text: string; readonly note: string } | undefined;

  private constructor(options: LedgerOptions) {
    this.origin = options.origin;
    this.publicKey = options.publicKey;
    this.#database = options.database;
    this.#sign = options.sign;
    this.#onAppend = options.onAppend;
    this.#statements = prepareStatements(options.database);
  }

  /**
   * @throws HubError `LEDGER_DAMAGED` when subtree hashes are missing, or when the tree is not the
   * one that a device cosigned last. The whole tree is checked by `verifyLedger` only.
   */
  static open(options: LedgerOptions): Ledger {
    const ledger = new Ledger(options);
    const size = ledger.size();
    const seen = ledger.#newestCosigned();
    if (seen !== undefined && seen.size > size)
      throw damaged(`it has ${size} entries, and a device has cosigned ${seen.size}`);
    ledger.root(size);
    if (seen !== undefined && toHex(ledger.root(seen.size)) !== toHex(seen.root))
      throw damaged(`its first ${seen.size} entries are not those that a device has cosigned`);
    return ledger;
  }

  /** Number of entries, those of the caller's open transaction included. */
  size(): number {
    return this.#statements.size.get() ?? 0;
  }

  /**
   * Adds an entry: as a part of the caller's transaction where one is open, else on the disk when
   * this returns.
   *
   * @returns The index of the entry.
   */
  append(entry: LedgerEntry): number {
    const bytes = canonicalJson(entry);
    if (bytes.length > LIMITS.entryBytes)
      throw new Error(`Cannot append to ledger: entry of ${bytes.length} bytes`);
    return inTransaction(this.#database, () => {
      const index = this.size();
      const leafHash = hashLeaf(bytes);
      const subject = ledgerSubject(entry);
      this.#statements.insertEntry.run(index, entry.kind, entry.atMs, subject, bytes, leafHash);
      this.#completeSubtrees(index, leafHash);
      this.#onAppend?.(entry);
      return index;
    });
  }

  /**
   * Root of the tree over the first `size` entries; by default over all.
   *
   * @throws RangeError when the ledger has fewer entries.
   */
  root(size: number = this.size()): Uint8Array {
    this.#requireWithin(size);
    return size === 0 ? emptyRoot() : this.#rangeRoot({ start: 0, end: size });
  }

  /**
   * Proof that entry `index` is in the tree of `size` entries.
   *
   * @throws RangeError unless `index < size` and the ledger has `size` entries.
   */
  inclusionProof(index: number, size: number): Uint8Array[] {
    this.#requireWithin(size);
    if (!Number.isSafeInteger(index) || index < 0 || index >= size)
      throw new RangeError(`Cannot prove entry ${index}: not in a tree of ${size}`);
    return inclusionRanges(index, size).map((range) => this.#rangeRoot(range));
  }

  /**
   * Proof that the tree of `size` entries begins with the tree of `olderSize` entries.
   *
   * @throws RangeError unless `1 <= olderSize <= size` and the ledger has `size` entries.
   */
  consistencyProof(olderSize: number, size: number): Uint8Array[] {
    this.#requireWithin(size);
    if (!Number.isSafeInteger(olderSize) || olderSize < 1 || olderSize > size)
      throw new RangeError(`Cannot prove consistency of ${size} with ${olderSize}`);
    return consistencyRanges(olderSize, size).map((range) => this.#rangeRoot(range));
  }

  /** The entry at `index`, or undefined where there is none. */
  entry(index: number): LedgerRecord | undefined {
    const row = this.#statements.entry.get(index);
    return row === undefined ? undefined : recordOf(row);
  }

  /**
   * Entries in order of index, or with `before` in the opposite one.
   *
   * @throws RangeError when `limit` is not between 1 and 1,000 or `from` is not a count.
   */
  entries(query: EntriesQuery = {}): LedgerRecord[] {
    const { before, limit = ENTRIES_LIMIT_MAX, kind, subject } = query;
    const from = before ?? query.from ?? 0;
    if (!Number.isSafeInteger(from) || from < 0)
      throw new RangeError(`Cannot list entries: no entry ${from}`);
    if (!Number.isSafeInteger(limit) || limit < 1 || limit > ENTRIES_LIMIT_MAX)
      throw new RangeError(`Cannot list entries: limit ${limit} is not between 1 and 1,000`);
    const wanted = { from, limit, ...(kind && { kind }), ...(subject && { subject }) };
    // A subject has few entries and a kind may have a million: the one to look up by is named.
    const sql = `SELECT idx, entry, leaf_hash FROM ledger_entries
      ${subject === undefined ? "" : "INDEXED BY ledger_entries_by_subject"}
      WHERE ${before === undefined ? "idx >= @from" : "idx < @from"}
      ${kind === undefined ? "" : "AND kind = @kind"}
      ${subject === undefined ? "" : "AND subject = @subject"}
      ORDER BY idx ${before === undefined ? "" : "DESC"} LIMIT @limit`;
    return this.#database.prepare<[typeof wanted], EntryRow>(sql).all(wanted).map(recordOf);
  }

  /** Entries of each kind; those of decisions by outcome, as `decision refused`. */
  counts(): ReadonlyMap<string, number> {
    return new Map(this.#statements.counts.all().map(({ name, count }) => [name, count]));
  }

  /**
   * Signed checkpoint over all entries.
   *
   * @throws Error inside a transaction: entries that may still be undone must never be signed for.
   */
  checkpoint(): string {
    this.#requireCommitted();
    const checkpoint = this.#checkpointAt(this.size());
    const text = checkpointText(checkpoint);
    if (this.#lastCheckpoint?.text !== text)
      this.#lastCheckpoint = { text, note: this.#signedNote(checkpoint) };
    return this.#lastCheckpoint.note;
  }

  /**
   * Keeps a device's cosignature of the checkpoint at `size`. A second one of the same device for
   * the same size changes nothing.
   *
   * @throws MalformedInput when `line` is no signature line.
   * @throws HubError `COSIGNATURE_REFUSED` when it is not a valid cosignature over this ledger.
   */
  addCosignature(claim: CosignatureClaim): void {
    this.#requireCommitted();
    const signature = parseSignatureLine(claim.line);
    const { name, keyId } = signature;
    if (!Number.isSafeInteger(claim.size) || claim.size < 1 || claim.size > this.size())
      throw refused(`this ledger has no checkpoint of ${claim.size} entries`);
    const checkpoint = this.#checkpointAt(claim.size);
    const key = { name, type: "cosignature/v1", publicKey: claim.publicKey } as const;
    const cosignedAtMs = verifyCosignature(checkpointText(checkpoint), signature, key);
    if (cosignedAtMs === null) throw refused("it does not hold for the checkpoint of this ledger");
    inTransaction(this.#database, () => {
      const kept = this.#statements.cosignatureSigners.all(claim.size);
      if (kept.some((row) => row.key_name === name && row.key_id === keyId)) return;
      if (kept.length >= COSIGNATURES_PER_SIZE_MAX) throw refused("there are too many already");
      const { size, root } = checkpoint;
      this.#statements.insertCosignature.run(size, name, keyId, root, cosignedAtMs, claim.line);
    });
  }

  /** The newest checkpoint that a device has cosigned, with all its signatures, or null. */
  cosignedCheckpoint(): string | null {
    this.#requireCommitted();
    const newest = this.#newestCosigned();
    if (newest === undefined) return null;
    const lines = this.#statements.cosignatureLines.all(newest.size);
    const note = this.#signedNote(this.#checkpointAt(newest.size));
    return note + lines.map((line) => `${line}\n`).join("");
  }

  /** The newest checkpoint that this signer has cosigned, with his line alone, or null. */
  cosignedBy(keyName: string): string | null {
    this.#requireCommitted();
    const newest = this.#statements.newestOfSigner.get(keyName);
    if (newest === undefined) return null;
    return `${this.#signedNote(this.#checkpointAt(newest.size))}${newest.line}\n`;
  }

  /**
   * When a device last held the hub to this ledger, by that device's own clock, and to how many
   * entries of it; null where none has.
   */
  lastWitnessed(): { readonly size: number; readonly atMs: number } | null {
    const newest = this.#newestCosigned();
    const atMs = newest && this.#statements.cosignedAt.get(newest.size);
    return newest && atMs !== undefined ? { size: newest.size, atMs } : null;
  }

  /** Stores the hash of each subtree that the leaf at `index` completes. */
  #completeSubtrees(index: number, leafHash: Uint8Array): void {
    let hash = leafHash;
    let place = index;
    for (let level = 1; place % 2 === 1; level++) {
      hash = hashNode(this.#subtreeHash(level - 1, place - 1), hash);
      place = (place - 1) / 2;
      this.#statements.insertNode.run(level, place, hash);
    }
  }

  #subtreeHash(level: number, index: number): Uint8Array {
    const hash =
      level === 0 ? this.#statements.leafHash.get(index) : this.#statements.node.get(level, index);
    if (hash === undefined) throw damaged(`subtree ${index} of level ${level} is missing`);
    return new Uint8Array(hash);
  }

  #rangeRoot(range: LeafRange): Uint8Array {
    return rangeRoot(range, (level, index) => this.#subtreeHash(level, index));
  }

  #checkpointAt(size: number): Checkpoint {
    return { origin: this.origin, size, root: this.root(size) };
  }

  #signedNote(checkpoint: Checkpoint): string {
    const signature = signCheckpoint(checkpoint, this.publicKey, this.#sign);
    return formatSignedNote({ text: checkpointText(checkpoint), signatures: [signature] });
  }

  #newestCosigned(): CosignatureRow | undefined {
    return this.#statements.newestCosignature.get();
  }

  #requireWithin(size: number): void {
    if (!Number.isSafeInteger(size) || size < 0 || size > this.size())
      throw new RangeError(`Cannot prove anything about ${size} entries: not in this ledger`);
  }

  #requireCommitted(): void {
    if (this.#database.inTransaction)
      throw new Error("Cannot sign a checkpoint: a transaction is open");
  }
}

/** What an entry is about, for finding it: the id of its clip, else of its request. */
export function ledgerSubject(entry: LedgerEntry): string | null {
  if ("clip" in entry) return entry.clip;
  if ("request" in entry) return entry.request;
  return null;
}

function recordOf(row: EntryRow): LedgerRecord {
  // Only `append` writes here, so the shape is known; that the bytes are unchanged, the tree shows.
  const entry = parseCanonicalJson(row.entry, `ledger entry ${row.idx}`) as LedgerEntry;
  // Plain bytes, not the database's Buffers: those compare and print as something else.
  const [bytes, leafHash] = [new Uint8Array(row.entry), new Uint8Array(row.leaf_hash)];
  return { index: row.idx, entry, bytes, leafHash };
}

function damaged(what: string): HubError {
  return new HubError("LEDGER_DAMAGED", `Cannot use ledger: ${what}`);
}

function refused(why: string): HubError {
  return new HubError("COSIGNATURE_REFUSED", `Cannot keep cosignature: ${why}`);
}

type EntryValues = [number, string, number, string | null, Uint8Array, Uint8Array];
type CosignatureValues = [number, string, number, Uint8Array, number, string];

function prepareStatements(database: BetterSqlite3.Database) {
  return {
    size: database.prepare<[], number>("SELECT max(idx) + 1 FROM ledger_entries").pluck(),
    counts: database.prepare<[], { readonly name: string; readonly count: number }>(
      "SELECT name, count FROM ledger_counts",
    ),
    insertEntry: database.prepare<EntryValues>(
      `INSERT INTO ledger_entries (idx, kind, at_ms, subject, entry, leaf_hash)
       VALUES (?, ?, ?, ?, ?, ?)`,
    ),
    entry: database.prepare<[number], EntryRow>(
      "SELECT idx, entry, leaf_hash FROM ledger_entries WHERE idx = ?",
    ),
    leafHash: database
      .prepare<[number], Uint8Array>("SELECT leaf_hash FROM ledger_entries WHERE idx = ?")
      .pluck(),
    node: database
      .prepare<[number, number], Uint8Array>(
        "SELECT hash FROM ledger_nodes WHERE level = ? AND idx = ?",
      )
      .pluck(),
    insertNode: database.prepare<[number, number, Uint8Array]>(
      "INSERT INTO ledger_nodes (level, idx, hash) VALUES (?, ?, ?)",
    ),
    newestCosignature: database.prepare<[], CosignatureRow>(
      "SELECT size, root FROM ledger_cosignatures ORDER BY size DESC LIMIT 1",
    ),
    newestOfSigner: database.prepare<[string], { size: number; line: string }>(
      "SELECT size, line FROM ledger_cosignatures WHERE key_name = ? ORDER BY size DESC LIMIT 1",
    ),
    cosignedAt: database
      .prepare<[number], number>(
        "SELECT max(cosigned_at_ms) FROM ledger_cosignatures WHERE size = ?",
      )
      .pluck(),
    cosignatureSigners: database.prepare<[number], { key_name: string; key_id: number }>(
      "SELECT key_name, key_id FROM ledger_cosignatures WHERE size = ?",
    ),
    cosignatureLines: database
      .prepare<[number], string>(
        "SELECT line FROM ledger_cosignatures WHERE size = ? ORDER BY key_name, key_id",
      )
      .pluck(),
    insertCosignature: database.prepare<CosignatureValues>(
      `INSERT INTO ledger_cosignatures (size, key_name, key_id, root, cosigned_at_ms, line)
       VALUES (?, ?, ?, ?, ?, ?)`,
    ),
  };
}
