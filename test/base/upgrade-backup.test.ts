import { linkSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import BetterSqlite3 from "better-sqlite3";
import { expect, test } from "vitest";
import { openDatabase } from "../../src/base/database.ts";
import { backUpBeforeUpgrade, endUpgradeBackups } from "../../src/base/upgrade-backup.ts";
import { temporaryFolder } from "../support/temporary.ts";

/** A database with copies from before two upgrades; the later one knows `secret` as well. */
async function openCopied() {
  const folder = temporaryFolder();
  const file = path.join(folder.path, "doorward.db");
  await openDatabase(file)[Symbol.asyncDispose]();
  const database = new BetterSqlite3(file);
  database.exec("CREATE TABLE kept (what TEXT)");
  backUpBeforeUpgrade(database, file, 998);
  database.prepare("INSERT INTO kept VALUES (?)").run("secret");
  backUpBeforeUpgrade(database, file, 999);
  database.close();
  return {
    file,
    copies: () => readdirSync(folder.path).filter((name) => name.includes(".before-")),
    at: (name: string) => path.join(folder.path, name),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

const knows = (copy: BetterSqlite3.Database): boolean =>
  copy.prepare("SELECT 1 FROM kept WHERE what = 'secret'").get() !== undefined;

test("the copy that holds what was destroyed is overwritten and gone, and the other one stays", async () => {
  await using own = await openCopied();
  linkSync(own.at("doorward.db.before-0999"), own.at("same-file"));
  const ended = endUpgradeBackups(own.file, knows);
  // No way back any more from here on.
  expect(own.copies()).not.toContain("doorward.db.before-0999");
  await ended;
  expect(own.copies()).toEqual(["doorward.db.before-0998"]);
  expect(readFileSync(own.at("same-file")).every((byte) => byte === 0)).toBe(true);
});

test("a copy that cannot be read counts as holding it", async () => {
  await using own = await openCopied();
  writeFileSync(own.at("doorward.db.before-0998"), "no database");
  await endUpgradeBackups(own.file, knows);
  expect(own.copies()).toEqual([]);
});

test("what a stop left half overwritten goes at the next start, however young it is", async () => {
  await using own = await openCopied();
  writeFileSync(own.at("doorward.db.before-0997.ended"), "half of it");
  linkSync(own.at("doorward.db.before-0997.ended"), own.at("same-file"));
  await openDatabase(own.file)[Symbol.asyncDispose]();
  expect(own.copies()).toEqual(["doorward.db.before-0998", "doorward.db.before-0999"]);
  expect(readFileSync(own.at("same-file"), "utf8")).not.toContain("half");
});
