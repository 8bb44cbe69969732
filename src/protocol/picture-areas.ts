/**
 * Areas that a person draws on a camera's picture: zones, privacy masks and what is public space.
 * Hub and page count them with the same code, so that what the page shows while drawing is what the
 * hub does.
 */

/** Shares of the picture's width and height, 0 to 1, from its top left corner. */
export type Point = readonly [x: number, y: number];
/** Corners in their order, the last one joined to the first. */
export type Polygon = readonly Point[];

/** A named area in which motion counts. */
export interface Zone {
  readonly name: string;
  readonly points: Polygon;
}

export interface Grid {
  readonly columns: number;
  readonly rows: number;
}

/** In pixels. Both corners lie on even pixels, the far ones on the picture's end where it is odd. */
export interface PixelRectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export const POINTS_MIN = 3;
export const POINTS_MAX = 20;
/** Of zones, of masks and of public areas, each. */
export const AREAS_MAX = 8;
export const ZONE_NAME_CHARACTERS = 40;
/** Share of the picture. What is smaller is a slip of the hand. */
export const AREA_MIN = 0.0005;
/** Share of the picture: in less, nothing is large enough to be seen to move. */
export const ZONE_AREA_MIN = 0.005;
/** Share of the picture that may be public space and not masked; see decision 39. */
export const PUBLIC_BUDGET = 0.25;
export const PUBLIC_BUDGET_MAX = 0.5;

/** Width of a picture over its height. */
export const SHAPE_MIN = 0.1;
export const SHAPE_MAX = 10;

/** Main and sub stream are masked alike, whatever their sizes: cells are shares of the picture. */
export const MASK_GRID: Grid = { columns: 128, rows: 72 };
/** With more, the grid is made coarser: each costs a little of every picture. */
export const MASK_RECTANGLES_MAX = 200;
/** Cells of the finer grid in a row or column of a cell of `MASK_GRID`. */
const FINER = 4;
/** Rounding must not leave a cell out that an edge runs along. */
const ALONG = 1e-9;

/** Why an area cannot be taken. */
export type AreaFault = "few" | "many" | "outside" | "same" | "crossing" | "small";

export function faultOf(points: Polygon, areaMin: number = AREA_MIN): AreaFault | null {
  if (points.length < POINTS_MIN) return "few";
  if (points.length > POINTS_MAX) return "many";
  if (points.some((point) => point.some((share) => !(share >= 0 && share <= 1)))) return "outside";
  const edges = edgesOf(points);
  if (edges.some(([from, to]) => from[0] === to[0] && from[1] === to[1])) return "same";
  if (crossesItself(edges)) return "crossing";
  return areaOf(points) < areaMin ? "small" : null;
}

/** @returns What is wrong with it, in words for a person, or null. */
export function wrongPolygon(points: Polygon, areaMin: number = AREA_MIN): string | null {
  const fault = faultOf(points, areaMin);
  if (fault === null) return null;
  return {
    few: `an area has at least ${POINTS_MIN} corners`,
    many: `an area has at most ${POINTS_MAX} corners`,
    outside: "every number is a share of the picture from 0 to 1",
    same: "two corners that follow each other are the same",
    crossing: "its edges cross or touch each other; draw it as two areas",
    small: `it is too small: at least ${areaMin * 100} % of the picture, or it shows nothing`,
  }[fault];
}

/** Share of the picture inside it. */
export function areaOf(points: Polygon): number {
  let twice = 0;
  for (const [from, to] of edgesOf(points)) twice += from[0] * to[1] - to[0] * from[1];
  return Math.abs(twice) / 2;
}

/**
 * The cells whose middle lies inside.
 *
 * @returns 1 for each of those, row by row, and 0 for the others.
 */
