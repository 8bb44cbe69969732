import { createHash, createPrivateKey, createPublicKey } from "node:crypto";
import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { Decrypter } from "age-encryption";
import BetterSqlite3 from "better-sqlite3";
import { requireSchemaOfMigrations } from "../base/database.ts";
import { verifyLedger, type SeenRoot } from "../ledger/verify-ledger.ts";
import { readAll, type Place } from "../offsite/place.ts";
import { equalBytes, fromHex, sha256Hex, toHex } from "../protocol/bytes.ts";
import {
  COPY_LIMITS,
  copyObjectName,
  parseCopyObjectName,
  readCopyMarker,
  readStateIndex,
  readStateManifest,
  type CopyMarker,
  type CopyObject,
  type StateIndex,
  type StateManifest,
} from "../protocol/copy-format.ts";
import { HubError, MalformedInput } from "../protocol/errors.ts";
import { verifyKeyring, type Keyring } from "../protocol/keyring.ts";
import { isOfOneObject, type Refused } from "./restore-objects.ts";
import { readArchive, type ArchiveMember } from "./restore-tar.ts";

export const DATABASE_MEMBER = "doorward.db";
const SETTINGS_MEMBER = "doorward.yaml";
const MANIFEST_MEMBER = "state.json";
const LEDGER_KEY_MEMBER = "secrets/ledger.pem";
/** SQLite's own header: which journal the file was written with (file format, offsets 18 and 19). */
const JOURNAL_AT = 18;

export type StateName = Extract<CopyObject, { type: "state-index" }>;

/** What a copy holds, by its listing: names only, which the place could have made up. */
export interface CopyListing {
  readonly marker: CopyMarker;
  /** Newest first. */
  readonly states: readonly StateName[];
  readonly batches: readonly Extract<CopyObject, { type: "ledger" }>[];
}

/** A state of a hub, opened and proven: nothing of it has touched a disk. */
export interface OpenedState {
  readonly name: StateName;
  readonly manifest: StateManifest;
  readonly keyring: Keyring;
  readonly statements: readonly unknown[];
  /** In memory; the caller closes it. */
  readonly database: BetterSqlite3.Database;
  /** Settings, secrets and viewers. */
  readonly members: readonly ArchiveMember[];
}

/** One whose database was closed. */
export type ProvenState = Omit<OpenedState, "database">;

/** Which state was taken, and what else was there. */
export interface ChosenState {
  readonly taken: OpenedState;
  /** Newer ones that do not open or do not hold. */
  readonly refused: readonly Refused[];
  /** The next one before it that opens and holds. */
  readonly older: ProvenState | null;
}

/** Who restores: what opens, and what is remembered of the household. */
export interface Restorer {
  readonly identities: readonly string[];
  /** That the keyring of a state is of this household. */
  readonly requireOwn: (keyring: Keyring) => void;
  /** That the newest keyring, with all that was copied, is in force for who restores. */
  readonly requireInForce: (keyring: Keyring) => void;
  readonly seen: readonly SeenRoot[];
}

export async function listCopy(place: Place, signal: AbortSignal): Promise<CopyListing> {
  const marker = readCopyMarker(
    await readAll(place, "doorward-copy.json", COPY_LIMITS.markerBytes, signal),
  );
  const states: StateName[] = [];
  const batches: CopyListing["batches"][number][] = [];
  for await (const { name } of place.list("state/", signal)) {
    const object = parseCopyObjectName(name);
    if (object?.type === "state-index") states.push(object);
  }
  for await (const { name } of place.list("ledger/", signal)) {
    const object = parseCopyObjectName(name);
    if (object?.type === "ledger") batches.push(object);
  }
  states.sort((left, right) => right.sequence - left.sequence);
  return { marker, states, batches };
}

/**
 * Opens the newest state that opens and holds.
 *
 * @param writer - Only of this installation; null: of any.
 * @param sequence - Only the state of this number; null: the newest.
 * @throws HubError RESTORE_NO_STATE with the reason of the newest.
 */
