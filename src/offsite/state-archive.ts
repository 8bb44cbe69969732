import { spawn } from "node:child_process";
import { once } from "node:events";
import { createHash } from "node:crypto";
import { readdir } from "node:fs/promises";
import path from "node:path";
import { createGzip, gzipSync } from "node:zlib";
import BetterSqlite3 from "better-sqlite3";
import { stat } from "node:fs/promises";
import { cutOffLog } from "../base/cut-off-log.ts";
import type { HubDatabase } from "../base/database.ts";
import { readSmallFile } from "../base/files.ts";
import { SealedFileWriter } from "../clips/sealed-file.ts";
import type { Recipient } from "../protocol/age-header.ts";
import { COPY_LIMITS, writeStateManifest, type StateManifest } from "../protocol/copy-format.ts";
import { HubError } from "../protocol/errors.ts";

export interface StateArchiveOptions {
  readonly dataDirectory: string;
  readonly database: HubDatabase;
  readonly databasePath: string;
  /** Where the sealed archive is written; it must not exist. */
  readonly finalPath: string;
  readonly settingsText: string;
  readonly recipients: readonly Recipient[];
  readonly sign: (message: Uint8Array) => Uint8Array;
  /** Asked in the moment that the database is copied of. */
  readonly describe: () => Omit<StateManifest, "members">;
}

type Member = StateManifest["members"][number];

const BLOCK_BYTES = 512;
const FOLDERS = ["secrets", "viewers"];
const MEMBER_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,120}$/;
const LEFT_OUT_ENDINGS = [".partial", ".tmp"];

/**
 * Seals database, settings, secrets and viewers to the owners, as they are at one moment. What is in
 * the clear passes through memory only, a piece at a time; the file that is written is ciphertext.
 *
 * @returns What was written down about that moment.
 * @throws HubError STATE_BUSY where somebody else reads the database just now.
 */
export async function sealState(options: StateArchiveOptions): Promise<StateManifest> {
  const small = await smallMembers(options);
  const { databasePath } = options;
  const pinned = pinDatabase(options.database, databasePath);
  try {
    const described = options.describe();
    const sizeBytes = (await stat(databasePath)).size;
    const members: Member[] = [];
    await using writer = await SealedFileWriter.create(options.finalPath, options.recipients);
    const stored: Uint8Array[] = [];
    for (const { name, bytes } of small) {
      stored.push(...tarMember(name, bytes));
      members.push({ name, sizeBytes: bytes.length, sha256: sha256Of(bytes) });
    }
    // Not deflated: a size must not tell of a secret what a stranger's request can be held against.
    await writer.write(gzipSync(Buffer.concat(stored), { level: 0 }));
    const sha256 = await sealDatabase(writer, databasePath, sizeBytes);
    members.push({ name: "doorward.db", sizeBytes, sha256 });
    const manifest = { ...described, members };
    const last = tarMember("state.json", writeStateManifest(manifest, options.sign));
    await writer.write(
      gzipSync(Buffer.concat([...last, Buffer.alloc(2 * BLOCK_BYTES)]), { level: 0 }),
    );
    await writer.commit();
    return manifest;
  } finally {
    pinned.close();
  }
}

/**
 * Keeps the file as it is: with nothing left in the write-ahead log, a reader that begins now reads the
 * file alone, and no checkpoint may write into that until it ends (SQLite's WAL format, section 2.3.1:
 * `WAL_READ_LOCK(0)`). New transactions go to the log meanwhile.
 */
function pinDatabase(database: HubDatabase, databasePath: string): BetterSqlite3.Database {
  if (cutOffLog(database).isBusy)
    throw new HubError("STATE_BUSY", "Cannot copy state: the database is being read; trying again");
  const reader = new BetterSqlite3(databasePath, { readonly: true, fileMustExist: true });
  try {
    reader.exec("BEGIN");
    reader.prepare("SELECT count(*) FROM schema_migrations").get();
    return reader;
  } catch (error) {
    reader.close();
    throw error;
  }
}

/**
 * By a process of its own: a descriptor of the database's file that is closed in this one would take
 * SQLite's locks with it.
 */
