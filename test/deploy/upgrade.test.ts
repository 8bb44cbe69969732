import { execFileSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import os from "node:os";
import path from "node:path";
import { gunzipSync } from "node:zlib";
import BetterSqlite3 from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openDatabase, schemaOf } from "../../src/base/database.ts";
import { UPGRADE_BACKUP_KEPT_MS } from "../../src/base/upgrade-backup.ts";
import { projectRoot } from "../support/requirements.ts";

const MIGRATIONS = path.join(projectRoot, "src/base/migrations");
const FROZEN = readdirSync(import.meta.dirname).filter((name) =>
  /^schema-\d{4}\.db\.gz$/.test(name),
);

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), "doorward-upgrade-"));
  file = path.join(folder, "doorward.db");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function thaw(name: string): void {
  writeFileSync(file, gunzipSync(readFileSync(path.join(import.meta.dirname, name))));
}

/** Rows of every table of the file, by its name; of those that a later version may add none. */
function countsOf(databasePath: string, tables: readonly string[]): Record<string, unknown> {
  const database = new BetterSqlite3(databasePath, { readonly: true });
  const count = (table: string): unknown =>
    database.prepare(`SELECT count(*) FROM "${table}"`).pluck().get();
  const counts = Object.fromEntries(tables.map((table) => [table, count(table)]));
  database.close();
  return counts;
}

function tablesOf(databasePath: string): string[] {
  const database = new BetterSqlite3(databasePath, { readonly: true });
  const names = database
    .prepare<[], string>(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
    )
    .pluck()
    .all();
  database.close();
  return names.filter((name) => name !== "schema_migrations");
}

function schemaIn(databasePath: string): readonly unknown[] {
  const database = new BetterSqlite3(databasePath, { readonly: true });
  const rows = schemaOf(database);
  database.close();
  return rows;
}

function backups(): string[] {
  return readdirSync(folder).filter((name) => name.includes(".before-"));
}

test("there is a frozen schema, and none was changed", () => {
  expect(FROZEN).toContain("schema-0157.db.gz");
});

describe.each(FROZEN)("a database as released with %s", (name) => {
  const frozenAt = Number(/\d{4}/.exec(name)?.[0]);
  const firstAfter = readdirSync(MIGRATIONS)
    .map((entry) => Number(entry.slice(0, 4)))
    .filter((number) => number > frozenAt)
    .toSorted((a, b) => a - b)[0];

  test("is upgraded with every entry of its ledger, and has the schema of a new one", async () => {
    thaw(name);
    const tables = tablesOf(file);
    const before = countsOf(file, tables);
    expect(before["ledger_entries"]).toBeGreaterThan(3);
    expect(before["clips"]).toBeGreaterThan(0);
    {
      await using database = openDatabase(file);
      expect(database.pragma("integrity_check", { simple: true })).toBe("ok");
      expect(database.pragma("foreign_key_check")).toEqual([]);
    }
    const after = countsOf(file, ["ledger_entries", "clips"]);
    expect(after).toEqual({
      ledger_entries: before["ledger_entries"],
      clips: before["clips"],
    });
    const fresh = path.join(folder, "fresh.db");
    await openDatabase(fresh)[Symbol.asyncDispose]();
    expect(schemaIn(file)).toEqual(schemaIn(fresh));
  });

  test.skipIf(firstAfter === undefined)("is copied first, readable by its owner only", async () => {
    thaw(name);
    const tables = tablesOf(file);
    const before = countsOf(file, tables);
    await openDatabase(file)[Symbol.asyncDispose]();
    expect(backups()).toEqual([`doorward.db.before-${String(firstAfter).padStart(4, "0")}`]);
    const backup = path.join(folder, backups()[0] ?? "");
    expect(statSync(backup).mode & 0o777).toBe(0o600);
    expect(countsOf(backup, tables)).toEqual(before);
    expect(tablesOf(backup).toSorted()).toEqual(tables.toSorted());
  });

  test.skipIf(firstAfter === undefined)(
    "goes back: the version before opens the copy",
    async () => {
      const older = path.join(folder, "older");
      mkdirSync(older);
      for (const entry of readdirSync(MIGRATIONS))
        if (Number(entry.slice(0, 4)) <= frozenAt)
          cpSync(path.join(MIGRATIONS, entry), path.join(older, entry));
      thaw(name);
      await openDatabase(file)[Symbol.asyncDispose]();
      expect(() => openDatabase(file, { migrationsFolder: older })).toThrow(
        expect.objectContaining({
          code: "SCHEMA_NEWER",
          message: expect.stringMatching(/newer version.*docs\/upgrade\.md/s),
        }),
      );
      rmSync(`${file}-wal`, { force: true });
      cpSync(path.join(folder, backups()[0] ?? ""), file);
      await using database = openDatabase(file, { migrationsFolder: older });
      expect(database.prepare("SELECT max(number) FROM schema_migrations").pluck().get()).toBe(
        frozenAt,
      );
    },
  );
});

