import { grown, type Box, type PictureSize } from "../../src/blur/boxes.ts";
import { blockSize, coveredArea, GROWTH } from "../../src/blur/mosaic.ts";
import type { LabelledClip } from "./labelled-faces.ts";

/** Judges a blurred copy by its pixels and against labels that a person made. */

interface FoundTrack {
  readonly boxes: readonly (readonly [number, Box])[];
}

/** This much of a labelled face must be under the mosaic for it to count as covered. */
const COVERED_MIN = 0.8;
const SAMPLES = 20;

/** Share of labelled faces, frame by frame, that are covered; and those that are not. */
export function coveredShare(
  clip: LabelledClip,
  found: readonly FoundTrack[],
): { share: number; uncovered: string[]; tracksCovered: number } {
  const uncovered: string[] = [];
  let [faces, tracksCovered] = [0, 0];
  for (const track of clip.tracks) {
    const before = uncovered.length;
    for (const [frame, [x, y, width, height]] of Object.entries(track.frames)) {
      faces += 1;
      const boxes = found.flatMap(({ boxes: all }) =>
        all.filter(([at]) => at === Number(frame)).map(([, box]) => grown(box, GROWTH)),
      );
      const share = shareUnder({ x, y, width, height }, boxes);
      if (share < COVERED_MIN) uncovered.push(`track ${track.id}, frame ${frame}: ${share}`);
    }
    if (uncovered.length === before) tracksCovered += 1;
  }
  return { share: (faces - uncovered.length) / faces, uncovered, tracksCovered };
}

/** Of a face, how much lies under the boxes; by samples. */
export function shareUnder(face: Box, boxes: readonly Box[]): number {
  let under = 0;
  for (let row = 0; row < SAMPLES; row++)
    for (let column = 0; column < SAMPLES; column++) {
      const x = face.x + ((column + 0.5) * face.width) / SAMPLES;
      const y = face.y + ((row + 0.5) * face.height) / SAMPLES;
      if (boxes.some((box) => contains(box, x, y))) under += 1;
    }
  return under / (SAMPLES * SAMPLES);
}

function contains({ x, y, width, height }: Box, pointX: number, pointY: number): boolean {
  return pointX >= x && pointX < x + width && pointY >= y && pointY < y + height;
}

export interface JudgedPicture {
  /** Mean difference outside the boxes, of 255: the codec's noise. */
  readonly outsideDifference: number;
  /** Largest standard deviation within one block, of 255: a likeness would have more. */
  readonly unevenness: number;
  readonly blocksAcrossMax: number;
}

/** The codec works in squares of 16: next to a box it may change some of what is outside. */
const BLEED_PX = 16;
/** At a block's edge the codec mixes it with its neighbour. */
const EDGE_PX = 2;

/** @param before - Brightness of the original. @param after - Of the blurred copy. */
export function judgePicture(
  before: Buffer | undefined,
  after: Buffer,
  faces: readonly Box[],
  size: PictureSize,
): JudgedPicture {
  if (before?.length !== after.length) throw new Error("pictures of two sizes");
  const areas = faces.map((face) => coveredArea(face, size)).filter((area) => area !== null);
  const near = areas.map(({ x, y, width, height }) => ({
    ...{ x: x - BLEED_PX, y: y - BLEED_PX },
    ...{ width: width + 2 * BLEED_PX, height: height + 2 * BLEED_PX },
  }));
  let [difference, count] = [0, 0];
  for (let y = 0; y < size.height; y++)
    for (let x = 0; x < size.width; x++) {
      if (near.some((area) => contains(area, x, y))) continue;
      const at = y * size.width + x;
      difference += Math.abs((before[at] ?? 0) - (after[at] ?? 0));
      count += 1;
    }
  // Where two boxes overlap, the blocks of one cut those of the other.
  const isAlone = (face: Box): boolean =>
    faces.every((other) => other === face || !touches(grown(face, GROWTH), grown(other, GROWTH)));
  const alone = faces.filter(isAlone);
  return {
    outsideDifference: count === 0 ? 0 : difference / count,
    unevenness: Math.max(0, ...alone.map((face) => unevennessOf(after, face, size))),
    blocksAcrossMax: Math.max(
      0,
      ...faces.map((face) => Math.max(face.width, face.height) / blockSize(face)),
    ),
  };
}

function touches(one: Box, other: Box): boolean {
  return (
    one.x < other.x + other.width + 2 &&
    other.x < one.x + one.width + 2 &&
    one.y < other.y + other.height + 2 &&
    other.y < one.y + one.height + 2
  );
}

function unevennessOf(picture: Buffer, face: Box, size: PictureSize): number {
  const area = coveredArea(face, size);
  const block = blockSize(face);
  let worst = 0;
  if (!area) return worst;
  for (let top = area.y; top < area.y + area.height; top += block)
    for (let left = area.x; left < area.x + area.width; left += block) {
      const values: number[] = [];
      const bottom = Math.min(top + block, area.y + area.height) - EDGE_PX;
      const right = Math.min(left + block, area.x + area.width) - EDGE_PX;
      for (let y = top + EDGE_PX; y < bottom; y++)
        for (let x = left + EDGE_PX; x < right; x++) values.push(picture[y * size.width + x] ?? 0);
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
      worst = Math.max(worst, Math.sqrt(variance || 0));
    }
  return worst;
}
