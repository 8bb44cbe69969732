import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { once } from "node:events";
import type { Box } from "../../src/blur/boxes.ts";
import { sceneFrames, type TrueFace } from "./labelled-draw.ts";
import { labelledFacesOf, labelledPhotoNames } from "./labelled-photos.ts";
import { photoScenes, variantScenes } from "./labelled-variants.ts";
import { scenesOf, type FaceOfPhoto, type Half } from "./labelled-scenes.ts";

/**
 * Footage whose truth is exact: labelled photographs and clips moved, scaled, turned, worn over,
 * bent, darkened and blurred by known transformations, and coded by x264 as a door camera would.
 * Made where the labelled media is, kept below the temporary folder, never shipped.
 */

export interface MadeTrack {
  readonly id: number;
  /** Frame to box, only where at least half of the face can be seen. */
  readonly boxes: ReadonlyMap<number, Box>;
}

export interface MadeClip {
  readonly name: string;
  readonly kind: string;
  readonly half: Half;
  readonly width: number;
  readonly height: number;
  readonly frames: number;
  readonly rate: number;
  /** Of the MP4. */
  readonly file: string;
  readonly tracks: readonly MadeTrack[];
}

export interface SceneSource {
  readonly name: string;
  readonly kind: string;
  readonly half: Half;
  readonly width: number;
  readonly height: number;
  readonly rate: number;
  readonly frames: number;
  /** Pictures and truth, one after the other. */
  readonly draw: () => Iterable<{
    readonly bytes: Uint8Array;
    readonly faces: readonly TrueFace[];
  }>;
}

/** Changes with whatever changes the pictures, so that nothing old is measured. */
const VERSION = 1;
const RATE = 15;
const FOLDER = path.join(os.tmpdir(), `doorward-made-faces-${VERSION}`);
/** Bits per pixel of a door camera: 1.4 Mbit/s at 1280x720 and 15 frames a second. */
const BITS_PER_PIXEL = 0.1;
/** Smaller than this nobody is recognised, and no label says where it is. */
const FACE_MIN_PX = 8;

/** null where the labelled media is not there. */
export function madeSources(): SceneSource[] | null {
  const names = labelledPhotoNames();
  if (names === null) return null;
  const halves: Half[] = ["tune", "check"];
  return halves.flatMap((half) => {
    const own = photosOf(half, names);
    const faces = own.flatMap((photo): FaceOfPhoto[] =>
      labelledFacesOf(photo).map(({ height }, face) => ({ photo, face, heightPx: height })),
    );
    const drawn = scenesOf(half, faces).map((scene): SceneSource => ({
      ...scene,
      rate: RATE,
      draw: () => sceneFrames(scene, RATE),
    }));
    return [...drawn, ...photoScenes(half, own, RATE), ...variantScenes(half)];
  });
}

/** Photographs in turn, so that each kind of photograph is in both halves. */
export function photosOf(half: Half, names: readonly string[]): string[] {
  return names.filter((_, index) => (index % 2 === 0) === (half === "tune"));
}

/** Makes a clip, or takes it as it was made before. */
export async function madeClip(source: SceneSource): Promise<MadeClip> {
  mkdirSync(FOLDER, { recursive: true });
  const file = path.join(FOLDER, `${source.name}.mp4`);
  const labels = path.join(FOLDER, `${source.name}.json`);
  const { name, kind, half, width, height, frames, rate } = source;
  if (!existsSync(labels)) {
    const truth = await encode(source, file);
    const part = `${labels}.${process.pid}.part`;
    writeFileSync(part, JSON.stringify(truth));
    renameSync(part, labels);
  }
  const truth = JSON.parse(readFileSync(labels, "utf8")) as TrueFace[][];
  return { name, kind, half, width, height, frames, rate, file, tracks: tracksOf(truth) };
}

function tracksOf(truth: readonly (readonly TrueFace[])[]): MadeTrack[] {
  const tracks = new Map<number, Map<number, Box>>();
  truth.forEach((faces, frame) => {
    for (const { id, box, visible } of faces) {
      if (visible < 0.5 || Math.min(box.width, box.height) < FACE_MIN_PX) continue;
      const boxes = tracks.get(id) ?? new Map<number, Box>();
      tracks.set(id, boxes.set(frame, box));
    }
  });
  return [...tracks].map(([id, boxes]) => ({ id, boxes }));
}

async function encode(source: SceneSource, file: string): Promise<TrueFace[][]> {
  const { width, height, rate } = source;
  // Two runs may make the same one at the same time.
  const part = `${file}.${process.pid}.part.mp4`;
  const bitrate = String(Math.round(width * height * rate * BITS_PER_PIXEL));
  const child = spawn(
    "ffmpeg",
    [
      ...["-y", "-v", "error", "-f", "rawvideo", "-pix_fmt", "rgb24"],
      ...["-s", `${width}x${height}`, "-r", String(rate), "-i", "pipe:0"],
      ...["-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency", "-pix_fmt", "yuv420p"],
      ...["-b:v", bitrate, "-maxrate", bitrate, "-bufsize", bitrate, "-g", String(2 * rate)],
      ...["-threads", "1", part],
    ],
    { stdio: ["pipe", "ignore", "inherit"] },
  );
  const ended = once(child, "close") as Promise<[number | null]>;
  const truth: TrueFace[][] = [];
  for (const { bytes, faces } of source.draw()) {
    if (!child.stdin.write(bytes)) await once(child.stdin, "drain");
    truth.push([...faces]);
  }
  child.stdin.end();
  const [code] = await ended;
  if (code !== 0) throw new Error(`Cannot make ${source.name}: ffmpeg ended with ${String(code)}`);
  renameSync(part, file);
  return truth;
}
