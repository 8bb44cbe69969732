import { spawn } from "node:child_process";
import type { Box, PictureSize } from "../src/blur/boxes.ts";
import type { ColourPicture } from "../src/blur/planes.ts";
import type { BlurFootage, BlurRules } from "../src/vision/blur-footage.ts";
import { scaledBoxes, Sightings } from "../src/vision/blurring/boxes-to-cover.ts";
import { lookAt, lookSize, startLook, type Detectors } from "../src/vision/blurring/look-pass.ts";
import { readSegment } from "../src/vision/blurring/segment-pictures.ts";
import type { MadeClip } from "../test/support/labelled-made.ts";
import { segmentsOf } from "../test/vision/blurring/ground.ts";

/** Looks at every picture of a made clip with what the hub looks with, from decoder to tracks. */

export interface LookedClip {
  readonly clip: MadeClip;
  /** What would be covered, frame by frame, in pixels of the clip; not grown yet. */
  readonly covered: readonly (readonly Box[])[];
  /** Of the detectors, for each picture. */
  readonly detectMs: readonly number[];
}

export interface Looking {
  readonly ffmpegPath: string;
  readonly detectors: Detectors;
  readonly rules: BlurRules;
  readonly sightingsOf?: (size: PictureSize) => Sightings;
}

/** As a recorder would cut it. */
export function footageOf({ file, rate }: MadeClip): BlurFootage[] {
  return segmentsOf(["-i", file], { framesPerSecond: rate, encoder: ["-c:v", "copy"] });
}

export async function lookedAt(clip: MadeClip, looking: Looking): Promise<LookedClip> {
  const { rules, sightingsOf = (size) => new Sightings(size) } = looking;
  const size = lookSize(clip, rules.mode);
  const sightings = sightingsOf(size);
  const detectMs: number[] = [];
  for (const footage of footageOf(clip))
    await lookAt(startLook(sightings), {
      ...{ ...looking, footage, sightings, size },
      pictures: readSegment(footage),
      signal: new AbortController().signal,
      onDetected: (tookMs) => void detectMs.push(tookMs),
    });
  if (sightings.frames !== clip.frames)
    throw new Error(`${clip.name} has ${sightings.frames} pictures instead of ${clip.frames}`);
  sightings.end();
  const covered = sightings
    .boxesFor(0, clip.frames, rules)
    .map((boxes) => scaledBoxes(boxes, size, clip));
  return { clip, covered, detectMs };
}

/** Pictures of a file, red, green and blue, one after the other. */
export async function* colourFrames(
  movie: string | Uint8Array,
  size: PictureSize,
): AsyncGenerator<ColourPicture> {
  const child = spawn(
    "ffmpeg",
    [
      ...["-v", "error", "-threads", "1", "-i", typeof movie === "string" ? movie : "pipe:0"],
      ...["-fps_mode", "passthrough", "-pix_fmt", "rgb24", "-f", "rawvideo", "pipe:1"],
    ],
    { stdio: ["pipe", "pipe", "inherit"] },
  );
  child.stdin.on("error", () => undefined);
  child.stdin.end(typeof movie === "string" ? undefined : movie);
  const length = size.width * size.height * 3;
  let [picture, filled] = [new Uint8Array(length), 0];
  for await (const chunk of child.stdout as AsyncIterable<Uint8Array>)
    for (let at = 0; at < chunk.length;) {
      const part = chunk.subarray(at, at + length - filled);
      picture.set(part, filled);
      filled += part.length;
      at += part.length;
      if (filled < length) continue;
      yield { ...size, bytes: picture };
      [picture, filled] = [new Uint8Array(length), 0];
    }
}
