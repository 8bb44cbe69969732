import { readFileSync, statSync } from "node:fs";
import path from "node:path";
import type BetterSqlite3 from "better-sqlite3";
import { expect, test } from "vitest";
import { cutOffLog } from "../../src/base/cut-off-log.ts";
import { openDatabase } from "../../src/base/database.ts";
import { temporaryFolder } from "../support/temporary.ts";

/** Of a release header, as it lies in a row: nowhere else. */
const MARK = "b3Blbi1tZS1ub3QtYWZ0ZXItdGhl";

/** The database, and what its log holds at the moment at which SQLite is told to cut it off. */
function seenWhenCutOff(database: BetterSqlite3.Database, log: string) {
  const seen: Buffer[] = [];
  const watched = new Proxy(database, {
    get: (target, name) => {
      if (name !== "pragma") {
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === "function" ? (value.bind(target) as unknown) : value;
      }
      return (source: string) => {
        if (source.includes("TRUNCATE")) seen.push(readFileSync(log));
        return target.pragma(source);
      };
    },
  });
  return { seen, watched };
}

test("the log is overwritten as far as it goes before its blocks are given back", async () => {
  await using folder = temporaryFolder();
  const file = path.join(folder.path, "doorward.db");
  const log = `${file}-wal`;
  await using database = openDatabase(file);
  const insert = database.prepare(
    "INSERT INTO told_troubles (code, camera, told_at_ms) VALUES (?, '', 1)",
  );
  for (let row = 0; row < 300; row += 1) insert.run(`${MARK} ${row}`);
  database.exec("DELETE FROM told_troubles");
  const before = readFileSync(log);
  expect(before.includes(MARK)).toBe(true);
  const { seen, watched } = seenWhenCutOff(database, log);
  expect(cutOffLog(watched)).toEqual({ isBusy: false });
  expect(seen).toHaveLength(1);
  expect(seen[0]?.length).toBeGreaterThanOrEqual(before.length);
  expect(seen[0]?.includes(MARK)).toBe(false);
  expect(statSync(log).size).toBe(0);
  expect(readFileSync(file).includes(MARK)).toBe(false);
  // What it was overwritten with takes no room afterwards but pages to be used again.
  const filler = database.prepare<[], number>("SELECT length(zeros) FROM log_filler").pluck();
  expect(filler.all()).toEqual([0]);
});

test("an empty log is left as it is", async () => {
  await using folder = temporaryFolder();
  const file = path.join(folder.path, "doorward.db");
  await using database = openDatabase(file);
  cutOffLog(database);
  const sizeBytes = statSync(file).size;
  expect(cutOffLog(database)).toEqual({ isBusy: false });
  expect(statSync(file).size).toBe(sizeBytes);
});
