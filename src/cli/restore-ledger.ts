import { Decrypter } from "age-encryption";
import type BetterSqlite3 from "better-sqlite3";
import { Ledger } from "../ledger/ledger.ts";
import { verifyLedger, type SeenRoot } from "../ledger/verify-ledger.ts";
import { readAll, type Place } from "../offsite/place.ts";
import { equalBytes } from "../protocol/bytes.ts";
import type { Json } from "../protocol/canonical-json.ts";
import { verifyCheckpoint } from "../protocol/checkpoint.ts";
import { sealedFileName } from "../protocol/clip.ts";
import {
  COPY_LIMITS,
  copyObjectName,
  readLedgerBatch,
  type LedgerBatch,
} from "../protocol/copy-format.ts";
import { HubError, MalformedInput } from "../protocol/errors.ts";
import type { LedgerEntry, LedgerEntryOf } from "../protocol/ledger-entry.ts";
import { extendKeyring, verifyKeyring, type Keyring } from "../protocol/keyring.ts";
import { readEntry } from "../protocol/read-entry.ts";
import { isOfOneObject, type Refused } from "./restore-objects.ts";
import { readStatements, type CopyListing, type OpenedState } from "./restore-state.ts";

/** What came to a state by what was copied after it. */
export interface LedgerAfter {
  readonly keyring: Keyring;
  readonly size: number;
  readonly root: Uint8Array;
  /** Time of the newest entry. */
  readonly newestMs: number;
  /** Entries of batches, and of these, kinds whose own records are in no batch. */
  readonly added: number;
  readonly entriesOnly: number;
  /** Entries that no batch holds, though later ones do: somebody lost them, or holds them back. */
  readonly gaps: readonly { readonly first: number; readonly last: number }[];
  /** Batches that were there and were not taken. */
  readonly refused: readonly Refused[];
}

type BatchName = CopyListing["batches"][number];

const CUT_OFF = "Cannot use ledger entries: those are missing up to which the ledger has signed";
const SEALED_BATCH_BYTES_MAX = COPY_LIMITS.batchBytes + 1024 * 1024;
/** These are about a clip, and all that the database has of them is in the entry. */
const REBUILT = new Set(["clip", "torn", "deletion", "rendition"]);
/** These have no rows beside the entry. */
const ENTRY_ALONE = new Set([
  ...["genesis", "keyring", "view", "live", "talk", "software", "settings", "clock", "heartbeat"],
]);

/**
 * Goes on with the ledger of `state` from the batches of the installation that made it, as far as
 * they hold: each up to a checkpoint that the ledger's key has signed.
 *
 * @throws HubError RESTORE_BROKEN where what is there does not hold.
 */
export async function addBatches(
  place: Place,
  { batches }: CopyListing,
  state: OpenedState,
  restorer: { readonly identities: readonly string[]; readonly seen: readonly SeenRoot[] },
  { signal, say }: { readonly signal: AbortSignal; readonly say: (text: string) => void },
): Promise<LedgerAfter> {
  const { database, name, keyring } = state;
  const ledger = openLedger(database, keyring);
  const from = ledger.size();
  let [entriesOnly, unsigned] = [0, 0];
  const refused = new Map<BatchName, string>();
  const own = batches.filter(({ writer }) => writer === name.writer);
  // Many entries are several batches, and only the last of them has what was signed for all.
  database.exec("BEGIN");
  try {
    for (;;) {
      const size = ledger.size();
      const next = own
        .filter((each) => each.first <= size && each.last >= size && !refused.has(each))
        .toSorted((left, right) => right.last - left.last)[0];
      if (!next) break;
      try {
        const sealed = await readAll(place, copyObjectName(next), SEALED_BATCH_BYTES_MAX, signal);
        const batch = readLedgerBatch(await decrypted(sealed, restorer.identities));
        const added = addBatch(database, ledger, batch, next);
        unsigned += added.entriesOnly;
        if (!added.isSigned) continue;
      } catch (error) {
        if (!isOfOneObject(error)) throw error;
        say(`Ledger entries ${next.first} to ${next.last} are not taken: ${error.message}`);
        refused.set(next, error.message);
        continue;
      }
      database.exec("COMMIT; BEGIN");
      [entriesOnly, unsigned] = [entriesOnly + unsigned, 0];
    }
  } finally {
    database.exec("ROLLBACK");
  }
  const verdict = verifyLedger(
    database,
    restorer.seen.filter(({ size }) => size <= ledger.size()),
  );
  if (!verdict.holds)
    throw new HubError(
      "RESTORE_BROKEN",
      `Cannot restore: entry ${verdict.index} of the ledger does not hold (${verdict.reason})`,
    );
  const newest = ledger.entry(verdict.size - 1);
  return {
    keyring: verifyKeyring(readStatements(database), keyring.genesis),
    ...{ size: verdict.size, root: verdict.root, newestMs: newest?.entry.atMs ?? 0 },
    ...{ added: verdict.size - from, entriesOnly },
    ...notTaken(own, verdict.size, refused),
  };
}

