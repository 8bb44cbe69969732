import { open, readdir, readFile, readlink } from "node:fs/promises";
import path from "node:path";
import { createPrivateKey } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { systemErrorCode } from "../../base/files.ts";
import { HubError } from "../../protocol/errors.ts";
import type { AgeHeader } from "../../protocol/age-header.ts";
import { plaintextInFile } from "../plaintext-scan.ts";
import { attempt, type Attempt, type Target } from "./attempt.ts";
import { addSeed, tryCandidates, writtenCandidates } from "./candidates.ts";

const READ_MAX_BYTES = 64 * 1024 * 1024;
const FILES_MAX = 20_000;
const SWAP_READ_MAX_BYTES = 4 * 1024 * 1024 * 1024;

/** Everything the hub has on the disk, and what the system may have written for it. */
export async function attackDisk(
  target: Target,
  headers: readonly AgeHeader[],
): Promise<Attempt[]> {
  const { dataDirectory } = target;
  const all = await listFiles(dataDirectory);
  const groups: [string, string[]][] = [
    ["the database", all.filter((file) => file.endsWith("doorward.db"))],
    ["the database's write-ahead log", all.filter((file) => /doorward\.db-(wal|shm)$/.test(file))],
    ["the secrets folder", all.filter((file) => file.includes(`${path.sep}secrets${path.sep}`))],
    ["settings and other files", all.filter((file) => isOther(file))],
  ];
  const attempts: Attempt[] = [];
  for (const [name, files] of groups) attempts.push(await tryFiles(name, files, headers));
  attempts.push(await tryLedgerKey(dataDirectory, headers));
  attempts.push(await tryBackups(dataDirectory, headers));
  attempts.push(await plaintextUnder("the data folder", all));
  for (const folder of new Set([tmpdir(), "/tmp", "/var/tmp", "/dev/shm"]))
    attempts.push(await plaintextUnder(folder, await recentFiles(folder, target)));
  attempts.push(await tryCores(target), await trySwap(headers));
  return attempts;
}

function isOther(file: string): boolean {
  return !/doorward\.db(-wal|-shm)?$/.test(file) && !file.includes(`${path.sep}secrets${path.sep}`);
}

async function tryFiles(
  name: string,
  files: readonly string[],
  headers: readonly AgeHeader[],
): Promise<Attempt> {
  const identities = new Set<string>();
  const fileKeys = new Set<string>();
  for (const file of files) {
    if (file.endsWith(".age")) continue;
    const found = writtenCandidates(await readStart(file));
    for (const identity of found.identities) identities.add(identity);
    for (const key of found.fileKeys) fileKeys.add(key);
  }
  // The newest file is enough to tell whether any of thousands of values is a key.
  const opened = await tryCandidates({ identities, fileKeys }, headers.slice(0, 1));
  const tried = identities.size + fileKeys.size;
  return attempt(`keys, hashes and tokens in ${name}`, opened, `${tried} tried as keys`);
}

/** The hub's signing key, taken for an encryption key. */
async function tryLedgerKey(
  dataDirectory: string,
  headers: readonly AgeHeader[],
): Promise<Attempt> {
  const pem = await readFile(path.join(dataDirectory, "secrets", "ledger.pem"), "utf8");
  const seed = createPrivateKey(pem).export({ format: "jwk" }).d ?? "";
  const identities = new Set<string>();
  addSeed(identities, Buffer.from(seed, "base64url"));
  const opened = await tryCandidates({ identities, fileKeys: new Set() }, headers);
  return attempt("the ledger's signing key as an age identity", opened, "2 kinds of identity");
}

/** Copies that somebody made beside the data folder. */
async function tryBackups(dataDirectory: string, headers: readonly AgeHeader[]): Promise<Attempt> {
  const parent = path.dirname(dataDirectory);
  const own = path.basename(dataDirectory);
  const names = await readdir(parent).catch(() => []);
  const backups = names.filter((name) => name !== own && name.startsWith(own));
  const files: string[] = [];
  for (const name of backups) files.push(...(await listFiles(path.join(parent, name))));
  const result = await tryFiles("backups beside the data folder", files, headers);
  return { ...result, detail: `${backups.length} copies, ${result.detail}` };
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

async function tryCores({ pids }: Target): Promise<Attempt> {
  let allowed = 0;
  for (const pid of pids) {
    const limits = await readFile(`/proc/${pid}/limits`, "utf8").catch(() => "");
    if (/^Max core file size\s+(?!0\s)/m.test(limits)) allowed += 1;
  }
  const found: string[] = [];
  for (const pid of pids) {
    const folder = await readlink(`/proc/${pid}/cwd`).catch(() => "");
    const names = folder === "" ? [] : await readdir(folder).catch(() => []);
    found.push(...names.filter((name) => /^core(\.\d+)?$/.test(name)));
  }
  const detail = `${found.length} found; ${allowed} of ${pids.length} processes could write one`;
  return attempt("crash dumps of the hub's processes", found.length, detail);
}

async function trySwap(headers: readonly AgeHeader[]): Promise<Attempt> {
  const table = await readFile("/proc/swaps", "utf8").catch(() => "");
  const devices = table
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => line.split(/\s+/)[0] ?? "");
  const identities = new Set<string>();
  let readBytes = 0;
  for (const device of devices) {
    await using file = await open(device, "r");
    const buffer = new Uint8Array(8 * 1024 * 1024);
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length);
      if (bytesRead === 0 || readBytes > SWAP_READ_MAX_BYTES) break;
      readBytes += bytesRead;
      const found = writtenCandidates(buffer.subarray(0, bytesRead));
      for (const identity of found.identities)
        if (identities.size < 1_000) identities.add(identity);
    }
  }
  const opened = await tryCandidates({ identities, fileKeys: new Set() }, headers.slice(0, 1));
  return attempt("age identities in swap", opened, `${devices.length} swap areas`);
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
