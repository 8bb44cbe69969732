import { cellsInside, cellsTouched, type Grid, type Zone } from "../protocol/picture-areas.ts";

/** A camera's zones in the cells in which motion is looked for. */
export interface ZoneCells extends Grid {
  /** In the order of the settings. */
  readonly names: readonly string[];
  /** Row by row: bit `i` is set where the cell is in zone `i`; 0 is outside of every zone. */
  readonly bits: Uint8Array;
  /** Cells of each zone. */
  readonly sizes: readonly number[];
}

/**
 * A cell is in a zone when its middle is; a zone too thin to have a middle in it has every cell that
 * it touches, so that nobody's zone is silently none.
 *
 * @returns Null where there are no zones: then the whole picture counts.
 */
export function zonesOf(zones: readonly Zone[], grid: Grid): ZoneCells | null {
  if (zones.length === 0) return null;
  const bits = new Uint8Array(grid.columns * grid.rows);
  const sizes = zones.map(({ points }, index) => {
    const inside = cellsInside(points, grid);
    const cells = inside.includes(1) ? inside : cellsTouched(points, grid);
    let size = 0;
    for (const [cell, isIn] of cells.entries()) {
      if (isIn === 0) continue;
      size += 1;
      bits[cell] = (bits[cell] ?? 0) | (1 << index);
    }
    return size;
  });
  return {
    columns: grid.columns,
    rows: grid.rows,
    names: zones.map(({ name }) => name),
    bits,
    sizes,
  };
}

/**
 * The zone that a region is in: the one that has most of its cells, of two the first.
 *
 * @param region - Numbers of its cells, row by row.
 * @returns Null where it is outside of every zone.
 */
export function zoneOfRegion(
  zones: ZoneCells,
  region: Iterable<number>,
): { readonly name: string; readonly cells: number; readonly size: number } | null {
  const counts = zones.names.map(() => 0);
  for (const cell of region) {
    const bits = zones.bits[cell] ?? 0;
    for (let index = 0; bits >> index > 0; index += 1)
      if ((bits >> index) & 1) counts[index] = (counts[index] ?? 0) + 1;
  }
  const cells = Math.max(0, ...counts);
  const index = counts.indexOf(cells);
  const name = zones.names[index];
  return cells === 0 || name === undefined
    ? null
    : { name, cells, size: zones.sizes[index] ?? cells };
}
