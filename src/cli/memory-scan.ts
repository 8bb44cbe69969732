import { open, readdir, readFile, type FileHandle } from "node:fs/promises";
import { systemErrorCode } from "../base/files.ts";
import { HubError } from "../protocol/errors.ts";

/** Searches the memory of running processes for byte strings (Linux, proc(5)). */

/** How a needle was written where it was found. */
export type Spelling = "raw" | "hex" | "base64";

export interface MemoryFinding {
  /** Index into the needles that were asked for. */
  readonly needle: number;
  readonly spelling: Spelling;
  readonly address: bigint;
  /** What the region is: a file, `[heap]`, `[stack]`, or nothing for anonymous memory. */
  readonly region: string;
}

export interface MemoryScan {
  readonly found: readonly MemoryFinding[];
  readonly bytesScanned: number;
  /** Readable by their flags, but refused when read (`[vvar]` always is). */
  readonly regionsUnreadable: number;
}

interface Region {
  readonly start: bigint;
  readonly end: bigint;
  readonly name: string;
}

interface Pattern {
  readonly needle: number;
  readonly spelling: Spelling;
  readonly bytes: Buffer;
}

const WINDOW_BYTES = 8 * 1024 * 1024;
const NEEDLE_MIN_BYTES = 8;
const NEEDLE_MAX_BYTES = 64 * 1024;
const FINDINGS_MAX = 1_000;
const ZERO_BLOCK = Buffer.alloc(16 * 1024);

/** Base64 of `needle` as it reads inside a longer text, where it may begin at any of 3 offsets. */
function base64Spellings(needle: Buffer): string[] {
  return [0, 1, 2].flatMap((before) => {
    const text = Buffer.concat([Buffer.alloc(before), needle]).toString("base64url");
    const first = Math.ceil((before * 8) / 6);
    // The last character may hold bits of what follows.
    const last = Math.floor(((before + needle.length) * 8) / 6);
    const inside = text.slice(first, last);
    return [inside, inside.replaceAll("-", "+").replaceAll("_", "/")];
  });
}

function patternsOf(needles: readonly Uint8Array[]): Pattern[] {
  return needles.flatMap((bytes, needle) => {
    if (bytes.length < NEEDLE_MIN_BYTES || bytes.length > NEEDLE_MAX_BYTES)
      throw new HubError("NEEDLE_SIZE", `Cannot search memory: a needle of ${bytes.length} bytes`);
    const raw = Buffer.from(bytes);
    const hex = raw.toString("hex");
    const text = (spelling: Spelling, texts: readonly string[]): Pattern[] =>
      [...new Set(texts)].map((each) => ({ needle, spelling, bytes: Buffer.from(each, "latin1") }));
    return [
      { needle, spelling: "raw" as const, bytes: raw },
      ...text("hex", [hex, hex.toUpperCase()]),
      ...text("base64", base64Spellings(raw)),
    ];
  });
}

function cannotLook(pid: number, cause: unknown): unknown {
  switch (systemErrorCode(cause)) {
    case "EACCES":
    case "EPERM":
      return new HubError(
        "MEMORY_FORBIDDEN",
        `Cannot search the memory of process ${pid}: not permitted (root or CAP_SYS_PTRACE needed)`,
        { cause },
      );
    case "ENOENT":
    case "ESRCH":
      return new HubError(
        "PROCESS_GONE",
        `Cannot search process ${pid}: there is no such process`,
        {
          cause,
        },
      );
    case null:
    default:
      return cause;
  }
}

async function readableRegions(pid: number): Promise<Region[]> {
  const maps = await readFile(`/proc/${pid}/maps`, "latin1");
  return maps.split("\n").flatMap((line) => {
    const match = /^([0-9a-f]+)-([0-9a-f]+) r\S{3} \S+ \S+ \S+\s*(.*)$/.exec(line);
    const [, start, end, name] = match ?? [];
    if (start === undefined || end === undefined) return [];
    return [{ start: BigInt(`0x${start}`), end: BigInt(`0x${end}`), name: name ?? "" }];
  });
}

/** Finds any number of patterns in one pass, so that hundreds of keys cost no more than one. */
type Search = (window: Buffer, found: Found) => void;
type Found = (pattern: Pattern, offset: number) => void;

