import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import type { PictureSize } from "../../src/blur/boxes.ts";
import { sharedPath } from "./requirements.ts";

/** Labelled footage as segments of a clip, and a reader of pictures: not shipped with the project. */

export interface LabelledClip {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly frames: number;
  /** Frame to [x, y, width, height] of each track. */
  readonly tracks: readonly {
    readonly id: number;
    readonly frames: Readonly<Record<string, readonly [number, number, number, number]>>;
  }[];
  readonly segments: readonly Uint8Array[];
}

/** null where the footage is not there. */
export function labelledClip(name: string): LabelledClip | null {
  const [movie, labels] = [sharedPath(`media/clips/${name}`), sharedPath("media/face_tracks.json")];
  if (movie === null || labels === null) return null;
  const all = JSON.parse(readFileSync(labels, "utf8")) as Record<
    string,
    { w: number; h: number; frames: number; tracks: LabelledClip["tracks"] }
  >;
  const found = all[name];
  if (!found) return null;
  const { w: width, h: height, frames, tracks } = found;
  return { name, width, height, frames, tracks, segments: segmentsOf(["-i", movie], 12) };
}

/** Cut at key frames like a recording: the second of two has times that run on. */
export function segmentsOf(source: readonly string[], groupFrames: number): Uint8Array[] {
  const { status, stdout, stderr } = spawnSync(
    "ffmpeg",
    [
      ...["-v", "error", ...(source.includes("-vf") ? source : [...source, "-pix_fmt", "yuv420p"])],
      ...["-an", "-c:v", "libx264", "-preset", "fast", "-crf", "14"],
      ...["-bf", "0", "-g", String(groupFrames), "-sc_threshold", "0"],
      ...["-video_track_timescale", "90000", "-fps_mode", "passthrough"],
      ...["-movflags", "frag_every_frame+empty_moov+default_base_moof", "-f", "mp4", "pipe:1"],
    ],
    { maxBuffer: 256 * 1024 * 1024 },
  );
  if (status !== 0) throw new Error(`ffmpeg failed: ${stderr.toString()}`);
  return cutInTwo(stdout, groupFrames);
}

function cutInTwo(movie: Buffer, groupFrames: number): Uint8Array[] {
  const units: Buffer[] = [];
  let [head, start] = [movie.subarray(0, 0), 0];
  for (let at = 0; at + 8 <= movie.length;) {
    const name = movie.toString("latin1", at + 4, at + 8);
    at += movie.readUInt32BE(at);
    if (name === "moov") head = movie.subarray(0, at);
    if (name === "mdat") units.push(movie.subarray(start, at));
    if (name === "moov" || name === "mdat") start = at;
  }
  const groups = Math.max(1, Math.floor(units.length / groupFrames / 2));
  const cut = groups * groupFrames;
  return [units.slice(0, cut), units.slice(cut)]
    .filter((part) => part.length > 0)
    .map((part) => new Uint8Array(Buffer.concat([head, ...part])));
}

/** The brightness of every picture of a file, row by row, one byte a pixel, as it was coded. */
export function lumaFrames(movie: Uint8Array, { width, height }: PictureSize): Buffer[] {
  const { status, stdout, stderr } = spawnSync(
    "ffmpeg",
    [
      ...["-v", "error", "-i", "pipe:0", "-fps_mode", "passthrough", "-vf", "extractplanes=y"],
      ...["-f", "rawvideo", "pipe:1"],
    ],
    { input: movie, maxBuffer: 1024 * 1024 * 1024 },
  );
  if (status !== 0 || stderr.length > 0) throw new Error(`ffmpeg failed: ${stderr.toString()}`);
  const size = width * height;
  return Array.from({ length: stdout.length / size }, (_, index) =>
    stdout.subarray(index * size, (index + 1) * size),
  );
}

/** What a file says of its colours: range, matrix, transfer, primaries. */
export function coloursOf(movie: Uint8Array): string {
  const { stdout } = spawnSync(
    "ffprobe",
    [
      ...["-v", "error", "-of", "csv=p=0", "-show_entries"],
      ...["stream=color_range,color_space,color_transfer,color_primaries", "pipe:0"],
    ],
    { input: movie },
  );
  return stdout.toString().trim();
}
