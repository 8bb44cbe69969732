import { overlapOf, type Face, type PictureSize } from "./boxes.ts";
import type { PlaneRule } from "./planes.ts";

/**
 * Around the network UltraFace (`models/README.md`): what goes in, and what its numbers mean. Pure;
 * nothing here says whose face it is.
 */

/** Below this score nothing is a candidate at all. */
export const CANDIDATE_SCORE = 0.25;
const SIZES = [
  [10, 16, 24],
  [32, 48],
  [64, 96],
  [128, 192, 256],
] as const;
const STRIDES = [8, 16, 32, 64] as const;
const CENTRE_VARIANCE = 0.1;
const SIZE_VARIANCE = 0.2;
const SAME_FACE_OVERLAP = 0.35;
/** More than anybody blurs; a flood of them is noise. */
const FACES_MAX = 200;
const LENGTH_MIN = 32;

/** What its planes are made with. */
export const ULTRAFACE_PLANES: PlaneRule = {
  order: [0, 1, 2],
  mean: [127, 127, 127],
  deviation: [128, 128, 128],
};

/** What the network gets to see: the whole picture, its longer side `length` px. Any size will do. */
export function inputSize(picture: PictureSize, length: number): PictureSize {
  const by = length / Math.max(picture.width, picture.height);
  const side = (pixels: number): number => Math.max(LENGTH_MIN, Math.round(pixels * by));
  return { width: side(picture.width), height: side(picture.height) };
}

/** RGBA to three planes of (x - 127) / 128, written into `planes`. */
export function toPlanes(rgba: Uint8ClampedArray, planes: Float32Array): void {
  const area = planes.length / 3;
  for (let pixel = 0, at = 0; pixel < area; pixel++, at += 4) {
    planes[pixel] = ((rgba[at] ?? 0) - 127) / 128;
    planes[pixel + area] = ((rgba[at + 1] ?? 0) - 127) / 128;
    planes[pixel + 2 * area] = ((rgba[at + 2] ?? 0) - 127) / 128;
  }
}

interface Prior {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Centres and sizes as shares of the input. */
export function priorsOf({ width, height }: PictureSize): Prior[] {
  const priors: Prior[] = [];
  STRIDES.forEach((stride, level) => {
    const columns = Math.ceil(width / stride);
    const rows = Math.ceil(height / stride);
    for (let row = 0; row < rows; row++)
      for (let column = 0; column < columns; column++)
        for (const size of SIZES[level] ?? [])
          priors.push({
            x: ((column + 0.5) * stride) / width,
            y: ((row + 0.5) * stride) / height,
            width: size / width,
            height: size / height,
          });
  });
  return priors;
}

/**
 * Faces in pixels of the full picture, best first, each once.
 *
 * @throws Error where the network's numbers are no numbers, or too few or many: then nothing may be
 * made of them.
 */
export function facesOf(
  output: { readonly logits: Float32Array; readonly offsets: Float32Array },
  priors: readonly Prior[],
  picture: PictureSize,
): Face[] {
  const { logits, offsets } = output;
  if (logits.length !== priors.length * 2 || offsets.length !== priors.length * 4)
    throw new Error("the network answered for another size of picture");
  const found: Face[] = [];
  priors.forEach((prior, index) => {
    const [other = NaN, face = NaN] = [logits[2 * index], logits[2 * index + 1]];
    // Infinity would pass for a score of 0, and a face for nothing.
    if (!Number.isFinite(face - other)) throw new Error("the network answered with no number");
    const score = 1 / (1 + Math.exp(other - face));
    if (score < CANDIDATE_SCORE) return;
    const offset = (place: number): number => offsets[4 * index + place] ?? NaN;
    const width = prior.width * Math.exp(offset(2) * SIZE_VARIANCE) * picture.width;
    const height = prior.height * Math.exp(offset(3) * SIZE_VARIANCE) * picture.height;
    const x = (prior.x + offset(0) * CENTRE_VARIANCE * prior.width) * picture.width - width / 2;
    const y = (prior.y + offset(1) * CENTRE_VARIANCE * prior.height) * picture.height - height / 2;
    if (![x, y, width, height].every(Number.isFinite))
      throw new Error("the network answered with no number");
    found.push({ x, y, width, height, score });
  });
  return onlyOnce(found);
}

/** Of boxes that cover one another, the one with the best score. */
export function onlyOnce(faces: readonly Face[]): Face[] {
  const kept: Face[] = [];
  for (const face of faces.toSorted((left, right) => right.score - left.score)) {
    if (kept.length === FACES_MAX) break;
    if (kept.every((other) => overlapOf(face, other) < SAME_FACE_OVERLAP)) kept.push(face);
  }
  return kept;
}
