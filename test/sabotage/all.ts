import { CONSENT_SABOTAGES } from "./list-consent.ts";
import { HUB_SABOTAGES } from "./list-hub.ts";
import { OFFSITE_SABOTAGES } from "./list-offsite.ts";
import { PROMISE_HUB_SABOTAGES } from "./list-promises-hub.ts";
import { PROMISE_PAGE_SABOTAGES } from "./list-promises-page.ts";
import { PROMISE_SABOTAGES } from "./list-promises.ts";
import { YEARS_SABOTAGES } from "./list-years.ts";
import { SABOTAGES } from "./list.ts";
import type { Sabotage } from "./sabotage.ts";

/** Every one, in the order of the lists. */
export const ALL_SABOTAGES: readonly Sabotage[] = [
  ...SABOTAGES,
  ...HUB_SABOTAGES,
  ...CONSENT_SABOTAGES,
  ...OFFSITE_SABOTAGES,
  ...YEARS_SABOTAGES,
  ...PROMISE_SABOTAGES,
  ...PROMISE_HUB_SABOTAGES,
  ...PROMISE_PAGE_SABOTAGES,
];

/** Roughly how long a run of such a test takes, in its seconds: browsers, then hubs, then the rest. */
const COSTS: readonly (readonly [RegExp, number])[] = [
  [/^test\/page\/.*(?:-pure|-plan|-layout|-media)\.test\.ts$/, 1],
  [/^test\/(?:page|live)\//, 15],
  [/^test\/(?:camera|vision|ingest)/, 5],
  [/^test\/(?:hub|http|cli|mailbox|attack)/, 5],
];
const COST_OF_OTHERS = 2;

/**
 * One part of all, of about the same length as every other. Sabotages of one test file are in one
 * part, so that no file is run without an edit more than once.
 *
 * @param part - From 1 on.
 */
export function sabotagesOfPart(part: number, parts: number): readonly Sabotage[] {
  const groups = Map.groupBy(ALL_SABOTAGES, ({ tests }) => tests[0] ?? "");
  const costs = [...groups].map(([file, sabotages]) => ({
    sabotages,
    // Once for each edit, and once without.
    cost: (sabotages.length + 1) * costOf(file),
  }));
  const shares = Array.from({ length: parts }, () => ({ cost: 0, sabotages: [] as Sabotage[] }));
  for (const group of costs.toSorted((one, other) => other.cost - one.cost)) {
    const least = shares.reduce((best, share) => (share.cost < best.cost ? share : best));
    least.cost += group.cost;
    least.sabotages.push(...group.sabotages);
  }
  return shares[part - 1]?.sabotages ?? [];
}

function costOf(file: string): number {
  return COSTS.find(([pattern]) => pattern.test(file))?.[1] ?? COST_OF_OTHERS;
}
