import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { projectRoot } from "../support/requirements.ts";

/** One row of a table in docs/promises.md: the promise, and the last cell. */
interface Promised {
  readonly promise: string;
  readonly heldBy: string;
}

const rows = readFileSync(path.join(projectRoot, "docs/promises.md"), "utf8")
  .split("\n")
  .filter((line) => line.startsWith("| ") && !line.startsWith("| ---"))
  .map((line) => line.split(" | "))
  .filter((cells) => cells.at(-1)?.endsWith("held by |") !== true)
  .map((cells): Promised => ({
    promise: cells.slice(0, -1).join(" | "),
    heldBy: cells.at(-1) ?? "",
  }));

const TEST_NAMED = /`(test\/[a-z0-9/-]+\.test\.ts)`: "([^"]+)"/g;
const named = rows.flatMap(({ heldBy }) =>
  [...heldBy.matchAll(TEST_NAMED)].map(([, file = "", title = ""]) => ({ file, title })),
);

test("every promise names a test that holds it, or says that there is none yet", () => {
  expect(rows.length).toBeGreaterThan(20);
  for (const { promise, heldBy } of rows)
    expect(heldBy, promise).toMatch(/`test\/|\*\*not yet\*\*: .{10}|see invariants? \d/);
});

test("every test that a promise names is there, under this title", () => {
  expect(named.length).toBeGreaterThan(20);
  for (const { file, title } of named) {
    const absolute = path.join(projectRoot, file);
    expect(existsSync(absolute), `${file} is not there`).toBe(true);
    expect(hasTest(readFileSync(absolute, "utf8"), title), `${file} has no "${title}"`).toBe(true);
  }
});

test("the invariants are all there, from 1 to 12", () => {
  const numbers = rows.flatMap(
    ({ promise }) => /^\| (\d+)$/.exec(promise.split(" | ")[0] ?? "")?.[1] ?? [],
  );
  expect(numbers.map(Number)).toEqual(Array.from({ length: 12 }, (_, index) => index + 1));
});

test("the search itself finds titles, and only of tests that run", () => {
  const title = ["a door", "opens"].join(" ");
  for (const call of [
    "test(",
    "it(",
    "test.skipIf(isRoot)(",
    "test.each(rows)(",
    "test.each<[A, B]>(rows)(",
    "test(\n  ",
  ])
    expect(hasTest(`${call}"${title}", () => {});`, title), call).toBe(true);
  for (const text of [
    `// "${title}"`,
    `const name = "${title}";`,
    `test.skip("${title}", f);`,
    `test.todo("${title}");`,
  ])
    expect(hasTest(text, title), text).toBe(false);
});

/** True when `source` calls a test or a group of tests by exactly this title. */
function hasTest(source: string, title: string): boolean {
  const literal = title.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  const call = String.raw`\b(?:test|it|describe)(?:\.(?:each|skipIf|runIf|sequential|concurrent)(?:<[^<>()]*>)?)?(?:${nested(4)})?`;
  return new RegExp(`${call}\\(\\s*(["'\`])${literal}\\1`).test(source);
}

/** Parentheses around anything, with others inside them, `depth` deep. */
function nested(depth: number): string {
  const inside = depth === 0 ? "" : `|${nested(depth - 1)}`;
  return String.raw`\((?:[^()]${inside})*\)`;
}
