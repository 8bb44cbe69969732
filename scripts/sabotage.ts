import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { ALL_SABOTAGES } from "../test/sabotage/all.ts";
import type { Sabotage } from "../test/sabotage/sabotage.ts";

/**
 * Tests the tests: breaks the code on purpose, one edit at a time, on a copy of the tree, and sees
 * that the named tests notice. `node scripts/sabotage.ts [name ...]`; exit 1 when one goes unseen.
 */

const root = fileURLToPath(new URL("..", import.meta.url));
const COPIED = ["src", "test", "web", "scripts", "bench", "docs", "config", "models"];
const COPIED_FILES = [
  ...["package.json", "package-lock.json", "tsconfig.json", "vitest.config.ts"],
  ...[".npmrc", ".dockerignore", "Dockerfile", "compose.yaml", "NOTICE", "doorward"],
];
const OUTPUT_SHOWN = 3_000;
const RUN_TIMEOUT_MS = 300_000;
/** Many tests in one run, and none of them ends at a failure. */
const CONTROL_TIMEOUT_MS = 590_000;
/** What an edit broke never comes, so waiting for it as patiently as for what is slow is idle. */
const NOTICED_WITHIN_MS = 4_000;
const TEST_TIMEOUT_MS = 20_000;
/** How much longer all of this takes where other programs want the processors too, at the most. */
const BUSY_MAX = 6;

export interface SabotageResult {
  readonly name: string;
  /** `caught`: a test failed. `unseen`: all passed. `broken`: the edit could not be made. */
  readonly outcome: "caught" | "unseen" | "broken";
  readonly detail: string;
}

/** A copy of the project that shares the installed packages. */
export async function copyOfProject(): Promise<{ folder: string } & AsyncDisposable> {
  const parent = await mkdtemp(path.join(os.tmpdir(), "doorward-sabotage-"));
  const folder = path.join(parent, "project");
  await mkdir(folder);
  // Published vectors stand beside the project, where they are there at all.
  await symlink(path.join(root, "..", "shared"), path.join(parent, "shared"));
  for (const name of [...COPIED, ...COPIED_FILES])
    await cp(path.join(root, name), path.join(folder, name), { recursive: true }).catch(
      (error: NodeJS.ErrnoException) => {
        if (error.code !== "ENOENT") throw error;
      },
    );
  await symlink(path.join(root, "node_modules"), path.join(folder, "node_modules"));
  return {
    folder,
    [Symbol.asyncDispose]: () => rm(parent, { recursive: true, force: true }),
  };
}

/** Makes one edit, runs its tests, takes the edit back. */
export async function trySabotage(folder: string, sabotage: Sabotage): Promise<SabotageResult> {
  const { name, file, find, replace, tests } = sabotage;
  const target = path.join(folder, file);
  const original = await readFile(target, "utf8");
  const count = original.split(find).length - 1;
  if (count !== 1) return { name, outcome: "broken", detail: `found ${count} times in ${file}` };
  await writeFile(
    target,
    original.replace(find, () => replace),
  );
  try {
    // What fails here is meant to: a second try would only take as long again.
    const busy = howBusy();
    const patience = [
      `--expect.poll.timeout=${Math.round(NOTICED_WITHIN_MS * busy)}`,
      `--testTimeout=${Math.round(TEST_TIMEOUT_MS * busy)}`,
    ];
    const flags = ["--retry=0", ...patience, ...onlyOf(sabotage)];
    const { code, output } = await runTests(folder, tests, flags);
    if (code === 0) return { name, outcome: "unseen", detail: output.slice(-OUTPUT_SHOWN) };
    // A file that no longer loads proves nothing about the test in it.
    const isFailure = /\bTests\b.*\bfailed\b/.test(output) || /AssertionError|Error:/.test(output);
    return isFailure
      ? { name, outcome: "caught", detail: firstFailure(output) }
      : { name, outcome: "broken", detail: output.slice(-OUTPUT_SHOWN) };
  } finally {
    await writeFile(target, original);
  }
}

/** Else a test that is only slow would pass for one that noticed. */
function howBusy(): number {
  const [lastMinute = 0] = os.loadavg();
  return Math.min(BUSY_MAX, Math.max(1, lastMinute / os.availableParallelism()));
}

function onlyOf({ only }: Sabotage): string[] {
  return only === undefined ? [] : ["-t", only];
}

/**
 * The tests that the sabotages name, as they name them, without any edit: whole files in one run,
 * tests that are picked by title in another.
 */
export async function runControl(
  folder: string,
  sabotages: readonly Sabotage[],
): Promise<{ code: number; output: string }> {
  const whole = new Set(sabotages.flatMap(({ only, tests }) => (only === undefined ? tests : [])));
  const picked = sabotages.filter(({ tests }) => tests.some((test) => !whole.has(test)));
  const files = new Set(picked.flatMap(({ tests }) => tests).filter((test) => !whole.has(test)));
  const titles = picked.flatMap(({ only }) => only ?? []).map((title) => `(?:${title})`);
  const first = await runTests(folder, [...whole], [], CONTROL_TIMEOUT_MS);
  if (first.code !== 0 || files.size === 0) return first;
  return runTests(folder, [...files], ["-t", titles.join("|")], CONTROL_TIMEOUT_MS);
}

export async function runTests(
  folder: string,
  tests: readonly string[],
  flags: readonly string[] = [],
  timeout = RUN_TIMEOUT_MS,
): Promise<{ code: number; output: string }> {
  const vitest = path.join(folder, "node_modules", "vitest", "vitest.mjs");
  const child = spawn(process.execPath, [vitest, "run", "--bail=1", ...tests, ...flags], {
    cwd: folder,
    env: {
      ...{ ...process.env, NO_COLOR: "1", FORCE_COLOR: "0" },
      // The copy's files have names of their own, so what is kept of them goes with the copy.
      NODE_COMPILE_CACHE: path.join(folder, "..", "compiled"),
    },
    stdio: ["ignore", "pipe", "pipe"],
    timeout,
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const [code] = (await once(child, "close")) as [number | null];
  return { code: code ?? 1, output };
}

function firstFailure(output: string): string {
  const lines = output.split("\n").map((text) => text.trim());
  const test = lines.find((text) => /^(FAIL|×|✗)/.test(text)) ?? "a test failed";
  // A machine that is too busy fails tests too: then this says that one took too long.
  const why = lines.find((text) => /^\w*Error: /.test(text)) ?? "";
  return [test, why]
    .map((text) => text.slice(0, 160))
    .join(" ")
    .trim();
}

async function main(names: readonly string[]): Promise<number> {
  const chosen = ALL_SABOTAGES.filter(({ name }) => names.length === 0 || names.includes(name));
  await using copy = await copyOfProject();
  let unseen = 0;
  for (const sabotage of chosen) {
    const { outcome, detail } = await trySabotage(copy.folder, sabotage);
    if (outcome !== "caught") unseen += 1;
    process.stdout.write(`${outcome.padEnd(7)} ${sabotage.name}: ${detail}\n`);
  }
  process.stdout.write(`${chosen.length - unseen} of ${chosen.length} sabotages caught\n`);
  return unseen === 0 ? 0 : 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  process.exitCode = await main(process.argv.slice(2));
