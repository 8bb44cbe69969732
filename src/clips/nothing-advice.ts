import type { NothingAnswer, Suggestion } from "../protocol/api-nothing.ts";
import type { EventReason } from "../protocol/clip.ts";

/** With fewer than this there is nothing to see in them. */
const MARKED_MIN = 2;
/** Share of what was nothing that a suggestion has to spare. */
const SPARES_SHARE = 0.6;
/** Nobody who matters is larger than what a suggestion leaves out. */
const SMALLEST_MAX = 0.05;
/** In steps that can be read. */
const STEP = 0.001;

/**
 * What to change, from the reasons of the last events that were nothing and of those that were not.
 * Pure. A bell has no part in it: no setting of motion keeps one from ringing.
 *
 * @param wholePicture - Name of the zone where there are none.
 */
export function adviceOn(
  marked: readonly EventReason[],
  others: readonly EventReason[],
  wholePicture: string,
): Pick<NothingAnswer, "marked" | "others" | "suggestions"> {
  const counts = { marked: marked.length, others: others.length };
  if (marked.length < MARKED_MIN) return { ...counts, suggestions: [] };
  const enough = Math.ceil(SPARES_SHARE * marked.length);
  return {
    ...counts,
    suggestions: [
      ...smallestFor(marked, others, enough),
      ...zoneFor(marked, others, enough, wholePicture),
    ],
  };
}

function smallestFor(
  marked: readonly EventReason[],
  others: readonly EventReason[],
  enough: number,
): Suggestion[] {
  const sizes = marked.map(({ areaShare }) => areaShare).toSorted((one, other) => one - other);
  const options = [sizes.at(-1), sizes[enough - 1]]
    .filter((size) => size !== undefined)
    .map((size) => (Math.floor(size / STEP) + 1) * STEP)
    .filter((size) => size <= SMALLEST_MAX)
    .map((size) => ({
      change: "smallest" as const,
      smallest: Number(size.toFixed(3)),
      spares: marked.filter(({ areaShare }) => areaShare < size).length,
      loses: others.filter(({ areaShare }) => areaShare < size).length,
    }));
  // Sparing one more is not worth losing more than that.
  const [best] = options.toSorted(
    (one, other) => one.loses - one.spares - (other.loses - other.spares),
  );
  return best ? [best] : [];
}

function zoneFor(
  marked: readonly EventReason[],
  others: readonly EventReason[],
  enough: number,
  wholePicture: string,
): Suggestion[] {
  const zones = [...new Set(marked.map(({ zone }) => zone))];
  const counted = zones.map((zone) => ({
    zone,
    spares: marked.filter((reason) => reason.zone === zone).length,
    loses: others.filter((reason) => reason.zone === zone).length,
  }));
  const [most] = counted.toSorted((one, other) => other.spares - one.spares);
  if (!most || most.spares < enough) return [];
  return most.zone === wholePicture ? [{ change: "draw-zones" }] : [{ change: "zone", ...most }];
}
