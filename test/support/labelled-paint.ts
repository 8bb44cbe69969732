import type { Box, PictureSize } from "../../src/blur/boxes.ts";
import type { ColourImage } from "./labelled-photos.ts";

/** Draws parts of pictures into others by known transformations, so that it is known where all is. */

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** From a source picture to a drawn one: turned, scaled in both directions and moved. */
export interface Placing {
  /** Of the source, that comes to lie at `to`. */
  readonly from: Point;
  readonly to: Point;
  /** Drawn pixels for one of the source. */
  readonly scale: number;
  /** Of the width, for a head that is turned away; 1 for none. */
  readonly squeeze: number;
  /** Radians, clockwise. */
  readonly angle: number;
}

export function placed(point: Point, { from, to, scale, squeeze, angle }: Placing): Point {
  const x = (point.x - from.x) * scale * squeeze;
  const y = (point.y - from.y) * scale;
  const [sine, cosine] = [Math.sin(angle), Math.cos(angle)];
  return { x: to.x + x * cosine - y * sine, y: to.y + x * sine + y * cosine };
}

function sourceOf(x: number, y: number, { from, to, scale, squeeze, angle }: Placing): Point {
  const [sine, cosine] = [Math.sin(angle), Math.cos(angle)];
  const [awayX, awayY] = [x - to.x, y - to.y];
  return {
    x: from.x + (awayX * cosine + awayY * sine) / (scale * squeeze),
    y: from.y + (awayY * cosine - awayX * sine) / scale,
  };
}

/** A picture and the same at half, a quarter... of its size, so that small ones are not jagged. */
export interface Pyramid {
  readonly levels: readonly ColourImage[];
}

export function pyramidOf(image: ColourImage): Pyramid {
  const levels = [image];
  for (let last = image; Math.min(last.width, last.height) > 16;) {
    last = halved(last);
    levels.push(last);
  }
  return { levels };
}

function halved({ width, height, bytes }: ColourImage): ColourImage {
  const half = { width: Math.floor(width / 2), height: Math.floor(height / 2) };
  const made = new Uint8Array(half.width * half.height * 3);
  for (let y = 0; y < half.height; y++)
    for (let x = 0; x < half.width; x++)
      for (let channel = 0; channel < 3; channel++) {
        const at = (2 * y * width + 2 * x) * 3 + channel;
        const below = at + width * 3;
        made[(y * half.width + x) * 3 + channel] =
          ((bytes[at] ?? 0) +
            (bytes[at + 3] ?? 0) +
            (bytes[below] ?? 0) +
            (bytes[below + 3] ?? 0)) /
          4;
      }
  return { ...half, bytes: made };
}

/** How much of a source pixel shows, 0 to 1. */
export type Mask = (x: number, y: number) => number;

/** Everything of the source; nothing outside of it. */
export const WHOLE: Mask = () => 1;

/** Head and shoulders around a face, fading out at their edge. */
export function bustMask(face: Box): Mask {
  const region = bustOf(face);
  const [centreX, centreY] = [region.x + region.width / 2, region.y + region.height / 2];
  return (x, y) => {
    const away = Math.hypot(
      ((x - centreX) / (region.width / 2)) ** 2,
      ((y - centreY) / (region.height / 2)) ** 2,
    );
    return Math.min(1, Math.max(0, (1 - away) / 0.25));
  };
}

export function bustOf({ x, y, width, height }: Box): Box {
  return { x: x - width * 0.6, y: y - height * 0.6, width: width * 2.2, height: height * 2.6 };
}

/** Draws a source over a picture. */
export function paint(
  target: ColourImage,
  { levels }: Pyramid,
  placing: Placing,
  mask: Mask,
  region: Box,
): void {
  const level = Math.max(
    0,
    Math.min(levels.length - 1, Math.floor(Math.log2(1 / (placing.scale * 0.9)))),
  );
  const source = levels[level];
  if (!source) return;
  const shrink = 2 ** level;
  const area = areaOf(region, placing, target);
  for (let y = area.y; y < area.y + area.height; y++)
    for (let x = area.x; x < area.x + area.width; x++) {
      const from = sourceOf(x + 0.5, y + 0.5, placing);
      const alpha = mask(from.x, from.y);
      if (alpha <= 0) continue;
      blend(
        target,
        (y * target.width + x) * 3,
        source,
        from.x / shrink - 0.5,
        from.y / shrink - 0.5,
        alpha,
      );
    }
}

function areaOf(region: Box, placing: Placing, target: PictureSize): Box {
  const corners = [
    { x: region.x, y: region.y },
    { x: region.x + region.width, y: region.y },
    { x: region.x, y: region.y + region.height },
    { x: region.x + region.width, y: region.y + region.height },
  ].map((corner) => placed(corner, placing));
  const left = Math.max(0, Math.floor(Math.min(...corners.map(({ x }) => x))));
  const top = Math.max(0, Math.floor(Math.min(...corners.map(({ y }) => y))));
  const right = Math.min(target.width, Math.ceil(Math.max(...corners.map(({ x }) => x))));
  const bottom = Math.min(target.height, Math.ceil(Math.max(...corners.map(({ y }) => y))));
  return { x: left, y: top, width: Math.max(0, right - left), height: Math.max(0, bottom - top) };
}

function blend(
  target: ColourImage,
  at: number,
  { width, height, bytes }: ColourImage,
  x: number,
  y: number,
  alpha: number,
): void {
  if (x < -0.5 || y < -0.5 || x > width - 0.5 || y > height - 0.5) return;
  const left = Math.min(width - 2, Math.max(0, Math.floor(x)));
  const top = Math.min(height - 2, Math.max(0, Math.floor(y)));
  const [shareX, shareY] = [Math.min(1, Math.max(0, x - left)), Math.min(1, Math.max(0, y - top))];
  const first = (top * width + left) * 3;
  const below = first + width * 3;
  for (let channel = 0; channel < 3; channel++) {
    const upper =
      (bytes[first + channel] ?? 0) * (1 - shareX) + (bytes[first + 3 + channel] ?? 0) * shareX;
    const lower =
      (bytes[below + channel] ?? 0) * (1 - shareX) + (bytes[below + 3 + channel] ?? 0) * shareX;
    const value = upper * (1 - shareY) + lower * shareY;
    target.bytes[at + channel] = (target.bytes[at + channel] ?? 0) * (1 - alpha) + value * alpha;
  }
}

/** A picture of one colour in another: what somebody stands behind. */
export function fillBox(
  target: ColourImage,
  box: Box,
  colour: readonly [number, number, number],
): void {
  const right = Math.min(target.width, Math.round(box.x + box.width));
  const bottom = Math.min(target.height, Math.round(box.y + box.height));
  for (let y = Math.max(0, Math.round(box.y)); y < bottom; y++)
    for (let x = Math.max(0, Math.round(box.x)); x < right; x++)
      target.bytes.set(colour, (y * target.width + x) * 3);
}

/** The same numbers for the same seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
