import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
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

/** @param endsBefore - The how manieth step as the hub's user is never begun; 0 = all are. */
function restore(before: string, endsBefore = 0): void {
  const count = `steps=$((steps + 1)); [ "$steps" != ${endsBefore} ] || exit 42`;
  const stubs = `set -eu; steps=0; say() { :; }; as_hub() { ${count}; "$@"; }`;
  const call = `restore_database "$HOME_DIR/${before}"`;
  const env = { ...process.env, HOME_DIR: folder, DATA_DIR: path.join(folder, "data") };
  execFileSync("sh", ["-c", `${stubs}\n${PARTS}\n${call}`], { env, stdio: "ignore" });
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

test("wherever it is stopped there is a database, and what was newer is not lost", () => {
  release("older", ["0001"]);
  release("current", ["0001", "0002"]);
  const databases = new Set<string | null>();
  for (let endsBefore = 1; endsBefore <= 5; endsBefore += 1) {
    data("doorward.db", "newer");
    data("doorward.db-wal", "newer's");
    data("doorward.db.before-0002", "before");
    expect(() => restore("older", endsBefore), `step ${endsBefore}`).toThrow();
    databases.add(data("doorward.db"));
    const aside = readdirSync(path.join(folder, "data")).filter((name) =>
      name.startsWith("rolled"),
    );
    if (data("doorward.db-wal") === null)
      expect(data(path.join(aside[0] ?? "", "doorward.db-wal"))).toBe("newer's");
    for (const name of aside) rmSync(path.join(folder, "data", name), { recursive: true });
  }
  expect([...databases]).toEqual(["newer"]);
  restore("older");
  expect(data("doorward.db")).toBe("before");
});

test("root touches nothing in the hub's own folder: a link there would lead it anywhere", () => {
  const asRoot = SCRIPT.split("\n")
    .map((line) => line.trim())
    .filter((line) => line.includes("$DATA_DIR") && !line.startsWith("DATA_DIR="))
    .filter((line) => !line.includes("as_hub ") && !/^(?:say|for|if \[|aside=|sync -f)/.test(line));
  expect(asRoot).toEqual([]);
});

test("a copy that a version left which never became the running one is let lie", () => {
  release("older", ["0001", "0002"]);
  release("current", ["0001", "0002"]);
  data("doorward.db", "now");
  data("doorward.db.before-0003", "of a failed upgrade");
  restore("older");
  expect(data("doorward.db")).toBe("now");
});
