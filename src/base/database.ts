import BetterSqlite3 from "better-sqlite3";
import { createHash } from "node:crypto";
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
} from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";
import { HubError } from "../protocol/errors.ts";
import { cutOffLog } from "./cut-off-log.ts";
import { backUpBeforeUpgrade, forgetUpgradeBackups } from "./upgrade-backup.ts";

/** The hub's one SQLite file. Leaving the scope closes it. */
export type HubDatabase = BetterSqlite3.Database & AsyncDisposable;

export interface OpenDatabaseOptions {
  /** Open what is there without applying anything: for `doorward check` beside a running hub. */
  readonly readOnly?: boolean;
  /** Where the numbered migrations are; by default the hub's own. */
  readonly migrationsFolder?: string;
}

interface Migration {
  readonly number: number;
  readonly name: string;
  readonly sql: string;
  readonly sha256: string;
}

interface AppliedMigration {
  readonly number: number;
  readonly name: string;
  readonly sha256: string;
}

/** What SQLite calls a database without a file. */
const IN_MEMORY = ":memory:";
const BUSY_TIMEOUT_MS = 5_000;
const MIGRATION_NAME = /^([0-9]{4})-[a-z0-9-]+\.sql$/;
const OWN_MIGRATIONS = fileURLToPath(new URL("./migrations/", import.meta.url));

/**
 * Opens, creates where needed, and brings the schema up to date. The file is readable by its owner
 * only; its WAL takes over the same mode.
 *
 * @throws HubError `SCHEMA_CHANGED` when a migration that was already applied is not what it was,
 * `SCHEMA_NEWER` when the file was written by a later version, `SCHEMA_OLDER` when `readOnly` and
 * a migration is still to be applied, `DATABASE_MISSING` when `readOnly` and there is no file,
 * `BACKUP_FAILED` when an upgrade could not keep a copy of what was there.
 */
export function openDatabase(databasePath: string, options: OpenDatabaseOptions = {}): HubDatabase {
  const readOnly = options.readOnly ?? false;
  if (readOnly) requireFile(databasePath);
  else if (databasePath !== IN_MEMORY) createPrivateFile(databasePath);
  const database = new BetterSqlite3(databasePath, {
    readonly: readOnly,
    fileMustExist: true,
    timeout: BUSY_TIMEOUT_MS,
  });
  const isFile = !readOnly && databasePath !== IN_MEMORY;
  let backups: { end(): Promise<void> } | null = null;
  try {
    // Before anything of the file is changed, its journal included.
    const known = readMigrations(options.migrationsFolder ?? OWN_MIGRATIONS);
    const applied = readApplied(database);
    const pending = pendingMigrations(known, applied);
    configure(database, readOnly);
    if (readOnly && pending[0] !== undefined)
      throw new HubError(
        "SCHEMA_OLDER",
        `Cannot read database: ${pending[0].name} has not been applied yet; start the hub once`,
      );
    if (isFile && applied.length > 0 && pending[0] !== undefined)
      backUpBeforeUpgrade(database, databasePath, pending[0].number);
    applyAll(database, pending);
    if (isFile) backups = forgetUpgradeBackups(databasePath, Date.now);
  } catch (error) {
    database.close();
    throw error;
  }
  return Object.assign(database, {
    [Symbol.asyncDispose]: async () => {
      const ended = backups?.end();
      if (isFile && options.migrationsFolder === undefined) endLog(database);
      database.close();
      await ended;
    },
  });
}

/** SQLite would remove the log as it is. A disk that refuses does not keep the hub from ending. */
function endLog(database: BetterSqlite3.Database): void {
  try {
    if (database.open) cutOffLog(database);
  } catch {
    // What was to be forgotten is cut off once more when the next thing is.
  }
}

/**
 * Runs `work` in a transaction that is on the disk when this returns, or as a part of the caller's
 * transaction where one is open (a throw then undoes only what `work` did).
 */
export function inTransaction<T>(database: BetterSqlite3.Database, work: () => T): T {
  return database.transaction(work).immediate();
}

/** Tables, indexes, triggers and views as they stand in a database, SQLite's own included. */
export function schemaOf(database: BetterSqlite3.Database): readonly unknown[] {
  return database
    .prepare("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name, tbl_name")
    .all();
}

/**
 * For a database that somebody else could have made: that it has what its migrations make, and
 * nothing else.
 *
 * @throws HubError SCHEMA_CHANGED, SCHEMA_NEWER
 */
