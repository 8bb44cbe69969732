import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { open, readFile } from "node:fs/promises";
import { HubError } from "../../protocol/errors.ts";
import { systemErrorCode } from "../../base/files.ts";
import { scanProcess } from "../memory-scan.ts";
import { attempt, type Attempt, type Target } from "./attempt.ts";
import {
  addIdentities,
  looksRandom,
  noCandidates,
  tryCandidates,
  type Candidates,
} from "./candidates.ts";
import { isReaderSeed, opensWithFileKey, type Lock } from "./lock.ts";

const WINDOW_BYTES = 4 * 1024 * 1024;
const OVERLAP_BYTES = 128;
/** Places in a process's memory that look random enough to be a key. */
const FILE_KEYS_MAX = 40_000;
const SEEDS_MAX = 2_000;
const FILE_KEY_BYTES = 16;
const SEED_BYTES = 32;

/**
 * Whatever is in a process's memory: written keys, and raw bytes that look like one.
 *
 * @param isThorough - Try every place that looks like a key, however many minutes that takes.
 */
export async function attackMemory(
  { pids, lock }: Target,
  isThorough: boolean,
): Promise<Attempt[]> {
  const attempts: Attempt[] = [];
  const [fileKeysMax, seedsMax] = isThorough ? [Infinity, Infinity] : [FILE_KEYS_MAX, SEEDS_MAX];
  for (const pid of pids) {
    const name = await nameOf(pid);
    const written = noCandidates();
    const raw: RawTrial = { fileKeys: 0, seeds: 0, opened: 0, leftOut: 0, fileKeysMax, seedsMax };
    let bytes = 0;
    for await (const window of memoryWindows(pid)) {
      bytes += window.length;
      addIdentitiesOf(window, written);
      tryRawKeys(window, lock, raw);
    }
    const left = raw.leftOut === 0 ? "" : `, ${raw.leftOut} more with --thorough`;
    attempts.push(
      attempt(
        `age identities in the memory of ${name}`,
        await tryCandidates(written, lock),
        `${written.identities.size} found in ${megabytes(bytes)}`,
      ),
      attempt(
        `random-looking bytes in the memory of ${name} as a reader or as the newest file's key`,
        raw.opened,
        `${raw.fileKeys + raw.seeds} tried${left}`,
      ),
    );
  }
  return attempts;
}

interface RawTrial {
  fileKeys: number;
  seeds: number;
  opened: number;
  leftOut: number;
  readonly fileKeysMax: number;
  readonly seedsMax: number;
}

function addIdentitiesOf(window: Uint8Array, written: Candidates): void {
  const buffer = Buffer.from(window.buffer, window.byteOffset, window.length);
  // Only written identities here: every hash in memory would be a seed otherwise.
  for (const sign of ["AGE-SECRET-KEY-", Buffer.from("AGE-SECRET-KEY-", "utf16le")])
    if (buffer.includes(sign)) return addIdentities(written, buffer.toString("latin1"));
}

function tryRawKeys(window: Uint8Array, lock: Lock, raw: RawTrial): void {
  const newest = { ...lock, headers: lock.headers.slice(0, 1) };
  const words = new Uint32Array(window.buffer, window.byteOffset, window.length >> 2);
  for (let word = 0; word + 4 <= words.length; word += 2) {
    // Nearly all of memory is zeroes, small numbers and pointers: four words tell.
    if (!words[word] || !words[word + 1] || !words[word + 2] || !words[word + 3]) continue;
    const at = word * 4;
    const key = window.subarray(at, at + FILE_KEY_BYTES);
    if (!looksRandom(key)) continue;
    if (raw.fileKeys < raw.fileKeysMax) {
      raw.fileKeys += 1;
      if (opensWithFileKey(newest, key) > 0) raw.opened += 1;
    } else raw.leftOut += 1;
    const seed = window.subarray(at, at + SEED_BYTES);
    if (seed.length < SEED_BYTES || !looksRandom(seed.subarray(FILE_KEY_BYTES))) continue;
    if (raw.seeds < raw.seedsMax) {
      raw.seeds += 1;
      if (isReaderSeed(lock, seed)) raw.opened += 1;
    } else raw.leftOut += 1;
  }
}

