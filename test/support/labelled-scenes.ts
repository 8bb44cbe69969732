import type { Box, PictureSize } from "../../src/blur/boxes.ts";
import { randomOf } from "./labelled-paint.ts";
import type { Light } from "./labelled-lens.ts";

/** What happens in made footage: who comes in, how near, how turned, behind what, in what light. */

/** Found on one half, judged on the other: no photograph is in both. */
export type Half = "tune" | "check";

export type SceneKind =
  | "small"
  | "nearing"
  | "close"
  | "crossing"
  | "turned"
  | "narrow"
  | "hat"
  | "mask"
  | "fisheye"
  | "infrared"
  | "backlight"
  | "blurred"
  | "behind"
  | "door"
  | "passing"
  | "shaking";

/** Where an actor is; a function of the time in frames, fractions allowed. */
export interface Pose {
  /** Centre of the face, as shares of the picture. */
  readonly x: number;
  readonly y: number;
  /** Height of the face in pixels. */
  readonly height: number;
  /** Degrees, clockwise. */
  readonly angle: number;
  /** Of the face's width. */
  readonly squeeze: number;
}

export interface Actor {
  readonly photo: string;
  readonly face: number;
  readonly pose: (frame: number) => Pose;
  /** Drawn over the face, as shares of its box: 0 to 1 from the top. */
  readonly worn: readonly {
    readonly from: number;
    readonly to: number;
    readonly isWide: boolean;
  }[];
}

export interface Scene extends PictureSize {
  readonly name: string;
  readonly kind: SceneKind;
  readonly half: Half;
  readonly seed: number;
  readonly frames: number;
  readonly actors: readonly Actor[];
  /** Footage behind them; null for a plain wall that is lit unevenly. */
  readonly background: { readonly clip: string; readonly from: number } | null;
  /** Things in front of everybody, as shares of the picture. */
  readonly screens: (frame: number) => readonly Box[];
  /** By how many pixels the picture is off, in this frame. */
  readonly shake: (frame: number) => { readonly x: number; readonly y: number };
  readonly isFisheye: boolean;
  readonly light: Light;
  /** Share of a frame's time in which the shutter is open. */
  readonly exposure: number;
}

export const SCENE_FRAMES = 36;
const SCENES_OF_A_KIND = 2;
const DAY: Light = { isGrey: false, gain: 1, noise: 2 };
const HD = { width: 1280, height: 720 };
const SMALL = { width: 640, height: 360 };
/** Footage without a face in it that is large enough to be one. */
const BACKGROUNDS = [
  { clip: "car-detection.mp4", from: 3 },
  { clip: "one-by-one-person-detection.mp4", from: 12 },
  { clip: "tree.avi", from: 2 },
  null,
] as const;

export interface FaceOfPhoto {
  readonly photo: string;
  readonly face: number;
  readonly heightPx: number;
}

type Random = () => number;
type Path = (random: Random, side: number) => (frame: number) => Partial<Pose>;

interface Recipe extends Partial<Pick<Scene, "screens" | "isFisheye" | "light" | "exposure">> {
  readonly size: PictureSize;
  /** Of the face in its photograph, so that it need not be blown up much. */
  readonly sourceMin: number;
  readonly path: Path;
  readonly worn?: Actor["worn"];
  readonly isShaking?: boolean;
}

const between = (random: Random, low: number, high: number): number =>
  low + random() * (high - low);
const share = (frame: number): number => frame / (SCENE_FRAMES - 1);
/** About where a visitor's face is: the left or the right half, not at the edge. */
const place = (random: Random, side: number): { x: number; y: number } => ({
  x: between(random, 0.18, 0.36) + 0.45 * side,
  y: between(random, 0.3, 0.6),
});

/** Stands, and sways a little. */
const standing =
  (low: number, high: number): Path =>
  (random, side) => {
    const { x, y } = place(random, side);
    const [height, phase] = [between(random, low, high), random() * 6];
    return (frame) => ({
      x: x + 0.015 * Math.sin(frame / 7 + phase),
      y: y + 0.01 * Math.sin(frame / 5 + phase),
      height,
      angle: 4 * Math.sin(frame / 9 + phase),
    });
  };

/** In at one edge and out at the other. */
const across =
  (low: number, high: number, margin: number): Path =>
  (random, side) => {
    const [height, y] = [between(random, low, high), 0.3 + 0.4 * side];
    return (frame) => {
      const way = -margin + (1 + 2 * margin) * share(frame);
      return { x: side === 0 ? way : 1 - way, y: y + 0.01 * Math.sin(frame / 2), height };
    };
  };