export function requireSchemaOfMigrations(database: BetterSqlite3.Database): void {
  const known = readMigrations(OWN_MIGRATIONS);
  const applied = readApplied(database);
  const pending = new Set(pendingMigrations(known, applied));
  const own = new BetterSqlite3(IN_MEMORY);
  try {
    configure(own, false);
    applyAll(
      own,
      known.filter((migration) => !pending.has(migration)),
    );
    if (isDeepStrictEqual(schemaOf(own), schemaOf(database))) return;
  } finally {
    own.close();
  }
  throw new HubError(
    "SCHEMA_CHANGED",
    "Cannot open database: it has tables, indexes, triggers or views that no version of the hub makes, or lacks some",
  );
}

function requireFile(databasePath: string): void {
  if (!existsSync(databasePath))
    throw new HubError("DATABASE_MISSING", `Cannot read database: no file at ${databasePath}`);
}

function createPrivateFile(databasePath: string): void {
  if (!existsSync(databasePath)) {
    closeSync(openSync(databasePath, "a", 0o600));
    // SQLite syncs what it creates itself; this name was created by us.
    const folder = openSync(path.dirname(path.resolve(databasePath)), "r");
    fsyncSync(folder);
    closeSync(folder);
  }
  chmodSync(databasePath, 0o600);
}

function configure(database: BetterSqlite3.Database, readOnly: boolean): void {
  if (!readOnly) {
    database.pragma("journal_mode = WAL");
    // In WAL mode SQLite's own default is NORMAL, which loses acknowledged rows in a power cut.
    database.pragma("synchronous = FULL");
    database.pragma("secure_delete = ON");
  }
  database.pragma("foreign_keys = ON");
  // REPLACE would otherwise remove rows without asking the triggers that forbid it.
  database.pragma("recursive_triggers = ON");
  database.pragma("trusted_schema = OFF");
  database.pragma("temp_store = MEMORY");
}

function readMigrations(folder: string): readonly Migration[] {
  const migrations = readdirSync(folder)
    .filter((name) => name.endsWith(".sql"))
    .toSorted()
    .map((name) => {
      const number = MIGRATION_NAME.exec(name)?.[1];
      if (number === undefined) throw new Error(`Cannot read migrations: odd name ${name}`);
      const sql = readFileSync(path.join(folder, name), "utf8");
      const sha256 = createHash("sha256").update(sql).digest("hex");
      return { number: Number(number), name, sql, sha256 };
    });
  if (new Set(migrations.map(({ number }) => number)).size !== migrations.length)
    throw new Error(`Cannot read migrations: two have the same number in ${folder}`);
  return migrations;
}

function readApplied(database: BetterSqlite3.Database): readonly AppliedMigration[] {
  const hasTable = database
    .prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'schema_migrations'")
    .get();
  if (hasTable === undefined) return [];
  return database
    .prepare<[], AppliedMigration>(
      "SELECT number, name, sha256 FROM schema_migrations ORDER BY number",
    )
    .all();
}

function pendingMigrations(
  known: readonly Migration[],
  applied: readonly AppliedMigration[],
): readonly Migration[] {
  for (const row of applied) {
    const migration = known.find(({ number }) => number === row.number);
    if (migration === undefined)
      throw new HubError(
        "SCHEMA_NEWER",
        `Cannot open database: ${row.name} was applied by a newer version of the hub than this one; start that version, or roll back as docs/upgrade.md says`,
      );
    if (migration.sha256 !== row.sha256)
      throw new HubError(
        "SCHEMA_CHANGED",
        `Cannot open database: ${migration.name} is not what was applied to this file`,
      );
  }
  const newestApplied = applied.at(-1)?.number ?? 0;
  const appliedNumbers = new Set(applied.map(({ number }) => number));
  const pending = known.filter(({ number }) => !appliedNumbers.has(number));
  const late = pending.find(({ number }) => number < newestApplied);
  if (late !== undefined)
    throw new HubError(
      "SCHEMA_CHANGED",
      `Cannot open database: ${late.name} comes before migrations that this file already has`,
    );
  return pending;
}

/** All or none: an upgrade that fails or is cut short leaves the schema as it was. */
function applyAll(database: BetterSqlite3.Database, migrations: readonly Migration[]): void {
  if (migrations.length === 0) return;
  inTransaction(database, () => {
    for (const { number, name, sql, sha256 } of migrations) {
      database.exec(sql);
      database
        .prepare(
          "INSERT INTO schema_migrations (number, name, sha256, applied_at_ms) VALUES (?, ?, ?, ?)",
        )
        .run(number, name, sha256, Date.now());
    }
  });
}
