import { toInk, type Colour, type Ink, type Planes } from "./canvas.ts";
import { hedgeTop } from "./backdrop.ts";
import { mix } from "./random.ts";
import { drawLeaf, drawStroke } from "./strokes.ts";

interface SwayingLeaf {
  readonly x: number;
  readonly y: number;
  readonly length: number;
  readonly breadth: number;
  readonly angle: number;
  readonly ink: Ink;
  /** How far it sways, in scene units, and how fast. */
  readonly sway: number;
  readonly radiansPerSecond: number;
  readonly phase: number;
}

const HEDGE_LEAVES = 260;
const TWIG_LEAVES = 16;

/** Twigs of a tree that stands outside the picture: from, to, and how thick they begin. */
const TWIGS = [
  [-10, 40, 190, 92, 7],
  [60, 58, 150, 152, 4],
  [-10, -4, 300, 44, 6],
  [140, 20, 262, 108, 4],
] as const;
const BARK = toInk([86, 70, 58]);

function leafInk(random: () => number, light: number): Ink {
  const base: Colour = [mix(60, 104, random()), mix(104, 146, random()), mix(46, 70, random())];
  return toInk([base[0] * light, base[1] * light, base[2] * light]);
}

/** Leaves in front of the hedge and on the twigs, the same ones for the same seed. */
export function growLeaves(random: () => number): SwayingLeaf[] {
  const leaves: SwayingLeaf[] = [];
  for (let index = 0; index < HEDGE_LEAVES; index += 1) {
    const x = random() * 460;
    const depth = random() ** 1.6;
    const y = hedgeTop(x) + 2 + depth * 150;
    const sway = { sway: mix(1.6, 0.5, depth), radiansPerSecond: mix(1.4, 3.1, random()) };
    leaves.push({ ...leafAt(x, y, random, mix(1.12, 0.7, depth)), ...sway });
  }
  for (const [fromX, fromY, toX, toY] of TWIGS) {
    for (let index = 0; index < TWIG_LEAVES; index += 1) {
      const along = 0.12 + (0.92 * index) / TWIG_LEAVES;
      const x = mix(fromX, toX, along) + (random() - 0.5) * 26;
      const y = mix(fromY, toY, along) + (random() - 0.4) * 26;
      const leaf = leafAt(x, y, random, mix(0.7, 1.05, random()));
      leaves.push({
        ...leaf,
        length: leaf.length * 1.5,
        breadth: leaf.breadth * 1.35,
        sway: 1.2 + along * 1.6,
        radiansPerSecond: 1.6,
      });
    }
  }
  return leaves;
}

function leafAt(x: number, y: number, random: () => number, light: number): SwayingLeaf {
  return {
    x,
    y,
    length: mix(5, 9, random()),
    breadth: mix(2.6, 4.2, random()),
    angle: random() * Math.PI,
    ink: leafInk(random, light),
    sway: 1,
    radiansPerSecond: 2,
    phase: random() * Math.PI * 2,
  };
}

/** Wind comes and goes: from 0.35 to 1 over some seconds. */
function wind(seconds: number): number {
  return 0.675 + 0.2 * Math.sin(seconds * 0.41) + 0.125 * Math.sin(seconds * 1.07 + 2);
}

export function drawFoliage(
  planes: Planes,
  leaves: readonly SwayingLeaf[],
  seconds: number,
  light: number,
): void {
  const strength = wind(seconds);
  for (const [fromX, fromY, toX, toY, thickness] of TWIGS) {
    const lift = Math.sin(seconds * 1.6 + fromY) * 2 * strength;
    const stroke = { fromX, fromY, fromRadius: thickness, toX, toY: toY + lift, toRadius: 1.2 };
    drawStroke(planes, stroke, BARK, light);
  }
  for (const leaf of leaves) {
    const swing = Math.sin(seconds * leaf.radiansPerSecond + leaf.phase) * leaf.sway * strength;
    drawLeaf(
      planes,
      {
        x: leaf.x + swing,
        y: leaf.y + swing * 0.4,
        length: leaf.length,
        breadth: leaf.breadth,
        angle: leaf.angle + swing * 0.12,
      },
      leaf.ink,
      light,
    );
  }
}
