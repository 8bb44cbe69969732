import {
  box,
  ellipse,
  fillPolygon,
  newPicture,
  shadeBox,
  type Colour,
  type Picture,
  type Point,
} from "./canvas.ts";
import { ease, mix, roughNoise, smoothNoise } from "./random.ts";

/** Where the eye's height meets the far end of the garden; things shrink towards it. */
export const HORIZON_Y = 250;
export const GROUND_Y = 505;
export const WALL_LEFT = 470;
const EAVES_Y = 62;
/** Foot of the door, where visitors stand, and the bell beside it. */
export const DOORSTEP: Point = [870, 556];
export const BELL: Point = [1003, 372];
export const LAMP: Point = [885, 138];
const DOOR = { left: 795, right: 975, top: 196, bottom: 512 };

/** The way that visitors walk: 0 is outside the picture, 1 is the doorstep. */
export function pathAt(share: number): Point {
  const [fromX, fromY, bendX, bendY] = [-110, 652, 520, 690];
  const left = 1 - share;
  return [
    left * left * fromX + 2 * left * share * bendX + share * share * DOORSTEP[0],
    left * left * fromY + 2 * left * share * bendY + share * share * DOORSTEP[1],
  ];
}

/** How much larger things are at this height of the ground than at the door. */
export function nearness(y: number): number {
  return (y - HORIZON_Y) / (DOORSTEP[1] - HORIZON_Y);
}

/** Top edge of the hedge. */
export function hedgeTop(x: number): number {
  return 318 + 16 * smoothNoise(x / 55, 3) + 9 * smoothNoise(x / 17, 9);
}

/** Everything that neither moves nor changes, apart from the light. */
export function paintBackdrop(width: number, height: number): Picture {
  const picture = newPicture(width, height);
  fillPolygon(picture, box(0, 0, 1280, 720), skyColour);
  paintHedge(picture);
  paintGround(picture);
  paintWall(picture);
  paintWindow(picture);
  paintDoor(picture);
  paintLampAndBell(picture);
  paintPlanter(picture, 732, 542);
  paintPlanter(picture, 1066, 542);
  return picture;
}

function shaded([red, green, blue]: Colour, light: number): Colour {
  return [red * light, green * light, blue * light];
}

function between(from: Colour, to: Colour, share: number): Colour {
  return [mix(from[0], to[0], share), mix(from[1], to[1], share), mix(from[2], to[2], share)];
}

export function skyColour(_x: number, y: number): Colour {
  return between([132, 172, 214], [232, 226, 214], ease(y / 340));
}

function paintHedge(picture: Picture): void {
  // Far trees behind it, pale with distance.
  const far = Array.from({ length: 40 }, (_, index): Point => {
    const x = index * 14;
    return [x, 268 - 34 * smoothNoise(x / 80, 40) - 10 * smoothNoise(x / 23, 41)];
  });
  fillPolygon(picture, [...far, [560, 420], [0, 420]], (x, y) =>
    shaded([136, 158, 140], 0.94 + 0.12 * roughNoise(x / 12, y / 9)),
  );
  const top = Array.from({ length: 110 }, (_, index): Point => [index * 5, hedgeTop(index * 5)]);
  fillPolygon(picture, [...top, [545, 530], [0, 530]], (x, y) => {
    const depth = ease((y - hedgeTop(x)) / 190);
    const leafy = roughNoise(x / 7, y / 6) * 0.55 + smoothNoise(x / 26, y / 22) * 0.45;
    return shaded([74, 112, 58], mix(1.12, 0.62, depth) * (0.62 + 0.72 * leafy));
  });
}