async function sealDatabase(
  writer: SealedFileWriter,
  databasePath: string,
  sizeBytes: number,
): Promise<string> {
  const child = spawn("cat", ["--", databasePath], {
    ...{ env: {}, stdio: ["ignore", "pipe", "ignore"] },
  });
  const ended = once(child, "close");
  const hash = createHash("sha256");
  const gzip = createGzip({ level: 6 });
  let readBytes = 0;
  const feed = async (): Promise<void> => {
    gzip.write(tarHeader("doorward.db", sizeBytes));
    for await (const part of child.stdout as AsyncIterable<Buffer>) {
      hash.update(part);
      readBytes += part.length;
      if (!gzip.write(part)) await once(gzip, "drain");
    }
    await ended;
    if (readBytes !== sizeBytes || child.exitCode !== 0)
      throw new HubError("STATE_BUSY", "Cannot copy state: the database could not be read whole");
    gzip.end(padding(sizeBytes));
  };
  try {
    const fed = feed().catch((error: unknown) => {
      gzip.destroy(error instanceof Error ? error : new Error("cannot read"));
    });
    for await (const part of gzip as AsyncIterable<Buffer>) await writer.write(part);
    await fed;
    return hash.digest("hex");
  } finally {
    child.kill("SIGKILL");
    gzip.destroy();
  }
}

async function smallMembers({
  dataDirectory,
  settingsText,
}: StateArchiveOptions): Promise<readonly { name: string; bytes: Uint8Array }[]> {
  const members = [{ name: "doorward.yaml", bytes: new Uint8Array(Buffer.from(settingsText)) }];
  const folders = [...FOLDERS];
  for (let folder = folders.shift(); folder !== undefined; folder = folders.shift()) {
    const at = folder;
    const entries = await readdir(path.join(dataDirectory, at), { withFileTypes: true }).catch(
      () => [],
    );
    for (const entry of entries.toSorted((a, b) => a.name.localeCompare(b.name))) {
      const name = `${at}/${entry.name}`;
      const isLeftOut = LEFT_OUT_ENDINGS.some((ending) => entry.name.endsWith(ending));
      if (isLeftOut || !MEMBER_NAME.test(entry.name)) continue;
      if (entry.isDirectory() && name.split("/").length < 4) folders.push(name);
      if (!entry.isFile()) continue;
      const file = path.join(dataDirectory, name);
      const bytes = await readSmallFile(file, COPY_LIMITS.stateMemberBytes);
      if (bytes !== null) members.push({ name, bytes: new Uint8Array(bytes) });
    }
  }
  if (members.length > COPY_LIMITS.stateMembers || members.some(({ name }) => name.length > 99))
    throw new HubError(
      "STATE_TOO_LARGE",
      `Cannot copy state: more than ${COPY_LIMITS.stateMembers} files in secrets/ and viewers/`,
    );
  return members;
}

function tarMember(name: string, bytes: Uint8Array): Uint8Array[] {
  return [tarHeader(name, bytes.length), bytes, padding(bytes.length)];
}

/** A header of POSIX 1003.1 `ustar`; sizes above 8 GiB in GNU's base 256, which every tar reads. */
function tarHeader(name: string, sizeBytes: number): Uint8Array {
  const header = Buffer.alloc(BLOCK_BYTES);
  const octal = (value: number, length: number) =>
    `${value.toString(8).padStart(length - 1, "0")}\0`;
  header.write(name, 0, 100, "utf8");
  header.write(octal(0o600, 8), 100);
  header.write(octal(0, 8), 108);
  header.write(octal(0, 8), 116);
  if (sizeBytes < 8 ** 11) header.write(octal(sizeBytes, 12), 124);
  else {
    header[124] = 0x80;
    header.writeBigUInt64BE(BigInt(sizeBytes), 128);
  }
  header.write(octal(0, 12), 136);
  header.write("        ", 148);
  header.write("0", 156);
  header.write("ustar\u000000", 257, "latin1");
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return header;
}

function padding(sizeBytes: number): Uint8Array {
  return new Uint8Array((BLOCK_BYTES - (sizeBytes % BLOCK_BYTES)) % BLOCK_BYTES);
}

function sha256Of(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
