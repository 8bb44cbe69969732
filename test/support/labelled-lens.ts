import type { PictureSize } from "../../src/blur/boxes.ts";
import type { Point } from "./labelled-paint.ts";
import type { ColourImage } from "./labelled-photos.ts";

/** What a lens, a sensor and the light do to a drawn picture; each known to the pixel. */

/** How much a barrel lens pushes together what is far from its centre. */
const BARREL = 0.45;

/** Where a point of a straight picture is seen through a barrel lens. */
export function throughLens({ x, y }: Point, { width, height }: PictureSize): Point {
  const reach = Math.hypot(width, height) / 2;
  const [awayX, awayY] = [(x - width / 2) / reach, (y - height / 2) / reach];
  const straight = Math.hypot(awayX, awayY);
  // The straight radius is bent * (1 + BARREL * bent^2) / (1 + BARREL): monotonic, so halving finds it.
  let [low, high] = [0, 2];
  for (let step = 0; step < 40; step++) {
    const middle = (low + high) / 2;
    if (unbent(middle) < straight) low = middle;
    else high = middle;
  }
  const by = straight === 0 ? 1 : low / straight;
  return { x: width / 2 + awayX * by * reach, y: height / 2 + awayY * by * reach };
}

function unbent(radius: number): number {
  return (radius * (1 + BARREL * radius ** 2)) / (1 + BARREL);
}

/** The picture as a barrel lens shows it. */
export function lensOf(size: PictureSize): (image: ColourImage) => ColourImage {
  const { width, height } = size;
  const reach = Math.hypot(width, height) / 2;
  const from = new Int32Array(width * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [awayX, awayY] = [(x + 0.5 - width / 2) / reach, (y + 0.5 - height / 2) / reach];
      const radius = Math.hypot(awayX, awayY);
      const by = radius === 0 ? 1 : unbent(radius) / radius;
      const sourceX = Math.min(width - 1, Math.max(0, Math.floor(width / 2 + awayX * by * reach)));
      const sourceY = Math.min(
        height - 1,
        Math.max(0, Math.floor(height / 2 + awayY * by * reach)),
      );
      from[y * width + x] = (sourceY * width + sourceX) * 3;
    }
  return (image) => {
    const bytes = new Uint8Array(image.bytes.length);
    for (let at = 0; at < from.length; at++) {
      const source = from[at] ?? 0;
      bytes[at * 3] = image.bytes[source] ?? 0;
      bytes[at * 3 + 1] = image.bytes[source + 1] ?? 0;
      bytes[at * 3 + 2] = image.bytes[source + 2] ?? 0;
    }
    return { ...image, bytes };
  };
}

export interface Light {
  /** As by infrared lamps: no colour, bright in the middle. */
  readonly isGrey: boolean;
  /** 1 for none; below it dark things become darker. */
  readonly gain: number;
  /** Standard deviation of the sensor's noise, of 255. */
  readonly noise: number;
}

/** In place. */
export function light(
  image: ColourImage,
  { isGrey, gain, noise }: Light,
  random: () => number,
): void {
  const { width, height, bytes } = image;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const at = (y * width + x) * 3;
      const grain = noise === 0 ? 0 : (random() + random() + random() - 1.5) * 2 * noise;
      if (isGrey) {
        const grey =
          0.45 * (bytes[at] ?? 0) + 0.4 * (bytes[at + 1] ?? 0) + 0.15 * (bytes[at + 2] ?? 0);
        const away = Math.hypot((x - width / 2) / width, (y - height / 2) / height);
        bytes.fill(clamped(grey * gain * (1.25 - 0.9 * away) + grain), at, at + 3);
      } else
        for (let channel = 0; channel < 3; channel++)
          bytes[at + channel] = clamped((bytes[at + channel] ?? 0) * gain + grain);
    }
}

function clamped(value: number): number {
  return Math.min(255, Math.max(0, Math.round(value)));
}
