import { toInk, type Colour, type Ink, type Planes } from "./canvas.ts";
import { mix } from "./random.ts";
import { drawShadow, drawStroke } from "./strokes.ts";

/** What a visitor wears. Who it is, nobody knows: there is no face. */
export interface Outfit {
  readonly coat: Ink;
  readonly trousers: Ink;
  readonly shoes: Ink;
  readonly skin: Ink;
  readonly hair: Ink;
  readonly hat: Ink | null;
  readonly parcel: Ink | null;
}

export interface Pose {
  /** Where the feet are, and how tall the figure is there, in scene units. */
  readonly x: number;
  readonly y: number;
  readonly height: number;
  /** 1 walks to the right, -1 to the left, 0 has turned the back to us. */
  readonly turn: number;
  /** Radians through the walk: two steps are one round. */
  readonly stride: number;
  /** 0 stands still, 1 walks with full steps. */
  readonly pace: number;
  /** 0 has the arm down, 1 has it at the bell. */
  readonly reach: number;
}

const COATS: readonly Colour[] = [
  [196, 92, 58],
  [52, 84, 132],
  [206, 166, 66],
  [120, 62, 84],
  [70, 108, 88],
];
const SKINS: readonly Colour[] = [
  [232, 190, 160],
  [198, 142, 108],
  [138, 92, 66],
  [96, 64, 48],
];
const HAIRS: readonly Colour[] = [
  [58, 42, 34],
  [140, 96, 52],
  [34, 30, 32],
  [170, 164, 158],
];

function pick(colours: readonly Colour[], random: () => number): Ink {
  return toInk(colours[Math.floor(random() * colours.length)] ?? [128, 128, 128]);
}

export function randomOutfit(random: () => number): Outfit {
  return {
    coat: pick(COATS, random),
    trousers: toInk([48, 52, 66]),
    shoes: toInk([40, 32, 28]),
    skin: pick(SKINS, random),
    hair: pick(HAIRS, random),
    hat: random() < 0.4 ? toInk([72, 60, 62]) : null,
    parcel: random() < 0.5 ? toInk([188, 148, 102]) : null,
  };
}

/** A point of the body: right of the middle and above the ground, in figure heights. */
type Joint = readonly [right: number, up: number];

interface Brush {
  readonly planes: Planes;
  readonly pose: Pose;
  readonly light: number;
}

function limb(brush: Brush, from: Joint, to: Joint, [start, end]: Joint, ink: Ink): void {
  const { x, y, height } = brush.pose;
  const stroke = {
    fromX: x + from[0] * height,
    fromY: y - from[1] * height,
    fromRadius: start * height,
    toX: x + to[0] * height,
    toY: y - to[1] * height,
    toRadius: end * height,
  };
  drawStroke(brush.planes, stroke, ink, brush.light);
}

/** The end of a part of the body that hangs from `from`, swung forward by `angle` radians. */
function swung(from: Joint, length: number, angle: number, turn: number): Joint {
  return [from[0] + Math.sin(angle) * length * turn, from[1] - Math.cos(angle) * length];
}

/** Draws a visitor: shadow first, then the far limbs, the body, the near limbs. */
export function drawFigure(planes: Planes, pose: Pose, outfit: Outfit, light: number): void {
  const brush: Brush = { planes, pose, light };
  const { x, y, height, turn } = pose;
  const shadow = { x: x + height * 0.1, y: y - height * 0.004, radiusX: height * 0.34 };
  drawShadow(planes, { ...shadow, radiusY: height * 0.05 }, 0.55);
  drawShadow(planes, { ...shadow, x, radiusX: height * 0.14, radiusY: height * 0.03 }, 0.4);
  // The foot that is lower stands on the ground: the body sinks in a long step.
  const soles = [0, Math.PI].map((phase) => legAngles(pose, pose.stride + phase)).map(legLength);
  const hipUp = Math.max(...soles) + SOLE;
  const shoulderUp = hipUp + 0.31;
  const lean = 0.018 * pose.pace * turn;
  const broad = 1 - Math.abs(turn);
  const far = { brush: { ...brush, light: light * 0.8 }, side: -1, phase: Math.PI };
  const near = { brush, side: 1, phase: 0 };
  for (const { brush: own, side, phase } of [far, near]) {
    drawLeg(own, [side * 0.05 * broad, hipUp], pose.stride + phase, outfit);
    if (side === -1) drawArm(own, [lean + side * 0.105 * broad, shoulderUp], phase, outfit);
  }
  const chest: Joint = [lean, shoulderUp - 0.035];
  limb(brush, [0, hipUp - 0.03], chest, [0.085 + 0.022 * broad, 0.078 + 0.03 * broad], outfit.coat);
  if (outfit.parcel !== null && broad < 0.5) {
    const box: Joint = [lean + 0.15 * turn, shoulderUp - 0.17];
    limb(brush, [box[0] - 0.03, box[1]], [box[0] + 0.03, box[1]], [0.055, 0.055], outfit.parcel);
  }
  drawHead(brush, [lean * 1.6, shoulderUp + 0.125], outfit, broad);
  drawArm(brush, [lean + 0.105 * broad, shoulderUp], 0, outfit);
}

