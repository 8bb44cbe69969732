import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  AREA_MIN,
  areaOf,
  cellsInside,
  cellsTouched,
  MASK_GRID,
  MASK_RECTANGLES_MAX,
  maskRectangles,
  publicShare,
  wrongPolygon,
  ZONE_AREA_MIN,
  type PixelRectangle,
  type Point,
  type Polygon,
} from "../../src/protocol/picture-areas.ts";

const share = fc.integer({ min: 0, max: 10_000 }).map((number) => number / 10_000);
/** Corners in the order of their direction from a middle: never crosses itself. */
const star: fc.Arbitrary<Polygon> = fc
  .tuple(
    fc.integer({ min: 20, max: 80 }),
    fc.integer({ min: 20, max: 80 }),
    fc.array(fc.integer({ min: 5, max: 100 }), { minLength: 3, maxLength: 20 }),
    fc.integer({ min: 0, max: 359 }),
  )
  .map(([middleX, middleY, reaches, turned]) =>
    reaches.map((reach, index): Point => {
      const angle = ((turned + (index * 360) / reaches.length) / 180) * Math.PI;
      const at = (middle: number, way: number): number => (middle + (way * reach) / 5) / 100;
      return [at(middleX, Math.cos(angle)), at(middleY, Math.sin(angle))];
    }),
  );
const SIZES = [
  { width: 1920, height: 1080 },
  { width: 640, height: 360 },
  { width: 1279, height: 719 },
  { width: 96, height: 64 },
];
const size = fc.constantFrom(...SIZES);

/** Independent of what is tested: by the angle that the outline turns around a point. */
function isInside(points: Polygon, [x, y]: Point): boolean {
  let turned = 0;
  for (const [index, [ax, ay]] of points.entries()) {
    const [bx, by] = points[(index + 1) % points.length] ?? [ax, ay];
    const [fromX, fromY, toX, toY] = [ax - x, ay - y, bx - x, by - y];
    turned += Math.atan2(fromX * toY - fromY * toX, fromX * toX + fromY * toY);
  }
  return Math.abs(turned) > Math.PI;
}

function covers(rectangles: readonly PixelRectangle[], x: number, y: number): boolean {
  return rectangles.some(
    (each) => each.x <= x && x <= each.x + each.width && each.y <= y && y <= each.y + each.height,
  );
}

/** Lines of the grid that the outline crosses, at most. */
function crossedLines(points: Polygon): number {
  return points.reduce((sum, [x, y], index) => {
    const [nextX, nextY] = points[(index + 1) % points.length] ?? [x, y];
    return sum + Math.abs(nextX - x) * MASK_GRID.columns + Math.abs(nextY - y) * MASK_GRID.rows;
  }, 0);
}

const SQUARE: Polygon = [
  [0.25, 0.25],
  [0.75, 0.25],
  [0.75, 0.75],
  [0.25, 0.75],
];

