import type { Point, Polygon } from "../../protocol/picture-areas.ts";

/** A corner is moved outward by at most so many times the distance that its edges are. */
const MITRE_MAX = 4;

/**
 * The same polygon with each edge moved outward, within the picture.
 *
 * @param by - Share of the picture.
 */
export function grownPolygon(points: Polygon, by: number): Polygon {
  const way = isClockwise(points) ? 1 : -1;
  const grown = points.map((corner, index): Point => {
    const before = outward(points.at(index - 1) ?? corner, corner, way);
    const after = outward(corner, points[(index + 1) % points.length] ?? corner, way);
    const sum: Point = [before[0] + after[0], before[1] + after[1]];
    const length = Math.hypot(...sum);
    if (length < 1e-6) return [corner[0] + before[0] * by, corner[1] + before[1] * by];
    // Half the angle between both edges: the sharper, the further out their new crossing lies.
    const far = Math.min(MITRE_MAX, 2 / length) * by;
    return [corner[0] + (sum[0] / length) * far, corner[1] + (sum[1] / length) * far];
  });
  return SIDES.reduce(clipped, grown);
}

/** The upright rectangle around a polygon, grown likewise. */
export function surroundingRectangle(points: Polygon, by: number): Polygon {
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  const [left, top] = within([Math.min(...xs) - by, Math.min(...ys) - by]);
  const [right, bottom] = within([Math.max(...xs) + by, Math.max(...ys) + by]);
  return [
    [left, top],
    [right, top],
    [right, bottom],
    [left, bottom],
  ];
}

/** As it is seen, with y downward. */
function isClockwise(points: Polygon): boolean {
  const twice = points.reduce((sum, [x, y], index) => {
    const [nextX, nextY] = points[(index + 1) % points.length] ?? [x, y];
    return sum + (x * nextY - nextX * y);
  }, 0);
  return twice > 0;
}

/** Of the picture: what lies on the inner side of each is in it. */
const SIDES: readonly { readonly axis: 0 | 1; readonly at: 0 | 1 }[] = [
  { axis: 0, at: 0 },
  { axis: 0, at: 1 },
  { axis: 1, at: 0 },
  { axis: 1, at: 1 },
];

/** Cut off along one side of the picture (Sutherland and Hodgman); a corner moved onto it would not do. */
function clipped(points: Polygon, { axis, at }: (typeof SIDES)[number]): Polygon {
  const depth = (point: Point): number => (at === 0 ? point[axis] : 1 - point[axis]);
  return points.flatMap((to, index): Point[] => {
    const from = points.at(index - 1) ?? to;
    const [before, here] = [depth(from), depth(to)];
    if (before < 0 === here < 0) return here < 0 ? [] : [to];
    const way = before / (before - here);
    const crossing: Point = [from[0] + way * (to[0] - from[0]), from[1] + way * (to[1] - from[1])];
    return here < 0 ? [crossing] : [crossing, to];
  });
}

/** Unit vector away from the inside. */
function outward(from: Point, to: Point, way: number): Point {
  const [x, y] = [to[0] - from[0], to[1] - from[1]];
  const length = Math.hypot(x, y) || 1;
  return [(way * y) / length, (-way * x) / length];
}

function within([x, y]: Point): Point {
  return [Math.min(1, Math.max(0, x)), Math.min(1, Math.max(0, y))];
}
