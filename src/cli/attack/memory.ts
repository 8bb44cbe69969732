import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { open, readFile } from "node:fs/promises";
import { HubError } from "../../protocol/errors.ts";
import type { AgeHeader } from "../../protocol/age-header.ts";
import { systemErrorCode } from "../../base/files.ts";
import { scanProcess } from "../memory-scan.ts";
import { attempt, type Attempt, type Target } from "./attempt.ts";
import { isFileKey, tryCandidates, writtenCandidates, type Candidates } from "./candidates.ts";

const WINDOW_BYTES = 4 * 1024 * 1024;
const OVERLAP_BYTES = 128;
/** Windows of memory whose 16 bytes look random enough to be a key, tried for one file. */
const RAW_KEYS_MAX = 50_000;
const RAW_KEY_BYTES = 16;
/** A key of 16 random bytes has fewer different values than this once in two thousand. */
const DISTINCT_BYTES_MIN = 13;

/** Whatever is in a process's memory: written keys, and raw bytes that look like one. */
export async function attackMemory(
  { pids }: Target,
  headers: readonly AgeHeader[],
): Promise<Attempt[]> {
  const attempts: Attempt[] = [];
  for (const pid of pids) {
    const name = await nameOf(pid);
    const found = { identities: new Set<string>(), fileKeys: new Set<string>() };
    const raw = { tried: 0, opened: 0, bytes: 0 };
    const newest = headers[0];
    for await (const window of memoryWindows(pid)) {
      raw.bytes += window.length;
      collectIdentities(window, found);
      if (newest) tryRawKeys(window, newest, raw);
    }
    const opened = await tryCandidates(found, headers);
    attempts.push(
      attempt(
        `age identities in the memory of ${name}`,
        opened,
        `${found.identities.size} found in ${megabytes(raw.bytes)}`,
      ),
      attempt(
        `random-looking 16 bytes in the memory of ${name} as the newest file's key`,
        raw.opened,
        `${raw.tried} tried`,
      ),
    );
  }
  return attempts;
}

function collectIdentities(
  window: Uint8Array,
  found: { identities: Set<string>; fileKeys: Set<string> },
): void {
  const buffer = Buffer.from(window.buffer, window.byteOffset, window.length);
  // Only written identities here: every hash in memory would be a seed otherwise.
  if (!buffer.includes("AGE-SECRET-KEY-")) return;
  const { identities }: Candidates = writtenCandidates(window);
  for (const identity of identities) found.identities.add(identity);
}

function tryRawKeys(
  window: Uint8Array,
  header: AgeHeader,
  raw: { tried: number; opened: number },
): void {
  for (let offset = 0; offset + RAW_KEY_BYTES <= window.length; offset += 8) {
    if (raw.tried >= RAW_KEYS_MAX) return;
    const key = window.subarray(offset, offset + RAW_KEY_BYTES);
    if (!looksRandom(key)) continue;
    raw.tried += 1;
    if (isFileKey(header, key)) raw.opened += 1;
  }
}

/** Pointers and text are the bulk of memory: few different bytes, or all of them printable. */
function looksRandom(bytes: Uint8Array): boolean {
  let printable = 0;
  let distinct = 0;
  const seen = new Uint8Array(32);
  for (const byte of bytes) {
    if (byte >= 0x20 && byte < 0x7f) printable += 1;
    const index = byte >> 3;
    const bit = 1 << (byte & 7);
    if (((seen[index] ?? 0) & bit) === 0) distinct += 1;
    seen[index] = (seen[index] ?? 0) | bit;
  }
  return distinct >= DISTINCT_BYTES_MIN && printable <= 12;
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
