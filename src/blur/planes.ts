import type { PictureSize } from "./boxes.ts";

/**
 * From a picture to what a network gets to see: scaled, with its colours in planes of their own, in
 * one pass. Pure.
 */

/** Three bytes a pixel (red, green, blue), row by row, without gaps. */
export interface ColourPicture extends PictureSize {
  readonly bytes: Uint8Array;
}

/** What a network was taught with: each sample less `mean`, divided by `deviation`. */
export interface PlaneRule {
  /** Which of red, green and blue is the first plane, the second, the third. */
  readonly order: readonly [number, number, number];
  readonly mean: readonly [number, number, number];
  readonly deviation: readonly [number, number, number];
}

/** A picture in the upper left of a canvas that a network takes. */
export interface Fitted {
  /** What the picture is scaled to. */
  readonly scaled: PictureSize;
  /** Multiples of what the network halves its picture by; black around the picture. */
  readonly canvas: PictureSize;
}

/** Both sides of a canvas are multiples of this: five times halved. */
const MULTIPLE = 32;

/** @param length - Of the picture's longer side, once it is scaled; a multiple of 32. */
export function fitted({ width, height }: PictureSize, length: number): Fitted {
  const by = length / Math.max(width, height);
  const scaled = {
    width: Math.max(1, Math.round(width * by)),
    height: Math.max(1, Math.round(height * by)),
  };
  const whole = (side: number): number => Math.ceil(side / MULTIPLE) * MULTIPLE;
  return { scaled, canvas: { width: whole(scaled.width), height: whole(scaled.height) } };
}

/** Planes of a canvas on which there is no picture yet. */
export function emptyPlanes({ width, height }: PictureSize, rule: PlaneRule): Float32Array {
  const area = width * height;
  const planes = new Float32Array(3 * area);
  rule.mean.forEach((mean, plane) =>
    planes.fill(-mean / (rule.deviation[plane] ?? 1), plane * area, (plane + 1) * area),
  );
  return planes;
}

/** Fills planes from one picture after the other, all of one size. */
export type PlaneFiller = (bytes: Uint8Array, planes: Float32Array) => void;

/** Which samples of a line make one of the scaled line, and how much each counts. */
interface Taps {
  /** Of each sample of the scaled line: the first that it is made of. */
  readonly first: Int32Array;
  /** Where its weights begin; one more entry than samples. */
  readonly from: Int32Array;
  readonly weights: Float32Array;
}

/**
 * @param to - Size the picture is scaled to: by averages over areas where it becomes smaller, linearly
 *   where it becomes larger.
 * @param canvas - Size of a plane, where the picture takes only the upper left part of it; the rest
 *   is not touched.
 */
export function planeFiller(
  picture: PictureSize,
  to: PictureSize,
  rule: PlaneRule,
  canvas: PictureSize = to,
): PlaneFiller {
  if (picture.width === to.width && picture.height === to.height)
    return (bytes, planes) => copyPlanes(bytes, planes, to, canvas, rule);
  const columns = tapsOf(picture.width, to.width);
  const rows = tapsOf(picture.height, to.height);
  const line = new Float32Array(3 * picture.width);
  return (bytes, planes) => {
    const area = canvas.width * canvas.height;
    for (let y = 0; y < to.height; y++) {
      sumRows(bytes, line, rows, y);
      for (let plane = 0; plane < 3; plane++)
        narrow(
          line,
          columns,
          { colour: rule.order[plane] ?? 0, mean: rule.mean[plane] ?? 0 },
          1 / (rule.deviation[plane] ?? 1),
          planes.subarray(
            plane * area + y * canvas.width,
            plane * area + y * canvas.width + to.width,
          ),
        );
    }
  };
}

function copyPlanes(
  bytes: Uint8Array,
  planes: Float32Array,
  { width, height }: PictureSize,
  canvas: PictureSize,
  { order, mean, deviation }: PlaneRule,
): void {
  const area = canvas.width * canvas.height;
  for (let plane = 0; plane < 3; plane++) {
    const [less, by] = [mean[plane] ?? 0, 1 / (deviation[plane] ?? 1)];
    for (let y = 0; y < height; y++) {
      const start = plane * area + y * canvas.width;
      let at = 3 * y * width + (order[plane] ?? 0);
      for (let x = start; x < start + width; x++, at += 3)
        planes[x] = ((bytes[at] ?? 0) - less) * by;
    }
  }
}

function sumRows(bytes: Uint8Array, line: Float32Array, rows: Taps, y: number): void {
  const length = line.length;
  const [from, until] = [rows.from[y] ?? 0, rows.from[y + 1] ?? 0];
  let at = (rows.first[y] ?? 0) * length;
  for (let tap = from; tap < until; tap++, at += length) {
    const weight = rows.weights[tap] ?? 0;
    if (tap === from) for (let x = 0; x < length; x++) line[x] = weight * (bytes[at + x] ?? 0);
    else for (let x = 0; x < length; x++) line[x] = (line[x] ?? 0) + weight * (bytes[at + x] ?? 0);
  }
}

function narrow(
  line: Float32Array,
  { first, from, weights }: Taps,
  { colour, mean }: { readonly colour: number; readonly mean: number },
  by: number,
  into: Float32Array,
): void {
  for (let x = 0; x < into.length; x++) {
    const until = from[x + 1] ?? 0;
    let at = 3 * (first[x] ?? 0) + colour;
    let sum = 0;
    for (let tap = from[x] ?? 0; tap < until; tap++, at += 3)
      sum += (weights[tap] ?? 0) * (line[at] ?? 0);
    into[x] = (sum - mean) * by;
  }
}

function tapsOf(length: number, scaled: number): Taps {
  const [first, from] = [new Int32Array(scaled), new Int32Array(scaled + 1)];
  const weights: number[] = [];
  const step = length / scaled;
  for (let index = 0; index < scaled; index++) {
    from[index] = weights.length;
    first[index] =
      step > 1
        ? pushArea(weights, index * step, Math.min(length, (index + 1) * step))
        : pushLinear(weights, (index + 0.5) * step - 0.5, length);
  }
  from[scaled] = weights.length;
  return { first, from, weights: Float32Array.from(weights) };
}

/** Each sample counts by how much of it lies between `start` and `end`. */
function pushArea(weights: number[], start: number, end: number): number {
  const [low, high] = [Math.floor(start), Math.ceil(end - 1e-6)];
  for (let at = low; at < high; at++)
    weights.push((Math.min(end, at + 1) - Math.max(start, at)) / (end - start));
  return low;
}

function pushLinear(weights: number[], centre: number, length: number): number {
  const low = Math.min(Math.max(0, Math.floor(centre)), Math.max(0, length - 2));
  const share = Math.min(1, Math.max(0, centre - low));
  weights.push(1 - share);
  if (low + 1 < length) weights.push(share);
  return low;
}
