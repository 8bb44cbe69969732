import BetterSqlite3 from "better-sqlite3";
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
import { open, rm } from "node:fs/promises";
import path from "node:path";
import { HubError } from "../protocol/errors.ts";

/**
 * How long the way back stays open after an upgrade. Not longer: what is deleted meanwhile is still
 * named in the copy.
 */
export const UPGRADE_BACKUP_KEPT_MS = 7 * 24 * 60 * 60 * 1000;
const HOUR_MS = 60 * 60 * 1000;
const NAME = /\.before-[0-9]{4}(\.partial|\.ended)?$/;
/** Of a copy that is no way back any more and is being overwritten. */
const ENDED = ".ended";
const CHUNK_BYTES = 1024 * 1024;

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

/**
 * Removes the copies that are old enough; at once, and then every hour until the caller ends it,
 * which waits for what is being removed.
 */
export function forgetUpgradeBackups(
  databasePath: string,
  nowMs: () => number,
): { end(): Promise<void> } {
  let going: Promise<void> = Promise.resolve();
  const forget = (): void => {
    going = Promise.all([going, forgetOld(databasePath, nowMs())]).then(
      () => undefined,
      // A disk that answers with an error is said by those who need it; this is asked again soon.
      () => undefined,
    );
  };
  forget();
  const timer = setInterval(forget, HOUR_MS).unref();
  return {
    end: () => {
      clearInterval(timer);
      return going;
    },
  };
}

/**
 * Ends the copies in which there still is what was just destroyed in the database: no way leads back
 * to it from when this returns, and it is overwritten when the promise is done, or at the next start.
 *
 * @param holds - Looks into one copy, whose schema is an older one. A copy that cannot be read counts
 *   as holding it.
 */
export async function endUpgradeBackups(
  databasePath: string,
  holds: (copy: BetterSqlite3.Database) => boolean,
): Promise<void> {
  const ended = backupsOf(databasePath)
    .filter((file) => !file.endsWith(ENDED) && isHeldIn(file, holds))
    .map(endBackup);
  await Promise.all(ended.map(overwrite));
}

function isHeldIn(file: string, holds: (copy: BetterSqlite3.Database) => boolean): boolean {
  try {
    const copy = new BetterSqlite3(file, { readonly: true, fileMustExist: true });
    try {
      return holds(copy);
    } finally {
      copy.close();
    }
  } catch {
    return true;
  }
}

function backupsOf(databasePath: string): string[] {
  const folder = path.dirname(path.resolve(databasePath));
  const name = path.basename(databasePath);
  return readdirSync(folder)
    .filter((entry) => entry.startsWith(`${name}.`) && NAME.test(entry))
    .map((entry) => path.join(folder, entry));
}

async function forgetOld(databasePath: string, nowMs: number): Promise<void> {
  const old = backupsOf(databasePath).filter(
    // A clock that stands before the copy says nothing of its age.
    (file) => file.endsWith(ENDED) || nowMs - statSync(file).mtimeMs > UPGRADE_BACKUP_KEPT_MS,
  );
  await Promise.all(old.map(endBackup).map(overwrite));
}

/** From here on nobody takes it for a way back. */
function endBackup(file: string): string {
  if (file.endsWith(ENDED)) return file;
  const ended = `${file.replace(/\.partial$/, "")}${ENDED}`;
  renameSync(file, ended);
  return ended;
}

/** What it holds may be destroyed in the database later, and must then not lie in freed blocks. */
async function overwrite(file: string): Promise<void> {
  {
    await using handle = await open(file, "r+");
    const { size } = await handle.stat();
    const zeros = new Uint8Array(CHUNK_BYTES);
    for (let at = 0; at < size; at += CHUNK_BYTES)
      await handle.write(zeros, 0, Math.min(CHUNK_BYTES, size - at), at);
    await handle.datasync();
  }
  for (const end of ["-wal", "-shm", ""]) await rm(`${file}${end}`, { force: true });
}

function sync(file: string): void {
  const descriptor = openSync(file, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
