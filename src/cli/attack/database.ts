import { open, readdir } from "node:fs/promises";
import path from "node:path";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import BetterSqlite3 from "better-sqlite3";
import { systemErrorCode } from "../../base/files.ts";
import { HubError } from "../../protocol/errors.ts";
import { attempt, type Attempt, type Target } from "./attempt.ts";
import { addRaw, addWritten, noCandidates, triedText, tryCandidates } from "./candidates.ts";

/** What is left in a database of rows that were deleted: free pages, and the write-ahead log. */

/** Offsets of the database's header and of a trunk page (sqlite.org/fileformat2.html, 1.3, 1.5). */
const PAGE_SIZE_OFFSET = 16;
const FIRST_TRUNK_OFFSET = 32;
const WAL_HEADER_BYTES = 32;
const WAL_PAGE_SIZE_OFFSET = 8;
const WAL_FRAME_HEADER_BYTES = 24;
const PAGES_MAX = 200_000;
/** Backups included: `doorward.db.bak`, `doorward.db-wal.1`, `doorward.db~`. */
const DATABASE_NAME = /\.(db|sqlite3?)(\.\w+|~)*$/;
const LOG_NAME = /-wal(\.\w+|~)*$/;
const RAW_PAGES_MAX = 256;

/** @param folders - The data folder, and copies of it that somebody made. */
export async function attackDatabases(
  target: Target,
  folders: readonly string[],
): Promise<Attempt[]> {
  const free: Uint8Array[] = [];
  const old: Uint8Array[] = [];
  for (const folder of folders)
    for (const name of await readdir(folder, { recursive: true }).catch(() => [])) {
      if (DATABASE_NAME.test(name)) free.push(...(await freePages(path.join(folder, name))));
      if (LOG_NAME.test(name)) old.push(...(await logPages(path.join(folder, name))));
    }
  return [
    await tryPages("deleted rows in the database's free pages", free, target),
    await tryPages("replaced pages in the write-ahead log", old, target),
  ];
}

async function tryPages(
  name: string,
  pages: readonly Uint8Array[],
  { lock }: Target,
): Promise<Attempt> {
  const candidates = noCandidates();
  for (const page of pages) addWritten(candidates, page);
  // Key by key at every byte: bytes in a record have no alignment.
  for (const page of pages.slice(-RAW_PAGES_MAX)) addRaw(candidates, page, 1);
  const opened = await tryCandidates(candidates, lock);
  return attempt(name, opened, `${pages.length} pages, ${triedText(candidates)}`);
}

/** Trunk and leaf pages of the list of free pages; what they held stays unless it was overwritten. */
async function freePages(file: string): Promise<Uint8Array[]> {
  const bytes = await readWhole(file);
  if (bytes.length < 100 || bytes.toString("latin1", 0, 15) !== "SQLite format 3") return [];
  const stored = bytes.readUInt16BE(PAGE_SIZE_OFFSET);
  const pageBytes = stored === 1 ? 65_536 : stored;
  const pageAt = (number: number): Buffer =>
    bytes.subarray((number - 1) * pageBytes, number * pageBytes);
  const pages: Uint8Array[] = [];
  const seen = new Set<number>();
  for (let trunk = bytes.readUInt32BE(FIRST_TRUNK_OFFSET); trunk !== 0;) {
    const page = pageAt(trunk);
    if (seen.has(trunk) || page.length < pageBytes || seen.size > PAGES_MAX) break;
    seen.add(trunk);
    pages.push(page);
    const leaves = Math.min(page.readUInt32BE(4), pageBytes / 4 - 2);
    for (let leaf = 0; leaf < leaves; leaf += 1)
      pages.push(pageAt(page.readUInt32BE(8 + leaf * 4)));
    trunk = page.readUInt32BE(0);
  }
  return pages;
}

/** Every frame in the log, those of an older round behind the newest ones included. */
async function logPages(file: string): Promise<Uint8Array[]> {
  const bytes = await readWhole(file);
  if (bytes.length < WAL_HEADER_BYTES) return [];
  const pageBytes = bytes.readUInt32BE(WAL_PAGE_SIZE_OFFSET);
  if (pageBytes < 512 || pageBytes > 65_536) return [bytes];
  const pages: Uint8Array[] = [];
  const frameBytes = WAL_FRAME_HEADER_BYTES + pageBytes;
  for (let at = WAL_HEADER_BYTES; at < bytes.length; at += frameBytes)
    pages.push(bytes.subarray(at + WAL_FRAME_HEADER_BYTES, at + frameBytes));
  return pages;
}

const READ_MAX_BYTES = 1024 * 1024 * 1024;

/** @throws HubError CANNOT_LOOK for a file that is too large to be looked through. */
async function readWhole(file: string): Promise<Buffer> {
  try {
    await using handle = await open(file, "r");
    if ((await handle.stat()).size > READ_MAX_BYTES)
      throw new HubError("CANNOT_LOOK", `Cannot attack: ${path.basename(file)} is over 1 GiB`);
    return await handle.readFile();
  } catch (error) {
    if (systemErrorCode(error) !== "ENOENT") throw error;
    return Buffer.alloc(0);
  }
}

/**
 * A row that was deleted without being overwritten must be found in a free page, and one that lies
 * in a write-ahead log in there.
 *
 * @throws HubError CANNOT_LOOK when it is not.
 */
export async function requirePlantedRowsFound(planted: string): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), "doorward-attack-"));
  try {
    const file = path.join(folder, "planted.db");
    const database = new BetterSqlite3(file);
    database.pragma("secure_delete = OFF");
    database.exec("CREATE TABLE planted (text TEXT)");
    const insert = database.prepare("INSERT INTO planted VALUES (?)");
    for (let row = 0; row < 100; row += 1) insert.run(planted.padEnd(2_000, "."));
    database.exec("DELETE FROM planted");
    database.pragma("journal_mode = WAL");
    insert.run(`again ${planted}`);
    const places = [await freePages(file), await logPages(`${file}-wal`)];
    database.close();
    for (const pages of places) {
      const candidates = noCandidates();
      for (const page of pages) addWritten(candidates, page);
      if (!candidates.identities.has(planted))
        throw new HubError("CANNOT_LOOK", "Cannot attack: a planted row was not found");
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
