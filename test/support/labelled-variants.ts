import { readFileSync } from "node:fs";
import { insidePicture, type Box } from "../../src/blur/boxes.ts";
import { light, type Light } from "./labelled-lens.ts";
import type { SceneSource } from "./labelled-made.ts";
import { paint, placed, pyramidOf, randomOf, WHOLE, type Placing } from "./labelled-paint.ts";
import {
  boxOf,
  footageFrames,
  labelledFacesOf,
  labelledPhoto,
  type ColourImage,
} from "./labelled-photos.ts";
import type { TrueFace } from "./labelled-draw.ts";
import type { Half } from "./labelled-scenes.ts";
import { sharedPath } from "./requirements.ts";

/** Whole photographs that the camera travels over, and labelled clips in other light and sizes. */

const PAN_FRAMES = 24;
const PAN_SIZE = { width: 1280, height: 720 };

/** Everybody in a photograph at once, between what is really around them. */
export function photoScenes(half: Half, names: readonly string[], rate: number): SceneSource[] {
  return names
    .filter((name) => labelledFacesOf(name).length > 0)
    .map((name) => {
      const source = { name: `${half}-group-${name.replace(".jpg", "")}`, kind: "group", half };
      return { ...source, ...PAN_SIZE, rate, frames: PAN_FRAMES, draw: () => panFrames(name) };
    });
}

function* panFrames(name: string): Generator<{ bytes: Uint8Array; faces: TrueFace[] }> {
  const { image, faces } = labelledPhoto(name);
  const pyramid = pyramidOf(image);
  const whole = { x: 0, y: 0, width: image.width, height: image.height };
  const fit = Math.min(PAN_SIZE.width / image.width, PAN_SIZE.height / image.height);
  const random = randomOf(image.width * image.height);
  for (let frame = 0; frame < PAN_FRAMES; frame++) {
    const share = frame / (PAN_FRAMES - 1);
    const placing: Placing = {
      from: { x: image.width / 2, y: image.height / 2 },
      to: {
        x: PAN_SIZE.width * (0.42 + 0.16 * share),
        y: PAN_SIZE.height * (0.5 + 0.03 * Math.sin(frame)),
      },
      ...{ scale: fit * (0.6 + 0.55 * share), squeeze: 1, angle: 0.12 * (share - 0.5) },
    };
    const target = {
      ...PAN_SIZE,
      bytes: new Uint8Array(PAN_SIZE.width * PAN_SIZE.height * 3).fill(120),
    };
    paint(target, pyramid, placing, WHOLE, whole);
    light(target, { isGrey: false, gain: 1, noise: 2 }, random);
    yield {
      bytes: target.bytes,
      faces: faces.flatMap((face, id) => placedFace(face, id, placing)),
    };
  }
}

function placedFace(face: Box, id: number, placing: Placing): TrueFace[] {
  const [xs, ys]: [number[], number[]] = [[], []];
  for (let step = 0; step < 24; step++) {
    const angle = (step * Math.PI) / 12;
    const point = placed(
      {
        x: face.x + face.width * (0.5 + 0.5 * Math.cos(angle)),
        y: face.y + face.height * (0.5 + 0.5 * Math.sin(angle)),
      },
      placing,
    );
    xs.push(point.x);
    ys.push(point.y);
  }
  const [x, y] = [Math.min(...xs), Math.min(...ys)];
  return cutOff({ x, y, width: Math.max(...xs) - x, height: Math.max(...ys) - y }, id, PAN_SIZE);
}

function cutOff(face: Box, id: number, size: { width: number; height: number }): TrueFace[] {
  const box = insidePicture(face, size);
  if (box === null) return [];
  return [{ id, box, visible: (box.width * box.height) / (face.width * face.height) }];
}

interface Variant {
  readonly name: string;
  readonly scale: number;
  readonly isMirrored: boolean;
  readonly light: Light;
}

const DAY: Light = { isGrey: false, gain: 1, noise: 0 };
const VARIANTS: readonly Variant[] = [
  { name: "plain", scale: 1, isMirrored: false, light: DAY },
  { name: "mirrored", scale: 2, isMirrored: true, light: { ...DAY, noise: 4 } },
  { name: "infrared", scale: 2, isMirrored: false, light: { isGrey: true, gain: 0.9, noise: 14 } },
  { name: "dark", scale: 2, isMirrored: true, light: { isGrey: false, gain: 0.3, noise: 5 } },
];
/** People who turn their heads, for the half that is checked; who walk up, for the other. */
const CLIPS: Readonly<Record<Half, string>> = { tune: "walking.mp4", check: "head-pose.mp4" };

interface ClipLabels {
  readonly w: number;
  readonly h: number;
  readonly fps: number;
  readonly frames: number;
  readonly tracks: readonly {
    readonly id: number;
    readonly frames: Readonly<Record<string, readonly [number, number, number, number]>>;
  }[];
}

export function variantScenes(half: Half): SceneSource[] {
  const name = CLIPS[half];
  const [file, labels] = [sharedPath(`media/clips/${name}`), sharedPath("media/face_tracks.json")];
  if (file === null || labels === null) return [];
  const clip = (JSON.parse(readFileSync(labels, "utf8")) as Record<string, ClipLabels>)[name];
  if (!clip) return [];
  return VARIANTS.map((variant) => {
    const size = { width: clip.w * variant.scale, height: clip.h * variant.scale };
    return {
      ...{ name: `${half}-${name.replace(".mp4", "")}-${variant.name}`, kind: "footage", half },
      ...{ ...size, rate: clip.fps, frames: clip.frames },
      draw: () => variantFrames(file, clip, variant),
    };
  });
}

function* variantFrames(
  file: string,
  clip: ClipLabels,
  variant: Variant,
): Generator<{ bytes: Uint8Array; faces: TrueFace[] }> {
  const size = { width: clip.w * variant.scale, height: clip.h * variant.scale };
  const random = randomOf(clip.w * clip.frames);
  const pictures = footageFrames(file, size, { count: clip.frames, rate: clip.fps });
  for (const [frame, picture] of pictures.entries()) {
    const image = variant.isMirrored
      ? mirrored(picture)
      : { ...picture, bytes: Uint8Array.from(picture.bytes) };
    light(image, variant.light, random);
    const faces = clip.tracks.flatMap(({ id, frames }) => {
      const found = frames[String(frame)];
      if (!found) return [];
      const [x, y, width, height] = found.map((value) => value * variant.scale);
      const box = boxOf([x ?? 0, y ?? 0, width ?? 0, height ?? 0]);
      const shown = variant.isMirrored ? { ...box, x: size.width - box.x - box.width } : box;
      return cutOff(shown, id, size);
    });
    yield { bytes: image.bytes, faces };
  }
}

function mirrored({ width, height, bytes }: ColourImage): ColourImage {
  const made = new Uint8Array(bytes.length);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const from = (y * width + width - 1 - x) * 3;
      made.set(bytes.subarray(from, from + 3), (y * width + x) * 3);
    }
  return { width, height, bytes: made };
}