const RECIPES: Readonly<Record<SceneKind, Recipe>> = {
  small: {
    ...{ size: SMALL, sourceMin: 30 },
    path: (random, side) => {
      const { x, y } = place(random, side);
      const height = between(random, 12, 20);
      const speed = between(random, -0.1, 0.1);
      return (frame) => ({
        x: x + speed * share(frame),
        y: y + 0.004 * Math.sin(frame / 2),
        height,
      });
    },
  },
  nearing: {
    ...{ size: HD, sourceMin: 45 },
    path: (random, side) => {
      const { x, y } = place(random, side);
      const to = between(random, 90, 180);
      return (frame) => ({
        x: x + 0.08 * share(frame),
        y: y - 0.05 * share(frame) + 0.006 * Math.sin(frame / 2),
        height: 18 * (to / 18) ** share(frame),
      });
    },
  },
  close: {
    ...{ size: HD, sourceMin: 180 },
    path: (random, side) => {
      const height = between(random, 0.45, 0.6) * HD.height;
      return (frame) => ({
        x: 0.24 + 0.52 * side + 0.02 * Math.sin(frame / 6),
        // Up from below, a look into the lens, and down again.
        y: 0.5 + 0.95 * Math.max(0, Math.abs(share(frame) - 0.5) - 0.25) * 4,
        height,
        angle: 6 * Math.sin(frame / 8),
      });
    },
  },
  crossing: { size: HD, sourceMin: 60, path: across(50, 130, 0.08) },
  turned: {
    ...{ size: HD, sourceMin: 60 },
    path: (random, side) => {
      const { x, y } = place(random, side);
      const [height, reach] = [between(random, 50, 170), between(random, 35, 60)];
      return (frame) => ({
        ...{ x, y, height },
        angle: reach * Math.sin((2 * Math.PI * share(frame) + side) * 1.2),
      });
    },
  },
  narrow: {
    ...{ size: HD, sourceMin: 60 },
    path: (random, side) => {
      const moving = standing(50, 170)(random, side);
      return (frame) => ({
        ...moving(frame),
        squeeze: 0.72 - 0.2 * Math.sin(Math.PI * share(frame)),
      });
    },
  },
  hat: {
    ...{ size: HD, sourceMin: 60, path: standing(40, 160) },
    worn: [{ from: -0.35, to: 0.24, isWide: true }],
  },
  mask: {
    ...{ size: HD, sourceMin: 60, path: standing(40, 160) },
    worn: [{ from: 0.55, to: 1.02, isWide: false }],
  },
  fisheye: { size: HD, sourceMin: 60, path: across(90, 200, 0.02), isFisheye: true },
  infrared: {
    ...{ size: HD, sourceMin: 45, path: standing(30, 140) },
    light: { isGrey: true, gain: 0.9, noise: 14 },
  },
  backlight: {
    ...{ size: HD, sourceMin: 45, path: standing(40, 160) },
    light: { isGrey: false, gain: 0.28, noise: 6 },
  },
  blurred: { size: HD, sourceMin: 60, path: across(60, 140, 0.1), exposure: 0.8 },
  behind: {
    ...{ size: HD, sourceMin: 60, path: across(60, 120, 0.02) },
    screens: () => [{ x: 0.44, y: 0, width: 0.11, height: 1 }],
  },
  door: {
    ...{ size: HD, sourceMin: 60, path: standing(60, 160) },
    // Opens quickly, and closes.
    screens: (frame) => {
      const open = Math.min(1, Math.max(0, (frame - 8) / 3), Math.max(0, (31 - frame) / 3));
      return [{ x: 0, y: 0, width: 1 - open, height: 1 }];
    },
  },
  passing: {
    ...{ size: HD, sourceMin: 60 },
    path: (random, side) => {
      const [height, y] = [between(random, 70, 130), between(random, 0.4, 0.5)];
      return (frame) => ({
        x: 0.2 + 0.6 * (side === 0 ? share(frame) : 1 - share(frame)),
        y,
        height,
      });
    },
  },
  shaking: { size: HD, sourceMin: 45, path: standing(40, 130), isShaking: true },
};

export const SCENE_KINDS = Object.keys(RECIPES) as SceneKind[];

/** Two of each kind with two faces each, from the faces of one half. */
export function scenesOf(half: Half, faces: readonly FaceOfPhoto[]): Scene[] {
  return SCENE_KINDS.flatMap((kind, kindIndex) =>
    Array.from({ length: SCENES_OF_A_KIND }, (_, index) => {
      const seed = 1_000 * (kindIndex + 1) + 10 * index + (half === "tune" ? 1 : 2);
      return sceneOf({ kind, half, seed, index: kindIndex + index }, faces);
    }),
  );
}

interface SceneChoice extends Pick<Scene, "kind" | "half" | "seed"> {
  readonly index: number;
}

function sceneOf({ kind, half, seed, index }: SceneChoice, faces: readonly FaceOfPhoto[]): Scene {
  const recipe = RECIPES[kind];
  const random = randomOf(seed);
  const large = faces.filter(({ heightPx }) => heightPx >= recipe.sourceMin);
  const actors = [0, 1].map((side): Actor => {
    const chosen = large[Math.floor(random() * large.length)];
    if (!chosen) throw new Error(`No photograph has a face for ${kind}`);
    const path = recipe.path(random, side);
    const resting: Pose = { x: 0.5, y: 0.5, height: 100, angle: 0, squeeze: 1 };
    const pose = (frame: number): Pose => ({ ...resting, ...path(frame) });
    return { photo: chosen.photo, face: chosen.face, pose, worn: recipe.worn ?? [] };
  });
  const shaken = recipe.isShaking === true ? 14 : 0;
  return {
    ...{ kind, half, seed, actors, ...recipe.size },
    name: `${half}-${kind}-${seed % 1_000 < 10 ? "a" : "b"}`,
    frames: SCENE_FRAMES,
    background: BACKGROUNDS[index % BACKGROUNDS.length] ?? null,
    screens: recipe.screens ?? (() => []),
    shake: (frame) => ({
      x: shaken * Math.sin(frame * 1.9) * Math.cos(frame * 0.3),
      y: shaken * Math.cos(frame * 2.3),
    }),
    isFisheye: recipe.isFisheye ?? false,
    light: recipe.light ?? DAY,
    exposure: recipe.exposure ?? 0,
  };
}