describe("a mask", () => {
  test("covers every point that lies inside of what was drawn", () => {
    fc.assert(
      fc.property(
        star,
        size,
        fc.array(fc.tuple(share, share), { minLength: 20 }),
        (mask, of, points) => {
          const rectangles = maskRectangles([mask], of);
          const inside = points.filter((point) => isInside(mask, point));
          for (const [x, y] of [...inside, ...mask])
            expect(covers(rectangles, x * of.width, y * of.height), `${x} ${y}`).toBe(true);
        },
      ),
      { numRuns: 400 },
    );
  });

  test("covers no more than the cells that the drawing touches", () => {
    fc.assert(
      fc.property(star, (mask) => {
        const count = cellsTouched(mask, MASK_GRID).filter((cell) => cell === 1).length;
        const exact = areaOf(mask) * MASK_GRID.columns * MASK_GRID.rows;
        expect(count).toBeGreaterThanOrEqual(Math.floor(exact));
        // An edge enters a cell with each line of the grid that it crosses.
        const entered = crossedLines(mask) + 3 * mask.length;
        expect(count).toBeLessThanOrEqual(exact + entered);
      }),
      { numRuns: 300 },
    );
  });

  test("lies on even pixels inside the picture, in a number of rectangles that can be painted", () => {
    fc.assert(
      fc.property(fc.array(star, { minLength: 1, maxLength: 8 }), size, (masks, of) => {
        const rectangles = maskRectangles(masks, of);
        expect(rectangles.length).toBeGreaterThan(0);
        expect(rectangles.length).toBeLessThanOrEqual(MASK_RECTANGLES_MAX);
        for (const { x, y, width, height } of rectangles) {
          expect([x % 2, y % 2]).toEqual([0, 0]);
          expect((x + width) % 2 === 0 || x + width === of.width).toBe(true);
          expect((y + height) % 2 === 0 || y + height === of.height).toBe(true);
          expect(width).toBeGreaterThan(0);
          expect(height).toBeGreaterThan(0);
          expect(x + width).toBeLessThanOrEqual(of.width);
          expect(y + height).toBeLessThanOrEqual(of.height);
        }
      }),
      { numRuns: 200 },
    );
  });

  test("of eight combs becomes coarser, not endless, and covers every tooth", () => {
    const combs = Array.from({ length: 8 }, (_, index): Polygon => {
      const top = index / 8;
      const teeth = Array.from({ length: 9 }, (__, tooth): Point[] => [
        [tooth / 9, top + 0.01],
        [(tooth + 0.4) / 9, top + 0.12],
      ]);
      return [...teeth.flat(), [1, top]];
    });
    expect(combs.map((comb) => wrongPolygon(comb))).toEqual(combs.map(() => null));
    const of = { width: 1920, height: 1080 };
    const rectangles = maskRectangles(combs, of);
    expect(rectangles.length).toBeLessThanOrEqual(MASK_RECTANGLES_MAX);
    for (const [x, y] of combs.flat())
      expect(covers(rectangles, x * of.width, y * of.height)).toBe(true);
  });

  test("that only touches a cell covers all of it", () => {
    // Its right edge lies on the line between the columns 63 and 64.
    const mask: Polygon = [
      [0.49, 0.4],
      [0.5, 0.5],
      [0.49, 0.6],
    ];
    const cells = cellsTouched(mask, MASK_GRID);
    expect(cells[36 * MASK_GRID.columns + 63]).toBe(1);
    expect(cells[36 * MASK_GRID.columns + 64]).toBe(1);
    expect(cells[36 * MASK_GRID.columns + 65]).toBe(0);
  });

  test("thinner than a cell covers the whole way", () => {
    const mask: Polygon = [
      [0.1, 0.102],
      [0.9, 0.902],
      [0.9, 0.9035],
      [0.1, 0.1035],
    ];
    expect(wrongPolygon(mask)).toBeNull();
    const cells = cellsTouched(mask, MASK_GRID);
    for (let step = 0; step <= 1_000; step += 1) {
      const way = step / 1_000;
      const [x, y] = [0.1 + 0.8 * way, 0.102 + 0.8 * way];
      const cell =
        Math.floor(y * MASK_GRID.rows) * MASK_GRID.columns + Math.floor(x * MASK_GRID.columns);
      expect(cells[cell]).toBe(1);
    }
  });

  test("of the whole picture is one rectangle, and of nothing none", () => {
    const whole: Polygon = [
      [0, 0],
      [1, 0],
      [1, 1],
      [0, 1],
    ];
    for (const of of SIZES) expect(maskRectangles([whole], of)).toEqual([{ x: 0, y: 0, ...of }]);
    expect(maskRectangles([], { width: 640, height: 360 })).toEqual([]);
  });
});

