import { execFile } from "node:child_process";
import { mkdir, open, readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { UNDO_MS } from "../../src/clips/retention.ts";
import { openLoopDisk, type LoopDisk } from "../support/loop-disk.ts";
import { startTestHub } from "../support/test-hub.ts";
import type { TortureGroup, TortureResult, TortureRun } from "./frame.ts";

const CHUNK_BYTES = 4 * 1024 * 1024;
/** Of each header: its MAC's line and what is around it, which is nowhere else. */
const MARK_BYTES = 48;
const HEADER_MAX_BYTES = 16 * 1024;

/** The end of a file's header, which without the rest of the file nobody could have made up. */
export async function headerMark(file: string): Promise<Buffer> {
  const bytes = await readFile(file);
  const end = bytes.subarray(0, HEADER_MAX_BYTES).indexOf("\n--- ");
  if (end < 0) throw new Error(`${file} is no age file`);
  return Buffer.from(bytes.subarray(end + 5, end + 5 + MARK_BYTES));
}

/** How many of these are in a file, or in a whole disk, wherever they lie. */
export async function marksIn(file: string, marks: readonly Buffer[]): Promise<number> {
  const found = new Set<number>();
  await using handle = await open(file, "r");
  const buffer = Buffer.alloc(CHUNK_BYTES + MARK_BYTES);
  for (let position = 0; ; position += CHUNK_BYTES) {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, position);
    if (bytesRead === 0) return found.size;
    const read = buffer.subarray(0, bytesRead);
    for (const [index, mark] of marks.entries()) if (read.includes(mark)) found.add(index);
  }
}

/** Names of the files below a folder in which there is any of these. */
export async function marksInTree(folder: string, marks: readonly Buffer[]): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const found: string[] = [];
  for (const entry of entries.filter((each) => each.isFile())) {
    const file = path.join(entry.parentPath, entry.name);
    if ((await marksIn(file, marks)) > 0) found.push(path.relative(folder, file));
  }
  return found;
}

async function marksOf(folder: string): Promise<Buffer[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((each) => each.isFile() && each.name.endsWith(".age"));
  return Promise.all(files.map(({ parentPath, name }) => headerMark(path.join(parentPath, name))));
}

/**
 * Records, deletes half of it, and looks for what wrapped the file keys: in the files, the database
 * and its log, and in the image of the disk itself where `image` is one.
 */
export async function deleteAndLook(
  dataDirectory: string,
  image: string | null,
  settle: () => Promise<void> = async () => undefined,
): Promise<TortureResult[]> {
  const hub = await startTestHub({ clips: 4, dataDirectory });
  const clipsDirectory = path.join(dataDirectory, "clips");
  const [month = ""] = await readdir(clipsDirectory);
  const marksOfClips = async (clips: readonly string[]): Promise<Buffer[]> =>
    (
      await Promise.all(clips.map((clip) => marksOf(path.join(clipsDirectory, month, clip))))
    ).flat();
  const [kept, going] = [hub.clips.slice(0, 2), hub.clips.slice(2)];
  const keptMarks = await marksOfClips(kept);
  const goneMarks = await marksOfClips(going);
  // The disk itself has them, or a search of it would prove nothing.
  await settle();
  const before = image === null ? goneMarks.length : await marksIn(image, goneMarks);
  const { retention } = hub.hub.services;
  for (const clip of going) retention.remove(clip);
  hub.clock.ranMs += UNDO_MS;
  await retention.run();
  const inTree = await marksInTree(dataDirectory, goneMarks);
  await hub[Symbol.asyncDispose]();
  await settle();
  const results: TortureResult[] = [
    {
      name: "deletion.tree",
      holds: goneMarks.length > 0 && inTree.length === 0,
      detail: `${goneMarks.length} headers, found again in ${inTree.join(", ") || "no file"}`,
    },
    {
      name: "deletion.kept",
      holds: (await marksInTree(dataDirectory, keptMarks)).length === keptMarks.length,
      detail: `${keptMarks.length} headers of what was kept are there`,
    },
  ];
  if (image === null) return results;
  const after = await marksIn(image, goneMarks);
  results.push({
    name: "deletion.image",
    holds: before === goneMarks.length && after === 0,
    detail: `of ${goneMarks.length} headers the disk's image had ${before} before and has ${after} after`,
  });
  return results;
}

/** What was written is on the disk itself when this is done. */
export async function settleDisk(disk: LoopDisk | null): Promise<void> {
  if (disk) await promisify(execFile)("sync", ["--file-system", disk.folder]);
}

async function run({ directory, say }: TortureRun): Promise<readonly TortureResult[]> {
  await using disk = await openLoopDisk({
    ...{ directory, name: "deletion", fileSystem: "ext4", sizeMebibytes: 256 },
  });
  if (!disk) say("no loop device may be mounted here: files are searched, and no image of a disk");
  const dataDirectory = path.join(disk?.folder ?? directory, "data");
  await mkdir(dataDirectory, { mode: 0o700 });
  const settle = (): Promise<void> => settleDisk(disk);
  say("four clips are recorded, two are deleted, and their headers are looked for");
  // Awaited here: the disk is unmounted when this scope is left.
  const deleted = await deleteAndLook(dataDirectory, disk?.image ?? null, settle);
  say("a link, a letter, a blurred copy and the readers of a recording are ended");
  const ended = path.join(disk?.folder ?? directory, "ended");
  await mkdir(ended, { mode: 0o700 });
  const { endAndLook } = await import("./deletion-ended.ts");
  return [...deleted, ...(await endAndLook(path.join(ended, "data"), disk?.image ?? null, settle))];
}

export const group: TortureGroup = {
  name: "deletion",
  promise: "What was deleted cannot be opened again by whoever reads the whole disk.",
  needs: [],
  run,
};
