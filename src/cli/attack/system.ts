import { open, readdir, readFile, readlink } from "node:fs/promises";
import path from "node:path";
import { HubError } from "../../protocol/errors.ts";
import { plaintextIn } from "../plaintext-scan.ts";
import { attempt, type Attempt, type Target } from "./attempt.ts";
import { addIdentities, noCandidates, tryCandidates } from "./candidates.ts";

/** What the operating system may have written for the hub: swap, and dumps of crashed processes. */

const WINDOW_BYTES = 8 * 1024 * 1024;
const OVERLAP_BYTES = 256;
const READ_MAX_BYTES = 8 * 1024 * 1024 * 1024;
const DUMPS_MAX = 50;
/** Where systemd, Ubuntu and Red Hat keep them. */
const DUMP_FOLDERS = [
  "/var/lib/systemd/coredump",
  "/var/crash",
  "/var/spool/abrt",
  "/var/cores",
] as const;
const DUMP_NAME = /^(.*\.)?core(\.|$)|\.crash$|^_.*\.crash$/;

export async function attackSystem(target: Target): Promise<Attempt[]> {
  return [await tryDumps(target), await trySwap(target)];
}

interface Looked {
  readonly opened: number;
  readonly hasFootage: boolean;
  readonly bytes: number;
}

/** Reads a file of any size or a device; identities and footage in the clear. */
async function lookThrough(file: string, { lock }: Target): Promise<Looked> {
  const candidates = noCandidates();
  await using handle = await open(file, "r");
  const window = Buffer.alloc(WINDOW_BYTES + OVERLAP_BYTES);
  let bytes = 0;
  let hasFootage = false;
  for (let kept = 0; bytes < READ_MAX_BYTES;) {
    const { bytesRead } = await handle.read(window, kept, WINDOW_BYTES);
    if (bytesRead === 0) break;
    bytes += bytesRead;
    const seen = window.subarray(0, kept + bytesRead);
    hasFootage ||= plaintextIn(seen) !== null;
    if (seen.includes("AGE-SECRET-KEY-")) addIdentities(candidates, seen.toString("latin1"));
    kept = Math.min(OVERLAP_BYTES, seen.length);
    window.copyWithin(0, seen.length - kept, seen.length);
  }
  return { opened: await tryCandidates(candidates, lock), hasFootage, bytes };
}

async function tryDumps(target: Target): Promise<Attempt> {
  let allowed = 0;
  const folders = new Set<string>([...DUMP_FOLDERS, target.dataDirectory]);
  for (const pid of target.pids) {
    const limits = await readFile(`/proc/${pid}/limits`, "utf8").catch(() => "");
    if (/^Max core file size\s+(?!0\s)/m.test(limits)) allowed += 1;
    folders.add(await readlink(`/proc/${pid}/cwd`).catch(() => "/"));
  }
  const pattern = (await readFile("/proc/sys/kernel/core_pattern", "utf8").catch(() => "")).trim();
  if (pattern.startsWith("/")) folders.add(path.dirname(pattern));
  const dumps: string[] = [];
  for (const folder of folders)
    for (const name of await readdir(folder).catch(() => []))
      if (DUMP_NAME.test(name) && dumps.length < DUMPS_MAX) dumps.push(path.join(folder, name));
  let opened = 0;
  for (const dump of dumps) {
    // A dump that holds frames is as good as a recording, whoever crashed.
    const looked = await lookThrough(dump, target).catch(() => null);
    if (looked !== null && (looked.opened > 0 || looked.hasFootage)) opened += 1;
  }
  return attempt(
    "crash dumps of the hub's processes",
    opened,
    `${dumps.length} found in ${folders.size} folders (pattern ${pattern || "unknown"}); ` +
      `${allowed} of ${target.pids.length} processes could write one`,
  );
}

/** @throws HubError CANNOT_LOOK where there is swap that cannot be read. */
async function trySwap(target: Target): Promise<Attempt> {
  const table = await readFile("/proc/swaps", "utf8").catch(() => "");
  const areas = table
    .trim()
    .split("\n")
    .slice(1)
    // Spaces in a path are written as \040 there.
    .map((line) => (line.split(/\s+/)[0] ?? "").replaceAll("\\040", " "));
  const name = "age identities and footage in swap";
  if (areas.length === 0) return attempt(name, 0, "none: this machine has no swap");
  let opened = 0;
  let bytes = 0;
  for (const area of areas)
    try {
      const looked = await lookThrough(area, target);
      opened += looked.opened > 0 ? 1 : 0;
      bytes += looked.bytes;
    } catch (cause) {
      throw new HubError("CANNOT_LOOK", `Cannot attack: the swap area ${area} cannot be read`, {
        cause,
      });
    }
  const megabytes = Math.round(bytes / 1024 / 1024);
  return attempt(name, opened, `${areas.length} areas, ${megabytes} MiB`);
}
