/** Rectangle in pixels of the full picture; fractions are allowed. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Where a face seems to be; never whose. */
export interface Face extends Box {
  /** How sure its detector is, 0 to 1. */
  readonly score: number;
}

export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

/** Area that both have, as a share of the area that either has: 0 to 1. */
export function overlapOf(one: Box, other: Box): number {
  const width = Math.min(one.x + one.width, other.x + other.width) - Math.max(one.x, other.x);
  const height = Math.min(one.y + one.height, other.y + other.height) - Math.max(one.y, other.y);
  if (width <= 0 || height <= 0) return 0;
  const both = width * height;
  return both / (one.width * one.height + other.width * other.height - both);
}

/** The same centre, `by` times as wide and high. */
export function grown({ x, y, width, height }: Box, by: number): Box {
  return {
    x: x - (width * (by - 1)) / 2,
    y: y - (height * (by - 1)) / 2,
    width: width * by,
    height: height * by,
  };
}

/** What of it is inside the picture; null where nothing is. */
export function insidePicture({ x, y, width, height }: Box, size: PictureSize): Box | null {
  const left = Math.max(0, x);
  const top = Math.max(0, y);
  const right = Math.min(size.width, x + width);
  const bottom = Math.min(size.height, y + height);
  if (!(right - left >= 1 && bottom - top >= 1)) return null;
  return { x: left, y: top, width: right - left, height: bottom - top };
}

/** Between two boxes, at `share` of the way: 0 is the first, 1 the second. */
export function between(one: Box, other: Box, share: number): Box {
  const mix = (from: number, to: number): number => from + (to - from) * share;
  return {
    x: mix(one.x, other.x),
    y: mix(one.y, other.y),
    width: mix(one.width, other.width),
    height: mix(one.height, other.height),
  };
}

export function isFiniteBox({ x, y, width, height }: Box): boolean {
  return [x, y, width, height].every(Number.isFinite) && width > 0 && height > 0;
}