function paintGround(picture: Picture): void {
  fillPolygon(picture, box(0, GROUND_Y, 1280, 720), (x, y) => {
    const near = nearness(y);
    const blades = roughNoise(x / (9 * near), y / (3.2 * near));
    const patches = smoothNoise(x / 170, y / 60);
    return shaded([104, 140, 74], 0.74 + 0.3 * blades + 0.16 * patches);
  });
  // The house and the hedge keep the light off the grass at their feet.
  shadeBox(picture, [0, GROUND_Y, 1280, GROUND_Y + 60], (_x, y) => [
    [34, 48, 38],
    0.5 * (1 - ease((y - GROUND_Y) / 55)),
  ]);
  const along = Array.from({ length: 41 }, (_, index) => index / 40);
  const edge = (side: number) => along.map((share) => pathEdge(share, side));
  fillPolygon(picture, [...edge(-1.12), ...edge(1.12).toReversed()], () => [112, 104, 88]);
  fillPolygon(picture, [...edge(-1), ...edge(1).toReversed()], (x, y) =>
    shaded([186, 178, 162], 0.86 + 0.2 * roughNoise(x / 22, y / 11)),
  );
  // A wider slab where the path meets the step.
  const landing: Point[] = [
    [738, 536],
    [1022, 536],
    [1046, 592],
    [712, 592],
  ];
  fillPolygon(picture, landing, (x, y) =>
    shaded([182, 174, 158], 0.86 + 0.2 * roughNoise(x / 22, y / 11)),
  );
  for (let joint = 0.03; joint < 0.86; joint += 0.062) {
    const gap = 0.0035;
    const corners = [
      pathEdge(joint - gap, -1),
      pathEdge(joint + gap, -1),
      pathEdge(joint + gap, 1),
      pathEdge(joint - gap, 1),
    ];
    fillPolygon(picture, corners, () => [120, 112, 98], 0.8);
  }
}

/** A point on one side of the path: -1 is its far edge, 1 its near one. */
function pathEdge(share: number, side: number): Point {
  const [x, y] = pathAt(share);
  const [aheadX, aheadY] = pathAt(share + 0.01);
  const length = Math.hypot(aheadX - x, (aheadY - y) * 2.2) || 1;
  const half = 58 * nearness(y) * side;
  return [x - ((aheadY - y) * 2.2 * half) / length, y + (((aheadX - x) / length) * half) / 2.2];
}

const BRICK_WIDTH = 46;
const BRICK_HEIGHT = 17;

function brickColour(x: number, y: number): Colour {
  const row = Math.floor(y / BRICK_HEIGHT);
  const shifted = x + (row % 2) * (BRICK_WIDTH / 2);
  const column = Math.floor(shifted / BRICK_WIDTH);
  const insideX = shifted - column * BRICK_WIDTH;
  const insideY = y - row * BRICK_HEIGHT;
  if (insideX < 2 || insideY < 2) return shaded([206, 196, 182], 0.95);
  const own = smoothNoise(column * 7.3, row * 5.1);
  const grain = roughNoise(x / 3, y / 3);
  const base = between([174, 112, 88], [196, 138, 108], own);
  return shaded(base, 0.9 + 0.14 * grain + (insideY < 4 ? 0.05 : 0));
}

function paintWall(picture: Picture): void {
  fillPolygon(picture, box(WALL_LEFT, 0, 1280, GROUND_Y), (x, y) => {
    const underEaves = mix(0.62, 1, ease((y - EAVES_Y) / 95));
    const towardsCorner = mix(0.9, 1, ease((x - WALL_LEFT) / 120));
    return shaded(brickColour(x, y), underEaves * towardsCorner);
  });
  fillPolygon(picture, box(WALL_LEFT, 470, 1280, GROUND_Y), (x, y) =>
    shaded([128, 122, 116], 0.9 + 0.16 * roughNoise(x / 9, y / 9)),
  );
  // Roof edge, gutter and the drain pipe at the corner of the house.
  fillPolygon(picture, box(WALL_LEFT - 34, 0, 1280, EAVES_Y - 14), (x, y) =>
    shaded([94, 84, 82], 0.8 + 0.3 * smoothNoise(x / 30, Math.floor(y / 15) * 9)),
  );
  fillPolygon(picture, box(WALL_LEFT - 38, EAVES_Y - 16, 1280, EAVES_Y), (_x, y) =>
    shaded([236, 232, 224], mix(1, 0.74, (y - EAVES_Y + 16) / 16)),
  );
  fillPolygon(picture, box(WALL_LEFT + 10, EAVES_Y, WALL_LEFT + 22, GROUND_Y), (x) =>
    shaded([222, 218, 210], 1 - 0.3 * Math.abs((x - WALL_LEFT - 14) / 9)),
  );
}

