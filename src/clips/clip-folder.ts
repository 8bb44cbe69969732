import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import { PARTIAL_ENDING, systemErrorCode } from "../base/files.ts";
import { sealedFileName, type FileKey } from "../protocol/clip.ts";
import { parseClipId, parseSha256Hex, type ClipId, type Sha256Hex } from "../protocol/ids.ts";

/** What is found below `data/clips`, read from the disk alone. */

export interface FoundFolder {
  readonly clip: ClipId;
  /** `2026-11/<clip>`. */
  readonly folder: string;
  readonly names: readonly string[];
}

export interface FoundStore {
  readonly clips: readonly FoundFolder[];
  /** Names below `data/clips` that the hub did not give. Left alone. */
  readonly foreign: readonly string[];
}

/** Of what a look over every recording finds so many are kept by name: a disk may lack all files. */
export const NAMED_OF_EACH = 20;

/** What a look over every recording found. */
export interface Recovery {
  /** Clips, or folders without a row, in which an unfinished file was recorded as torn. */
  readonly torn: readonly ClipId[];
  /** Listed files that are not there: an alarm, since the hub removes nothing without an entry. */
  readonly missing: readonly { readonly clip: ClipId; readonly name: string }[];
  /** How many more there are than are named; left out where all are. */
  readonly more?: { readonly torn: number; readonly missing: number };
}

const MONTH = /^[0-9]{4}-(0[1-9]|1[0-2])$/;
const SEALED_NAME = /^(?:([0-9]{3,4})\.(video|audio)|poster)\.(original|blurred)\.age$/;

/** Reads a sealed file's name back, or null where it is not one. `.partial` is not a part of it. */
export function parseSealedFileName(name: string): FileKey | null {
  const [, segment, track, rendition] = SEALED_NAME.exec(name) ?? [];
  if (rendition !== "original" && rendition !== "blurred") return null;
  if (segment === undefined) return { segment: null, track: "poster", rendition };
  if (track !== "video" && track !== "audio") return null;
  const key: FileKey = { segment: Number(segment), track, rendition };
  return sealedFileName(key) === name ? key : null;
}

/** True for the name of a sealed file, whole or partial. */
export function isSealedFileName(name: string): boolean {
  const whole = name.endsWith(PARTIAL_ENDING) ? name.slice(0, -PARTIAL_ENDING.length) : name;
  return parseSealedFileName(whole) !== null;
}

/** Names in a folder, sorted; none where there is no such folder. */
export async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return (await readdir(directory)).toSorted();
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return [];
    if (systemErrorCode(error) === "ENOTDIR") return [];
    throw error;
  }
}

function clipIdOf(name: string): ClipId | null {
  return /^[0-9a-f]{32}$/.test(name) ? parseClipId(name) : null;
}

/** A folder of a clip, and where it is below `data/clips`. */
export type ClipFolderName = Pick<FoundFolder, "clip" | "folder">;

/** Names of clip folders, a month at a time, and what does not belong beside them. */
export async function* findFolderNames(clipsDirectory: string): AsyncGenerator<{
  readonly clips: readonly ClipFolderName[];
  readonly foreign: readonly string[];
}> {
  for (const month of await namesIn(clipsDirectory)) {
    if (!MONTH.test(month)) {
      yield { clips: [], foreign: [month] };
      continue;
    }
    const clips: ClipFolderName[] = [];
    const foreign: string[] = [];
    for (const name of await namesIn(path.join(clipsDirectory, month))) {
      const clip = clipIdOf(name);
      if (clip === null) foreign.push(`${month}/${name}`);
      else clips.push({ clip, folder: `${month}/${name}` });
    }
    yield { clips, foreign };
  }
}

/** Every clip folder below `clipsDirectory`, and what does not belong there. */
export async function findClipFolders(clipsDirectory: string): Promise<FoundStore> {
  const clips: FoundFolder[] = [];
  const foreign: string[] = [];
  for await (const month of findFolderNames(clipsDirectory)) {
    foreign.push(...month.foreign);
    for (const { clip, folder } of month.clips) {
      const names = await namesIn(path.join(clipsDirectory, folder));
      clips.push({ clip, folder, names: names.filter(isSealedFileName) });
      for (const odd of names) if (!isSealedFileName(odd)) foreign.push(`${folder}/${odd}`);
    }
  }
  return { clips, foreign };
}

export interface MeasuredFile {
  readonly name: string;
  readonly sizeBytes: number;
  /** Over all bytes, header included: a torn file may end inside its header. */
  readonly sha256: Sha256Hex;
}

export async function measureFile(directory: string, name: string): Promise<MeasuredFile> {
  const hash = createHash("sha256");
  let sizeBytes = 0;
  for await (const chunk of createReadStream(path.join(directory, name))) {
    if (!(chunk instanceof Uint8Array)) throw new Error("Cannot measure file: a stream of text");
    hash.update(chunk);
    sizeBytes += chunk.length;
  }
  return { name, sizeBytes, sha256: parseSha256Hex(hash.digest("hex")) };
}

/** Size of a file, or null where it is missing or not a plain file. */
export async function sizeOfFile(file: string): Promise<number | null> {
  try {
    const found = await stat(file);
    return found.isFile() ? found.size : null;
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return null;
    throw error;
  }
}