export async function chooseState(
  place: Place,
  { states }: CopyListing,
  restorer: Restorer,
  options: {
    readonly writer: string | null;
    readonly sequence: number | null;
    readonly signal: AbortSignal;
    readonly say: (text: string) => void;
  },
): Promise<ChosenState> {
  const { writer, sequence, signal, say } = options;
  const wanted = states.filter(
    (state) =>
      (writer === null || state.writer === writer) &&
      (sequence === null || state.sequence <= sequence),
  );
  const [first, second] = wanted;
  // Each numbers above what it finds: two that do not have written side by side.
  if (first && first.sequence === second?.sequence)
    throw new HubError(
      "RESTORE_TWO_STATES",
      `Cannot restore: two installations wrote state ${first.sequence} at the same time; name one with --writer ${first.writer} or --writer ${second.writer}`,
    );
  let newest: HubError | null = null;
  const refused: Refused[] = [];
  for (const [index, name] of wanted.entries()) {
    if (sequence !== null && name.sequence !== sequence) break;
    try {
      const taken = await openState(place, name, restorer, signal);
      try {
        const older = await openOlder(place, wanted.slice(index + 1), restorer, signal);
        return { taken, refused, older };
      } catch (error) {
        taken.database.close();
        throw error;
      }
    } catch (error) {
      if (!isOfOneObject(error)) throw error;
      refused.push({ name: copyObjectName(name), reason: error.message });
      say(`State ${name.sequence}.${name.writer} is not taken: ${error.message}`);
      newest ??= error;
    }
  }
  throw new HubError(
    "RESTORE_NO_STATE",
    newest?.message ?? "Cannot restore: there is no state of a hub in this copy",
    { cause: newest },
  );
}

/** Of the first that holds; two are tried. */
async function openOlder(
  place: Place,
  names: readonly StateName[],
  restorer: Restorer,
  signal: AbortSignal,
): Promise<ProvenState | null> {
  for (const name of names.slice(0, 2))
    try {
      const state = await openState(place, name, restorer, signal);
      state.database.close();
      return state;
    } catch (error) {
      if (!isOfOneObject(error)) throw error;
    }
  return null;
}

async function openState(
  place: Place,
  name: StateName,
  restorer: Restorer,
  signal: AbortSignal,
): Promise<OpenedState> {
  const index = readStateIndex(
    await readAll(place, copyObjectName(name), COPY_LIMITS.indexBytes, signal),
  );
  if (index.sequence !== name.sequence || index.writer !== name.writer)
    throw bad("its index is of another state");
  const members = await readMembers(place, index, restorer, signal);
  const last = members.pop();
  if (last?.name !== MANIFEST_MEMBER) throw bad("it does not say what it holds");
  const { manifest, isSignedBy } = readStateManifest(last.bytes);
  requireMembers(manifest, index, members);
  const file = members.find((member) => member.name === DATABASE_MEMBER);
  if (!file) throw bad("it has no database");
  const database = openInMemory(file.bytes);
  try {
    // Before anything is asked of it: a view or a trigger of somebody else's would answer.
    requireSchemaOfMigrations(database);
    const statements = readStatements(database);
    const keyring = verifyKeyring(statements);
    restorer.requireOwn(keyring);
    if (!isSignedBy(keyring.ledgerKey)) throw bad("the household's ledger has not signed it");
    requireSame(manifest, keyring, index);
    requireLedgerKey(keyring, members);
    requireLedger(database, manifest, restorer.seen);
    const others = members.filter((member) => member !== file);
    return { name, manifest, keyring, statements, database, members: others };
  } catch (error) {
    database.close();
    throw error;
  }
}

async function readMembers(
  place: Place,
  index: StateIndex,
  { identities }: Restorer,
  signal: AbortSignal,
): Promise<ArchiveMember[]> {
  const decrypter = new Decrypter();
  for (const identity of identities) decrypter.addIdentity(identity);
  const sealed = ReadableStream.from(sealedParts(place, index, signal));
  let opened: ReadableStream<Uint8Array>;
  try {
    opened = await decrypter.decrypt(sealed);
  } catch (cause) {
    if (cause instanceof HubError) throw cause;
    throw new HubError(
      "SHEET_NOT_IN_FORCE",
      "Cannot restore: these keys do not open this state of the hub",
      { cause },
    );
  }
  const packed = Readable.from(opened);
  const unpacked = createGunzip();
  packed.on("error", (error) => unpacked.destroy(error)).pipe(unpacked);
  const most = (name: string): number =>
    name === DATABASE_MEMBER ? COPY_LIMITS.databaseBytes : COPY_LIMITS.stateMemberBytes;
  const members: ArchiveMember[] = [];
  try {
    for await (const member of readArchive(unpacked, most)) {
      members.push(member);
      if (members.length > COPY_LIMITS.stateMembers + 2) throw bad("it has too many members");
    }
  } catch (cause) {
    if (cause instanceof HubError) throw cause;
    throw new MalformedInput("state", "Cannot read state: it does not open in full", { cause });
  } finally {
    packed.destroy();
    unpacked.destroy();
  }
  return members;
}

