import { readdir, rename, rm } from "node:fs/promises";
import path from "node:path";
import { text as readText } from "node:stream/consumers";
import Type from "typebox";
import { openDatabase } from "../base/database.ts";
import {
  makePrivateDirectory,
  readSmallFile,
  syncDirectory,
  systemErrorCode,
  writeFileDurably,
} from "../base/files.ts";
import { RESTORING_FILE } from "../hub/restored.ts";
import { Ledger } from "../ledger/ledger.ts";
import { Restorations } from "../ledger/restorations.ts";
import { verifyLedger, type SeenRoot } from "../ledger/verify-ledger.ts";
import { CopyRows } from "../offsite/copy-rows.ts";
import { signingKeyOf } from "../owner/device-bundle.ts";
import { envelopeSigner } from "../owner/identity.ts";
import { parseRecoverySheet } from "../owner/recovery.ts";
import { signRestoration } from "../owner/restore-sign.ts";
import { combineSheets } from "../owner/sheet-split.ts";
import { equalBytes, fromHex, toHex, utf8Bytes } from "../protocol/bytes.ts";
import { parseJson } from "../protocol/canonical-json.ts";
import { checkShape } from "../protocol/check.ts";
import type { EnvelopeSigner } from "../protocol/envelope.ts";
import { HubError } from "../protocol/errors.ts";
import { roleOfDevice, verifyKeyring, type Keyring } from "../protocol/keyring.ts";
import { UsageError, type ExitCode } from "./exit.ts";
import { openKeys } from "./keys-directory.ts";
import { print, printJson, readInput, readOptions, say, type ReadOptions } from "./options.ts";
import { restoreFiles, type FilesReport } from "./restore-files.ts";
import {
  hasHoles,
  holesOf,
  factsOf,
  isNobodyToAsk,
  requireChoice,
  requireWhole,
  sayChoice,
  sayHoles,
} from "./restore-choice.ts";
import { addBatches, type LedgerAfter } from "./restore-ledger.ts";
import { openPlaceToRead } from "./restore-place.ts";
import {
  chooseState,
  DATABASE_MEMBER,
  listCopy,
  readStatements,
  type ChosenState,
  type CopyListing,
  type OpenedState,
  type Restorer,
} from "./restore-state.ts";
import { localTime } from "./times.ts";

const RestoringSchema = Type.Object(
  {
    v: Type.Literal(1),
    origin: Type.String({ maxLength: 200 }),
    sequence: Type.Integer({ minimum: 0 }),
    writer: Type.String({ maxLength: 8 }),
  },
  { additionalProperties: false },
);

interface Person extends Restorer {
  /** Who signs that the ledger goes on from the copy. */
  readonly signer: EnvelopeSigner;
  /** Entries that this device has seen; 0 with a sheet. */
  readonly seenSize: number;
}

/**
 * Sets a hub up anew from its copy elsewhere, with the recovery sheet or an owner's keys; with
 * `--drill` it only reads and proves all of it. 1 where something of it is missing.
 */
export async function restore(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, {
    values: ["from", "data", "keys", "endpoint", "region", "writer", "state"],
    lists: ["sheet"],
    flags: ["drill", "json", "yes", "as-far-as-it-goes"],
  });
  const sequence = numberOf(options.text("state"));
  const isDrill = options.flag("drill");
  const directory = isDrill ? null : path.resolve(options.required("data"));
  if (directory !== null) await requireFresh(directory);
  const person = await personOf(options);
  await using place = await openPlaceToRead(options, process.env);
  const stop = new AbortController();
  const interrupted = (): void => stop.abort(new HubError("INTERRUPTED", RESUME));
  process.once("SIGINT", interrupted);
  try {
    const { signal } = stop;
    const listing = await listCopy(place, signal);
    const writer = options.text("writer");
    const chosen = await chooseState(place, listing, person, { writer, sequence, signal, say });
    const state = chosen.taken;
    try {
      sayWriters(listing, state);
      const after = await addBatches(place, listing, state, person, { signal, say });
      person.requireInForce(after.keyring);
      if (!options.flag("json") || !(isDrill || options.flag("yes"))) sayChoice(chosen, after);
      if (directory !== null) {
        requireWhole(holesOf(chosen, after), options.flag("as-far-as-it-goes"));
        await requireChoice(options.flag("yes") || isNobodyToAsk(factsOf(state)));
        await beginIn(directory, state);
      }
      const files = await restoreFiles(place, state.database, {
        ...{ signal, dataDirectory: directory },
        onProgress: progress(),
      });
      if (directory !== null) await finishIn(directory, state, after, person);
      return report(options, { chosen, after, files, person, directory });
    } finally {
      state.database.close();
    }
  } finally {
    process.off("SIGINT", interrupted);
  }
}

