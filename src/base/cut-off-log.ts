import { statSync } from "node:fs";
import type BetterSqlite3 from "better-sqlite3";

/** More than a log ever grows to; what is written in one value has to fit into memory. */
const FILLED_BYTES_MAX = 256 * 1024 * 1024;

/**
 * Writes the write-ahead log back into the database, overwrites it and cuts it off. Of a file that is
 * only cut off the blocks keep what was in them, so that pages of before a deletion, release headers
 * among them, could be read from the bare disk for years (`secure_delete` is about the database's own
 * file). SQLite itself does the overwriting, by a value as long as the log, which it writes from the
 * log's beginning once nothing in that is needed any more (WAL format, section 2.3.2).
 *
 * Not inside of a transaction.
 *
 * @returns Whether somebody is reading from the log, so that it is still there.
 */
export function cutOffLog(database: BetterSqlite3.Database): { readonly isBusy: boolean } {
  if (database.memory) return { isBusy: false };
  // While somebody reads from it, it can be neither overwritten nor, unseen, cut off.
  if (!checkpoint(database, "RESTART")) return { isBusy: true };
  if (logBytes(database) > 0) fill(database);
  return { isBusy: !checkpoint(database, "TRUNCATE") };
}

function checkpoint(database: BetterSqlite3.Database, mode: "RESTART" | "TRUNCATE"): boolean {
  const [result] = database.pragma(`wal_checkpoint(${mode})`) as { busy: number }[];
  return result?.busy === 0;
}

function logBytes({ name }: BetterSqlite3.Database): number {
  return statSync(`${name}-wal`, { throwIfNoEntry: false })?.size ?? 0;
}

function fill(database: BetterSqlite3.Database): void {
  const bytes = Math.min(logBytes(database), FILLED_BYTES_MAX);
  const set = database.prepare("UPDATE log_filler SET zeros = zeroblob(?) WHERE id = 1");
  try {
    // Each by itself: a page that is freed in the transaction that made it is never written.
    set.run(bytes);
    set.run(0);
  } catch (error) {
    // No room for it: what is being ended ends all the same.
    if (!String((error as { code?: unknown }).code).startsWith("SQLITE_FULL")) throw error;
  }
}
