import { overlapOf, type Box, type PictureSize } from "./boxes.ts";
import type { Fitted, PlaneRule } from "./planes.ts";

/**
 * Around the network NanoDet (`models/README.md`): what goes in, and what its numbers mean. Pure; it
 * tells a person from a vehicle, and never whom or whose.
 */

export type ObjectKind = "person" | "vehicle" | "animal";

/** In pixels of the picture. */
export interface SeenObject extends Box {
  readonly kind: ObjectKind;
  /** How sure the detector is, 0 to 1. */
  readonly score: number;
}

/** In the order of the network's scores. */
export const OBJECT_KINDS: readonly ObjectKind[] = ["person", "vehicle", "animal"];
const SCORES = OBJECT_KINDS.length;
const SIDES = 4;
const STRIDES = [8, 16, 32] as const;
/** Below this score nothing is a candidate at all. */
const CANDIDATE_SCORE = 0.25;
const SAME_OBJECT_OVERLAP = 0.5;
/** More than a doorstep holds; a flood of them is noise. */
const OBJECTS_MAX = 100;

/** What its planes are made with: blue first. */
export const NANODET_PLANES: PlaneRule = {
  order: [2, 1, 0],
  mean: [103.53, 116.28, 123.675],
  deviation: [57.375, 57.12, 58.395],
};

/** The longer side of the picture, as the network was taught. */
export const NANODET_LENGTH = 416;

/**
 * Objects in pixels of the full picture, best first, each once.
 *
 * @throws Error where the network's numbers are no numbers, or too few or many: then nothing may be
 * made of them.
 */
export function objectsOf(
  output: { readonly scores: Float32Array; readonly sides: Float32Array },
  { scaled, canvas }: Fitted,
  picture: PictureSize,
): SeenObject[] {
  const { scores, sides } = output;
  const levels = STRIDES.map((stride) => ({
    ...{ stride, columns: canvas.width / stride },
    count: (canvas.width / stride) * (canvas.height / stride),
  }));
  const cells = levels.reduce((sum, { count }) => sum + count, 0);
  if (scores.length !== SCORES * cells || sides.length !== SIDES * cells)
    throw new Error("the network answered for another size of picture");
  const found: SeenObject[] = [];
  const by = { x: picture.width / scaled.width, y: picture.height / scaled.height };
  let cell = 0;
  for (const { stride, columns, count } of levels)
    for (let at = 0; at < count; at++, cell++) {
      const best = kindAt(scores, cell, cells);
      if (best === null) continue;
      const side = (place: number): number => stride * (sides[place * cells + cell] ?? NaN);
      const x = stride * ((at % columns) + 0.5);
      const y = stride * (Math.floor(at / columns) + 0.5);
      const box = {
        x: (x - side(0)) * by.x,
        y: (y - side(1)) * by.y,
        width: (side(0) + side(2)) * by.x,
        height: (side(1) + side(3)) * by.y,
      };
      if (!Object.values(box).every(Number.isFinite))
        throw new Error("the network answered with no number");
      if (box.width > 0 && box.height > 0) found.push({ ...box, ...best });
    }
  return eachOnce(found);
}

/** What is most likely in a cell, if it is likely enough. */
function kindAt(
  scores: Float32Array,
  cell: number,
  cells: number,
): { readonly kind: ObjectKind; readonly score: number } | null {
  let [best, score]: [ObjectKind | null, number] = [null, CANDIDATE_SCORE];
  OBJECT_KINDS.forEach((kind, number) => {
    const here = scores[number * cells + cell] ?? NaN;
    if (!(here >= 0 && here <= 1)) throw new Error("the network answered with no number");
    if (here >= score) [best, score] = [kind, here];
  });
  return best === null ? null : { kind: best, score };
}

function eachOnce(objects: readonly SeenObject[]): SeenObject[] {
  const kept: SeenObject[] = [];
  for (const object of objects.toSorted((left, right) => right.score - left.score)) {
    if (kept.length === OBJECTS_MAX) break;
    if (
      kept.every(
        (other) => other.kind !== object.kind || overlapOf(other, object) < SAME_OBJECT_OVERLAP,
      )
    )
      kept.push(object);
  }
  return kept;
}
