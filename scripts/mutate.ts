import { readdirSync, readFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { parseArgs } from "node:util";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { copyOfProject, runTests } from "./sabotage.ts";

/**
 * Tests the tests of what consent rests on: changes one place of the code at a time and sees whether
 * any test notices. `node scripts/mutate.ts [--count 100 | --all] [--seed N] [--skip N] [--only TEXT]
 * [--near N] [--http] [--workers N]`; a line of text a mutant with the test that noticed, and at the
 * end one line of JSON. `--skip` leaves out the first of the sample, for a run in parts; `--near`
 * tries the nearest test files only; `--http` tries what survives on the tests over HTTP as well.
 * Exit 1 where one survives, equivalent or not.
 */

const root = fileURLToPath(new URL("..", import.meta.url));
const FOLDERS = ["protocol", "ledger", "keys", "consent"] as const;
const WORKERS_DEFAULT = 2;
/** Patient, since a test that is late on a busy machine has not noticed anything. */
const FLAGS = ["--retry=0", "--testTimeout=60000"];
const COUNT_DEFAULT = 100;

export interface Mutant {
  readonly file: string;
  readonly line: number;
  readonly start: number;
  readonly end: number;
  readonly find: string;
  readonly replace: string;
}

const OPPOSITES = new Map<string, string>([
  ["===", "!=="],
  ["!==", "==="],
  ["<", "<="],
  ["<=", "<"],
  [">", ">="],
  [">=", ">"],
  ["&&", "||"],
  ["||", "&&"],
  ["+", "-"],
  ["-", "+"],
]);

/** Every place of a file that can be changed by one of the rules, in order. */
export function mutantsOf(file: string, text: string): Mutant[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const mutants: Mutant[] = [];
  const add = (node: ts.Node, replace: string): void => {
    const [start, end] = [node.getStart(source), node.getEnd()];
    const line = source.getLineAndCharacterOfPosition(start).line + 1;
    mutants.push({ file, line, start, end, find: text.slice(start, end), replace });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isTypeNode(node) || ts.isInterfaceDeclaration(node)) return;
    if (ts.isTypeAliasDeclaration(node) || ts.isImportDeclaration(node)) return;
    if (ts.isBinaryExpression(node)) {
      const opposite = OPPOSITES.get(node.operatorToken.getText(source));
      if (opposite !== undefined) add(node.operatorToken, opposite);
    }
    if (ts.isIfStatement(node)) add(node.expression, "false");
    if (ts.isConditionalExpression(node)) add(node.condition, "true");
    if (ts.isPrefixUnaryExpression(node) && node.operator === ts.SyntaxKind.ExclamationToken)
      add(node, node.operand.getText(source));
    if (node.kind === ts.SyntaxKind.TrueKeyword) add(node, "false");
    if (node.kind === ts.SyntaxKind.FalseKeyword) add(node, "true");
    if (ts.isNumericLiteral(node)) add(node, `(${node.text} + 1)`);
    if (ts.isExpressionStatement(node) && ts.isCallExpression(node.expression)) add(node, ";");
    if (ts.isReturnStatement(node) && node.expression && isBoolean(node.expression))
      add(node.expression, "true");
    ts.forEachChild(node, visit);
  };
  visit(source);
  return mutants;
}

function isBoolean(node: ts.Expression): boolean {
  return ts.isBinaryExpression(node) && OPPOSITES.has(node.operatorToken.getText());
}

/** Mulberry32: the same seed draws the same mutants, on any machine. */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function sample(mutants: readonly Mutant[], count: number, seed: number): Mutant[] {
  const random = randomOf(seed);
  return mutants
    .map((mutant) => ({ mutant, at: random() }))
    .toSorted((one, other) => one.at - other.at)
    .slice(0, count)
    .map(({ mutant }) => mutant);
}

function filesOf(folder: string): string[] {
  return readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => path.join(folder, name));
}

/** The tests that reach a file by few steps, nearest first: those come before the slow ones. */
function nearestTests(): (file: string) => string[] {
  const importers = new Map<string, Set<string>>();
  for (const file of [...filesOf("src"), ...filesOf("test")])
    for (const [, target = ""] of readFileSync(path.join(root, file), "utf8").matchAll(
      /from "(\.{1,2}\/[^"]+)"/g,
    )) {
      const imported = path.join(path.dirname(file), target);
      importers.set(imported, (importers.get(imported) ?? new Set()).add(file));
    }
  const fast = (test: string): boolean =>
    FOLDERS.some((folder) => test.startsWith(`test/${folder}/`)) ||
    /^test\/(owner|hub\/invariant-[45689])/.test(test);
  return (file) => {
    const base = path.basename(file, ".ts");
    const direct = [...(importers.get(file) ?? [])];
    const through = direct.flatMap((one) => [...(importers.get(one) ?? [])]);
    const tests = [...new Set([...direct, ...through])].filter(
      (one) =>
        one.endsWith(".test.ts") &&
        (fast(one) || (direct.includes(one) && one.startsWith("test/hub/"))),
    );
    const nearness = (test: string): number =>
      path.basename(test).startsWith(base) ? 0 : direct.includes(test) ? 1 : 2;
    return tests.toSorted((one, other) => nearness(one) - nearness(other));
  };
}