export function cellsInside(points: Polygon, { columns, rows }: Grid): Uint8Array {
  const cells = new Uint8Array(columns * rows);
  const edges = edgesOf(points);
  for (let row = 0; row < rows; row += 1) {
    const y = (row + 0.5) / rows;
    const crossings = edges
      .filter(([from, to]) => from[1] > y !== to[1] > y)
      .map(([from, to]) => from[0] + ((y - from[1]) / (to[1] - from[1])) * (to[0] - from[0]))
      .toSorted((one, other) => one - other);
    for (const [index, left] of crossings.entries()) {
      const right = crossings[index + 1];
      if (index % 2 === 1 || right === undefined) continue;
      const first = Math.max(0, Math.ceil(left * columns - 0.5));
      const end = Math.min(columns, Math.ceil(right * columns - 0.5));
      if (first < end) cells.fill(1, row * columns + first, row * columns + end);
    }
  }
  return cells;
}

/** The cells that the area touches, were it with a corner only. */
export function cellsTouched(points: Polygon, grid: Grid): Uint8Array {
  const { columns, rows } = grid;
  const cells = cellsInside(points, grid);
  for (const [[fromX, fromY], [toX, toY]] of edgesOf(points)) {
    const [firstRow, lastRow] = cellRange(Math.min(fromY, toY), Math.max(fromY, toY), rows);
    for (let row = firstRow; row <= lastRow; row += 1) {
      const xAt = (y: number): number => {
        if (fromY === toY) return fromX;
        const way = Math.min(1, Math.max(0, (y - fromY) / (toY - fromY)));
        return fromX + way * (toX - fromX);
      };
      const [upper, lower] =
        fromY === toY ? [fromX, toX] : [xAt(row / rows - ALONG), xAt((row + 1) / rows + ALONG)];
      const [first, last] = cellRange(Math.min(upper, lower), Math.max(upper, lower), columns);
      cells.fill(1, row * columns + first, row * columns + last + 1);
    }
  }
  return cells;
}

/**
 * What is painted over for privacy masks: every cell that a mask touches, so that no part of what
 * was drawn stays visible.
 *
 * @param size - Of the picture, in pixels.
 * @returns At most `MASK_RECTANGLES_MAX`; neighbours may share a line of pixels.
 */
export function maskRectangles(
  masks: readonly Polygon[],
  size: { readonly width: number; readonly height: number },
): PixelRectangle[] {
  for (let finer = 1; ; finer *= 2) {
    const grid = {
      columns: Math.ceil(MASK_GRID.columns / finer),
      rows: Math.ceil(MASK_GRID.rows / finer),
    };
    const found = rectanglesOf(cellsOfMasks(masks, grid), grid);
    if (found.length > MASK_RECTANGLES_MAX && grid.columns > 1) continue;
    return withoutEmpty(
      found.map(({ x, y, width, height }) => {
        const left = evenBelow((x / grid.columns) * size.width);
        const top = evenBelow((y / grid.rows) * size.height);
        return {
          ...{ x: left, y: top },
          width: evenAbove(((x + width) / grid.columns) * size.width, size.width) - left,
          height: evenAbove(((y + height) / grid.rows) * size.height, size.height) - top,
        };
      }),
    );
  }
}

/** Share of the picture that is marked as public space and not masked. */
export function publicShare(areas: readonly Polygon[], masks: readonly Polygon[]): number {
  if (areas.length === 0) return 0;
  const grid = { columns: MASK_GRID.columns * FINER, rows: MASK_GRID.rows * FINER };
  const masked = cellsOfMasks(masks, MASK_GRID);
  const open = areas.map((area) => cellsInside(area, grid));
  let count = 0;
  for (let cell = 0; cell < grid.columns * grid.rows; cell += 1) {
    if (!open.some((cells) => cells[cell] === 1)) continue;
    const column = Math.floor((cell % grid.columns) / FINER);
    const row = Math.floor(cell / grid.columns / FINER);
    if (masked[row * MASK_GRID.columns + column] === 0) count += 1;
  }
  return count / (grid.columns * grid.rows);
}

type Edge = readonly [from: Point, to: Point];

function edgesOf(points: Polygon): Edge[] {
  return points.flatMap((from, index): Edge[] => {
    const to = points[(index + 1) % points.length];
    return to === undefined ? [] : [[from, to]];
  });
}

