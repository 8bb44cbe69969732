import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { parseJson, type Json } from "../protocol/canonical-json.ts";
import { HubError } from "../protocol/errors.ts";
import { systemErrorCode } from "../base/files.ts";
import { UsageError } from "./exit.ts";

const INPUT_MAX_BYTES = 1024 * 1024;

/** Options of one command: names with a value, and switches. */
export interface ReadOptions {
  readonly positionals: readonly string[];
  text(name: string): string | null;
  required(name: string): string;
  flag(name: string): boolean;
  /** Every value of an option that may be given more than once. */
  list(name: string): readonly string[];
}

/** @throws UsageError for anything that the command does not know. */
export function readOptions(
  args: readonly string[],
  known: {
    values?: readonly string[];
    lists?: readonly string[];
    flags?: readonly string[];
    positionals?: number;
  },
): ReadOptions {
  const options: Record<string, { type: "string" | "boolean"; multiple?: boolean }> = {};
  for (const name of known.values ?? []) options[name] = { type: "string" };
  for (const name of known.lists ?? []) options[name] = { type: "string", multiple: true };
  for (const name of known.flags ?? []) options[name] = { type: "boolean" };
  let parsed: { values: Record<string, unknown>; positionals: string[] };
  try {
    parsed = parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : "Cannot read the command line");
  }
  const { values, positionals } = parsed;
  if (positionals.length !== (known.positionals ?? 0))
    throw new UsageError(
      `Cannot read the command line: expected ${known.positionals ?? 0} names, found ${positionals.length}`,
    );
  const text = (name: string): string | null => {
    const value = values[name];
    return typeof value === "string" ? value : null;
  };
  return {
    positionals,
    text,
    required: (name) => {
      const value = text(name);
      if (value === null)
        throw new UsageError(`Cannot read the command line: --${name} is missing`);
      return value;
    },
    flag: (name) => values[name] === true,
    list: (name) => {
      const value = values[name];
      return Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];
    },
  };
}

/** Reads a file that somebody named on the command line. */
export async function readInput(
  file: string,
  maxBytes: number = INPUT_MAX_BYTES,
): Promise<Uint8Array> {
  try {
    const bytes = await readFile(file);
    if (bytes.length > maxBytes)
      throw new HubError("TOO_LARGE", `Cannot read ${file}: it is over ${maxBytes >> 20} MiB`);
    return bytes;
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT")
      throw new UsageError(`Cannot read ${file}: there is no such file`);
    throw error;
  }
}

export async function readJsonInput(file: string): Promise<Json> {
  return parseJson(await readInput(file), file);
}

/** `14d`, `36h` or `30m` in milliseconds. */
export function parseDuration(text: string): number {
  const match = /^([0-9]{1,4})([dhm])$/.exec(text);
  const unitMs = { d: 86_400_000, h: 3_600_000, m: 60_000 }[match?.[2] ?? ""];
  if (!match || unitMs === undefined)
    throw new UsageError(`Cannot read "${text}": expected a time as 14d, 36h or 30m`);
  return Number(match[1]) * unitMs;
}

/** To standard output, for scripts and people. */
export function print(text: string): void {
  process.stdout.write(`${withoutControls(text)}\n`);
}

/** For people, beside what scripts read. */
export function say(text: string): void {
  process.stderr.write(`${withoutControls(text)}\n`);
}

/** A terminal obeys some characters: whatever they came from, only lines and tabs get there. */
function withoutControls(text: string): string {
  return text.replaceAll(/[^\P{C}\n\t]/gu, " ");
}

/** Text that somebody else wrote, on one line: it cannot imitate a line of ours either. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]+/gu, " ");
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value));
}
