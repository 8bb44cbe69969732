import type { Foreground } from "./background.ts";
import { outlineOf, unlikeScenery, type Unlike } from "./pattern.ts";
import { zoneOfRegion, type ZoneCells } from "./zones.ts";

/** A connected region that differs from the scenery. */
export interface Blob {
  /** Cells that differ, and those of them that changed just now. */
  readonly area: number;
  readonly moving: number;
  /** Those that changed a little within the last seconds. */
  readonly swaying: number;
  /** The zone that most of it is in, and how many cells that has; null where there are no zones. */
  readonly zone: string | null;
  readonly zoneCells: number | null;
  /** Bounding box in cells, both ends included. */
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
  /** Mean difference in grey levels. */
  readonly contrast: number;
  /** How far it still shows the scenery's own pattern, -1 to 1: high where only light changed. */
  readonly likeness: number;
  /** How much of it is something else than the scenery in another light. */
  readonly unlike: Unlike;
  /** Edges in it, as a share of those of the scenery: below 1 where something was taken away. */
  readonly outline: number;
}

const BLOBS_MAX = 64;

/**
 * Finds the regions of at least `areaMin` cells, largest first. Gaps of one cell are bridged. Where
 * there are zones, only what is in one counts.
 */
export class BlobFinder {
  #labels = new Uint8Array(0);
  #stack = new Int32Array(0);

  find(foreground: Foreground, areaMin: number, zones: ZoneCells | null = null): Blob[] {
    const count = foreground.columns * foreground.rows;
    if (this.#labels.length !== count) {
      this.#labels = new Uint8Array(count);
      this.#stack = new Int32Array(count);
    }
    this.#labels.fill(0);
    const blobs: Blob[] = [];
    for (let cell = 0; cell < count; cell += 1) {
      if (foreground.differs[cell] === 0 || this.#labels[cell] === 1) continue;
      const size = this.#flood(foreground, cell);
      if (size < areaMin) continue;
      const region = this.#stack.subarray(0, size);
      if (zones === null) blobs.push(measure(foreground, region, null, null));
      else {
        const zone = zoneOfRegion(zones, region);
        const inside = region.filter((member) => zones.bits[member] !== 0);
        if (zone && inside.length >= areaMin)
          blobs.push(measure(foreground, inside, zone.name, zone.size));
      }
    }
    return blobs.toSorted((one, other) => other.area - one.area).slice(0, BLOBS_MAX);
  }

  /** Leaves the cells of the region around `start` in the stack, and says how many there are. */
  #flood({ columns, rows, differs }: Foreground, start: number): number {
    let size = 0;
    this.#labels[start] = 1;
    this.#stack[size++] = start;
    for (let next = 0; next < size; next += 1) {
      const cell = this.#stack[next]!;
      const column = cell % columns;
      const row = (cell - column) / columns;
      const bottom = Math.min(rows - 1, row + 2);
      const right = Math.min(columns - 1, column + 2);
      for (let y = Math.max(0, row - 2); y <= bottom; y += 1) {
        for (let x = Math.max(0, column - 2); x <= right; x += 1) {
          const neighbour = y * columns + x;
          if (differs[neighbour] === 0 || this.#labels[neighbour] === 1) continue;
          this.#labels[neighbour] = 1;
          this.#stack[size++] = neighbour;
        }
      }
    }
    return size;
  }
}

function measure(
  foreground: Foreground,
  members: Int32Array,
  zone: string | null,
  zoneCells: number | null,
): Blob {
  const { columns, moves, sways, cells, expected } = foreground;
  let [left, top, right, bottom] = [Infinity, Infinity, -1, -1];
  let moving = 0;
  let swaying = 0;
  let difference = 0;
  for (const cell of members) {
    const column = cell % columns;
    const row = (cell - column) / columns;
    left = Math.min(left, column);
    right = Math.max(right, column);
    top = Math.min(top, row);
    bottom = Math.max(bottom, row);
    moving += moves[cell]!;
    swaying += sways[cell]!;
    difference += Math.abs(cells[cell]! - expected[cell]!);
  }
  const area = members.length;
  const contrast = difference / area;
  const pattern = likeness({ cells, expected }, members);
  const unlike = unlikeScenery(foreground, members);
  return {
    ...{ area, moving, swaying, zone, zoneCells, left, top, right, bottom, contrast, unlike },
    likeness: pattern,
    outline: outlineOf(foreground, members),
  };
}

const PATTERN_VARIANCE_MIN = 36;

/**
 * How much what is seen has the pattern of the scenery, whatever the light: the correlation of the
 * two, -1 to 1, over `members` or the whole picture. 0 where either is too even to have a pattern.
 */
export function likeness(
  { cells, expected }: Pick<Foreground, "cells" | "expected">,
  members: Iterable<number> = cells.keys(),
): number {
  let count = 0;
  let [sumSeen, sumExpected, sumSeenSeen, sumExpectedExpected, sumBoth] = [0, 0, 0, 0, 0];
  for (const cell of members) {
    const seen = cells[cell]!;
    const wanted = expected[cell]!;
    count += 1;
    sumSeen += seen;
    sumExpected += wanted;
    sumSeenSeen += seen * seen;
    sumExpectedExpected += wanted * wanted;
    sumBoth += seen * wanted;
  }
  const varianceSeen = sumSeenSeen / count - (sumSeen / count) ** 2;
  const varianceExpected = sumExpectedExpected / count - (sumExpected / count) ** 2;
  if (varianceExpected < PATTERN_VARIANCE_MIN || varianceSeen < PATTERN_VARIANCE_MIN) return 0;
  const covariance = sumBoth / count - (sumSeen / count) * (sumExpected / count);
  return covariance / Math.sqrt(varianceSeen * varianceExpected);
}
