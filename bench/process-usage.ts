import { readdir, readFile } from "node:fs/promises";

/** Clock ticks a second of /proc/PID/stat on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** What a process and all below it have used. */
export interface TreeUsage {
  readonly atMs: number;
  /** Of the process itself, and of its children that run now or have ended and were waited for. */
  readonly ownMs: number;
  readonly childrenMs: number;
  readonly ownBytes: number;
  /** Resident, each counted whole; and what they share divided among them (PSS). */
  readonly childrenBytes: number;
  readonly childrenProportionalBytes: number;
  readonly children: number;
}

export async function usageOf(pid: number): Promise<TreeUsage> {
  const below = (await processTree(pid)).slice(1);
  const own = await timesOf(pid);
  let childrenMs = own.waitedForMs;
  let childrenBytes = 0;
  let childrenProportionalBytes = 0;
  for (const child of below) {
    const times = await timesOf(child);
    childrenMs += times.ownMs + times.waitedForMs;
    childrenBytes += await kibibytes(child, "smaps_rollup", /^Rss:\s+(\d+) kB/m);
    childrenProportionalBytes += await kibibytes(child, "smaps_rollup", /^Pss:\s+(\d+) kB/m);
  }
  return {
    atMs: performance.now(),
    ownMs: own.ownMs,
    childrenMs,
    ownBytes: await kibibytes(pid, "smaps_rollup", /^Rss:\s+(\d+) kB/m),
    childrenBytes,
    childrenProportionalBytes,
    children: below.length,
  };
}

/** Share of one core between two looks, of the process and of what is below it. */
export function coreShares(
  before: TreeUsage,
  after: TreeUsage,
): { readonly own: number; readonly children: number } {
  const tookMs = after.atMs - before.atMs;
  return {
    own: (after.ownMs - before.ownMs) / tookMs,
    children: (after.childrenMs - before.childrenMs) / tookMs,
  };
}

/** A process and all below it; those that end meanwhile are left out. */
async function processTree(root: number): Promise<number[]> {
  const found = [root];
  for (const thread of await threadsOf(root)) {
    const text = await read(`/proc/${root}/task/${thread}/children`);
    for (const child of text.trim().split(" ").filter(Boolean))
      found.push(...(await processTree(Number(child))));
  }
  return found;
}

async function threadsOf(pid: number): Promise<readonly string[]> {
  return readdir(`/proc/${pid}/task`).catch(() => []);
}

async function timesOf(pid: number): Promise<{ ownMs: number; waitedForMs: number }> {
  const fields = (await read(`/proc/${pid}/stat`)).split(") ")[1]?.split(" ") ?? [];
  const ms = (index: number): number => (Number(fields[index] ?? 0) / TICKS_PER_SECOND) * 1000;
  return { ownMs: ms(11) + ms(12), waitedForMs: ms(13) + ms(14) };
}

async function kibibytes(pid: number, file: string, pattern: RegExp): Promise<number> {
  return Number(pattern.exec(await read(`/proc/${pid}/${file}`))?.[1] ?? 0) * 1024;
}

function read(file: string): Promise<string> {
  return readFile(file, "utf8").catch(() => "");
}
