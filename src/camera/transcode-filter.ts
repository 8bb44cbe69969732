import { maskRectangles, type Polygon } from "../protocol/picture-areas.ts";

/** Every edge of a cell of the masks' grids, the coarser ones too, lies on an even number of it. */
const NOMINAL = { width: 12_800, height: 7_200 };

/**
 * What ffmpeg paints over, as filters in a row. They count in shares of the picture that they are
 * given, so that a picture of another size than expected is painted over in the right places too.
 *
 * @throws Error where there is no mask: who asks for one wants something to be hidden.
 */
export function maskFilter(masks: readonly Polygon[]): string {
  const boxes = maskRectangles(masks, NOMINAL).map(({ x, y, width, height }) => {
    const [left, right] = [below("iw", x, NOMINAL.width), above("iw", x + width, NOMINAL.width)];
    const [top, bottom] = [below("ih", y, NOMINAL.height), above("ih", y + height, NOMINAL.height)];
    return `drawbox=x=${left}:y=${top}:w=${right}-${left}:h=${bottom}-${top}:c=black:t=fill`;
  });
  if (boxes.length === 0) throw new Error("There is nothing to paint over");
  // On the whole picture, before anything of it is cut off; colours lie on pairs of pixels.
  return ["format=yuv420p|yuvj420p", ...boxes].join(",");
}

function below(side: string, at: number, of: number): string {
  return `2*floor(${side}*${at}/${2 * of})`;
}

/** On a side of odd length this may lie one pixel outside, where nothing is painted. */
function above(side: string, at: number, of: number): string {
  return `2*ceil(${side}*${at}/${2 * of})`;
}