/** What lies in the copy beyond the entries that were reached. */
function notTaken(
  own: readonly BatchName[],
  size: number,
  refused: ReadonlyMap<BatchName, string>,
): Pick<LedgerAfter, "gaps" | "refused"> {
  const beyond = own
    .filter(({ last }) => last >= size)
    .toSorted((left, right) => left.first - right.first);
  const gaps: { first: number; last: number }[] = [];
  let at = size;
  for (const { first, last } of beyond) {
    if (first > at) gaps.push({ first: at, last: first - 1 });
    at = Math.max(at, last + 1);
  }
  const isCut = gaps.length === 0 && !beyond.some((each) => refused.has(each));
  const cut = isCut ? beyond.map((each) => [each, CUT_OFF] as const) : [];
  return {
    gaps,
    refused: [...refused, ...cut].map(([batch, reason]) => ({
      ...{ name: copyObjectName(batch), reason },
    })),
  };
}

/** For reading and appending; checkpoints are signed by the hub that starts on it. */
function openLedger(database: BetterSqlite3.Database, keyring: Keyring): Ledger {
  return Ledger.open({
    ...{ database, origin: keyring.origin, publicKey: keyring.ledgerKey },
    sign: () => {
      throw new Error("a restore signs no checkpoint");
    },
  });
}

async function decrypted(sealed: Uint8Array, identities: readonly string[]): Promise<Uint8Array> {
  const decrypter = new Decrypter();
  for (const identity of identities) decrypter.addIdentity(identity);
  let bytes: Uint8Array;
  try {
    bytes = await decrypter.decrypt(sealed);
  } catch (cause) {
    throw bad("these keys do not open them", { cause });
  }
  if (bytes.length > COPY_LIMITS.batchBytes) throw bad("they are too large");
  return bytes;
}

/**
 * All of it, or nothing.
 *
 * @returns Entries whose records are in no batch, and whether the ledger has signed for exactly these:
 * false where it signed for more, which then have to come.
 */
function addBatch(
  database: BetterSqlite3.Database,
  ledger: Ledger,
  batch: LedgerBatch,
  named: { readonly first: number; readonly last: number },
): { readonly entriesOnly: number; readonly isSigned: boolean } {
  return database.transaction(() => {
    let keyring = verifyKeyring(readStatements(database));
    const { origin, ledgerKey: publicKey } = keyring;
    const isThis =
      batch.origin === origin &&
      batch.first === named.first &&
      batch.first + batch.entries.length - 1 === named.last;
    if (!isThis) throw bad("they are not what their name says");
    const checkpoint = verifyCheckpoint(batch.checkpoint, { origin, publicKey });
    let entriesOnly = 0;
    for (const value of batch.entries.slice(ledger.size() - batch.first)) {
      const entry = readEntry(value as Json);
      if (entry.kind === "keyring") keyring = addStatement(database, keyring, batch, entry);
      const index = ledger.append(entry);
      if (REBUILT.has(entry.kind)) rebuild(database, entry, index, keyring);
      else if (!ENTRY_ALONE.has(entry.kind)) entriesOnly += 1;
    }
    const isSigned = checkpoint.size === ledger.size();
    const isContrary = isSigned && !equalBytes(checkpoint.root, ledger.root());
    if (checkpoint.size < ledger.size() || isContrary)
      throw bad("the ledger has not signed for them");
    return { entriesOnly, isSigned };
  })();
}

function addStatement(
  database: BetterSqlite3.Database,
  keyring: Keyring,
  { keyring: { from, statements } }: LedgerBatch,
  entry: LedgerEntryOf<"keyring">,
): Keyring {
  const statement = statements[entry.epoch - from];
  if (statement === undefined) throw bad("a statement of the keyring is missing");
  const next = extendKeyring(keyring, statement);
  if (next.epoch !== entry.epoch || next.head !== entry.keyringHead)
    throw bad("a statement of the keyring is another one than was entered");
  database
    .prepare("INSERT INTO keyring_statements (epoch, head, envelope) VALUES (?, ?, ?)")
    .run(next.epoch, next.head, JSON.stringify(statement));
  return next;
}

