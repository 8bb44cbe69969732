import { grown, insidePicture, type Box, type PictureSize } from "./boxes.ts";

/**
 * A mosaic coarse enough that it is not a likeness: averages, at most eight blocks across a face in
 * either direction. Works on the picture's own planes (YUV 4:2:0), so that nothing outside the boxes
 * changes by a conversion of colours. Pure.
 */

/** A box around a face is grown by this before it is covered: hair, chin and ears know somebody too. */
export const GROWTH = 1.3;
const BLOCKS_ACROSS_MAX = 8;
/** Even, since a sample of colour covers two by two pixels. */
const BLOCK_MIN = 8;

export interface Plane {
  readonly bytes: Uint8Array;
  /** Of the first sample. */
  readonly offset: number;
  /** Bytes from one row to the next. */
  readonly stride: number;
  /** Bytes from one sample of this plane to the next in its row. */
  readonly step: number;
  /** Pixels of the picture that one sample covers, in either direction. */
  readonly scale: 1 | 2;
}

/** Width and height of a block that a face's box is covered with, in pixels. */
export function blockSize({ width, height }: Box): number {
  const size = Math.ceil(Math.max(width, height) / BLOCKS_ACROSS_MAX);
  return Math.max(BLOCK_MIN, size + (size % 2));
}

/** Where the mosaic goes for a box around a face: whole samples of every plane. Null outside. */
export function coveredArea(face: Box, size: PictureSize): Box | null {
  const inside = insidePicture(grown(face, GROWTH), size);
  if (!inside) return null;
  const left = Math.floor(inside.x / 2) * 2;
  const top = Math.floor(inside.y / 2) * 2;
  return {
    x: left,
    y: top,
    width: Math.min(size.width, Math.ceil((inside.x + inside.width) / 2) * 2) - left,
    height: Math.min(size.height, Math.ceil((inside.y + inside.height) / 2) * 2) - top,
  };
}

/** Replaces what is under a face's box by the averages of its blocks, in every plane. */
export function cover(planes: readonly Plane[], face: Box, size: PictureSize): void {
  const area = coveredArea(face, size);
  if (!area) return;
  const block = blockSize(face);
  for (const plane of planes)
    for (let y = area.y; y < area.y + area.height; y += block)
      for (let x = area.x; x < area.x + area.width; x += block)
        average(plane, {
          ...{ x, y },
          width: Math.min(block, area.x + area.width - x),
          height: Math.min(block, area.y + area.height - y),
        });
}

function average({ bytes, offset, stride, step, scale }: Plane, block: Box): void {
  const left = block.x / scale;
  const right = Math.ceil((block.x + block.width) / scale);
  const top = block.y / scale;
  const bottom = Math.ceil((block.y + block.height) / scale);
  let sum = 0;
  for (let y = top; y < bottom; y++)
    for (let x = left; x < right; x++) sum += bytes[offset + y * stride + x * step] ?? 0;
  const value = Math.round(sum / ((right - left) * (bottom - top)));
  for (let y = top; y < bottom; y++)
    for (let x = left; x < right; x++) bytes[offset + y * stride + x * step] = value;
}