async function* sealedParts(
  place: Place,
  index: StateIndex,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const whole = createHash("sha256");
  for (const [part, wanted] of index.parts.entries()) {
    const name = copyObjectName({
      ...{ type: "state-part", part },
      ...{ sequence: index.sequence, writer: index.writer },
    });
    const bytes = await readAll(place, name, wanted.sizeBytes, signal);
    if (bytes.length !== wanted.sizeBytes || sha256Hex(bytes) !== wanted.sha256)
      throw bad(`${name} is not what its index says`);
    whole.update(bytes);
    yield bytes;
  }
  if (whole.digest("hex") !== index.sha256) throw bad("it is not what its index says");
}

function requireMembers(
  manifest: StateManifest,
  index: StateIndex,
  members: readonly ArchiveMember[],
): void {
  if (manifest.sequence !== index.sequence || manifest.writer !== index.writer)
    throw bad("it is another state than its name says");
  const isSame =
    manifest.members.length === members.length &&
    manifest.members.every(({ name, sizeBytes, sha256 }, place) => {
      const member = members[place];
      return (
        member?.name === name &&
        member.bytes.length === sizeBytes &&
        sha256Hex(member.bytes) === sha256
      );
    });
  if (!isSame) throw bad("it does not hold what the ledger's key has signed for");
  const isKnown = ({ name }: ArchiveMember): boolean =>
    name === DATABASE_MEMBER ||
    name === SETTINGS_MEMBER ||
    /^(?:secrets|viewers)\/[^.][^/]*$/.test(name) ||
    /^secrets\/[^.][^/]*\/[^.][^/]*$/.test(name);
  const odd = members.find((member) => !isKnown(member));
  if (odd) throw bad(`${odd.name} is nothing that a hub keeps`);
}

/** A database that was written with a write-ahead log opens in memory only without one. */
function openInMemory(bytes: Uint8Array): BetterSqlite3.Database {
  const image = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  image[JOURNAL_AT] = 1;
  image[JOURNAL_AT + 1] = 1;
  let database: BetterSqlite3.Database;
  try {
    database = new BetterSqlite3(image);
  } catch (cause) {
    throw new MalformedInput("database", "Cannot read state: its database does not open", {
      cause,
    });
  }
  try {
    database.pragma("trusted_schema = OFF");
    database.pragma("foreign_keys = ON");
    database.pragma("recursive_triggers = ON");
    const sound = String(database.pragma("integrity_check(1)", { simple: true }));
    if (sound !== "ok") throw bad("its database is damaged");
    return database;
  } catch (cause) {
    database.close();
    if (cause instanceof HubError) throw cause;
    throw new MalformedInput("database", "Cannot read state: its database is none", { cause });
  }
}

export function readStatements(database: BetterSqlite3.Database): unknown[] {
  return database
    .prepare<[], string>("SELECT envelope FROM keyring_statements ORDER BY epoch")
    .pluck()
    .all()
    .map((envelope): unknown => JSON.parse(envelope));
}

function requireSame(manifest: StateManifest, keyring: Keyring, { origin }: StateIndex): void {
  const isSame =
    manifest.origin === keyring.origin &&
    origin === keyring.origin &&
    manifest.ledgerKey === toHex(keyring.ledgerKey) &&
    manifest.keyring.epoch === keyring.epoch &&
    manifest.keyring.head === keyring.head;
  if (!isSame) throw bad("its keyring is another one than it says");
}

/** Without it the hub would go on as another one. */
function requireLedgerKey({ ledgerKey }: Keyring, members: readonly ArchiveMember[]): void {
  const pem = members.find(({ name }) => name === LEDGER_KEY_MEMBER);
  if (!pem) throw bad("the ledger's key is not in it");
  const jwk = createPublicKey(createPrivateKey(Buffer.from(pem.bytes))).export({ format: "jwk" });
  const own = new Uint8Array(Buffer.from(jwk.x ?? "", "base64url"));
  if (!equalBytes(own, ledgerKey)) throw bad("the ledger's key in it is another one");
}

function requireLedger(
  database: BetterSqlite3.Database,
  { ledger }: StateManifest,
  seen: readonly SeenRoot[],
): void {
  const signed = { size: ledger.size, root: fromHex(ledger.root, "root") };
  // What a device has seen beyond this state is told of, and not held against it.
  const known = seen.filter(({ size }) => size <= ledger.size);
  const verdict = verifyLedger(database, [signed, ...known]);
  if (!verdict.holds)
    throw bad(`its ledger does not hold (entry ${verdict.index}: ${verdict.reason})`);
  if (verdict.size !== ledger.size) throw bad("its ledger has another size than was signed");
}

function bad(reason: string): MalformedInput {
  return new MalformedInput("state", `Cannot read state: ${reason}`);
}