describe("the copy before an upgrade", () => {
  let migrationsFolder: string;
  beforeEach(() => {
    migrationsFolder = path.join(folder, "migrations");
    mkdirSync(migrationsFolder);
    const first =
      "CREATE TABLE schema_migrations (number INTEGER PRIMARY KEY, name TEXT, sha256 TEXT, applied_at_ms INTEGER);";
    writeFileSync(path.join(migrationsFolder, "0001-a.sql"), first);
  });
  const add = (name: string, sql: string): void =>
    writeFileSync(path.join(migrationsFolder, name), sql);

  test("is not made for a new database, nor where nothing changes", async () => {
    await openDatabase(file, { migrationsFolder })[Symbol.asyncDispose]();
    await openDatabase(file, { migrationsFolder })[Symbol.asyncDispose]();
    expect(backups()).toEqual([]);
  });

  test("is there before the first change: a migration that fails leaves both", async () => {
    await openDatabase(file, { migrationsFolder })[Symbol.asyncDispose]();
    add("0002-bad.sql", "CREATE TABLE a (x INTEGER); SELECT nonsense;");
    expect(() => openDatabase(file, { migrationsFolder })).toThrow(/nonsense/);
    expect(backups()).toEqual(["doorward.db.before-0002"]);
  });

  test("cannot be made: nothing is changed, and it is said", async () => {
    await openDatabase(file, { migrationsFolder })[Symbol.asyncDispose]();
    add("0002-a.sql", "CREATE TABLE a (x INTEGER);");
    // A folder stands where the copy should.
    mkdirSync(`${file}.before-0002`);
    writeFileSync(path.join(`${file}.before-0002`, "x"), "");
    expect(() => openDatabase(file, { migrationsFolder })).toThrow(
      expect.objectContaining({
        code: "BACKUP_FAILED",
        message: expect.stringMatching(/nothing was changed/),
      }),
    );
    expect(tablesOf(file)).toEqual([]);
    expect(backups()).toEqual(["doorward.db.before-0002"]);
  });

  test("goes after its time, and is not taken for old by a clock that stands before it", async () => {
    await openDatabase(file, { migrationsFolder })[Symbol.asyncDispose]();
    add("0002-a.sql", "CREATE TABLE a (x INTEGER);");
    await openDatabase(file, { migrationsFolder })[Symbol.asyncDispose]();
    const backup = path.join(folder, "doorward.db.before-0002");
    const at = (ageMs: number): void => {
      const seconds = (Date.now() - ageMs) / 1000;
      utimesSync(backup, seconds, seconds);
    };
    for (const ageMs of [-60_000, UPGRADE_BACKUP_KEPT_MS - 60_000]) {
      at(ageMs);
      await openDatabase(file, { migrationsFolder })[Symbol.asyncDispose]();
      expect(backups()).toHaveLength(1);
    }
    at(UPGRADE_BACKUP_KEPT_MS + 60_000);
    await openDatabase(file, { migrationsFolder })[Symbol.asyncDispose]();
    expect(backups()).toEqual([]);
  });
});

test("a hub that is asked whether it lives says no where none runs", () => {
  const alive = (): string =>
    execFileSync(path.join(projectRoot, "doorward"), ["hub", "--alive", "--data", folder], {
      encoding: "utf8",
    });
  expect(alive).toThrow(
    expect.objectContaining({ status: 1, stdout: expect.stringMatching(/no hub runs/) }),
  );
  const gone = { pid: process.pid, url: "http://127.0.0.1:9" };
  writeFileSync(path.join(folder, "hub.json"), JSON.stringify(gone));
  expect(alive).toThrow(
    expect.objectContaining({ status: 1, stdout: expect.stringMatching(/does not answer/) }),
  );
});
