import type { Foreground } from "./background.ts";

/** Cells to each side that a cell is judged with: 5x5 in all. */
const REACH = 2;
/** Grey levels that are left when the scenery in another light was taken away. */
const UNLIKE = 4;
const STRONGLY_UNLIKE = 9;
/** Scenery that strays by less than this around a cell has no pattern that could be missing. */
const PATTERN_LEVELS = 5;
/** With less than this of its pattern, the scenery is covered and not lit. */
const PATTERN_LEFT = 0.35;
/** What is as bright or as dark as this shows no pattern, whatever it falls on. */
const DAZZLED = 245;
const BLACK = 8;
/** Where it rains or rustles, that much of it is no outline. */
const NOISE_FACTOR = 0.7;
const GAIN_MAX = 5;
const GAIN_MIN = 0.2;
/** Draws the gain of an even place towards 1. */
const GAIN_INERTIA = 4;

/** How much of a region is something else than the scenery in another light. */
export interface Unlike {
  readonly cells: number;
  /** Those with a clear edge, as an outline has it. */
  readonly strong: number;
}

/**
 * Counts the cells of a region around which the picture is not the scenery, brighter or darker and
 * with a light that may change evenly from one side to the other. What falls on a wall, a lamp or a
 * shadow, keeps the wall's pattern; what stands before it has an outline, and hides the pattern.
 */
export function unlikeScenery(foreground: Foreground, members: Iterable<number>): Unlike {
  let cells = 0;
  let strong = 0;
  for (const cell of members) {
    const left = residualLevels(foreground, cell) - NOISE_FACTOR * foreground.noise[cell]!;
    if (left > UNLIKE) cells += 1;
    if (left > STRONGLY_UNLIKE) strong += 1;
  }
  return { cells, strong };
}

/**
 * Standard deviation in grey levels of what a light cannot explain around a cell, after the best
 * gain, offset and even slope.
 */
function residualLevels(foreground: Foreground, cell: number): number {
  const { columns, rows, cells, expected } = foreground;
  const column = cell % columns;
  const row = (cell - column) / columns;
  let [count, seen, wanted, seenSeen, wantedWanted, both] = [0, 0, 0, 0, 0, 0];
  let [x, y, xx, yy, seenX, seenY, wantedX, wantedY] = [0, 0, 0, 0, 0, 0, 0, 0];
  const bottom = Math.min(rows - 1, row + REACH);
  const right = Math.min(columns - 1, column + REACH);
  for (let atY = Math.max(0, row - REACH); atY <= bottom; atY += 1)
    for (let atX = Math.max(0, column - REACH); atX <= right; atX += 1) {
      const level = cells[atY * columns + atX]!;
      const scenery = expected[atY * columns + atX]!;
      const [dx, dy] = [atX - column, atY - row];
      count += 1;
      seen += level;
      wanted += scenery;
      seenSeen += level * level;
      wantedWanted += scenery * scenery;
      both += level * scenery;
      x += dx;
      y += dy;
      xx += dx * dx;
      yy += dy * dy;
      seenX += level * dx;
      seenY += level * dy;
      wantedX += scenery * dx;
      wantedY += scenery * dy;
    }
  const [meanSeen, meanWanted, meanX, meanY] = [seen, wanted, x, y].map((sum) => sum / count) as [
    number,
    number,
    number,
    number,
  ];
  const varianceSeen = seenSeen / count - meanSeen ** 2;
  const varianceWanted = wantedWanted / count - meanWanted ** 2;
  const covariance = both / count - meanSeen * meanWanted;
  const isPlain = meanSeen < DAZZLED && meanSeen > BLACK;
  const hasPattern = varianceWanted > PATTERN_LEVELS ** 2;
  if (isPlain && hasPattern && covariance < PATTERN_LEFT * varianceWanted)
    return Math.sqrt(varianceWanted);
  const gain = Math.min(
    GAIN_MAX,
    Math.max(GAIN_MIN, (covariance + GAIN_INERTIA) / (varianceWanted + GAIN_INERTIA)),
  );
  const residual = varianceSeen - 2 * gain * covariance + gain ** 2 * varianceWanted;
  const slopeX = seenX / count - meanSeen * meanX - gain * (wantedX / count - meanWanted * meanX);
  const slopeY = seenY / count - meanSeen * meanY - gain * (wantedY / count - meanWanted * meanY);
  const even = slopeX ** 2 / (xx / count - meanX ** 2) + slopeY ** 2 / (yy / count - meanY ** 2);
  return Math.sqrt(Math.max(0, residual - even));
}

/** What became of the scenery's outlines. */
export interface Outlines {
  /** Where the picture differs, -1 to 1: high where edges are where they were, in another light. */
  readonly likeness: number;
  /** How strong all edges are, as a share of what they were; near 0 in a black or white picture. */
  readonly strength: number;
}

export function outlinesOf({ columns, rows, differs, cells, level }: Foreground): Outlines {
  let [count, seen, wanted, seenSeen, wantedWanted, both] = [0, 0, 0, 0, 0, 0];
  let [allSeen, allWanted] = [0, 1];
  for (let row = 1; row < rows - 1; row += 1)
    for (let column = 1; column < columns - 1; column += 1) {
      const at = row * columns + column;
      const now = edge(cells, at, columns);
      const before = edge(level, at, columns);
      allSeen += now * now;
      allWanted += before * before;
      if (differs[at] === 0) continue;
      count += 1;
      seen += now;
      wanted += before;
      seenSeen += now * now;
      wantedWanted += before * before;
      both += now * before;
    }
  const strength = Math.sqrt(allSeen / allWanted);
  if (count === 0) return { likeness: 0, strength };
  const covariance = both / count - (seen / count) * (wanted / count);
  const spread =
    (seenSeen / count - (seen / count) ** 2) * (wantedWanted / count - (wanted / count) ** 2);
  return { likeness: spread < 1 ? 0 : covariance / Math.sqrt(spread), strength };
}

/** How strong edges are in a region, as a share of those of the scenery that was there. */
export function outlineOf(
  { columns, rows, cells, level }: Foreground,
  members: Iterable<number>,
): number {
  let [now, before] = [0, 1];
  for (const at of members) {
    const column = at % columns;
    if (at < columns || at >= columns * (rows - 1) || column === 0 || column === columns - 1)
      continue;
    now += edge(cells, at, columns);
    before += edge(level, at, columns);
  }
  return now / before;
}

function edge(levels: Float32Array, at: number, columns: number): number {
  return (
    Math.abs(levels[at + 1]! - levels[at - 1]!) +
    Math.abs(levels[at + columns]! - levels[at - columns]!)
  );
}