/** Anonymous writable memory: where data lives. Code and mapped files are searched on the disk. */
async function* memoryWindows(pid: number): AsyncGenerator<Uint8Array> {
  const maps = await readFile(`/proc/${pid}/maps`, "latin1").catch(cannotLook);
  await using memory = await open(`/proc/${pid}/mem`, "r").catch(cannotLook);
  const buffer = new Uint8Array(WINDOW_BYTES + OVERLAP_BYTES);
  for (const line of maps.split("\n")) {
    const match = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line);
    if (!match) continue;
    const end = BigInt(`0x${match[2]}`);
    for (let at = BigInt(`0x${match[1]}`); at < end; at += BigInt(WINDOW_BYTES)) {
      const wanted = Number(end - at < BigInt(buffer.length) ? end - at : BigInt(buffer.length));
      try {
        const { bytesRead } = await memory.read(buffer, 0, wanted, at);
        yield buffer.subarray(0, bytesRead);
      } catch (error) {
        // A region that was unmapped meanwhile, or the kernel's own.
        if (systemErrorCode(error) !== "EIO" && systemErrorCode(error) !== "EFAULT") throw error;
      }
    }
  }
}

function cannotLook(cause: unknown): never {
  throw new HubError("CANNOT_LOOK", "Cannot attack: reading the hub's memory needs root (ptrace)", {
    cause,
  });
}

/** Keys that are known exactly, and what they are. */
export interface KnownKeys {
  readonly what: string;
  readonly keys: readonly Uint8Array[];
}

/** Searches every process for exact keys: raw, in hex and in base64. */
export async function searchExactKeys(
  { pids }: Target,
  groups: readonly KnownKeys[],
): Promise<Attempt[]> {
  const attempts: Attempt[] = [];
  // All of them in one pass over a process's memory, which is what takes the time.
  const needles = groups.flatMap(({ keys }) => keys);
  for (const pid of pids) {
    const { found, bytesScanned } = await scanProcess(pid, needles);
    const name = await nameOf(pid);
    let first = 0;
    for (const { what, keys } of groups) {
      const last = first + keys.length;
      const own = found.filter(({ needle }) => needle >= first && needle < last);
      const different = new Set(own.map(({ needle }) => needle)).size;
      const looked = `${keys.length} keys in ${megabytes(bytesScanned)}`;
      attempts.push(attempt(`${what} in the memory of ${name}`, different, looked));
      first = last;
    }
  }
  return attempts;
}

/**
 * A process like the hub's that holds a key on purpose: a scan that does not find it proves nothing.
 *
 * @throws HubError CANNOT_LOOK when the planted key is not found.
 */
export async function requirePlantedKeyFound(): Promise<void> {
  const key = randomBytes(32);
  const script =
    "process.stdin.once('data', (key) => { globalThis.kept = key; process.stdout.write('kept'); });" +
    "setTimeout(() => {}, 60000);";
  const child = spawn(process.execPath, ["-e", script], { stdio: ["pipe", "pipe", "ignore"] });
  try {
    child.stdin.write(key);
    await once(child.stdout, "data");
    const { found } = await scanProcess(child.pid ?? 0, [key]);
    if (found.length === 0)
      throw new HubError("CANNOT_LOOK", "Cannot attack: the planted key was not found in memory");
  } finally {
    child.kill("SIGKILL");
  }
}

async function nameOf(pid: number): Promise<string> {
  const command = (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).split("\0");
  const script = command.find((part) => part.endsWith(".ts")) ?? command[0] ?? "?";
  return `${script.split("/").at(-1)} (${pid})`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(0)} MiB`;
}
