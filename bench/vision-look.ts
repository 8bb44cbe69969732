import { spawn } from "node:child_process";
import type { Face, PictureSize } from "../src/blur/boxes.ts";
import { FaceTracker } from "../src/blur/face-tracker.ts";
import type { Box } from "../src/blur/boxes.ts";
import type { ColourPicture } from "../src/blur/planes.ts";
import type { FaceDetector } from "../src/vision/inference/face-detector.ts";
import type { MadeClip } from "../test/support/labelled-made.ts";

/** Looks at every picture of a made clip as the vision process does, and keeps what was found. */

export interface LookedClip {
  readonly clip: MadeClip;
  readonly found: readonly (readonly Face[])[];
  /** Boxes that would be covered, frame by frame. */
  readonly covered: readonly (readonly Box[])[];
  /** Of the detector, for each picture. */
  readonly detectMs: readonly number[];
  readonly trackMs: number;
}

/** Pictures of a file, red, green and blue, one after the other. */
export async function* colourFrames(file: string, size: PictureSize): AsyncGenerator<ColourPicture> {
  const child = spawn(
    "ffmpeg",
    [
      ...["-v", "error", "-threads", "1", "-i", file, "-fps_mode", "passthrough"],
      ...["-pix_fmt", "rgb24", "-f", "rawvideo", "pipe:1"],
    ],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
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

export async function lookAt(clip: MadeClip, detector: FaceDetector): Promise<LookedClip> {
  const found: Face[][] = [];
  const detectMs: number[] = [];
  const tracker = new FaceTracker({ size: clip });
  let trackMs = 0;
  for await (const picture of colourFrames(clip.file, clip)) {
    const startMs = performance.now();
    const faces = await detector.find(picture);
    const foundMs = performance.now();
    detectMs.push(foundMs - startMs);
    tracker.push({ atMs: (found.length * 1_000) / clip.rate, faces });
    trackMs += performance.now() - foundMs;
    found.push(faces);
  }
  if (found.length !== clip.frames)
    throw new Error(`${clip.name} has ${found.length} pictures instead of ${clip.frames}`);
  const startMs = performance.now();
  tracker.end();
  const covered = tracker.boxesFor(0, found.length);
  return { clip, found, covered, detectMs, trackMs: trackMs + performance.now() - startMs };
}
