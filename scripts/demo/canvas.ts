/** Red, green and blue, 0 to 255. */
export type Colour = readonly [red: number, green: number, blue: number];
export type Point = readonly [x: number, y: number];

/** All places and sizes of the scene are given for a picture of 1280 by this. */
const SCENE_HEIGHT = 720;

/** A picture that is painted once, slowly and well. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  /** Pixels of one unit of the scene. */
  readonly scale: number;
  /** Red, green, blue of each pixel. */
  readonly values: Float32Array;
}

/** What a camera sends: full brightness, colour at half the size (BT.709, limited range). */
export interface Planes {
  readonly width: number;
  readonly height: number;
  readonly scale: number;
  readonly luma: Uint8Array;
  readonly chromaBlue: Uint8Array;
  readonly chromaRed: Uint8Array;
}

export interface Ink {
  readonly luma: number;
  readonly chromaBlue: number;
  readonly chromaRed: number;
}

export function newPicture(width: number, height: number): Picture {
  return {
    width,
    height,
    scale: height / SCENE_HEIGHT,
    values: new Float32Array(width * height * 3),
  };
}

/** The three planes are parts of `bytes`, in the order in which they are written out. */
export function newPlanes(width: number, height: number): Planes & { readonly bytes: Uint8Array } {
  const bytes = new Uint8Array((width * height * 3) / 2);
  const full = width * height;
  return {
    width,
    height,
    scale: height / SCENE_HEIGHT,
    bytes,
    luma: bytes.subarray(0, full),
    chromaBlue: bytes.subarray(full, full + full / 4),
    chromaRed: bytes.subarray(full + full / 4),
  };
}

export function toInk([red, green, blue]: Colour): Ink {
  return {
    luma: 16 + 0.1826 * red + 0.6142 * green + 0.062 * blue,
    chromaBlue: 128 - 0.1006 * red - 0.3386 * green + 0.4392 * blue,
    chromaRed: 128 + 0.4392 * red - 0.3989 * green - 0.0403 * blue,
  };
}

export function toPlanes(picture: Picture): Planes {
  const { width, height, values } = picture;
  const planes = newPlanes(width, height);
  const half = width / 2;
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const at = (y * width + x) * 3;
      const ink = toInk([values[at]!, values[at + 1]!, values[at + 2]!]);
      planes.luma[y * width + x] = Math.round(Math.min(235, Math.max(16, ink.luma)));
      if (x % 2 === 1 || y % 2 === 1) continue;
      const place = (y / 2) * half + x / 2;
      planes.chromaBlue[place] = Math.round(Math.min(240, Math.max(16, ink.chromaBlue)));
      planes.chromaRed[place] = Math.round(Math.min(240, Math.max(16, ink.chromaRed)));
    }
  }
  return planes;
}

const SUB_ROWS = 4;

/** Fills a polygon with smooth edges. `paint` gets scene coordinates; `opacity` is 0 to 1. */
export function fillPolygon(
  picture: Picture,
  corners: readonly Point[],
  paint: (x: number, y: number) => Colour,
  opacity = 1,
): void {
  const { width, height, scale } = picture;
  const points = corners.map(([x, y]): Point => [x * scale, y * scale]);
  const top = Math.max(0, Math.floor(Math.min(...points.map(([, y]) => y))));
  const bottom = Math.min(height - 1, Math.ceil(Math.max(...points.map(([, y]) => y))));
  const cover = new Float32Array(width);
  for (let y = top; y <= bottom; y += 1) {
    cover.fill(0);
    for (let sub = 0; sub < SUB_ROWS; sub += 1) addSpans(cover, points, y + (sub + 0.5) / SUB_ROWS);
    for (let x = 0; x < width; x += 1) {
      const share = (cover[x]! / SUB_ROWS) * opacity;
      if (share > 0) blend(picture, x, y, paint(x / scale, y / scale), share);
    }
  }
}

function addSpans(cover: Float32Array, points: readonly Point[], y: number): void {
  const crossings: number[] = [];
  points.forEach(([fromX, fromY], index) => {
    const [toX, toY] = points[(index + 1) % points.length]!;
    if (fromY <= y === toY <= y) return;
    crossings.push(fromX + ((y - fromY) / (toY - fromY)) * (toX - fromX));
  });
  crossings.sort((one, other) => one - other);
  for (let index = 0; index + 1 < crossings.length; index += 2) {
    const from = Math.max(0, crossings[index]!);
    const to = Math.min(cover.length, crossings[index + 1]!);
    for (let x = Math.floor(from); x < to; x += 1) {
      cover[x]! += Math.min(to, x + 1) - Math.max(from, x);
    }
  }
}

function blend({ width, values }: Picture, x: number, y: number, colour: Colour, share: number) {
  const at = (y * width + x) * 3;
  for (let part = 0; part < 3; part += 1) {
    values[at + part]! += (colour[part]! - values[at + part]!) * share;
  }
}

/** Paints every pixel of a box, for what has no edge of its own: glow, shade, grass. */
export function shadeBox(
  picture: Picture,
  [left, top, right, bottom]: readonly [number, number, number, number],
  paint: (x: number, y: number) => readonly [colour: Colour, share: number],
): void {
  const { width, height, scale } = picture;
  for (let y = Math.max(0, Math.floor(top * scale)); y < Math.min(height, bottom * scale); y += 1) {
    for (
      let x = Math.max(0, Math.floor(left * scale));
      x < Math.min(width, right * scale);
      x += 1
    ) {
      const [colour, share] = paint(x / scale, y / scale);
      if (share > 0) blend(picture, x, y, colour, Math.min(1, share));
    }
  }
}

export function box(left: number, top: number, right: number, bottom: number): Point[] {
  return [
    [left, top],
    [right, top],
    [right, bottom],
    [left, bottom],
  ];
}

export function ellipse(x: number, y: number, radiusX: number, radiusY: number): Point[] {
  return Array.from({ length: 48 }, (_, index): Point => {
    const angle = (index / 48) * Math.PI * 2;
    return [x + Math.cos(angle) * radiusX, y + Math.sin(angle) * radiusY];
  });
}