function crossesItself(edges: readonly Edge[]): boolean {
  return edges.some((one, index) =>
    edges.slice(index + 1).some((other, offset) => {
      const isNext = offset === 0;
      const isPrevious = index === 0 && offset === edges.length - 2;
      if (isNext) return turnsBack(one, other);
      return isPrevious ? turnsBack(other, one) : meet(one, other);
    }),
  );
}

/** Twice the area of the triangle: positive on one side of the line from `a` to `b`. */
function side(a: Point, b: Point, c: Point): number {
  const twice = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
  return Math.abs(twice) < ALONG * ALONG ? 0 : twice;
}

/** Whether the second edge runs back along the first, at whose end it begins. */
function turnsBack([from, middle]: Edge, [, to]: Edge): boolean {
  const isAlong = side(from, middle, to) === 0;
  const forward =
    (middle[0] - from[0]) * (to[0] - middle[0]) + (middle[1] - from[1]) * (to[1] - middle[1]);
  return isAlong && forward < 0;
}

function meet([a, b]: Edge, [c, d]: Edge): boolean {
  const [cSide, dSide] = [side(a, b, c), side(a, b, d)];
  const [aSide, bSide] = [side(c, d, a), side(c, d, b)];
  if (cSide * dSide < 0 && aSide * bSide < 0) return true;
  return (
    (cSide === 0 && isWithin(a, b, c)) ||
    (dSide === 0 && isWithin(a, b, d)) ||
    (aSide === 0 && isWithin(c, d, a)) ||
    (bSide === 0 && isWithin(c, d, b))
  );
}

/** Whether `point`, which lies on the line, lies between both ends. */
function isWithin(from: Point, to: Point, point: Point): boolean {
  return ([0, 1] as const).every(
    (axis) =>
      Math.min(from[axis], to[axis]) <= point[axis] &&
      point[axis] <= Math.max(from[axis], to[axis]),
  );
}

/** First and last cell of `count` that the span touches. */
function cellRange(from: number, to: number, count: number): [first: number, last: number] {
  const within = (cell: number): number => Math.min(count - 1, Math.max(0, cell));
  return [within(Math.floor(from * count - ALONG)), within(Math.floor(to * count + ALONG))];
}

function cellsOfMasks(masks: readonly Polygon[], grid: Grid): Uint8Array {
  const all = new Uint8Array(grid.columns * grid.rows);
  for (const mask of masks)
    for (const [cell, isTouched] of cellsTouched(mask, grid).entries())
      if (isTouched === 1) all[cell] = 1;
  return all;
}

/** In cells: each run of a row is joined to the same run of the row above. */
function rectanglesOf(cells: Uint8Array, { columns, rows }: Grid): PixelRectangle[] {
  const done: PixelRectangle[] = [];
  let open = new Map<string, PixelRectangle>();
  for (let y = 0; y < rows; y += 1) {
    const here = new Map<string, PixelRectangle>();
    for (const [x, width] of runsOf(cells.subarray(y * columns, (y + 1) * columns))) {
      const key = `${x} ${width}`;
      const above = open.get(key);
      here.set(key, { x, width, y: above?.y ?? y, height: (above?.height ?? 0) + 1 });
      open.delete(key);
    }
    done.push(...open.values());
    open = here;
  }
  return [...done, ...open.values()];
}

function runsOf(row: Uint8Array): [x: number, width: number][] {
  const runs: [number, number][] = [];
  for (let x = row.indexOf(1); x >= 0;) {
    const end = row.indexOf(0, x);
    const width = (end < 0 ? row.length : end) - x;
    runs.push([x, width]);
    x = end < 0 ? -1 : row.indexOf(1, end);
  }
  return runs;
}

function withoutEmpty(rectangles: PixelRectangle[]): PixelRectangle[] {
  return rectangles.filter(({ width, height }) => width > 0 && height > 0);
}

function evenBelow(pixels: number): number {
  return 2 * Math.floor((pixels + ALONG) / 2);
}

function evenAbove(pixels: number, end: number): number {
  return Math.min(end, 2 * Math.ceil((pixels - ALONG) / 2));
}
