import { createHash } from "node:crypto";
import { lstat, mkdtemp, open, readdir, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type BetterSqlite3 from "better-sqlite3";
import { openDatabase } from "../base/database.ts";
import { PARTIAL_ENDING, readSmallFile, systemErrorCode } from "../base/files.ts";
import { findClipFolders, measureFile, sizeOfFile } from "../clips/clip-folder.ts";
import {
  AGE_HEADER_MAX_BYTES,
  parseAgeHeader,
  STANZA_TYPE,
  type AgeHeader,
  type Recipient,
} from "../protocol/age-header.ts";
import { clipFolder } from "../protocol/clip.ts";
import { MalformedInput } from "../protocol/errors.ts";
import { parseClipId } from "../protocol/ids.ts";
import { LIMITS } from "../protocol/limits.ts";
import { check, checkDeletions, checkLedger, listedTorn, type StorageCheck } from "./check-rows.ts";
import { plaintextIn, plaintextInFile } from "./plaintext-scan.ts";

interface ListedFile {
  readonly clip: string;
  readonly name: string;
  readonly rendition: "original" | "blurred";
  readonly size_bytes: number;
  readonly payload_sha256: string;
  readonly started_at_ms: number;
}

interface FoundFile {
  /** Below the data folder. */
  readonly name: string;
  readonly isDirectory: boolean;
  readonly mode: number;
}

/** What an owner's device may send; what is recorded has 16 MiB of plaintext, tags, a header. */
const SEALED_FILE_MAX_BYTES = LIMITS.renditionFileBytes;
/** A running hub may be between making a file and writing its row. */
const SETTLE_MS = 1_000;
/** Originals reader and recovery; the blurred reader as well for blurred files. */
const STANZAS = { original: 2, blurred: 3 } as const;

/** Everything below `directory`, itself included, symbolic links not followed. */
async function findFiles(directory: string): Promise<FoundFile[]> {
  const found: FoundFile[] = [];
  const visit = async (name: string): Promise<void> => {
    try {
      const status = await lstat(path.join(directory, name));
      const isDirectory = status.isDirectory();
      found.push({ name, isDirectory, mode: status.mode & 0o777 });
      const names = isDirectory ? await readdir(path.join(directory, name)) : [];
      for (const child of names) await visit(path.join(name, child));
    } catch (error) {
      // A running hub renames files.
      if (systemErrorCode(error) !== "ENOENT") throw error;
    }
  };
  await visit(".");
  return found;
}

/** What holds footage or secrets; a settings file may be as open as its owner likes. */
function mustBePrivate(name: string): boolean {
  const [first = ""] = name.split(path.sep);
  return (
    first === "." ||
    ["clips", "secrets", "ballast"].includes(first) ||
    first.startsWith("doorward.db")
  );
}

function checkModes(found: readonly FoundFile[]): StorageCheck[] {
  const files = found.filter(({ name, isDirectory }) => !isDirectory && mustBePrivate(name));
  const folders = found.filter(({ name, isDirectory }) => isDirectory && mustBePrivate(name));
  const wrong = (list: readonly FoundFile[], mode: number): string[] =>
    list
      .filter((file) => file.mode !== mode)
      .map((file) => `${file.name} has mode 0${file.mode.toString(8)}`);
  return [
    check("files-private", wrong(files, 0o600), `${files.length} files are 0600`),
    check("folders-private", wrong(folders, 0o700), `${folders.length} folders are 0700`),
  ];
}

async function checkPlaintext(
  dataDirectory: string,
  found: readonly FoundFile[],
): Promise<StorageCheck> {
  const findings: string[] = [];
  // Sealed files are read once, by the check of their hashes.
  const files = found.filter(({ name, isDirectory }) => !isDirectory && !name.endsWith(".age"));
  for (const { name } of files) {
    try {
      const what = await plaintextInFile(path.join(dataDirectory, name));
      if (what !== null) findings.push(`${name} holds ${what}`);
    } catch (error) {
      if (systemErrorCode(error) !== "ENOENT") throw error;
    }
  }
  return check("no-plaintext", findings, `${files.length} files beside the sealed ones`);
}

interface SealedFindings {
  readonly present: string[];
  readonly intact: string[];
  readonly headers: string[];
  readonly kinds: string[];
  readonly plaintext: string[];
}

function checkHeader(
  file: ListedFile,
  header: AgeHeader,
  kind: StorageCheckOptions["kind"],
): string | null {
  const types = new Set(header.stanzas.map(({ args }) => args[0] ?? ""));
  const [type = ""] = types;
  if (types.size !== 1 || !Object.values<string>(STANZA_TYPE).includes(type))
    return `${file.clip}/${file.name} has stanzas ${[...types].join(", ")}`;
  if (kind !== null && type !== STANZA_TYPE[kind])
    return `${file.clip}/${file.name} is sealed for ${type}, and the household's readers are ${STANZA_TYPE[kind]}`;
  const wanted = STANZAS[file.rendition];
  return header.stanzas.length === wanted
    ? null
    : `${file.clip}/${file.name} has ${header.stanzas.length} stanzas, not ${wanted}`;
}

async function checkSealed(
  clipsDirectory: string,
  file: ListedFile,
  findings: SealedFindings,
  { kind, isQuick }: StorageCheckOptions,
): Promise<void> {
  const what = `${file.clip}/${file.name}`;
  const folder = clipFolder(parseClipId(file.clip), file.started_at_ms);
  const name = path.join(clipsDirectory, folder, file.name);
  const sizeBytes = await sizeOfFile(name);
  const bytes = isQuick
    ? await beginningOf(name)
    : await readSmallFile(name, SEALED_FILE_MAX_BYTES);
  if (bytes === null || sizeBytes === null) {
    findings.present.push(`${what} is missing`);
    return;
  }
  if (sizeBytes !== file.size_bytes)
    findings.present.push(`${what} has ${sizeBytes} bytes, not ${file.size_bytes}`);
  const inTheClear = plaintextIn(bytes);
  if (inTheClear !== null) findings.plaintext.push(`${what} holds ${inTheClear}`);
  try {
    const header = parseAgeHeader(bytes);
    if (header === null) findings.headers.push(`${what} ends inside its header`);
    else {
      const odd = checkHeader(file, header, kind);
      if (odd !== null) findings.kinds.push(odd);
      if (isQuick) return;
      const payload = createHash("sha256").update(bytes.subarray(header.payloadOffset));
      if (payload.digest("hex") !== file.payload_sha256)
        findings.intact.push(`${what} is not what its row and the ledger say`);
    }
  } catch (error) {
    if (!(error instanceof MalformedInput)) throw error;
    findings.headers.push(`${what}: ${error.message}`);
  }
}

async function checkSealedFiles(
  clipsDirectory: string,
  files: readonly ListedFile[],
  options: StorageCheckOptions,
): Promise<StorageCheck[]> {
  const findings: SealedFindings = {
    present: [],
    intact: [],
    headers: [],
    kinds: [],
    plaintext: [],
  };
  for (const [index, file] of files.entries()) {
    await checkSealed(clipsDirectory, file, findings, options);
    options.onProgress?.(index + 1, files.length);
  }
  const looked = `${files.length} listed files`;
  return [
    check("files-present", findings.present, `${looked} are there in full`),
    check(
      "files-intact",
      findings.intact,
      options.isQuick === true
        ? `${looked} were not read: look without --quick`
        : `${looked} have the payload hash of their row`,
    ),
    check("headers-plain-age", findings.headers, `${looked} begin with an age v1 header`),
    check("headers-one-kind", findings.kinds, `${looked} have one stanza a reader, of one kind`),
    check("sealed-not-plain", findings.plaintext, `${looked} hold no footage in the clear`),
  ];
}

function listedFiles(database: BetterSqlite3.Database): ListedFile[] {
  return database
    .prepare<[], ListedFile>(
      `SELECT clip, name, rendition, size_bytes, payload_sha256, started_at_ms
       FROM clip_files JOIN clips ON clips.id = clip_files.clip ORDER BY clip, name`,
    )
    .all();
}

/** What an owner's device is sending at this moment. */
function uploading(database: BetterSqlite3.Database): readonly string[] {
  return database
    .prepare<[], string>(
      `SELECT clip || '/' || name FROM rendition_uploads
       UNION SELECT clip || '/' || name FROM rewrap_files`,
    )
    .pluck()
    .all();
}

async function unaccounted(
  clipsDirectory: string,
  database: BetterSqlite3.Database,
): Promise<{ readonly stray: string[]; readonly foreign: readonly string[] }> {
  // The disk first: what has come by then has a row by the time the rows are read.
  const { clips, foreign } = await findClipFolders(clipsDirectory);
  const recording = new Set(
    database
      .prepare<[], { id: string }>("SELECT id FROM clips WHERE state = 'recording'")
      .all()
      .map(({ id }) => id),
  );
  // Its deletion is entered: what is still there is about to be removed.
  const going = new Set(
    database
      .prepare<[], string>("SELECT clip FROM clip_deletions WHERE files_gone = 0")
      .pluck()
      .all(),
  );
  const known = new Set(
    [...listedFiles(database), ...listedTorn(database)].map(({ clip, name }) => `${clip}/${name}`),
  );
  for (const name of uploading(database)) known.add(name).add(name + PARTIAL_ENDING);
  // Being made by the hub: listed together when no more come.
  const blurring = new Set(
    database
      .prepare<[], string>("SELECT clip FROM clip_copies WHERE copy_state = 'waiting'")
      .pluck()
      .all(),
  );
  const isOfCopy = (name: string): boolean => /^(.*\.blurred|poster\.original)\.age/.test(name);
  const stray = clips
    .filter(({ clip }) => !recording.has(clip) && !going.has(clip))
    .flatMap(({ clip, names }) =>
      names
        .filter((name) => !blurring.has(clip) || !isOfCopy(name))
        .map((name) => `${clip}/${name}`),
    )
    .filter((name) => !known.has(name));
  return { stray, foreign };
}

async function checkAccounted(
  clipsDirectory: string,
  database: BetterSqlite3.Database,
): Promise<StorageCheck[]> {
  let found = await unaccounted(clipsDirectory, database);
  if (found.stray.length > 0) {
    await sleep(SETTLE_MS);
    found = await unaccounted(clipsDirectory, database);
  }
  return [
    check(
      "nothing-unaccounted",
      found.stray.map((name) => `${name} has no row`),
      "every sealed file has a row",
    ),
    check(
      "names-known",
      found.foreign.map((name) => `clips/${name} is not the hub's`),
      "every name below clips is one that the hub gives",
    ),
  ];
}

async function checkTorn(
  clipsDirectory: string,
  database: BetterSqlite3.Database,
): Promise<StorageCheck> {
  const torn = listedTorn(database);
  const { clips } = await findClipFolders(clipsDirectory);
  const folders = new Map<string, string>(clips.map(({ clip, folder }) => [clip, folder]));
  const findings: string[] = [];
  for (const { clip, name, size_bytes, sha256 } of torn) {
    const folder = folders.get(clip);
    const measured =
      folder === undefined || !clips.some((each) => each.clip === clip && each.names.includes(name))
        ? null
        : await measureFile(path.join(clipsDirectory, folder), name);
    if (measured === null) findings.push(`${clip}/${name} is missing`);
    else if (measured.sizeBytes !== size_bytes || measured.sha256 !== sha256)
      findings.push(`${clip}/${name} is not what was recorded as torn`);
  }
  return check("torn-unchanged", findings, `${torn.length} torn files are as they were found`);
}

function checkDatabase(database: BetterSqlite3.Database): StorageCheck[] {
  const journal = String(database.pragma("journal_mode", { simple: true }));
  const sound = String(database.pragma("quick_check(1)", { simple: true }));
  const broken = database.pragma("foreign_key_check");
  const orphans = Array.isArray(broken) ? broken.length : 0;
  return [
    check("journal-wal", journal === "wal" ? [] : [`journal_mode is ${journal}`], "WAL"),
    check(
      "database-sound",
      [
        ...(sound === "ok" ? [] : ["quick_check finds damage"]),
        ...(orphans === 0 ? [] : [`${orphans} rows refer to nothing`]),
      ],
      "quick_check and foreign_key_check find nothing",
    ),
  ];
}

/** These belong to a connection, not to the file: looked up on one that is opened as the hub's. */
async function checkConnection(): Promise<StorageCheck> {
  const folder = await mkdtemp(path.join(os.tmpdir(), "doorward-check-"));
  try {
    await using probe = openDatabase(path.join(folder, "probe.db"));
    const wanted = [
      ["synchronous", 2],
      ["secure_delete", 1],
      ["foreign_keys", 1],
    ] as const;
    const findings = wanted.flatMap(([name, value]) => {
      const found = probe.pragma(name, { simple: true });
      return found === value ? [] : [`${name} is ${String(found)}, not ${value}`];
    });
    return check("connection-durable", findings, "synchronous=FULL, secure_delete, foreign_keys");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export interface StorageCheckOptions {
  /** Of the household's readers; null where nobody has claimed it, or nothing is known of them. */
  readonly kind: Recipient["kind"] | null;
  /** Sizes and headers only: no recording is read. */
  readonly isQuick?: boolean;
  readonly onProgress?: (done: number, all: number) => void;
}

async function beginningOf(file: string): Promise<Uint8Array | null> {
  try {
    await using handle = await open(file, "r");
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(AGE_HEADER_MAX_BYTES), 0);
    return buffer.subarray(0, bytesRead);
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return null;
    throw error;
  }
}

/**
 * Looks up, on a real installation and beside a running hub, what the hub promises of its disk.
 * Reads every recording once, unless it is to be quick.
 *
 * @param database - Opened for reading or writing.
 */
export async function checkStorage(
  dataDirectory: string,
  database: BetterSqlite3.Database,
  options: StorageCheckOptions = { kind: null },
): Promise<StorageCheck[]> {
  const clipsDirectory = path.join(dataDirectory, "clips");
  const found = await findFiles(dataDirectory);
  return [
    ...checkModes(found),
    await checkPlaintext(dataDirectory, found),
    ...(await checkAccounted(clipsDirectory, database)),
    ...(await checkSealedFiles(clipsDirectory, listedFiles(database), options)),
    await checkTorn(clipsDirectory, database),
    checkLedger(database),
    checkDeletions(database),
    ...checkDatabase(database),
    await checkConnection(),
  ];
}
