import { closeSync, existsSync, openSync, rmSync, writeSync } from "node:fs";
import path from "node:path";
import { openLoopDisk } from "../support/loop-disk.ts";
import { lookAfter } from "./aftermath.ts";
import { CannotLook, until, type TortureGroup, type TortureResult } from "./frame.ts";
import { startHouse, type House } from "./house.ts";

/** Room for the ballast of 64 MiB, and some minutes of the film beside it. */
const DISK_MEBIBYTES = 160;
const RESUMES_LIMIT_MS = 30_000;
const MEBIBYTE = 1024 * 1024;
const NO_LIMIT_BYTES = 2 ** 40;
/** Files that have to be listed before it counts as recording again. */
const MORE_FILES = 4;

export interface FullDisk {
  /** From the moment at which nothing fitted any more until recordings were listed again. */
  readonly whileFullMs: number;
  /** From the moment at which there was room again. */
  readonly resumedMs: number;
  /** How often it was said that the disk is full. */
  readonly saidFull: number;
  readonly saidRoom: number;
  /** Entries that were acknowledged while nothing fitted. */
  readonly entriesWhileFull: number;
  readonly findings: readonly string[];
}

/**
 * Fills the disk under a house at work, twice: what the hub throws overboard is taken, too.
 *
 * @throws CannotLook where no disk of its own may be mounted.
 */
export async function fillDisk(options: {
  readonly directory: string;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}): Promise<FullDisk> {
  const { directory, say, signal } = options;
  const opened = await openLoopDisk({
    ...{ directory, name: "small", fileSystem: "ext4", sizeMebibytes: DISK_MEBIBYTES },
  });
  if (!opened) throw new CannotLook("no disk of its own may be mounted here");
  await using disk = opened;
  const dataDirectory = path.join(disk.folder, "data");
  const junk = path.join(disk.folder, "somebody-elses");
  const ownerFile = path.join(directory, "owner.json");
  const wait = (what: string, isSo: () => boolean) =>
    until(what, isSo, { signal, limitMs: 120_000 });
  let times: Omit<FullDisk, "findings">;
  let known;
  {
    await using house = await startHouse({
      ...{ dataDirectory, ownerFile, pace: 8, spaceBytes: NO_LIMIT_BYTES, turnMs: 100 },
    });
    await wait("recordings and the ballast", () => {
      const { clips } = house.acknowledged();
      return clips.length > 4 && existsSync(path.join(dataDirectory, "ballast"));
    });
    times = await fillTwice(house, junk, dataDirectory, wait);
    known = house.acknowledged();
  }
  say(
    `${times.entriesWhileFull} entries on a full disk; recorded again after ${Math.round(times.whileFullMs)} ms of it, and ${Math.round(times.resumedMs)} ms after there was room`,
  );
  const { findings } = await lookAfter(dataDirectory, ownerFile, known);
  return { ...times, findings };
}

async function fillTwice(
  house: House,
  junk: string,
  dataDirectory: string,
  wait: (what: string, isSo: () => boolean) => Promise<void>,
): Promise<Omit<FullDisk, "findings">> {
  const said = (word: string): number =>
    house.acknowledged().troubles.filter((line) => line.includes(word)).length;
  const recordsAgain = async (): Promise<number> => {
    const beganAtMs = performance.now();
    const from = house.acknowledged().files.length;
    await wait("recording", () => house.acknowledged().files.length >= from + MORE_FILES);
    return performance.now() - beganAtMs;
  };
  fillUp(junk);
  await wait("the word that it is full", () => said("THE DISK IS FULL") > 0);
  await wait("the ballast to go", () => !existsSync(path.join(dataDirectory, "ballast")));
  fillUp(junk);
  const { size } = house.acknowledged();
  const whileFullMs = await recordsAgain();
  const entriesWhileFull = house.acknowledged().size - size;
  rmSync(junk);
  const resumedMs = await recordsAgain();
  await wait("the word that there is room", () => said("room on the disk again") > 0);
  const [saidFull, saidRoom] = [said("THE DISK IS FULL"), said("room on the disk again")];
  return { whileFullMs, resumedMs, saidFull, saidRoom, entriesWhileFull };
}

/** Somebody else's file, which grows until nothing fits any more. */
function fillUp(file: string): void {
  const handle = openSync(file, "a", 0o600);
  try {
    for (let size = MEBIBYTE; size >= 1; size = Math.floor(size / 2)) writeAll(handle, size);
  } finally {
    closeSync(handle);
  }
}

function writeAll(handle: number, sizeBytes: number): void {
  const bytes = Buffer.alloc(sizeBytes, 0xa5);
  try {
    for (;;) if (writeSync(handle, bytes) < sizeBytes) return;
  } catch (error) {
    if (!(error instanceof Error) || !("code" in error) || error.code !== "ENOSPC") throw error;
  }
}

export const group: TortureGroup = {
  name: "full",
  promise:
    "a full disk corrupts nothing, keeps the ledger writable, and is said once; recording resumes within 30 s of room",
  needs: ["mkfs.ext4"],
  run: async ({ say, directory, signal }): Promise<TortureResult[]> => {
    const seen = await fillDisk({ directory, say, signal });
    const context = `an ext4 of ${DISK_MEBIBYTES} MiB`;
    const resumedMs = Math.round(seen.resumedMs);
    return [
      {
        name: "full.storage",
        holds: seen.findings.length === 0,
        detail: seen.findings[0] ?? "every promise of the disk holds afterwards",
      },
      {
        name: "full.ledger",
        holds: seen.entriesWhileFull > 0,
        detail: `${seen.entriesWhileFull} entries were written while nothing else fitted`,
      },
      {
        name: "full.resumes",
        holds: seen.resumedMs < RESUMES_LIMIT_MS,
        detail: `recordings were listed again ${resumedMs} ms after there was room`,
        figures: [{ name: "full.resumes_ms", value: resumedMs, unit: "ms", context }],
      },
      {
        name: "full.said_once",
        holds: seen.saidFull === 1 && seen.saidRoom === 1,
        detail: `full: said ${seen.saidFull} times; room again: ${seen.saidRoom} times`,
      },
    ];
  },
};
