import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { inTransaction, openDatabase } from "../../src/base/database.ts";

let folder: string;
let file: string;
let migrationsFolder: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "doorward-database-"));
  file = path.join(folder, "doorward.db");
  migrationsFolder = mkdtempSync(path.join(folder, "migrations-"));
  writeFileSync(
    path.join(migrationsFolder, "0001-schema.sql"),
    `CREATE TABLE schema_migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL,
       sha256 TEXT NOT NULL, applied_at_ms INTEGER NOT NULL) STRICT;`,
  );
  writeFileSync(path.join(migrationsFolder, "0002-a.sql"), "CREATE TABLE a (x INTEGER) STRICT;");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("what is acknowledged is synced: WAL with synchronous=FULL (2), deletions overwritten", async () => {
  await using database = openDatabase(file);
  expect(database.pragma("journal_mode", { simple: true })).toBe("wal");
  expect(database.pragma("synchronous", { simple: true })).toBe(2);
  expect(database.pragma("secure_delete", { simple: true })).toBe(1);
  expect(database.pragma("foreign_keys", { simple: true })).toBe(1);
  expect(database.pragma("recursive_triggers", { simple: true })).toBe(1);
  expect(database.pragma("busy_timeout", { simple: true })).toBe(5_000);
});

test("only the owner of the file may read it, its WAL included, even if it was open to others", async () => {
  {
    await using database = openDatabase(file);
    inTransaction(database, () => database.exec("CREATE TABLE b (x INTEGER)"));
    for (const name of [file, `${file}-wal`, `${file}-shm`])
      expect(statSync(name).mode & 0o777, name).toBe(0o600);
  }
  chmodSync(file, 0o644);
  await using again = openDatabase(file);
  expect(again.open).toBe(true);
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test("migrations are applied once, in order, and later ones are added to an existing file", async () => {
  {
    await using database = openDatabase(file, { migrationsFolder });
    database.exec("INSERT INTO a VALUES (7)");
  }
  writeFileSync(
    path.join(migrationsFolder, "0010-b.sql"),
    "ALTER TABLE a ADD COLUMN y INTEGER; UPDATE a SET y = x + 1;",
  );
  for (let start = 0; start < 2; start++) {
    await using database = openDatabase(file, { migrationsFolder });
    expect(database.prepare("SELECT x, y FROM a").all()).toEqual([{ x: 7, y: 8 }]);
    expect(
      database.prepare("SELECT name FROM schema_migrations ORDER BY number").pluck().all(),
    ).toEqual(["0001-schema.sql", "0002-a.sql", "0010-b.sql"]);
  }
});

test("a migration that fails half-way leaves nothing of itself behind, nor of those before it", async () => {
  await openDatabase(file, { migrationsFolder })[Symbol.asyncDispose]();
  const good = path.join(migrationsFolder, "0003-good.sql");
  const bad = path.join(migrationsFolder, "0004-bad.sql");
  writeFileSync(good, "CREATE TABLE whole (x INTEGER);");
  writeFileSync(bad, "CREATE TABLE half (x INTEGER); CREATE TABLE a (x INTEGER);");
  expect(() => openDatabase(file, { migrationsFolder })).toThrow(/already exists/);
  rmSync(good);
  rmSync(bad);
  await using database = openDatabase(file, { migrationsFolder });
  const left = "SELECT name FROM sqlite_schema WHERE name IN ('whole', 'half')";
  expect(database.prepare(left).all()).toEqual([]);
  expect(database.prepare("SELECT max(number) FROM schema_migrations").pluck().get()).toBe(2);
});

test("a migration that was changed after it was applied is refused by name", async () => {
  await openDatabase(file, { migrationsFolder })[Symbol.asyncDispose]();
  writeFileSync(path.join(migrationsFolder, "0002-a.sql"), "CREATE TABLE a (x TEXT) STRICT;");
  expect(() => openDatabase(file, { migrationsFolder })).toThrow(
    expect.objectContaining({
      code: "SCHEMA_CHANGED",
      message: expect.stringContaining("0002-a.sql"),
    }),
  );
});

test("a migration slipped in below one that was already applied is refused", async () => {
  writeFileSync(path.join(migrationsFolder, "0010-b.sql"), "CREATE TABLE b (x INTEGER);");
  await openDatabase(file, { migrationsFolder })[Symbol.asyncDispose]();
  writeFileSync(path.join(migrationsFolder, "0005-late.sql"), "CREATE TABLE c (x INTEGER);");
  expect(() => openDatabase(file, { migrationsFolder })).toThrow(
    expect.objectContaining({ code: "SCHEMA_CHANGED" }),
  );
});

test("a file written by a later version of the hub is refused, not half-understood", async () => {
  writeFileSync(path.join(migrationsFolder, "0099-future.sql"), "CREATE TABLE f (x INTEGER);");
  await openDatabase(file, { migrationsFolder })[Symbol.asyncDispose]();
  rmSync(path.join(migrationsFolder, "0099-future.sql"));
  expect(() => openDatabase(file, { migrationsFolder })).toThrow(
    expect.objectContaining({
      code: "SCHEMA_NEWER",
      message: expect.stringContaining("0099-future.sql"),
    }),
  );
});

test("a read-only opening changes nothing and says what is missing", async () => {
  expect(() => openDatabase(file, { readOnly: true })).toThrow(
    expect.objectContaining({ code: "DATABASE_MISSING" }),
  );
  await using database = openDatabase(file, { migrationsFolder });
  {
    await using reader = openDatabase(file, { migrationsFolder, readOnly: true });
    expect(() => reader.exec("INSERT INTO a VALUES (1)")).toThrow(/readonly/);
  }
  writeFileSync(path.join(migrationsFolder, "0003-b.sql"), "CREATE TABLE b (x INTEGER);");
  expect(() => openDatabase(file, { migrationsFolder, readOnly: true })).toThrow(
    expect.objectContaining({ code: "SCHEMA_OLDER" }),
  );
  expect(database.prepare("SELECT count(*) FROM a").pluck().get()).toBe(0);
});

test("an inner piece of work that fails is undone without undoing the caller's transaction", async () => {
  await using database = openDatabase(file, { migrationsFolder });
  const insert = database.prepare("INSERT INTO a VALUES (?)");
  inTransaction(database, () => {
    insert.run(1);
    expect(() =>
      inTransaction(database, () => {
        insert.run(2);
        throw new Error("inner");
      }),
    ).toThrow("inner");
    insert.run(3);
  });
  expect(() =>
    inTransaction(database, () => {
      insert.run(4);
      throw new Error("outer");
    }),
  ).toThrow("outer");
  expect(database.prepare("SELECT x FROM a ORDER BY x").pluck().all()).toEqual([1, 3]);
});
