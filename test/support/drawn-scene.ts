import type { Box, PictureSize } from "../../src/blur/boxes.ts";
import type { ColourPicture } from "../../src/blur/planes.ts";

/** Pictures that are drawn, of nobody: simple enough to be exact, like enough to be found. */

type Colour = readonly [number, number, number];

const SKIN: Colour = [225, 180, 150];
const HAIR: Colour = [60, 40, 30];
const COAT: Colour = [150, 40, 40];
const TROUSERS: Colour = [40, 50, 80];
const DARK: Colour = [25, 25, 25];

/** An empty grey-blue wall, lighter below. */
export function drawnWall({ width, height }: PictureSize): ColourPicture {
  const bytes = new Uint8Array(3 * width * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const grey = 150 + (40 * y) / height;
      bytes.set([grey, grey + 5, grey + 8], 3 * (y * width + x));
    }
  return { width, height, bytes };
}

function fill(picture: ColourPicture, { x, y, width, height }: Box, colour: Colour): void {
  for (let row = Math.max(0, Math.floor(y)); row < Math.min(picture.height, y + height); row++)
    for (let at = Math.max(0, Math.floor(x)); at < Math.min(picture.width, x + width); at++)
      picture.bytes.set(colour, 3 * (row * picture.width + at));
}

/** @param shade - How much darker it is at its rim: 0 not at all, 1 black. */
function ellipse(picture: ColourPicture, box: Box, colour: Colour, shade = 0): void {
  const [radiusX, radiusY] = [box.width / 2, box.height / 2];
  const [centreX, centreY] = [box.x + radiusX, box.y + radiusY];
  for (let y = Math.max(0, Math.floor(box.y)); y <= box.y + box.height; y++)
    for (let x = Math.max(0, Math.floor(box.x)); x <= box.x + box.width; x++) {
      if (x >= picture.width || y >= picture.height) continue;
      const distance = ((x - centreX) / radiusX) ** 2 + ((y - centreY) / radiusY) ** 2;
      const by = 1 - shade * distance;
      if (distance <= 1)
        picture.bytes.set(
          colour.map((value) => value * by),
          3 * (y * picture.width + x),
        );
    }
}

/** In halves of the height of a face or an eighth of a person: centre, and half of the size. */
function around(x: number, y: number, halfWidth: number, halfHeight = halfWidth): Box {
  return { x: x - halfWidth, y: y - halfHeight, width: 2 * halfWidth, height: 2 * halfHeight };
}

/** @returns Where the face is, from the chin to the hair. */
export function drawFace(picture: ColourPicture, x: number, y: number, height: number): Box {
  const half = height / 2;
  ellipse(picture, around(x, y - 0.15 * half, 0.86 * half, 1.05 * half), HAIR);
  ellipse(picture, around(x, y, 0.72 * half, half), SKIN, 0.25);
  for (const side of [-1, 1]) {
    const eye = x + 0.3 * side * half;
    ellipse(picture, around(eye, y - 0.18 * half, 0.15 * half, 0.07 * half), [245, 240, 235]);
    ellipse(picture, around(eye, y - 0.18 * half, 0.07 * half), [40, 30, 25]);
    fill(picture, around(eye, y - 0.335 * half, 0.17 * half, 0.025 * half), [70, 45, 35]);
  }
  ellipse(picture, around(x, y + 0.12 * half, 0.07 * half, 0.18 * half), [205, 155, 125]);
  ellipse(picture, around(x, y + 0.24 * half, 0.13 * half, 0.06 * half), [190, 135, 110]);
  ellipse(picture, around(x, y + 0.52 * half, 0.28 * half, 0.08 * half), [170, 80, 80]);
  return around(x, y, 0.72 * half, half);
}

/** Seen from the front, from head to foot. @returns Where somebody is. */
export function drawPerson(picture: ColourPicture, x: number, top: number, height: number): Box {
  const unit = height / 8;
  const part = (centreX: number, centreY: number, halfWidth: number, halfHeight: number): Box =>
    around(x + centreX * unit, top + centreY * unit, halfWidth * unit, halfHeight * unit);
  for (const side of [-1, 1]) {
    fill(picture, part(0.525 * side, 5.9, 0.425, 1.9), TROUSERS);
    fill(picture, part(0.6 * side, 7.8, 0.5, 0.2), DARK);
  }
  ellipse(picture, part(0, 2.7, 1.2, 1.6), COAT, 0.2);
  fill(picture, part(0, 3.15, 1, 1.15), COAT);
  for (const side of [-1, 1]) {
    fill(picture, part(1.275 * side, 2.9, 0.275, 1.3), [140, 35, 35]);
    ellipse(picture, part(1.28 * side, 4.3, 0.28, 0.3), SKIN);
  }
  fill(picture, part(0, 1.15, 0.25, 0.25), [210, 165, 140]);
  drawFace(picture, x, top + 0.55 * unit, unit);
  return part(0, 4, 1.55, 4);
}

/** Seen from its side. @returns Where it is. */
export function drawCar(picture: ColourPicture, x: number, y: number, width: number): Box {
  const height = 0.42 * width;
  const part = (left: number, top: number, wide: number, high: number): Box => ({
    ...{ x: x + left * width, y: y + top * height, width: wide * width, height: high * height },
  });
  ellipse(picture, part(0, 0.89, 1, 0.16), [70, 70, 70]);
  ellipse(picture, part(0.17, 0, 0.66, 0.76), [180, 30, 30]);
  ellipse(picture, part(0.21, 0.1, 0.58, 0.6), [60, 80, 100]);
  fill(picture, part(0.48, 0.05, 0.03, 0.4), [180, 30, 30]);
  fill(picture, part(0.03, 0.4, 0.94, 0.42), [190, 35, 35]);
  fill(picture, part(0, 0.62, 1, 0.14), [60, 60, 60]);
  for (const wheel of [0.22, 0.78]) {
    const [centreX, centreY] = [x + wheel * width, y + 0.8 * height];
    ellipse(picture, around(centreX, centreY, 0.21 * height), DARK);
    ellipse(picture, around(centreX, centreY, 0.12 * height), [170, 170, 170]);
  }
  fill(picture, part(0.94, 0.45, 0.04, 0.1), [250, 240, 180]);
  return { x, y, width, height };
}