function paintWindow(picture: Picture): void {
  const [left, top, right, bottom] = [1078, 205, 1240, 395];
  fillPolygon(picture, box(left - 12, top - 12, right + 12, bottom + 16), () => [238, 234, 226]);
  fillPolygon(picture, box(left, top, right, bottom), (x, y) => {
    const curtain = Math.min(x - left, right - x) < 44;
    if (curtain) return shaded([214, 204, 184], 0.66 + 0.16 * Math.sin(x / 3.4));
    // The room is dark: the pane shows the sky, brighter along one slanting stripe.
    const stripe = ease(1 - Math.abs(x + y * 0.55 - 1345) / 26);
    return between([64, 80, 92], [150, 172, 186], 0.55 * ease((bottom - y) / 210) + 0.35 * stripe);
  });
  const middle = (left + right) / 2;
  const bars = [box(middle - 4, top, middle + 4, bottom), box(left, 294, right, 301)];
  for (const bar of bars) fillPolygon(picture, bar, () => [236, 232, 224]);
  fillPolygon(picture, box(left - 20, bottom + 14, right + 20, bottom + 26), (_x, y) =>
    shaded([206, 200, 190], mix(1.06, 0.8, (y - bottom - 14) / 12)),
  );
  shadeBox(picture, [left - 18, bottom + 26, right + 18, bottom + 44], (_x, y) => [
    [60, 36, 30],
    0.4 * (1 - (y - bottom - 26) / 18),
  ]);
}

function paintDoor(picture: Picture): void {
  const { left, right, top, bottom } = DOOR;
  const frame = 16;
  fillPolygon(picture, box(left - frame, top - frame, right + frame, bottom), (x) =>
    shaded([240, 236, 228], x < left ? 1 : 0.95),
  );
  const paintwork: Colour = [38, 92, 98];
  fillPolygon(picture, box(left, top, right, bottom), (x, y) =>
    shaded(
      paintwork,
      (0.94 + 0.1 * smoothNoise(x / 3, y / 60)) * mix(0.72, 1, ease((y - top) / 40)),
    ),
  );
  for (const [panelLeft, panelTop, panelRight, panelBottom] of [
    [left + 20, top + 176, left + 82, bottom - 26],
    [right - 82, top + 176, right - 20, bottom - 26],
  ] as const) {
    fillPolygon(picture, box(panelLeft, panelTop, panelRight, panelBottom), () =>
      shaded(paintwork, 0.66),
    );
    fillPolygon(picture, box(panelLeft + 4, panelTop + 4, panelRight - 2, panelBottom - 2), () =>
      shaded(paintwork, 1.12),
    );
  }
  fillPolygon(picture, box(left + 20, top + 24, right - 20, top + 118), () =>
    shaded(paintwork, 0.6),
  );
  fillPolygon(picture, box(left + 25, top + 29, right - 25, top + 113), (x, y) =>
    between([196, 186, 150], [112, 130, 132], ease(roughNoise(x / 16, y / 16) * 1.1)),
  );
  fillPolygon(picture, box(884, top + 24, 887, top + 118), () => shaded(paintwork, 0.8));
  // Letter slot, knob, threshold and step.
  fillPolygon(picture, box(left + 62, top + 136, right - 62, top + 152), () => [196, 164, 92]);
  fillPolygon(picture, box(left + 66, top + 141, right - 66, top + 148), () => [92, 74, 42]);
  fillPolygon(picture, ellipse(left + 15, top + 172, 7, 7), (x, y) =>
    shaded([214, 180, 104], 1.2 - Math.hypot(x - left - 12, y - top - 169) / 16),
  );
  fillPolygon(
    picture,
    [
      [left - 26, bottom - 6],
      [right + 26, bottom - 6],
      [right + 40, 522],
      [left - 40, 522],
    ],
    (x, y) => shaded([190, 184, 174], 0.9 + 0.14 * roughNoise(x / 14, y / 8)),
  );
  fillPolygon(picture, box(left - 40, 522, right + 40, 538), (x, y) =>
    shaded([150, 144, 134], 0.86 + 0.14 * roughNoise(x / 14, y / 8)),
  );
  shadeBox(picture, [left - 60, 538, right + 70, 566], (_x, y) => [
    [50, 44, 38],
    0.42 * (1 - (y - 538) / 28),
  ]);
}

