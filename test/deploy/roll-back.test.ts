import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { projectRoot } from "../support/requirements.ts";

const SCRIPT = readFileSync(path.join(projectRoot, "config/install.sh"), "utf8");
/** The installer's own words, without what needs root and systemd. */
const PARTS = SCRIPT.slice(SCRIPT.indexOf("newest_migration() {"), SCRIPT.indexOf("\ngo_back() {"));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), "doorward-roll-back-"));
  mkdirSync(path.join(folder, "data"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function release(name: string, migrations: readonly string[]): void {
  const target = path.join(folder, name, "src/base/migrations");
  mkdirSync(target, { recursive: true });
  for (const migration of migrations) writeFileSync(path.join(target, `${migration}-x.sql`), "");
}

function restore(before: string): void {
  const stubs = 'set -eu; say() { :; }; install() { for last; do :; done; mkdir -p "$last"; }';
  const call = `restore_database "$HOME_DIR/${before}"`;
  const env = { ...process.env, HOME_DIR: folder, DATA_DIR: path.join(folder, "data") };
  execFileSync("sh", ["-c", `${stubs}\n${PARTS}\n${call}`], { env });
}

function data(name: string, text?: string): string | null {
  const file = path.join(folder, "data", name);
  if (text !== undefined) writeFileSync(file, text);
  return existsSync(file) ? readFileSync(file, "utf8") : null;
}

test("going back takes the database of before, once, and puts the newer one aside", () => {
  expect(PARTS).toContain("restore_database() {");
  release("older", ["0001", "0002"]);
  release("current", ["0001", "0002", "0003", "0004"]);
  data("doorward.db", "newer");
  data("doorward.db-wal", "newer's");
  data("doorward.db.before-0003", "before");
  restore("older");
  expect(data("doorward.db")).toBe("before");
  expect(data("doorward.db-wal")).toBeNull();
  data("doorward.db", "went on");
  restore("older");
  expect(data("doorward.db")).toBe("went on");
});

test("a copy that a version left which never became the running one is let lie", () => {
  release("older", ["0001", "0002"]);
  release("current", ["0001", "0002"]);
  data("doorward.db", "now");
  data("doorward.db.before-0003", "of a failed upgrade");
  restore("older");
  expect(data("doorward.db")).toBe("now");
});
