import path from "node:path";
import type BetterSqlite3 from "better-sqlite3";
import { clipFolder } from "../protocol/clip.ts";
import { parseClipId, type ClipId } from "../protocol/ids.ts";
import {
  findFolderNames,
  isSealedFileName,
  NAMED_OF_EACH,
  namesIn,
  type ClipFolderName,
  type Recovery,
} from "./clip-folder.ts";

/** What a dead recorder may have left, found without holding anything else up. */

/** So many are looked up at once, with room for others in between. */
const LOOKED_UP_AT_ONCE = 1_000;

interface SweptRow {
  readonly sequence: number;
  readonly id: string;
  readonly started_at_ms: number;
}

/** A clip with a row, and what is in its folder. */
interface SweptClip {
  readonly clip: ClipId;
  /** Relative to `data/clips`. */
  readonly folder: string;
  /** Listed files that are not there. */
  readonly missing: readonly string[];
  /** Sealed files that are there and not listed. */
  readonly unlisted: readonly string[];
}

/** Folders of clips that have no row. */
async function foldersWithoutRow(
  database: BetterSqlite3.Database,
  clipsDirectory: string,
): Promise<readonly ClipFolderName[]> {
  const unknown = database
    .prepare<[string], string>(
      `SELECT value FROM json_each(?)
       WHERE NOT EXISTS (SELECT 1 FROM clips WHERE id = value)`,
    )
    .pluck();
  const folders: ClipFolderName[] = [];
  for await (const { clips } of findFolderNames(clipsDirectory))
    for (let at = 0; at < clips.length; at += LOOKED_UP_AT_ONCE) {
      const some = clips.slice(at, at + LOOKED_UP_AT_ONCE);
      const without = new Set(unknown.all(JSON.stringify(some.map(({ clip }) => clip))));
      folders.push(...some.filter(({ clip }) => without.has(clip)));
      await new Promise((resolve) => setImmediate(resolve));
    }
  return folders;
}

/** Every clip that has ended, newest first, with what is on the disk of it. */
async function* sweptClips(
  database: BetterSqlite3.Database,
  clipsDirectory: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<SweptClip> {
  const page = database.prepare<[number, number], SweptRow>(
    `SELECT sequence, id, started_at_ms FROM clips
     WHERE sequence < ? AND state <> 'recording' ORDER BY sequence DESC LIMIT ?`,
  );
  const listed = database
    .prepare<[string], string>("SELECT name FROM clip_files WHERE clip = ?")
    .pluck();
  let before = Number.MAX_SAFE_INTEGER;
  for (let rows = page.all(before, LOOKED_UP_AT_ONCE); rows.length > 0;) {
    for (const { sequence, id, started_at_ms: startedAtMs } of rows) {
      if (signal?.aborted) return;
      before = sequence;
      const clip = parseClipId(id);
      const folder = clipFolder(clip, startedAtMs);
      // In this order: what is listed while the folder is read is no file too many.
      const names = await namesIn(path.join(clipsDirectory, folder));
      if (signal?.aborted) return;
      const known = new Set(listed.all(id));
      const there = new Set(names);
      yield {
        ...{ clip, folder },
        missing: [...known].filter((name) => !there.has(name)),
        unlisted: names.filter((name) => isSealedFileName(name) && !known.has(name)),
      };
    }
    rows = page.all(before, LOOKED_UP_AT_ONCE);
  }
}

/** Records what is unfinished in a folder as torn; whether there was any. */
type SettleFolder = (clip: ClipId, folder: string) => Promise<boolean>;

/** Settles the folders of which no row tells; returns those that held something torn. */
export async function settleFolders(
  database: BetterSqlite3.Database,
  clipsDirectory: string,
  settle: SettleFolder,
): Promise<readonly ClipId[]> {
  const torn: ClipId[] = [];
  for (const { clip, folder } of await foldersWithoutRow(database, clipsDirectory))
    if (await settle(clip, folder)) torn.push(clip);
  return torn;
}

/** @see ClipStore.sweep */
export async function sweepClips(
  database: BetterSqlite3.Database,
  clipsDirectory: string,
  ground: {
    readonly signal: AbortSignal | undefined;
    readonly has: (clip: ClipId) => boolean;
    readonly settle: SettleFolder;
  },
): Promise<Recovery> {
  const torn: ClipId[] = [];
  const missing: { clip: ClipId; name: string }[] = [];
  const more = { torn: 0, missing: 0 };
  for await (const found of sweptClips(database, clipsDirectory, ground.signal)) {
    const { clip, folder } = found;
    // What was deleted since its row was read is neither torn nor missing.
    if (found.unlisted.length + found.missing.length === 0 || !ground.has(clip)) continue;
    if (found.unlisted.length > 0 && (await ground.settle(clip, folder)))
      more.torn += keepFirst(torn, [clip]);
    const gone = found.missing.map((name) => ({ clip, name }));
    more.missing += keepFirst(missing, gone);
  }
  return { torn, missing, ...(more.torn + more.missing > 0 ? { more } : {}) };
}

/** @returns How many there was no room for. */
function keepFirst<Each>(kept: Each[], found: readonly Each[]): number {
  const some = found.slice(0, NAMED_OF_EACH - kept.length);
  kept.push(...some);
  return found.length - some.length;
}
