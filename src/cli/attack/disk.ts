import { open, readdir, readFile, readlink } from "node:fs/promises";
import path from "node:path";
import { createPrivateKey } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { systemErrorCode } from "../../base/files.ts";
import { HubError } from "../../protocol/errors.ts";
import { plaintextInFile } from "../plaintext-scan.ts";
import { attempt, type Attempt, type Target } from "./attempt.ts";
import { addWritten, noCandidates, triedText, tryCandidates } from "./candidates.ts";
import { attackDatabases } from "./database.ts";

const READ_MAX_BYTES = 64 * 1024 * 1024;
const FILES_MAX = 20_000;
/** What people and editors call a copy of a file. */
const BACKUP_NAME = /\.(bak|old|orig|save|backup|copy|tmp|swp|\d+)$|~$/;

/** Everything the hub has on the disk, and what was copied from there. */
export async function attackDisk(target: Target): Promise<Attempt[]> {
  const { dataDirectory } = target;
  const all = await listFiles(dataDirectory);
  const copies = await copiesBeside(target);
  const copied = (await Promise.all(copies.map(listFiles))).flat();
  const backups = [...copied, ...all.filter((file) => BACKUP_NAME.test(file))];
  const groups: [string, string[]][] = [
    ["the database", all.filter((file) => file.endsWith("doorward.db"))],
    ["the database's write-ahead log", all.filter((file) => /doorward\.db-(wal|shm)$/.test(file))],
    ["the secrets folder", all.filter((file) => file.includes(`${path.sep}secrets${path.sep}`))],
    ["settings and other files", all.filter((file) => isOther(file))],
    [`backups (${copies.length} copies of the data folder)`, backups],
  ];
  const attempts: Attempt[] = [];
  for (const [name, files] of groups) attempts.push(await tryFiles(name, files, target));
  attempts.push(...(await attackDatabases(target, [dataDirectory, ...copies])));
  attempts.push(await tryLedgerKey(target));
  attempts.push(await plaintextUnder("the data folder and its copies", [...all, ...copied]));
  for (const folder of new Set([tmpdir(), "/tmp", "/var/tmp", "/dev/shm"]))
    attempts.push(await plaintextUnder(folder, await recentFiles(folder, target)));
  return attempts;
}

function isOther(file: string): boolean {
  return !/doorward\.db(-wal|-shm)?$/.test(file) && !file.includes(`${path.sep}secrets${path.sep}`);
}

async function tryFiles(
  name: string,
  files: readonly string[],
  { lock }: Target,
): Promise<Attempt> {
  const candidates = noCandidates();
  for (const file of files)
    if (!file.endsWith(".age")) addWritten(candidates, await readStart(file));
  const opened = await tryCandidates(candidates, lock);
  return attempt(
    `keys, hashes and tokens in ${name}`,
    opened,
    `${files.length} files, ${triedText(candidates)}`,
  );
}

/** The hub's signing key, taken for an encryption key. */
async function tryLedgerKey({ dataDirectory, lock }: Target): Promise<Attempt> {
  const pem = await readFile(path.join(dataDirectory, "secrets", "ledger.pem"), "utf8");
  const seed = createPrivateKey(pem).export({ format: "jwk" }).d ?? "";
  const candidates = noCandidates();
  candidates.seeds.add(Buffer.from(seed, "base64url").toString("hex"));
  const opened = await tryCandidates(candidates, lock);
  return attempt("the ledger's signing key as an age identity", opened, "2 kinds of identity");
}

/** Copies that somebody made beside the data folder. */
async function copiesBeside({ dataDirectory, keysDirectory }: Target): Promise<string[]> {
  const parent = path.dirname(dataDirectory);
  const own = path.basename(dataDirectory);
  const names = await readdir(parent).catch(() => []);
  return names
    .filter((name) => name !== own && name.startsWith(own))
    .map((name) => path.join(parent, name))
    .filter((folder) => folder !== keysDirectory);
}

async function plaintextUnder(name: string, files: readonly string[]): Promise<Attempt> {
  let opened = 0;
  for (const file of files) {
    try {
      if ((await plaintextInFile(file)) !== null) opened += 1;
    } catch (error) {
      if (systemErrorCode(error) === null) throw error;
    }
  }
  return attempt(`footage in the clear in ${name}`, opened, `${files.length} files`);
}

/** Files that the hub's processes could have written: not older than the hub, and its user's. */
async function recentFiles(folder: string, { pids, dataDirectory }: Target): Promise<string[]> {
  const found: string[] = [];
  for (const pid of pids) {
    for (const name of await readdir(`/proc/${pid}/fd`).catch(() => [])) {
      const link = await readlink(`/proc/${pid}/fd/${name}`).catch(() => "");
      // Open, or open and deleted: read through the descriptor.
      if (link.startsWith(`${folder}/`) && !link.startsWith(dataDirectory))
        found.push(`/proc/${pid}/fd/${name}`);
    }
  }
  return found;
}

/**
 * Footage in the clear, put where the scan looks, must be found by it.
 *
 * @throws HubError CANNOT_LOOK when it is not.
 */
export async function requirePlantedFootageFound(): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), "doorward-attack-"));
  try {
    const file = path.join(folder, "planted");
    // The beginning of any MP4: a box of 24 bytes with this type and brand.
    await writeFile(file, Buffer.from("\0\0\0\x18ftypiso5\0\0\0\x01iso5iso6mp41\0\0\0\x08moof"));
    const { opened } = await plaintextUnder("the planted file", [file]);
    if (opened !== 1)
      throw new HubError("CANNOT_LOOK", "Cannot attack: planted footage was not found on the disk");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function listFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile())
    .slice(0, FILES_MAX)
    .map((entry) => path.join(entry.parentPath, entry.name));
}

/** Nothing where the file is gone: a running hub renames what it has finished. */
async function readStart(file: string): Promise<Uint8Array> {
  try {
    await using handle = await open(file, "r");
    const { size } = await handle.stat();
    const buffer = new Uint8Array(Math.min(size, READ_MAX_BYTES));
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0);
    return buffer.subarray(0, bytesRead);
  } catch (error) {
    if (systemErrorCode(error) !== "ENOENT") throw error;
    return new Uint8Array();
  }
}