function numberOf(text: string | null): number | null {
  if (text === null) return null;
  if (!/^[0-9]{1,8}$/.test(text))
    throw new UsageError(`Cannot read "${text}": expected --state as a number`);
  return Number(text);
}

const RESUME = "Stopped. Run the same command again: what was fetched is not fetched again.";

/** @throws HubError RESTORE_NOT_EMPTY for a folder with anything but a restore that was interrupted. */
async function requireFresh(directory: string): Promise<void> {
  let names: string[];
  try {
    names = await readdir(directory);
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return;
    throw error;
  }
  if (names.length > 0 && !names.includes(RESTORING_FILE))
    throw new HubError(
      "RESTORE_NOT_EMPTY",
      `Cannot restore into ${directory}: it is not empty; name a folder that is new`,
    );
}

async function personOf(options: ReadOptions): Promise<Person> {
  const directory = options.text("keys");
  return directory === null ? personWithSheet(options) : personWithKeys(directory);
}

async function personWithKeys(directory: string): Promise<Person> {
  const { bundle, seen } = await openKeys(directory);
  const key = signingKeyOf(bundle);
  const held = [bundle.readers, ...(bundle.earlier ?? [])].flatMap(({ owners }) => owners ?? []);
  const identities = [...held, ...(bundle.recovery === undefined ? [] : [bundle.recovery])];
  if (identities.length === 0)
    throw new HubError("NOT_ALLOWED", "Cannot restore: these are not an owner's keys");
  const root = seen && { size: seen.size, root: fromHex(seen.root, "root") };
  return {
    identities,
    signer: envelopeSigner(key),
    ...{ seen: root ? [root] : ([] as SeenRoot[]), seenSize: seen?.size ?? 0 },
    requireOwn: (keyring) => {
      if (keyring.genesis !== bundle.genesis) throw foreign();
    },
    requireInForce: (keyring) => {
      if (roleOfDevice(keyring, key.device) !== "owner")
        throw new HubError("NOT_ALLOWED", "Cannot restore: these are not the keys of an owner");
      if (seen && keyring.epoch < seen.epoch)
        throw new HubError(
          "KEYRING_ROLLED_BACK",
          "Cannot restore: this device has seen a later keyring than this copy has; whoever was removed since would be back",
        );
    },
  };
}

async function personWithSheet(options: ReadOptions): Promise<Person> {
  const sheet = await parseRecoverySheet(combineSheets(await sheetTexts(options)));
  const requireSheet = (keyring: Keyring): void => {
    if (!isSheetOf(keyring, sheet))
      throw new HubError(
        "SHEET_NOT_IN_FORCE",
        "Cannot restore: this is not the recovery sheet that the household had in force",
      );
  };
  return {
    identities: [sheet.reader.identity],
    signer: envelopeSigner(sheet.signingKey),
    ...{ seen: [], seenSize: 0 },
    ...{ requireOwn: requireSheet, requireInForce: requireSheet },
  };
}

function isSheetOf(
  { readers, recoveryKey }: Keyring,
  sheet: Awaited<ReturnType<typeof parseRecoverySheet>>,
): boolean {
  const { reader, signingKey } = sheet;
  return readers.recovery === reader.recipient && equalBytes(recoveryKey, signingKey.publicKey);
}

function foreign(): HubError {
  return new HubError("FOREIGN_HOUSEHOLD", "Cannot restore: this is the copy of another household");
}

/** One sheet, or two parts of a split one. */
async function sheetTexts(options: ReadOptions): Promise<string[]> {
  const texts: string[] = [];
  for (const file of options.list("sheet")) {
    const bytes = Buffer.from(await readInput(file));
    texts.push(bytes.toString("utf8"));
    bytes.fill(0);
  }
  if (texts.length > 0) return texts;
  say("Type the recovery sheet, each word with its number, and `kind: x25519` where it says so.");
  say("An empty line and Ctrl-D end it.");
  return [await readText(process.stdin)];
}

/** What an interrupted run had begun with is gone on with; a newer state is another restore. */
async function beginIn(directory: string, { name, keyring }: OpenedState): Promise<void> {
  await makePrivateDirectory(directory);
  const file = path.join(directory, RESTORING_FILE);
  const begun = await readSmallFile(file, 4_096);
  if (begun) {
    const before = checkShape(RestoringSchema, parseJson(begun, RESTORING_FILE), RESTORING_FILE);
    if (before.origin !== keyring.origin) throw foreign();
  }
  const { sequence, writer } = name;
  const now = { v: 1, origin: keyring.origin, sequence, writer };
  await writeFileDurably(file, utf8Bytes(JSON.stringify(now)));
}

