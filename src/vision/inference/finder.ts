import type { PictureSize } from "../../blur/boxes.ts";
import type { ColourPicture } from "../../blur/planes.ts";

/** x, y, width and height in pixels of the picture, score from 0 to 1, number of the kind. */
export type Find = readonly [number, number, number, number, number, number];

/** A whole picture, or a square part of one that is looked at by itself. */
export type Scope = "whole" | "part";

/** Looks at pictures in the thread it is called in. */
export interface Finder extends AsyncDisposable {
  /** @throws Error where a network fails, or answers with anything but numbers. */
  find(picture: ColourPicture, scope: Scope): Promise<Find[]>;
}

/** Made once for pictures of one size, and again where the size changes; what it was is wiped then. */
export function sizedOnce<T extends { readonly planes: Float32Array }>(
  make: (size: PictureSize) => T,
): (size: PictureSize) => T {
  let last: { readonly size: PictureSize; readonly made: T } | null = null;
  return ({ width, height }) => {
    if (last?.size.width !== width || last.size.height !== height) {
      last?.made.planes.fill(0);
      const size = { width, height };
      last = { size, made: make(size) };
    }
    return last.made;
  };
}
