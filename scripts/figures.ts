import { readFileSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { Figure } from "../bench/figure.ts";
import { isOf, TARGETS } from "../bench/targets.ts";

/**
 * Puts one run of the benchmarks into docs/figures.md: what was wanted first, then all that was
 * measured. `npm run bench > run.jsonl`, `./doorward torture --full --json > torture.json`, then
 *
 *     node scripts/figures.ts run.jsonl torture.json [--load WORDS] [--write]
 */
const DOCUMENT = fileURLToPath(new URL("../docs/figures.md", import.meta.url));
const BEGIN = "<!-- one run: begin -->";
const END = "<!-- one run: end -->";

interface Outcome {
  readonly group: string;
  readonly results:
    | readonly {
        readonly name: string;
        readonly holds: boolean;
        readonly detail: string;
        readonly figures?: readonly Figure[];
      }[]
    | null;
  readonly reason: string;
}

/** One file is a run of benchmarks (a figure a line), or what `torture --json` prints. */
function read(file: string): { figures: Figure[]; outcomes: Outcome[] } {
  const lines = readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line.startsWith("{"));
  const figures: Figure[] = [];
  const outcomes: Outcome[] = [];
  for (const line of lines) {
    const value = JSON.parse(line) as Figure | { outcomes: Outcome[] };
    if ("outcomes" in value) outcomes.push(...value.outcomes);
    else figures.push(value);
  }
  for (const { results } of outcomes)
    for (const result of results ?? []) figures.push(...(result.figures ?? []));
  return { figures, outcomes };
}

function cell(words: string): string {
  return words.replaceAll("|", "\\|").replaceAll(/\s+/g, " ");
}

function shown({ value, unit }: Figure): string {
  return `${value.toLocaleString("en", { maximumFractionDigits: 4 })} ${unit}`;
}

function targetRows(figures: readonly Figure[]): string[] {
  return TARGETS.map((target) => {
    const figure = figures.find((one) => isOf(one, target));
    if (figure === undefined) return `| \`${target.name}\` | ${target.wanted} | not measured | | |`;
    const isMet = target.isMet(figure.value);
    const value = isMet ? shown(figure) : `**${shown(figure)}**`;
    const words = [cell(target.wanted), value, isMet ? "met" : "**missed**", cell(figure.context)];
    return `| \`${target.name}\` | ${words.join(" | ")} |`;
  });
}

function document({ figures, outcomes }: ReturnType<typeof read>, load: string): string {
  const day = new Date().toISOString().slice(0, 10);
  const [processor] = os.cpus();
  const isWanted = (figure: Figure): boolean =>
    TARGETS.some((target) => figures.find((one) => isOf(one, target)) === figure);
  const rest = figures.filter((figure) => !isWanted(figure));
  const torture = outcomes.flatMap(({ group, results, reason }) =>
    results === null
      ? [`| ${group} | **could not look** | ${cell(reason)} |`]
      : results.map(
          ({ name, holds, detail }) =>
            `| \`${name}\` | ${holds ? "holds" : "**fails**"} | ${cell(detail)} |`,
        ),
  );
  return [
    `Machine: ${os.cpus().length} cores of ${processor?.model ?? "an unknown processor"}, ${Math.round(os.totalmem() / 2 ** 30)} GiB, Linux ${os.release().split("-")[0]}, Node ${process.versions.node}; ${day}. ${load}`,
    "",
    "| name | wanted | measured | | what was measured |",
    "| --- | --- | --- | --- | --- |",
    ...targetRows(figures),
    ...(torture.length === 0
      ? []
      : [
          "",
          "`./doorward torture --full`:",
          "",
          "| promise | | seen |",
          "| --- | --- | --- |",
          ...torture,
        ]),
    "",
    "All the others, in the order in which they were measured:",
    "",
    "| name | measured | what was measured |",
    "| --- | --- | --- |",
    ...rest.map((figure) => `| \`${figure.name}\` | ${shown(figure)} | ${cell(figure.context)} |`),
  ].join("\n");
}

function main(): number {
  const options = { write: { type: "boolean" }, load: { type: "string", default: "" } } as const;
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  if (positionals.length === 0) {
    process.stderr.write("Usage: node scripts/figures.ts RUN.jsonl... [--load WORDS] [--write]\n");
    return 2;
  }
  const runs = positionals.map(read);
  const all = {
    figures: runs.flatMap(({ figures }) => figures),
    outcomes: runs.flatMap(({ outcomes }) => outcomes),
  };
  const text = document(all, values.load);
  if (values.write !== true) {
    process.stdout.write(`${text}\n`);
    return 0;
  }
  const before = readFileSync(DOCUMENT, "utf8");
  const [begin, end] = [before.indexOf(BEGIN), before.indexOf(END)];
  if (begin === -1 || end < begin)
    throw new Error(`${path.basename(DOCUMENT)} has no place for a run`);
  writeFileSync(DOCUMENT, `${before.slice(0, begin)}${BEGIN}\n${text}\n${before.slice(end)}`);
  return 0;
}

process.exitCode = main();