const THIGH = 0.235;
const SHIN = 0.225;
const SOLE = 0.026;

interface LegAngles {
  readonly thigh: number;
  readonly shin: number;
}

function legAngles({ pace }: Pose, phase: number): LegAngles {
  const thigh = 0.46 * pace * Math.sin(phase);
  // The knee bends while the leg comes forward.
  const bend = pace * (0.12 + 0.85 * Math.max(0, Math.cos(phase)));
  return { thigh, shin: thigh - bend };
}

function legLength({ thigh, shin }: LegAngles): number {
  return Math.cos(thigh) * THIGH + Math.cos(shin) * SHIN;
}

function drawLeg(brush: Brush, hip: Joint, phase: number, outfit: Outfit): void {
  const { pace, turn } = brush.pose;
  const { thigh, shin } = legAngles(brush.pose, phase);
  const knee = swung(hip, THIGH, thigh, turn);
  const ankle = swung(knee, SHIN, shin, turn);
  const heel: Joint = [ankle[0], ankle[1] - 0.005];
  const toe: Joint = [ankle[0] + 0.062 * turn, ankle[1] - 0.012 + 0.03 * pace * Math.sin(phase)];
  limb(brush, heel, toe, [0.021, 0.017], outfit.shoes);
  limb(brush, knee, ankle, [0.04, 0.027], outfit.trousers);
  limb(brush, hip, knee, [0.058, 0.04], outfit.trousers);
}

function drawArm(brush: Brush, shoulder: Joint, phase: number, outfit: Outfit): void {
  const { pace, turn, stride, reach } = brush.pose;
  const ringing = phase === 0 ? reach : 0;
  const carrying = outfit.parcel !== null && Math.abs(turn) > 0.5;
  const swing = carrying ? 0.35 : -0.45 * pace * Math.sin(stride + phase);
  const bend = carrying ? 1.25 : 0.25 + 0.3 * pace * Math.max(0, -Math.sin(stride + phase));
  const down = swung(shoulder, 0.165, swing, turn);
  const side = phase === 0 ? 1 : -1;
  const hangs: Joint = [down[0] + side * 0.02 * (1 - Math.abs(turn)), down[1]];
  const elbow: Joint = [
    mix(hangs[0], shoulder[0] + 0.13, ringing),
    mix(hangs[1], shoulder[1] - 0.06, ringing),
  ];
  const rests = swung(elbow, 0.15, swing + bend, turn);
  const hand: Joint = [
    mix(rests[0], elbow[0] + 0.12, ringing),
    mix(rests[1], elbow[1] + 0.06, ringing),
  ];
  limb(brush, elbow, hand, [0.031, 0.024], outfit.coat);
  limb(brush, shoulder, elbow, [0.042, 0.033], outfit.coat);
  const fingers: Joint = [
    hand[0] + (hand[0] - elbow[0]) * 0.14,
    hand[1] + (hand[1] - elbow[1]) * 0.14,
  ];
  limb(brush, hand, fingers, [0.021, 0.018], outfit.skin);
}

function drawHead(brush: Brush, [right, up]: Joint, outfit: Outfit, broad: number): void {
  const { turn } = brush.pose;
  limb(brush, [right * 0.8, up - 0.1], [right, up - 0.03], [0.032, 0.03], outfit.skin);
  limb(brush, [right, up - 0.016], [right, up + 0.02], [0.05, 0.056], outfit.skin);
  // Hair: behind in a side view, all of the head from the back.
  const back = -0.018 * turn;
  limb(
    brush,
    [right + back * 1.6, up - 0.02 * broad],
    [right + back, up + 0.03],
    [0.046, 0.053],
    outfit.hair,
  );
  if (outfit.hat !== null) {
    limb(brush, [right - 0.03, up + 0.055], [right + 0.03, up + 0.055], [0.03, 0.03], outfit.hat);
    const brim = 0.07 * turn;
    limb(
      brush,
      [right - 0.05, up + 0.034],
      [right + 0.05 + brim * 0.4, up + 0.034],
      [0.012, 0.01],
      outfit.hat,
    );
  }
}
