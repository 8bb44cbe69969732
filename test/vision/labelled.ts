import { readFileSync } from "node:fs";
import path from "node:path";
import { sharedPath } from "../support/requirements.ts";
import type { FoundEvent } from "./footage.ts";

/** Seconds in which somebody or something moves, as people saw it, good to this much. */
export const LABEL_TOLERANCE_S = 0.7;
/** An event that starts later than this after the beginning of a range does not count for it. */
const SOON_S = 3;

type Range = readonly [from: number, to: number];

export interface LabelledFootage {
  readonly name: string;
  readonly file: string;
  readonly ranges: readonly Range[];
}

export interface Score {
  readonly ranges: number;
  readonly found: number;
  readonly falseStarts: number;
  readonly unlabelledSeconds: number;
  /** From the labelled beginning of each range that was found to the word of the detector. */
  readonly onsetsMs: readonly number[];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function isRange(value: unknown): value is Range {
  return Array.isArray(value) && value.length === 2 && value.every(Number.isFinite);
}

/** Third-party footage with labels, or null where it is not on this machine. */
export function labelledFootage(): LabelledFootage[] | null {
  const media = sharedPath("media");
  if (media === null) return null;
  const labels: unknown = JSON.parse(readFileSync(path.join(media, "motion.json"), "utf8"));
  if (!isRecord(labels)) throw new Error("Cannot read the labels: not an object");
  return Object.entries(labels).flatMap(([name, label]) => {
    if (!isRecord(label) || !Array.isArray(label["present"])) return [];
    const ranges = label["present"].filter(isRange);
    return [{ name, file: path.join(media, "clips", name), ranges }];
  });
}

/** Holds events against labels. `lengthSeconds` closes what is still open. */
export function score(
  events: readonly FoundEvent[],
  ranges: readonly Range[],
  lengthSeconds: number,
): Score {
  const closed = events.map((event) => ({ ...event, end: Math.min(event.end, lengthSeconds) }));
  const generous = ranges.map(([from, to]): Range => [
    from - LABEL_TOLERANCE_S,
    to + LABEL_TOLERANCE_S,
  ]);
  const firstOf = ([from, to]: Range) =>
    closed.find(
      ({ said, end }) => end >= from && said <= Math.min(to, from + SOON_S) + LABEL_TOLERANCE_S,
    );
  const found = ranges.flatMap((range) => {
    const event = firstOf(range);
    return event ? [Math.max(0, event.said - range[0]) * 1000] : [];
  });
  return {
    ranges: ranges.length,
    found: found.length,
    falseStarts: closed.filter(
      ({ onset, end }) => !generous.some(([from, to]) => onset <= to && end >= from),
    ).length,
    unlabelledSeconds: closed.reduce(
      (sum, { onset, end }) => sum + secondsOutside(onset, end, generous),
      0,
    ),
    onsetsMs: found,
  };
}

function secondsOutside(from: number, to: number, ranges: readonly Range[]): number {
  const inside = ranges.reduce(
    (sum, [start, end]) => sum + Math.max(0, Math.min(to, end) - Math.max(from, start)),
    0,
  );
  return Math.max(0, to - from - inside);
}
