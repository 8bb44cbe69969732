import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import type { Box, PictureSize } from "../../src/blur/boxes.ts";
import { sharedPath } from "./requirements.ts";

/** Photographs and footage whose faces a person has marked: not shipped with the project. */

/** Three bytes a pixel, row by row. */
export interface ColourImage extends PictureSize {
  readonly bytes: Uint8Array;
}

export interface LabelledPhoto {
  readonly name: string;
  readonly image: ColourImage;
  readonly faces: readonly Box[];
  /** Neither a hit nor a false alarm: reflections, figurines, backs of heads. */
  readonly ignored: readonly Box[];
}

type Numbers = readonly [number, number, number, number];

interface PhotoLabels {
  readonly w: number;
  readonly h: number;
  readonly faces: readonly Numbers[];
  readonly ignore: readonly Numbers[];
}

const BYTES_MAX = 1024 * 1024 * 1024;

/** null where the photographs are not there. */
export function labelledPhotoNames(): readonly string[] | null {
  const labels = photoLabels();
  return labels === null ? null : Object.keys(labels).toSorted();
}

/** What is marked in a photograph, without reading it. */
export function labelledFacesOf(name: string): readonly Box[] {
  return photoLabels()?.[name]?.faces.map(boxOf) ?? [];
}

/** @throws Error where it is not there or not as large as its labels say. */
export function labelledPhoto(name: string): LabelledPhoto {
  const [file, found] = [sharedPath(`media/images/${name}`), photoLabels()?.[name]];
  if (file === null || !found) throw new Error(`There is no photograph ${name}`);
  const size = { width: found.w, height: found.h };
  return {
    name,
    image: { ...size, bytes: rawFrames(["-i", file], size) },
    faces: found.faces.map(boxOf),
    ignored: found.ignore.map(boxOf),
  };
}

function photoLabels(): Record<string, PhotoLabels> | null {
  const file = sharedPath("media/faces.json");
  return file === null
    ? null
    : (JSON.parse(readFileSync(file, "utf8")) as Record<string, PhotoLabels>);
}

export function boxOf([x, y, width, height]: Numbers): Box {
  return { x, y, width, height };
}

/** Pictures of footage one after the other, in the size that is wanted. */
export function footageFrames(
  file: string,
  size: PictureSize,
  { from = 0, count = 1, rate = 15 }: { from?: number; count?: number; rate?: number } = {},
): ColourImage[] {
  const { width, height } = size;
  const fit = `scale=${width}:${height}:force_original_aspect_ratio=increase,crop=${width}:${height}`;
  const source = ["-ss", String(from), "-stream_loop", "-1", "-i", file];
  const filter = ["-vf", `fps=${rate},${fit}`, "-frames:v", String(count)];
  const bytes = rawFrames([...source, ...filter], size);
  const length = width * height * 3;
  return Array.from({ length: count }, (_, index) => ({
    ...size,
    bytes: bytes.subarray(index * length, (index + 1) * length),
  }));
}

function rawFrames(source: readonly string[], { width, height }: PictureSize): Uint8Array {
  const output = ["-an", "-pix_fmt", "rgb24", "-f", "rawvideo", "pipe:1"];
  const { status, stdout, stderr } = spawnSync("ffmpeg", ["-v", "error", ...source, ...output], {
    maxBuffer: BYTES_MAX,
  });
  if (status !== 0 || stdout.length === 0 || stdout.length % (width * height * 3) !== 0)
    throw new Error(`Cannot read pictures of ${width} x ${height}: ${stderr.toString()}`);
  return stdout;
}