/** What a worker has seen of the tests without any change: whether they pass at all. */
type Controls = Map<string, boolean>;

/** @returns the test that noticed; null where none did. */
async function tryMutant(
  folder: string,
  mutant: Mutant,
  runs: readonly (readonly string[])[],
  controls: Controls,
): Promise<string | null> {
  for (const run of runs)
    for (;;) {
      const tests = run.filter((test) => controls.get(test) !== false);
      if (tests.length === 0) break;
      const output = await failureOf(folder, mutant, tests);
      if (output === null) break;
      const failed =
        output
          .split("\n")
          .find((text) => /^\s*FAIL/.test(text))
          ?.trim() ?? "";
      const test = tests.find((one) => failed.includes(one));
      if (test === undefined) return "a run that did not end well";
      // A test that fails without the change as well has noticed nothing.
      if (!controls.has(test))
        controls.set(test, (await runTests(folder, [test], FLAGS)).code === 0);
      if (controls.get(test) === true) return oneLine(failed);
    }
  return null;
}

/** What the tests say where they fail of this change; null where they pass. */
async function failureOf(
  folder: string,
  { file, start, end, replace }: Mutant,
  tests: readonly string[],
): Promise<string | null> {
  const target = path.join(folder, file);
  const original = await readFile(target, "utf8");
  await writeFile(target, original.slice(0, start) + replace + original.slice(end));
  try {
    const { code, output } = await runTests(folder, tests, FLAGS);
    return code === 0 ? null : output;
  } finally {
    await writeFile(target, original);
  }
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      ...{ count: { type: "string" }, seed: { type: "string" }, only: { type: "string" } },
      ...{ all: { type: "boolean" }, http: { type: "boolean" } },
      ...{ skip: { type: "string" }, near: { type: "string" }, workers: { type: "string" } },
    },
  });
  const files = FOLDERS.flatMap((folder) => filesOf(`src/${folder}`)).filter(
    (file) => values.only === undefined || file.includes(values.only),
  );
  const all = files.flatMap((file) => mutantsOf(file, readFileSync(path.join(root, file), "utf8")));
  const count = values.all === true ? all.length : Number(values.count ?? COUNT_DEFAULT);
  const seed = Number(values.seed ?? 1);
  const waiting = sample(all, count, seed).slice(Number(values.skip ?? 0));
  const testsFor = nearestTests();
  const near = Number(values.near ?? Infinity);
  const overHttp = values.http === true ? filesOf("test/http") : [];
  // The nearest first: most mutants are noticed there, in a second or two.
  const runsFor = (file: string): string[][] => {
    const tests = testsFor(file).slice(0, near);
    return [tests.slice(0, 2), tests.slice(2), overHttp];
  };
  const survivors: Mutant[] = [];
  let killed = 0;
  const work = async (): Promise<void> => {
    await using copy = await copyOfProject();
    const controls: Controls = new Map();
    for (let mutant = waiting.shift(); mutant; mutant = waiting.shift()) {
      const noticed = await tryMutant(copy.folder, mutant, runsFor(mutant.file), controls);
      if (noticed === null) survivors.push(mutant);
      else killed += 1;
      const outcome = noticed === null ? "survived" : "killed";
      const { file, line, find, replace } = mutant;
      process.stdout.write(
        `${outcome} ${file}:${line}: ${oneLine(find)} -> ${replace} ${noticed ?? ""}\n`,
      );
    }
  };
  const workers = Number(values.workers ?? WORKERS_DEFAULT);
  await Promise.all(Array.from({ length: workers }, work));
  const tried = killed + survivors.length;
  const score = Math.round((killed / tried) * 1_000) / 1_000;
  process.stdout.write(
    `${JSON.stringify({ name: "mutation.score", value: score, unit: "", context: { tried, of: all.length, seed, survivors: survivors.map(({ file, line, find, replace }) => ({ file, line, find, replace })) } })}\n`,
  );
  return survivors.length === 0 ? 0 : 1;
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ").slice(0, 80);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = await main();