/** The database last: with it the folder is a hub's. */
async function finishIn(
  directory: string,
  state: OpenedState,
  after: LedgerAfter,
  person: Person,
): Promise<void> {
  for (const { name, bytes } of state.members) {
    const file = path.join(directory, name);
    await makePrivateDirectory(path.dirname(file));
    await writeFileDurably(file, bytes);
  }
  const building = path.join(directory, `${DATABASE_MEMBER}.restoring`);
  for (const ending of ["", "-wal", "-shm"]) await rm(`${building}${ending}`, { force: true });
  await writeFileDurably(building, state.database.serialize());
  {
    await using database = openDatabase(building);
    // The queue of the hub that burnt: this one begins its own, under a name of its own.
    const copies = new CopyRows(database);
    while (copies.settleSome(null));
    await enterRestored(database, after, person);
    const verdict = verifyLedger(database);
    if (!verdict.holds || verdict.size !== after.size + 1)
      throw new HubError("RESTORE_BROKEN", "Cannot restore: the ledger does not hold on this disk");
  }
  await rename(building, path.join(directory, DATABASE_MEMBER));
  await syncDirectory(directory);
  await rm(path.join(directory, RESTORING_FILE));
  await syncDirectory(directory);
}

async function enterRestored(
  database: ReturnType<typeof openDatabase>,
  { keyring, size, root, newestMs }: LedgerAfter,
  { signer }: Person,
): Promise<void> {
  const nowMs = Date.now();
  const copied = { size, root: toHex(root), copiedToMs: newestMs };
  const statement = await signRestoration(keyring, copied, signer, nowMs);
  const ledger = Ledger.open({
    ...{ database, origin: keyring.origin, publicKey: keyring.ledgerKey },
    sign: () => {
      throw new Error("a restore signs no checkpoint");
    },
  });
  const chain = readStatements(database);
  new Restorations({
    ...{ database, nowMs: () => nowMs, chain: () => chain },
    keyring: () => verifyKeyring(chain),
    appendEntry: (entry) => ledger.append(entry),
    size: () => ledger.size(),
    root: (at) => ledger.root(at),
  }).enter(statement);
}

const PROGRESS_EVERY_MS = 5_000;

function progress(): (files: number, ofFiles: number, bytes: number) => void {
  let saidMs = performance.now();
  return (files, ofFiles, bytes) => {
    if (performance.now() - saidMs < PROGRESS_EVERY_MS) return;
    saidMs = performance.now();
    say(`${files} of ${ofFiles} files, ${megabytes(bytes)}.`);
  };
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function sayWriters({ states }: CopyListing, { name }: OpenedState): void {
  const others = new Set(states.map(({ writer }) => writer).filter((one) => one !== name.writer));
  if (others.size === 0) return;
  say(`${others.size + 1} installations have written to this copy. Taken: ${name.writer}.`);
  say(`Others: ${[...others].join(", ")}; to take one: --writer NAME.`);
}

function report(
  options: ReadOptions,
  found: {
    chosen: ChosenState;
    after: LedgerAfter;
    files: FilesReport;
    person: Person;
    directory: string | null;
  },
): ExitCode {
  const { chosen, after, files, person, directory } = found;
  const holes = holesOf(chosen, after);
  const code: ExitCode = files.missingFiles > 0 || hasHoles(holes) ? 1 : 0;
  const gone = Math.max(0, person.seenSize - after.size);
  if (options.flag("json")) {
    printJson({
      ...{ drill: directory === null, data: directory, origin: after.keyring.origin },
      ...{
        state: factsOf(chosen.taken),
        olderState: chosen.older && factsOf(chosen.older),
        ...holes,
      },
      ledger: { entries: after.size, newestMs: after.newestMs, added: after.added },
      ...{ entriesWithoutRecords: after.entriesOnly, goneEntries: gone, ...files },
    });
    return code;
  }
  const what = directory === null ? "The copy holds" : `Restored into ${directory}`;
  print(
    `${what}: ${files.clips} recordings, ${files.files} files, ${megabytes(files.bytes)}; ${after.size} ledger entries up to ${localTime(after.newestMs)}. ${hasHoles(holes) ? "That is not all: see below. Of what is there, every" : "Every"} hash, the ledger and the keyring hold.`,
  );
  if (after.entriesOnly > 0)
    say(`${after.entriesOnly} entries after the last whole state are there without their records.`);
  if (gone > 0) say(`This device has seen ${gone} entries more than the copy has: they are gone.`);
  for (const name of files.missing.slice(0, 20))
    say(`Missing, or not what the ledger lists: ${name}`);
  if (files.missingFiles > 0) say(`${files.missingFiles} files are missing in the copy.`);
  sayHoles(holes);
  sayNext(directory);
  return code;
}

function sayNext(directory: string | null): void {
  if (directory === null) {
    say("That was a drill: nothing was written. Put the sheet back where it was.");
    return;
  }
  say(
    "Before you go on: if the old hub still runs anywhere, switch it off for good. Both would sign",
  );
  say("with the same key, and devices would refuse one of them.");
  say(`Then: doorward hub --data ${directory}`);
  say("Every device that has seen more than the copy asks what happened: doorward owner restored.");
}
