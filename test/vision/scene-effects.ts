import {
  LEAVES_HEIGHT,
  LEAVES_WIDTH,
  SCENE_FRAMES_PER_SECOND,
  SCENE_HEIGHT,
  SCENE_WIDTH,
  type CutOut,
  type Plane,
  type SceneGround,
} from "./scene-ground.ts";

/** What is done to the pictures of a scene: light, weather, and things that come and go. */

type Range = readonly [from: number, to: number];

/** Repeatable noise: Gaussian, of standard deviation 1, the same on every machine. */
export class Grain {
  readonly #table = new Float32Array(65_536);
  #state: number;

  constructor(seed: number) {
    this.#state = seed * 2_654_435_761 || 1;
    for (let at = 0; at < this.#table.length; at += 1) {
      const [one, other] = [(this.next() + 1) / 2 ** 32, this.next() / 2 ** 32];
      this.#table[at] = Math.sqrt(-2 * Math.log(one)) * Math.cos(2 * Math.PI * other);
    }
  }
  next(): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state;
    return state >>> 0;
  }
  share(): number {
    return this.next() / 2 ** 32;
  }
  normal(): number {
    return this.#table[this.next() & 65_535] ?? 0;
  }
}

/** What is done to the levels of a picture at a second, in order. */
export type Effect = (levels: Float32Array, second: number, grain: Grain) => void;

export const noise =
  (sigma: number): Effect =>
  (levels, _second, grain) => {
    for (let at = 0; at < levels.length; at += 1) levels[at] = levels[at]! + sigma * grain.normal();
  };

export const light =
  (gain: (second: number) => number, offset: (second: number) => number = () => 0): Effect =>
  (levels, second) => {
    const [by, plus] = [gain(second), offset(second)];
    for (let at = 0; at < levels.length; at += 1) levels[at] = levels[at]! * by + plus;
  };

/** Goes from one value to the next within `over` seconds of each moment. */
export const steps =
  (first: number, changes: readonly (readonly [at: number, to: number])[], over: number) =>
  (second: number): number => {
    let value = first;
    for (const [at, to] of changes) {
      const share = Math.min(1, Math.max(0, (second - at) / over));
      value += (to - value) * share;
    }
    return value;
  };

const paste = (levels: Float32Array, thing: CutOut, left: number, top: number, gain = 1): void => {
  // Between two pixels: what moves slowly does not jump.
  const [x0, y0] = [Math.floor(left), Math.floor(top)];
  const [fx, fy] = [left - x0, top - y0];
  const taken = (plane: Plane, x: number, y: number): number =>
    x < 0 || y < 0 || x >= thing.width || y >= thing.height ? 0 : plane[y * thing.width + x]!;
  for (let y = Math.max(0, y0); y <= Math.min(SCENE_HEIGHT - 1, y0 + thing.height); y += 1)
    for (let x = Math.max(0, x0); x <= Math.min(SCENE_WIDTH - 1, x0 + thing.width); x += 1) {
      let [cover, sum] = [0, 0];
      for (const [dx, wx] of [
        [0, 1 - fx],
        [1, fx],
      ] as const)
        for (const [dy, wy] of [
          [0, 1 - fy],
          [1, fy],
        ] as const) {
          const alpha = taken(thing.alpha, x - x0 - dx, y - y0 - dy) * wx * wy;
          cover += alpha;
          sum += alpha * taken(thing.pixels, x - x0 - dx, y - y0 - dy);
        }
      if (cover === 0) continue;
      const at = y * SCENE_WIDTH + x;
      levels[at] = (levels[at]! * (255 - cover) + sum * gain) / 255;
    }
};

/** Where a thing is at a second; null while it is not there. */
type Way = (second: number) => readonly [left: number, top: number] | null;

export const thing =
  (what: CutOut, way: Way, gain = 1): Effect =>
  (levels, second) => {
    const at = way(second);
    if (at) paste(levels, what, at[0], at[1], gain);
  };

/** Crosses the whole picture, from the left edge to the right one. */
export const crossing =
  (what: CutOut, [from, to]: Range, top: number): Way =>
  (second) =>
    second < from || second > to
      ? null
      : [-what.width + ((SCENE_WIDTH + what.width) * (second - from)) / (to - from), top];

/** Comes in from the left, stays at `x` from `arrives` to `leaves`, and goes on to the right. */
export const staying =
  (
    what: CutOut,
    [from, arrives, leaves, to]: readonly [number, number, number, number],
    x: number,
    top: number,
    sway = 0,
  ): Way =>
  (second) => {
    if (second < from || second > to) return null;
    const steady = sway * Math.sin(second * 1.7);
    if (second < arrives)
      return [-what.width + ((x + what.width) * (second - from)) / (arrives - from), top];
    if (second <= leaves) return [x + steady, top];
    return [x + ((SCENE_WIDTH - x) * (second - leaves)) / (to - leaves), top];
  };

/** Two soft cones that sweep over everything, brighter than what they fall on. */
export const headlights =
  (times: readonly number[], strength: number): Effect =>
  (levels, second) => {
    for (const at of times) {
      const share = (second - at) / 3;
      if (share < 0 || share > 1) continue;
      const centre = -150 + share * (SCENE_WIDTH + 300);
      for (let y = 0; y < SCENE_HEIGHT; y += 1)
        for (let x = 0; x < SCENE_WIDTH; x += 1) {
          const slant = x - centre - (y - SCENE_HEIGHT) * 0.5;
          const width = 55 + (SCENE_HEIGHT - y) * 0.25;
          const fall =
            Math.exp(-((slant / width) ** 2)) + 0.7 * Math.exp(-(((slant - 120) / width) ** 2));
          const cell = y * SCENE_WIDTH + x;
          levels[cell] = levels[cell]! * (1 + strength * fall) + 6 * fall;
        }
    }
  };

