import type BetterSqlite3 from "better-sqlite3";
import {
  chmodSync,
  closeSync,
  fsyncSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import path from "node:path";
import { HubError } from "../protocol/errors.ts";

/**
 * How long the way back stays open after an upgrade. Not longer: what is deleted meanwhile is still
 * named in the copy.
 */
export const UPGRADE_BACKUP_KEPT_MS = 7 * 24 * 60 * 60 * 1000;
const HOUR_MS = 60 * 60 * 1000;
const NAME = /\.before-[0-9]{4}(\.partial)?$/;

/**
 * Copies the database, as it is, to `doorward.db.before-NNNN` beside it, NNNN being the first
 * migration that is about to be applied. config/install.sh takes it back when somebody rolls back.
 *
 * @throws HubError `BACKUP_FAILED`; then nothing was changed.
 */
export function backUpBeforeUpgrade(
  database: BetterSqlite3.Database,
  databasePath: string,
  firstPending: number,
): void {
  const backup = `${databasePath}.before-${String(firstPending).padStart(4, "0")}`;
  const partial = `${backup}.partial`;
  try {
    rmSync(partial, { force: true });
    // Readable by nobody else from its first byte on: SQLite keeps the mode of a file that is there.
    closeSync(openSync(partial, "wx", 0o600));
    database.prepare("VACUUM INTO ?").run(partial);
    chmodSync(partial, 0o600);
    sync(partial);
    renameSync(partial, backup);
    sync(path.dirname(path.resolve(databasePath)));
  } catch (cause) {
    rmSync(partial, { force: true });
    throw new HubError(
      "BACKUP_FAILED",
      `Cannot upgrade database: no copy of it could be made (${cause instanceof Error ? cause.message : "no reason given"}); nothing was changed, make room and start again`,
      { cause },
    );
  }
}

/** Removes the copies that are old enough; at once, and then every hour until the caller ends it. */
export function forgetUpgradeBackups(databasePath: string, nowMs: () => number): { end(): void } {
  const forget = (): void => {
    try {
      forgetOld(databasePath, nowMs());
    } catch {
      // A disk that answers with an error is said by those who need it; this is asked again soon.
    }
  };
  forget();
  const timer = setInterval(forget, HOUR_MS).unref();
  return { end: () => clearInterval(timer) };
}

function forgetOld(databasePath: string, nowMs: number): void {
  const folder = path.dirname(path.resolve(databasePath));
  const name = path.basename(databasePath);
  for (const entry of readdirSync(folder)) {
    if (!entry.startsWith(`${name}.`) || !NAME.test(entry)) continue;
    const file = path.join(folder, entry);
    const ageMs = nowMs - statSync(file).mtimeMs;
    // A clock that stands before the copy says nothing of its age.
    if (ageMs > UPGRADE_BACKUP_KEPT_MS) rmSync(file, { force: true });
  }
}

function sync(file: string): void {
  const descriptor = openSync(file, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
