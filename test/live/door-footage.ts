import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, renameSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { sharedPath } from "../support/requirements.ts";

/** Where the scene is empty, somebody comes, and it begins again. */
export interface DoorFootage {
  readonly file: string;
  /** Nothing moves up to here; then somebody is there to the end. */
  readonly visitFromSeconds: number;
  readonly loopSeconds: number;
}

/** Stands for it where a machine can make none, so that the tests can be listed as skipped. */
export const NO_FOOTAGE: DoorFootage = { file: "", visitFromSeconds: 0, loopSeconds: 0 };
export const FRAMES_PER_SECOND = 10;
const STILL_SECONDS = 5;
const VISIT_SECONDS = 6;

/**
 * A door in front of which nothing happens for longer than a pre-roll, and then somebody comes.
 * Labelled footage where it is there, else a drawn scene; H.264 with a key frame every 2 s, and AAC.
 */
export function doorFootage(): DoorFootage {
  return footage("door", 3, ["-crf", "23"]);
}

/** The same with visits nearly all the time, and at a bit rate that fills a disk's buffers. */
export function busyDoorFootage(): DoorFootage {
  return footage("busy-door", 1, ["-qp", "2"]);
}

function footage(name: string, repeats: number, quality: readonly string[]): DoorFootage {
  const visitFromSeconds = repeats * STILL_SECONDS;
  const loopSeconds = visitFromSeconds + VISIT_SECONDS;
  const labelled = sharedPath("media/clips/one-by-one-person-detection.mp4");
  const picture = labelled === null ? drawnScene(visitFromSeconds) : editedScene(labelled, repeats);
  const tone = `sine=frequency=440:sample_rate=48000:duration=${loopSeconds}`;
  const file = cachedMedia(name, [
    ...["-f", "lavfi", "-i", tone, ...picture, "-map", "[picture]", "-map", "0:a"],
    ...["-t", String(loopSeconds), "-c:v", "libx264", "-preset", "veryfast", "-bf", "0"],
    ...["-force_key_frames", "expr:gte(t,n_forced*2)", ...quality, "-pix_fmt", "yuv420p"],
    ...["-c:a", "aac", "-b:a", "64k"],
  ]);
  return { file, visitFromSeconds, loopSeconds };
}

/** The empty scene, forwards and backwards in turn, then the first person who comes in. */
function editedScene(file: string, repeats: number): string[] {
  const parts = Array.from({ length: repeats }, (_, index) => `[still${index}]`);
  const graph = [
    `[1:v]split=${repeats + 1}${parts.map((_, index) => `[in${index}]`).join("")}[end]`,
    ...parts.map(
      (part, index) =>
        `[in${index}]trim=0:${STILL_SECONDS},setpts=PTS-STARTPTS${index % 2 === 1 ? ",reverse" : ""}${part}`,
    ),
    `[end]trim=${STILL_SECONDS}:${STILL_SECONDS + VISIT_SECONDS},setpts=PTS-STARTPTS[visit]`,
    `${parts.join("")}[visit]concat=n=${repeats + 1}:v=1:a=0[picture]`,
  ].join(";");
  return ["-i", file, "-filter_complex", graph];
}

/** A wall with a pattern, and a figure with another that walks past it and stands still. */
function drawnScene(visitFromSeconds: number): string[] {
  const wall = "testsrc2=size=64x36:rate=1:duration=1";
  const figure = "mandelbrot=size=90x220:rate=1";
  const graph = [
    `[1:v]loop=-1:1,setpts=N/${FRAMES_PER_SECOND}/TB,fps=${FRAMES_PER_SECOND},scale=640:360,hue=s=0.3[wall]`,
    `[2:v]loop=-1:1,setpts=N/${FRAMES_PER_SECOND}/TB,fps=${FRAMES_PER_SECOND}[figure]`,
    `[wall][figure]overlay=x='min(400,(t-${visitFromSeconds + 1})*120)':y=120:` +
      `enable='gte(t,${visitFromSeconds + 1})',noise=alls=3:allf=t[picture]`,
  ].join(";");
  return ["-f", "lavfi", "-i", wall, "-f", "lavfi", "-i", figure, "-filter_complex", graph];
}

/** Made once for each machine: encoding is the slow part of these tests. */
function cachedMedia(name: string, encoderArguments: readonly string[]): string {
  const recipe = createHash("sha256").update(encoderArguments.join("\0")).digest("hex").slice(0, 8);
  const folder = path.join(os.tmpdir(), "doorward-test-media");
  const file = path.join(folder, `${name}-${recipe}.mp4`);
  if (existsSync(file)) return file;
  mkdirSync(folder, { recursive: true });
  // Two test processes may make it at the same time; the rename decides.
  const partial = `${file}.${process.pid}.mp4`;
  const made = spawnSync(
    "ffmpeg",
    ["-v", "error", "-nostdin", "-y", ...encoderArguments, "-movflags", "+faststart", partial],
    { encoding: "utf8" },
  );
  if (made.status !== 0) throw new Error(`Cannot make test media ${name}: ${made.stderr}`);
  renameSync(partial, file);
  return file;
}

/** The coded pictures of a file's video, one entry a NAL unit, as every container carries them. */
export function codedSlices(file: string): Buffer[] {
  const copied = spawnSync(
    "ffmpeg",
    [
      ...["-v", "error", "-nostdin", "-i", file, "-map", "0:v:0", "-c", "copy"],
      ...["-bsf:v", "h264_mp4toannexb", "-f", "h264", "pipe:1"],
    ],
    { maxBuffer: 256 * 1024 * 1024 },
  );
  if (copied.status !== 0) throw new Error(`Cannot read ${file}: ${String(copied.stderr)}`);
  const stream = copied.stdout;
  const slices: Buffer[] = [];
  for (let at = stream.indexOf("\0\0\x01", 0, "latin1"); at >= 0;) {
    const next = stream.indexOf("\0\0\x01", at + 3, "latin1");
    const unit = stream.subarray(at + 3, next < 0 ? stream.length : next);
    const type = (unit[0] ?? 0) & 0x1f;
    if (type === 1 || type === 5) slices.push(unit);
    at = next;
  }
  return slices;
}