function paintLampAndBell(picture: Picture): void {
  const [lampX, lampY] = LAMP;
  shadeBox(picture, [lampX - 130, lampY - 70, lampX + 130, lampY + 150], (x, y) => {
    const away = Math.hypot(x - lampX, (y - lampY - 18) * 0.85) / 125;
    return [[255, 226, 160], 0.42 * Math.max(0, 1 - away) ** 2];
  });
  fillPolygon(picture, box(lampX - 5, lampY - 44, lampX + 5, lampY - 26), () => [48, 46, 46]);
  fillPolygon(
    picture,
    [
      [lampX - 9, lampY - 28],
      [lampX + 9, lampY - 28],
      [lampX + 20, lampY - 14],
      [lampX - 20, lampY - 14],
    ],
    () => [48, 46, 46],
  );
  fillPolygon(
    picture,
    [
      [lampX - 17, lampY - 14],
      [lampX + 17, lampY - 14],
      [lampX + 12, lampY + 20],
      [lampX - 12, lampY + 20],
    ],
    (x, y) => between([255, 248, 220], [240, 196, 112], Math.hypot(x - lampX, y - lampY) / 24),
  );
  fillPolygon(picture, box(lampX - 13, lampY + 20, lampX + 13, lampY + 25), () => [48, 46, 46]);
  const [bellX, bellY] = BELL;
  fillPolygon(picture, box(bellX - 9, bellY - 20, bellX + 9, bellY + 20), () => [52, 52, 56]);
  fillPolygon(picture, ellipse(bellX, bellY - 9, 5, 5), () => [18, 20, 24]);
  fillPolygon(picture, ellipse(bellX, bellY + 8, 6.5, 6.5), () => [120, 190, 226]);
  fillPolygon(picture, ellipse(bellX, bellY + 8, 4.4, 4.4), () => [70, 72, 78]);
}

function paintPlanter(picture: Picture, x: number, y: number): void {
  shadeBox(picture, [x - 60, y - 12, x + 90, y + 16], (px, py) => {
    const away = ((px - x - 12) / 62) ** 2 + ((py - y) / 13) ** 2;
    return [[30, 32, 26], 0.5 * Math.max(0, 1 - away)];
  });
  fillPolygon(
    picture,
    [
      [x - 27, y - 58],
      [x + 27, y - 58],
      [x + 20, y],
      [x - 20, y],
    ],
    (px) => shaded([166, 92, 66], 1.08 - 0.36 * ease((px - x + 27) / 54)),
  );
  fillPolygon(picture, box(x - 30, y - 66, x + 30, y - 54), (px) =>
    shaded([178, 102, 74], 1.1 - 0.34 * ease((px - x + 30) / 60)),
  );
  fillPolygon(picture, ellipse(x, y - 110, 40, 52), (px, py) => {
    const lit = 1.2 - 0.55 * ease((px - x + py - y + 150) / 120);
    return shaded([64, 104, 58], lit * (0.6 + 0.7 * roughNoise(px / 6, py / 6)));
  });
}
