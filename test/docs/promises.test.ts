import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import ts from "typescript";
import { describe, expect, test } from "vitest";
import { ALL_SABOTAGES } from "../sabotage/all.ts";
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
const named = rows.flatMap(testsOf);

function testsOf({ heldBy }: Promised): { readonly file: string; readonly title: string }[] {
  return [...heldBy.matchAll(TEST_NAMED)].map(([, file = "", title = ""]) => ({ file, title }));
}

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

/** Promises that no edit of the code can break in a copy of the project, by their beginning, and why. */
const WITHOUT_SABOTAGE: Readonly<Record<string, string>> = {
  "on footage whose truth is known, small faces":
    "takes minutes, and needs labelled footage that is not part of the project",
  "a no takes as long as any other no":
    "its own second test slows down one answer, and has to find which",
  "a release is the same bytes for everybody":
    "a release is made of a commit, and the copy has no history; its own tests change bytes, signer and purpose",
  "what runs networks reports to nobody":
    "what is looked through is in the packages themselves, not in our code",
};

describe("a promise is held by a test that was seen to fail", () => {
  const unbroken = rows
    .filter(({ heldBy }) => heldBy.includes("`test/"))
    .filter((row) => !testsOf(row).some((one) => isReached(one)))
    .map(({ promise }) => promise);

  test("of every promise some test is reached by a sabotage, but for those that are listed", () => {
    const isListed = (promise: string): boolean =>
      Object.keys(WITHOUT_SABOTAGE).some((start) => promise.startsWith(`| ${start}`));
    expect(unbroken.filter((promise) => !isListed(promise))).toEqual([]);
  });

  test("and of those that are listed each is a promise that none reaches", () => {
    for (const start of Object.keys(WITHOUT_SABOTAGE))
      expect(
        unbroken.filter((promise) => promise.startsWith(`| ${start}`)),
        start,
      ).toHaveLength(1);
  });

  test("(control: a test is reached by its own title, its group's, or all of its file, and by no other)", () => {
    const file = "test/docs/promises.test.ts";
    const sabotage = { name: "x", file: "src/x.ts", find: "x", replace: "y", tests: [file] };
    const title = "and of those that are listed each is a promise that none reaches";
    for (const [only, isHit] of [
      [undefined, true],
      ["each is a promise", true],
      ["was seen to fail > and of those", true],
      ["the invariants are all there", false],
    ] as const)
      expect(isReached({ file, title }, [{ ...sabotage, ...(only && { only }) }])).toBe(isHit);
    expect(isReached({ file: "test/other.test.ts", title }, [sabotage])).toBe(false);
  });
});

/** True when a sabotage runs this test; of one that runs a whole file, each test of it. */
function isReached(
  { file, title }: { readonly file: string; readonly title: string },
  sabotages: readonly Pick<(typeof ALL_SABOTAGES)[number], "tests" | "only">[] = ALL_SABOTAGES,
): boolean {
  return sabotages.some(
    ({ tests, only }) =>
      tests.includes(file) &&
      (only === undefined || fullNames(file, title).some((name) => new RegExp(only).test(name))),
  );
}

/** Names as Vitest matches them, groups in front, of every test that is `title` or stands below it. */
function fullNames(file: string, title: string): string[] {
  const names: string[] = [];
  const visit = (node: ts.Node, above: readonly string[]): void => {
    const own = titleOf(node);
    const chain = own === null ? above : [...above, own];
    if (own !== null && chain.includes(title)) names.push(chain.join(" > "));
    ts.forEachChild(node, (child) => visit(child, chain));
  };
  const text = readFileSync(path.join(projectRoot, file), "utf8");
  visit(ts.createSourceFile(file, text, ts.ScriptTarget.Latest), []);
  return names;
}

/** Of `test("title", ...)`, `describe.each(rows)("title", ...)` and the like; null for all else. */
function titleOf(node: ts.Node): string | null {
  if (!ts.isCallExpression(node)) return null;
  const [first] = node.arguments;
  if (first === undefined || !ts.isStringLiteralLike(first)) return null;
  let callee: ts.Expression = node.expression;
  while (ts.isCallExpression(callee) || ts.isPropertyAccessExpression(callee))
    callee = callee.expression;
  return ts.isIdentifier(callee) && /^(?:test|it|describe)$/.test(callee.text) ? first.text : null;
}

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