function prepareSearch(patterns: readonly Pattern[]): Search {
  // One step by the first two bytes, which nearly every place in memory fails, one by four.
  const firstTwo = new Uint8Array(1 << 16);
  const byFirstFour = new Map<number, Pattern[]>();
  for (const pattern of patterns) {
    firstTwo[pattern.bytes.readUInt16LE(0)] = 1;
    const firstFour = pattern.bytes.readUInt32LE(0);
    byFirstFour.set(firstFour, [...(byFirstFour.get(firstFour) ?? []), pattern]);
  }
  const leadingZeroes = patterns.map(({ bytes }) => bytes.findIndex((byte) => byte !== 0));
  // Of a run of zeroes only the end matters, where a pattern may begin that begins with some.
  const zeroTailBytes = leadingZeroes.includes(-1)
    ? ZERO_BLOCK.length
    : Math.min(Math.max(0, ...leadingZeroes), ZERO_BLOCK.length);
  const searchFrom = (window: Buffer, start: number, end: number, found: Found): void => {
    for (let at = start; at < end; at++) {
      if (firstTwo[(window[at] ?? 0) | ((window[at + 1] ?? 0) << 8)] !== 1) continue;
      if (at + 4 > window.length) return;
      for (const pattern of byFirstFour.get(window.readUInt32LE(at)) ?? [])
        if (window.subarray(at, at + pattern.bytes.length).equals(pattern.bytes))
          found(pattern, at);
    }
  };
  return (window, found) => {
    for (let block = 0; block < window.length; block += ZERO_BLOCK.length) {
      const end = Math.min(block + ZERO_BLOCK.length, window.length);
      // Most of a process's memory is zeroes, and comparing is far faster than looking.
      const isZero = ZERO_BLOCK.compare(window, block, end, 0, end - block) === 0;
      searchFrom(window, isZero ? Math.max(block, end - zeroTailBytes) : block, end, found);
    }
  };
}

/** @returns Bytes read; less than the region where the kernel refused a part of it. */
async function scanRegion(
  memory: FileHandle,
  region: Region,
  search: Search,
  overlap: number,
  buffer: Buffer,
  found: MemoryFinding[],
): Promise<number> {
  let bytesScanned = 0;
  let carried = 0;
  for (let at = region.start; at < region.end;) {
    const wanted = Number(region.end - at);
    const room = Math.min(buffer.length - carried, wanted);
    const { bytesRead } = await memory.read(buffer, carried, room, at);
    if (bytesRead === 0) break;
    const base = at - BigInt(carried);
    search(buffer.subarray(0, carried + bytesRead), (pattern, offset) => {
      // A match that lies wholly in the carried part was reported with the window before.
      if (offset + pattern.bytes.length <= carried || found.length >= FINDINGS_MAX) return;
      const { needle, spelling } = pattern;
      found.push({ needle, spelling, address: base + BigInt(offset), region: region.name });
    });
    const kept = Math.min(overlap, carried + bytesRead);
    buffer.copyWithin(0, carried + bytesRead - kept, carried + bytesRead);
    carried = kept;
    at += BigInt(bytesRead);
    bytesScanned += bytesRead;
  }
  return bytesScanned;
}

/**
 * Looks for each needle, raw, in hexadecimal and in base64, in every readable region of a process.
 * At most 1,000 findings are listed.
 *
 * @param needles - 8 bytes to 64 KiB each.
 * @throws HubError `MEMORY_FORBIDDEN` without the right to look (ptrace access), `PROCESS_GONE`,
 * `NEEDLE_SIZE`.
 */
export async function scanProcess(
  pid: number,
  needles: readonly Uint8Array[],
): Promise<MemoryScan> {
  const patterns = patternsOf(needles);
  const search = prepareSearch(patterns);
  const overlap = Math.max(1, ...patterns.map(({ bytes }) => bytes.length)) - 1;
  const found: MemoryFinding[] = [];
  const buffer = Buffer.alloc(WINDOW_BYTES + NEEDLE_MAX_BYTES * 2);
  let bytesScanned = 0;
  let regionsUnreadable = 0;
  try {
    await using memory = await open(`/proc/${pid}/mem`, "r");
    for (const region of await readableRegions(pid)) {
      try {
        bytesScanned += await scanRegion(memory, region, search, overlap, buffer, found);
      } catch (error) {
        // EIO: mapped but not readable this way, or unmapped since the list was read.
        if (systemErrorCode(error) !== "EIO" && systemErrorCode(error) !== "EFAULT") throw error;
        regionsUnreadable++;
      }
    }
  } catch (cause) {
    throw cannotLook(pid, cause);
  }
  if (bytesScanned === 0) throw cannotLook(pid, Object.assign(new Error(), { code: "ESRCH" }));
  return { found, bytesScanned, regionsUnreadable };
}

/**
 * `pid` and all its descendants that are alive now, parents first.
 *
 * @throws HubError `PROCESS_GONE`.
 */
export async function processTree(pid: number): Promise<number[]> {
  const parents = new Map<number, number>();
  for (const name of await readdir("/proc")) {
    if (!/^[0-9]+$/.test(name)) continue;
    try {
      // The second field is a program name in parentheses and may hold anything, parentheses too.
      const status = await readFile(`/proc/${name}/stat`, "latin1");
      const [, parent] = status.slice(status.lastIndexOf(")") + 2).split(" ");
      parents.set(Number(name), Number(parent));
    } catch (error) {
      const code = systemErrorCode(error);
      if (code !== "ENOENT" && code !== "ESRCH") throw error;
    }
  }
  if (!parents.has(pid)) throw cannotLook(pid, Object.assign(new Error(), { code: "ESRCH" }));
  const tree = [pid];
  for (const parent of tree)
    for (const [child, itsParent] of parents) if (itsParent === parent) tree.push(child);
  return tree;
}
