import type { PictureSize } from "../../blur/boxes.ts";
import type { ColourPicture } from "../../blur/planes.ts";

/** x, y, width and height in pixels of the picture, score from 0 to 1, number of the kind. */
export type Find = readonly [number, number, number, number, number, number];

/** Looks at pictures in the thread it is called in. */
export interface Finder extends AsyncDisposable {
  /** @throws Error where a network fails, or answers with anything but numbers. */
  find(picture: ColourPicture): Promise<Find[]>;
}

/** Made once for pictures of one size, and again where the size changes. */
export function sizedOnce<T>(make: (size: PictureSize) => T): (size: PictureSize) => T {
  let last: { readonly size: PictureSize; readonly made: T } | null = null;
  return ({ width, height }) => {
    if (last?.size.width !== width || last.size.height !== height) {
      const size = { width, height };
      last = { size, made: make(size) };
    }
    return last.made;
  };
}
