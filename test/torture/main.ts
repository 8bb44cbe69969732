import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { hasCommand } from "../support/requirements.ts";
import { CannotLook, type TortureGroup, type TortureResult } from "./frame.ts";
import { GROUPS } from "./groups.ts";

const ENDED = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const)
  process.on(name, () => ENDED.abort(new CannotLook(`it was ended by ${name}`)));

interface Outcome {
  readonly group: string;
  /** Null where it could not look, for this reason. */
  readonly results: readonly TortureResult[] | null;
  readonly reason: string;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function runGroup(group: TortureGroup, isFull: boolean, isQuiet: boolean): Promise<Outcome> {
  const missing = group.needs.filter((command) => !hasCommand(command));
  if (missing.length > 0)
    return { group: group.name, results: null, reason: `this machine lacks ${missing.join(", ")}` };
  const directory = await mkdtemp(path.join(os.tmpdir(), `doorward-torture-${group.name}-`));
  const say = (line: string): void => {
    if (!isQuiet) print(`        ${line}`);
  };
  try {
    const results = await group.run({ isFull, say, directory, signal: ENDED.signal });
    return { group: group.name, results, reason: "" };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    if (error instanceof CannotLook || ENDED.signal.aborted)
      return { group: group.name, results: null, reason };
    return {
      group: group.name,
      results: [{ name: `${group.name}.ran`, holds: false, detail: reason }],
      reason,
    };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function report({ group, results, reason }: Outcome): void {
  if (results === null) return print(`UNKNOWN ${group}: could not look: ${reason}`);
  for (const { name, holds, detail, figures = [] } of results) {
    print(`${holds ? "holds  " : "FAILS  "} ${name}: ${detail}`);
    for (const { name: figure, value, unit, context } of figures)
      print(`        ${figure} = ${value} ${unit} (${context})`);
  }
}

function wrongUse(problem: string): 2 {
  process.stderr.write(
    `${problem}\nUsage: doorward torture [${Object.keys(GROUPS).join("|")}] [--full] [--json]\n`,
  );
  return 2;
}

async function main(args: string[]): Promise<number> {
  let read;
  try {
    const options = { full: { type: "boolean" }, json: { type: "boolean" } } as const;
    read = parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    return wrongUse(error instanceof Error ? error.message : "Cannot read the command line");
  }
  const { full: isFull = false, json: isJson = false } = read.values;
  const names = read.positionals.length > 0 ? read.positionals : Object.keys(GROUPS);
  const unknown = names.find((name) => !Object.hasOwn(GROUPS, name));
  if (unknown !== undefined) return wrongUse(`There is no group "${unknown}".`);
  const outcomes: Outcome[] = [];
  for (const name of names) {
    const group = await GROUPS[name]?.();
    if (!group || ENDED.signal.aborted) break;
    if (!isJson) print(`${group.name}: ${group.promise}`);
    const outcome = await runGroup(group, isFull, isJson);
    if (!isJson) report(outcome);
    outcomes.push(outcome);
  }
  if (isJson) print(JSON.stringify({ isFull, outcomes }));
  const all = outcomes.flatMap(({ results }) => results ?? []);
  if (all.some(({ holds }) => !holds)) return 1;
  return ENDED.signal.aborted || outcomes.some(({ results }) => results === null) ? 3 : 0;
}

process.exitCode = await main(process.argv.slice(2));