function rebuild(
  database: BetterSqlite3.Database,
  entry: LedgerEntry,
  index: number,
  keyring: Keyring,
): void {
  // Of a clip that was sealed anew the files tell: the newest header of each is taken.
  if (entry.kind === "clip") rebuildClip(database, entry, index, keyring);
  if (entry.kind === "torn") rebuildTorn(database, entry, index);
  if (entry.kind === "deletion") forgetClip(database, entry.clip, index);
  if (entry.kind === "rendition") rebuildRendition(database, entry, index);
}

function rebuildTorn(
  database: BetterSqlite3.Database,
  { clip, files, atMs }: LedgerEntryOf<"torn">,
  index: number,
): void {
  const insert = database.prepare(
    "INSERT OR IGNORE INTO torn_files (clip, name, size_bytes, sha256, entry_index) VALUES (?, ?, ?, ?, ?)",
  );
  for (const { name, sizeBytes, sha256 } of files) insert.run(clip, name, sizeBytes, sha256, index);
  database
    .prepare(
      "UPDATE clips SET state = 'torn', ended_at_ms = max(started_at_ms, ?) WHERE id = ? AND state = 'recording'",
    )
    .run(atMs, clip);
}

function rebuildClip(
  database: BetterSqlite3.Database,
  entry: LedgerEntryOf<"clip">,
  index: number,
  { epoch }: Keyring,
): void {
  const why = { kind: entry.event, zone: "", areaShare: 0, score: 0 };
  database
    .prepare(
      `INSERT INTO clips (id, camera, kind, why, event_at_ms, started_at_ms, ended_at_ms, state,
         keyring_head, keyring_epoch, entry_index)
       VALUES (@clip, @camera, @event, @why, @fromMs, @fromMs, @toMs, 'closed', @keyringHead, @epoch, @index)
       ON CONFLICT (id) DO UPDATE SET ended_at_ms = max(started_at_ms, @toMs), state = 'closed',
         entry_index = @index`,
    )
    .run({ ...plain(entry), why: JSON.stringify(why), epoch, index });
  database.prepare("DELETE FROM clip_files WHERE clip = ?").run(entry.clip);
  const insert = database.prepare(
    `INSERT INTO clip_files (clip, name, segment, track, rendition, size_bytes, payload_sha256,
       from_ms, to_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  for (const file of entry.files) {
    const { segment, track, rendition, sizeBytes, payloadSha256, fromMs, toMs } = file;
    const of = [entry.clip, sealedFileName(file), segment, track, rendition];
    insert.run(...of, sizeBytes, payloadSha256, fromMs, toMs);
  }
}

function plain({ clip, camera, event, fromMs, toMs, keyringHead }: LedgerEntryOf<"clip">) {
  return { clip, camera, event, fromMs, toMs: Math.max(fromMs, toMs), keyringHead };
}

function rebuildRendition(
  database: BetterSqlite3.Database,
  entry: LedgerEntryOf<"rendition">,
  index: number,
): void {
  if (entry.v === 4) {
    const remove = database.prepare(
      "DELETE FROM clip_files WHERE clip = ? AND payload_sha256 = ? AND rendition = 'blurred'",
    );
    for (const gone of entry.replaces) remove.run(entry.clip, gone);
  }
  const insert = database.prepare(
    `INSERT OR REPLACE INTO clip_files (clip, name, segment, track, rendition, size_bytes,
       payload_sha256, from_ms, to_ms, derived_from, entry_index, pixelated)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  for (const file of entry.files) {
    const { segment, track, rendition, sizeBytes, payloadSha256, fromMs, toMs } = file;
    const of = [entry.clip, sealedFileName(file), segment, track, rendition, sizeBytes];
    const pixelated = "pixelated" in file ? (file.pixelated ?? null) : null;
    insert.run(...of, payloadSha256, fromMs, toMs, file.derivedFrom, index, pixelated);
  }
  database
    .prepare("UPDATE clip_copies SET copy_state = 'done' WHERE clip = ? AND copy_state = 'waiting'")
    .run(entry.clip);
}

/** As the hub does it: what its files' names would still say is removed at the start. */
function forgetClip(database: BetterSqlite3.Database, clip: string, index: number): void {
  for (const table of ["clip_files", "clip_copy_files", "clip_copies", "torn_files"])
    database.prepare(`DELETE FROM ${table} WHERE clip = ?`).run(clip);
  database.prepare("DELETE FROM clip_retention WHERE clip = ?").run(clip);
  database.prepare("DELETE FROM clip_holds WHERE clip = ?").run(clip);
  database.prepare("DELETE FROM clips WHERE id = ?").run(clip);
  database
    .prepare("INSERT OR IGNORE INTO clip_deletions (clip, entry_index) VALUES (?, ?)")
    .run(clip, index);
}

function bad(reason: string, options?: ErrorOptions): MalformedInput {
  return new MalformedInput("ledger", `Cannot use ledger entries: ${reason}`, options);
}
