import type { Face, PictureSize } from "./boxes.ts";
import type { Fitted, PlaneRule } from "./planes.ts";
import { CANDIDATE_SCORE, onlyOnce } from "./ultraface.ts";

/**
 * Around the network BlazeFace, full range (`models/README.md`): what goes in, and what its numbers
 * mean. Pure; nothing here says whose face it is.
 */

/** Pixels of the canvas from one cell to the next. */
const STRIDE = 4;
const BOX_NUMBERS = 4;

/**
 * Its boxes are square, from the brows to the chin; ours are as wide and go up to the hair. Medians
 * over the labelled photographs (docs/figures.md).
 */
const HEIGHT_BY = 1.18;
const CENTRE_UP = 0.05;

/** What its planes are made with. */
export const BLAZEFACE_PLANES: PlaneRule = {
  order: [0, 1, 2],
  mean: [127.5, 127.5, 127.5],
  deviation: [127.5, 127.5, 127.5],
};

/**
 * Faces in pixels of the full picture, best first, each once.
 *
 * @throws Error where the network's numbers are no numbers, or too few or many: then nothing may be
 * made of them.
 */
export function blazefacesOf(
  output: { readonly scores: Float32Array; readonly boxes: Float32Array },
  { scaled, canvas }: Fitted,
  picture: PictureSize,
): Face[] {
  const { scores, boxes } = output;
  const columns = canvas.width / STRIDE;
  const cells = columns * (canvas.height / STRIDE);
  if (scores.length !== cells || boxes.length !== BOX_NUMBERS * cells)
    throw new Error("the network answered for another size of picture");
  const found: Face[] = [];
  const by = { x: picture.width / scaled.width, y: picture.height / scaled.height };
  scores.forEach((score, cell) => {
    if (!(score >= 0 && score <= 1)) throw new Error("the network answered with no number");
    if (score < CANDIDATE_SCORE) return;
    const number = (place: number): number => boxes[place * cells + cell] ?? NaN;
    const centreX = STRIDE * ((cell % columns) + 0.5) + number(0);
    const centreY = STRIDE * (Math.floor(cell / columns) + 0.5) + number(1);
    const height = HEIGHT_BY * number(3);
    const face = {
      x: (centreX - number(2) / 2) * by.x,
      y: (centreY - CENTRE_UP * number(3) - height / 2) * by.y,
      width: number(2) * by.x,
      height: height * by.y,
      score,
    };
    if (!Object.values(face).every(Number.isFinite))
      throw new Error("the network answered with no number");
    if (face.width > 0 && face.height > 0) found.push(face);
  });
  return onlyOnce(found);
}
