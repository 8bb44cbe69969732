import type { Ink, Planes } from "./canvas.ts";

// What moves is drawn into the picture again and again, so these look at as few pixels as they can.

/** A round-ended stroke whose thickness changes from one end to the other, in scene units. */
export interface Stroke {
  readonly fromX: number;
  readonly fromY: number;
  readonly fromRadius: number;
  readonly toX: number;
  readonly toY: number;
  readonly toRadius: number;
}

/** Draws a stroke with smooth edges, as a solid thing that is lit from the upper left. */
export function drawStroke(planes: Planes, stroke: Stroke, ink: Ink, light: number): void {
  const { scale, width, height } = planes;
  const [ax, ay, ar] = [stroke.fromX * scale, stroke.fromY * scale, stroke.fromRadius * scale];
  const [bx, by, br] = [stroke.toX * scale, stroke.toY * scale, stroke.toRadius * scale];
  const left = Math.max(0, Math.floor(Math.min(ax - ar, bx - br)) - 1) & ~1;
  const right = Math.min(width - 1, Math.ceil(Math.max(ax + ar, bx + br)) + 1);
  const top = Math.max(0, Math.floor(Math.min(ay - ar, by - br)) - 1) & ~1;
  const bottom = Math.min(height - 1, Math.ceil(Math.max(ay + ar, by + br)) + 1);
  const [alongX, alongY] = [bx - ax, by - ay];
  const lengthSquared = alongX * alongX + alongY * alongY || 1;
  for (let y = top; y <= bottom; y += 1) {
    for (let x = left; x <= right; x += 1) {
      const along = ((x - ax) * alongX + (y - ay) * alongY) / lengthSquared;
      const share = along < 0 ? 0 : along > 1 ? 1 : along;
      const awayX = x - ax - share * alongX;
      const awayY = y - ay - share * alongY;
      const radius = ar + (br - ar) * share;
      const distance = Math.sqrt(awayX * awayX + awayY * awayY);
      const cover = radius - distance + 0.5;
      if (cover <= 0) continue;
      const shade = light * (0.93 - (0.2 * awayX + 0.14 * awayY) / (radius + 0.01));
      putPixel(planes, x, y, ink, cover < 1 ? cover : 1, shade);
    }
  }
}

/** A leaf: a flat, turned oval, in scene units and radians. */
export interface Leaf {
  readonly x: number;
  readonly y: number;
  readonly length: number;
  readonly breadth: number;
  readonly angle: number;
}

export function drawLeaf(planes: Planes, leaf: Leaf, ink: Ink, light: number): void {
  const { scale, width, height } = planes;
  const [x0, y0] = [leaf.x * scale, leaf.y * scale];
  const [length, breadth] = [leaf.length * scale, leaf.breadth * scale];
  const [cosine, sine] = [Math.cos(leaf.angle), Math.sin(leaf.angle)];
  const reach = Math.max(length, breadth) + 1;
  const left = Math.max(0, Math.floor(x0 - reach)) & ~1;
  const right = Math.min(width - 1, Math.ceil(x0 + reach));
  const top = Math.max(0, Math.floor(y0 - reach)) & ~1;
  const bottom = Math.min(height - 1, Math.ceil(y0 + reach));
  for (let y = top; y <= bottom; y += 1) {
    for (let x = left; x <= right; x += 1) {
      const along = ((x - x0) * cosine + (y - y0) * sine) / length;
      const across = ((y - y0) * cosine - (x - x0) * sine) / breadth;
      const cover = (1 - (along * along + across * across)) * breadth * 0.5 + 0.5;
      if (cover <= 0) continue;
      // A midrib: one half of the leaf looks up, the other away.
      const shade = across < 0 ? light * 1.06 : light * 0.94;
      putPixel(planes, x, y, ink, cover < 1 ? cover : 1, shade);
    }
  }
}

function putPixel(
  planes: Planes,
  x: number,
  y: number,
  ink: Ink,
  cover: number,
  shade: number,
): void {
  const { luma, chromaBlue, chromaRed, width } = planes;
  const place = y * width + x;
  luma[place]! += ((ink.luma - 16) * shade + 16 - luma[place]!) * cover;
  if (((x | y) & 1) !== 0) return;
  const half = (y >> 1) * (width >> 1) + (x >> 1);
  chromaBlue[half]! += (ink.chromaBlue - chromaBlue[half]!) * cover;
  chromaRed[half]! += (ink.chromaRed - chromaRed[half]!) * cover;
}

/** A soft shadow on the ground: darkest in the middle, gone at the edge of the oval. */
export function drawShadow(
  planes: Planes,
  { x, y, radiusX, radiusY }: { x: number; y: number; radiusX: number; radiusY: number },
  darkness: number,
): void {
  const { scale, width, height, luma } = planes;
  const [x0, y0, rx, ry] = [x * scale, y * scale, radiusX * scale, radiusY * scale];
  const bottom = Math.min(height - 1, Math.ceil(y0 + ry));
  const right = Math.min(width - 1, Math.ceil(x0 + rx));
  for (let row = Math.max(0, Math.floor(y0 - ry)); row <= bottom; row += 1) {
    for (let column = Math.max(0, Math.floor(x0 - rx)); column <= right; column += 1) {
      const away = ((column - x0) / rx) ** 2 + ((row - y0) / ry) ** 2;
      if (away >= 1) continue;
      const place = row * width + column;
      luma[place]! -= (luma[place]! - 16) * darkness * (1 - away) ** 2;
    }
  }
}