describe("what a person draws", () => {
  test.each<[string, Polygon, RegExp]>([
    [
      "a bow tie",
      [
        [0.1, 0.1],
        [0.9, 0.9],
        [0.9, 0.1],
        [0.1, 0.9],
      ],
      /cross or touch/,
    ],
    [
      "two corners at one place",
      [
        [0.1, 0.1],
        [0.1, 0.1],
        [0.9, 0.9],
        [0.1, 0.9],
      ],
      /the same/,
    ],
    [
      "an edge that runs back",
      [
        [0.1, 0.1],
        [0.9, 0.1],
        [0.5, 0.1],
        [0.5, 0.9],
      ],
      /cross or touch/,
    ],
    [
      "a corner on an edge",
      [
        [0, 0],
        [1, 0],
        [1, 1],
        [0.5, 0],
        [0, 1],
      ],
      /cross or touch/,
    ],
    [
      "a line",
      [
        [0.1, 0.1],
        [0.2, 0.2],
        [0.3, 0.3],
      ],
      /cross or touch|too small/,
    ],
    [
      "two corners",
      [
        [0.1, 0.1],
        [0.2, 0.2],
      ],
      /at least 3/,
    ],
    [
      "21 corners",
      Array.from({ length: 21 }, (_, i): Point => [i / 40, (i % 2) / 2]),
      /at most 20/,
    ],
    [
      "a corner outside",
      [
        [0, 0],
        [1.01, 0],
        [0, 1],
      ],
      /from 0 to 1/,
    ],
    [
      "a number that is none",
      [
        [0, 0],
        [Number.NaN, 0],
        [0, 1],
      ],
      /from 0 to 1/,
    ],
    [
      "a dot",
      [
        [0.5, 0.5],
        [0.51, 0.5],
        [0.5, 0.51],
      ],
      /too small/,
    ],
  ])("%s is refused and told why", (_name, points, why) => {
    expect(wrongPolygon(points)).toMatch(why);
  });

  test("is taken as it is where nothing crosses", () => {
    expect(wrongPolygon(SQUARE)).toBeNull();
    expect(wrongPolygon(SQUARE.toReversed())).toBeNull();
    // Corners on one line are no fault.
    expect(wrongPolygon([...SQUARE.slice(0, 1), [0.5, 0.25], ...SQUARE.slice(1)])).toBeNull();
  });

  test("a zone has to have room for something to move in it", () => {
    const small: Polygon = [
      [0.5, 0.5],
      [0.55, 0.5],
      [0.5, 0.55],
    ];
    expect(wrongPolygon(small, AREA_MIN)).toBeNull();
    expect(wrongPolygon(small, ZONE_AREA_MIN)).toMatch(/at least 0.5 %/);
  });

  test("has the same cells inside whichever way round it was drawn", () => {
    fc.assert(
      fc.property(star, (points) => {
        const grid = { columns: 40, rows: 30 };
        const cells = cellsInside(points, grid);
        expect(cellsInside(points.toReversed(), grid)).toEqual(cells);
        for (let cell = 0; cell < cells.length; cell += 7) {
          const middle: Point = [
            ((cell % grid.columns) + 0.5) / grid.columns,
            (Math.floor(cell / grid.columns) + 0.5) / grid.rows,
          ];
          expect(cells[cell] === 1).toBe(isInside(points, middle));
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe("the share of public space", () => {
  test("is the area of what was marked", () => {
    fc.assert(
      fc.property(star, (area) => {
        expect(Math.abs(publicShare([area], []) - areaOf(area))).toBeLessThan(0.005);
      }),
      { numRuns: 100 },
    );
  });

  test("counts what is marked twice once, and what is masked not at all", () => {
    expect(publicShare([SQUARE], [])).toBeCloseTo(0.25, 3);
    expect(publicShare([SQUARE, SQUARE], [])).toBeCloseTo(0.25, 3);
    expect(publicShare([SQUARE], [SQUARE])).toBe(0);
    const half: Polygon = [
      [0, 0],
      [0.5, 0],
      [0.5, 1],
      [0, 1],
    ];
    expect(publicShare([SQUARE], [half])).toBeCloseTo(0.125, 2);
    expect(publicShare([], [half])).toBe(0);
  });

  test("never grows with a mask", () => {
    fc.assert(
      fc.property(star, star, (area, mask) => {
        expect(publicShare([area], [mask])).toBeLessThanOrEqual(publicShare([area], []));
      }),
      { numRuns: 100 },
    );
  });
});
