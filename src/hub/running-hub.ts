import path from "node:path";
import { open, rm } from "node:fs/promises";
import BetterSqlite3 from "better-sqlite3";
import Type, { type Static } from "typebox";
import { PRIVATE_FILE_MODE, readSmallFile, writeFileDurably } from "../base/files.ts";
import { utf8Bytes } from "../protocol/bytes.ts";
import { parseJson } from "../protocol/canonical-json.ts";
import { checkShape } from "../protocol/check.ts";
import { HubError } from "../protocol/errors.ts";

const FILE = "hub.json";
const FILE_MAX_BYTES = 4_096;
const LOCK_FILE = "hub.lock";

/** Where the running hub is: for tools that look at it from the same machine. */
const RunningHubSchema = Type.Object(
  { pid: Type.Integer({ minimum: 1 }), url: Type.String({ maxLength: 300 }) },
  { additionalProperties: false },
);
export type RunningHub = Static<typeof RunningHubSchema>;

export async function writeRunningHub(dataDirectory: string, running: RunningHub): Promise<void> {
  await writeFileDurably(path.join(dataDirectory, FILE), utf8Bytes(JSON.stringify(running)));
}

export async function removeRunningHub(dataDirectory: string): Promise<void> {
  await rm(path.join(dataDirectory, FILE), { force: true });
}

/** Null where no hub runs, or the last one was killed. */
export async function readRunningHub(dataDirectory: string): Promise<RunningHub | null> {
  const bytes = await readSmallFile(path.join(dataDirectory, FILE), FILE_MAX_BYTES);
  if (!bytes) return null;
  const running = checkShape(RunningHubSchema, parseJson(bytes, FILE), FILE);
  try {
    process.kill(running.pid, 0);
    return running;
  } catch (error) {
    // Not allowed to signal it means that it is there.
    const isThere = error instanceof Error && "code" in error && error.code === "EPERM";
    return isThere ? running : null;
  }
}

/**
 * Makes sure that one hub at a time works in a data folder: a second one would take the recordings
 * of the first for what a crash left behind. Held until the scope is left or the process ends,
 * however it ends.
 *
 * @throws HubError `HUB_RUNNING`.
 */
export async function lockDataDirectory(dataDirectory: string): Promise<AsyncDisposable> {
  const file = path.join(dataDirectory, LOCK_FILE);
  // Closed again before the lock is taken: closing any descriptor of a file ends a process's locks.
  await (await open(file, "a", PRIVATE_FILE_MODE)).close();
  // Nothing is ever written into it: SQLite is the way to a lock that the system lets go of by
  // itself, and that holds between containers which share the folder.
  const lock = new BetterSqlite3(file, { timeout: 0 });
  try {
    lock.exec("BEGIN EXCLUSIVE");
  } catch (cause) {
    lock.close();
    const isTaken = cause instanceof BetterSqlite3.SqliteError && cause.code === "SQLITE_BUSY";
    if (!isTaken) throw cause;
    throw new HubError(
      "HUB_RUNNING",
      `Cannot start: another hub is at work in ${dataDirectory}; stop it first`,
      { cause },
    );
  }
  return { [Symbol.asyncDispose]: async () => void lock.close() };
}