/** Drops that fall through the picture, most of them thin and far, some broad and near. */
export const rain =
  (drops: number): Effect =>
  (levels, _second, grain) => {
    for (let drop = 0; drop < drops; drop += 1) {
      const isNear = drop % 25 === 0;
      const length = isNear ? 50 + grain.share() * 60 : 10 + grain.share() * 16;
      const width = isNear ? 3 : 1;
      const bright = isNear ? 26 : 34 + grain.share() * 30;
      const [left, top] = [grain.share() * SCENE_WIDTH, grain.share() * SCENE_HEIGHT - length / 2];
      for (let along = 0; along < length; along += 1)
        for (let across = 0; across < width; across += 1) {
          const x = Math.floor(left + along * 0.18) + across;
          const y = Math.floor(top + along);
          if (x < 0 || y < 0 || x >= SCENE_WIDTH || y >= SCENE_HEIGHT) continue;
          const at = y * SCENE_WIDTH + x;
          levels[at] = levels[at]! * 0.75 + bright;
        }
    }
  };

/** The whole picture moves by up to so many pixels, as on a pole in the wind. */
export const shake =
  (pixels: (second: number) => number): Effect =>
  (levels, second) => {
    const reach = pixels(second);
    if (reach === 0) return;
    const dx = reach * (0.6 * Math.sin(second * 9.1) + 0.4 * Math.sin(second * 23.7 + 1));
    const dy = reach * (0.5 * Math.sin(second * 7.3 + 2) + 0.3 * Math.sin(second * 19.1));
    const before = levels.slice();
    const clamp = (value: number, max: number): number => Math.min(max, Math.max(0, value));
    for (let y = 0; y < SCENE_HEIGHT; y += 1)
      for (let x = 0; x < SCENE_WIDTH; x += 1) {
        const [sx, sy] = [clamp(x + dx, SCENE_WIDTH - 1.001), clamp(y + dy, SCENE_HEIGHT - 1.001)];
        const [ix, iy] = [Math.floor(sx), Math.floor(sy)];
        const [fx, fy] = [sx - ix, sy - iy];
        const at = iy * SCENE_WIDTH + ix;
        const upper = before[at]! * (1 - fx) + before[at + 1]! * fx;
        const lower = before[at + SCENE_WIDTH]! * (1 - fx) + before[at + SCENE_WIDTH + 1]! * fx;
        levels[y * SCENE_WIDTH + x] = upper * (1 - fy) + lower * fy;
      }
  };

/** Foliage over the left of the picture, played to and fro, `speed` times as fast as it was. */
export const leaves =
  ({ leaves: all }: SceneGround, speed: number): Effect =>
  (levels, second) => {
    const index = Math.floor(second * SCENE_FRAMES_PER_SECOND * speed) % (2 * all.length - 2);
    const picture = all[index < all.length ? index : 2 * all.length - 2 - index];
    if (!picture) return;
    for (let y = 0; y < LEAVES_HEIGHT; y += 1)
      for (let x = 0; x < LEAVES_WIDTH; x += 1) {
        const edge = Math.min(1, (LEAVES_WIDTH - x) / 30);
        const at = (y + 9) * SCENE_WIDTH + x;
        levels[at] = levels[at]! * (1 - edge) + picture[y * LEAVES_WIDTH + x]! * edge;
      }
  };

/** The camera's own lamp and its filter: foliage and cloth turn bright, the corners dark. */
export const infrared =
  (from: number, to: number): Effect =>
  (levels, second) => {
    if (second < from || second >= to) return;
    // Most cameras show black, or white, for a moment.
    const settling = second - from < 0.2 ? 0.15 : second - from < 0.6 ? 1.7 : 1;
    for (let y = 0; y < SCENE_HEIGHT; y += 1)
      for (let x = 0; x < SCENE_WIDTH; x += 1) {
        const at = y * SCENE_WIDTH + x;
        const level = levels[at]!;
        const away = Math.hypot((x - SCENE_WIDTH / 2) / 330, (y - SCENE_HEIGHT / 2) / 240);
        const lit = 25 + level * 0.55 + (level > 60 && level < 120 ? 35 : 0);
        levels[at] = lit * Math.max(0.2, 1.25 - 0.7 * away * away) * settling;
      }
  };

/** Clouds with an edge that pass over, one after the other. */
export const cloudShadows =
  (depth: number, edge: number): Effect =>
  (levels, second) => {
    const front = ((second * 60) % 1_600) - 400;
    for (let y = 0; y < SCENE_HEIGHT; y += 1)
      for (let x = 0; x < SCENE_WIDTH; x += 1) {
        const away = x + 0.4 * y - front;
        const inside =
          Math.min(1, Math.max(0, away / edge)) * Math.min(1, Math.max(0, (500 - away) / edge));
        const at = y * SCENE_WIDTH + x;
        levels[at] = levels[at]! * (1 - depth * inside);
      }
  };

export const gusts = (second: number): number =>
  4 * Math.max(0, Math.sin((second * Math.PI) / 9)) ** 2;
