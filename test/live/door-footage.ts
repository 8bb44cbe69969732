import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { sharedPath } from "../support/requirements.ts";

/** Nothing moves up to here, ... */
export const VISIT_FROM_SECONDS = 15;
/** ... then somebody is there up to here, and the picture begins again with the empty scene. */
export const LOOP_SECONDS = 21;
const STILL_SECONDS = 5;

/**
 * A door in front of which nothing happens for longer than a pre-roll, and then somebody comes:
 * labelled footage where it is there, else a drawn scene. H.264 with a key frame every 2 s, and AAC.
 */
export function doorFootage(): string {
  const labelled = sharedPath("media/clips/one-by-one-person-detection.mp4");
  return cachedMedia("door", labelled === null ? drawnScene() : editedScene(labelled));
}

/** The empty scene forwards, backwards and forwards again, then the first person who comes in. */
function editedScene(file: string): string[] {
  const still = `trim=0:${STILL_SECONDS},setpts=PTS-STARTPTS`;
  const visit = `trim=${STILL_SECONDS}:${STILL_SECONDS + LOOP_SECONDS - VISIT_FROM_SECONDS}`;
  const graph = [
    "[0:v]split=4[a][b][c][d]",
    `[a]${still}[first]`,
    `[b]${still},reverse[second]`,
    `[c]${still}[third]`,
    `[d]${visit},setpts=PTS-STARTPTS[visit]`,
    "[first][second][third][visit]concat=n=4:v=1:a=0[picture]",
  ].join(";");
  return ["-i", file, ...sound(1), "-filter_complex", graph, "-map", "[picture]", ...encoded()];
}

function drawnScene(): string[] {
  const scene = "color=c=gray:size=640x360:rate=10,noise=alls=60,boxblur=2";
  const when = `between(t,${VISIT_FROM_SECONDS + 1},${LOOP_SECONDS})`;
  const person = `drawbox=x=(t-${VISIT_FROM_SECONDS})*70:y=120:w=80:h=200:c=white:t=fill`;
  const graph = `[0:v]${person}:enable='${when}'[picture]`;
  const input = ["-f", "lavfi", "-t", String(LOOP_SECONDS), "-i", scene];
  return [...input, ...sound(1), "-filter_complex", graph, "-map", "[picture]", ...encoded()];
}

function sound(input: number): string[] {
  const tone = `sine=frequency=440:sample_rate=48000:duration=${LOOP_SECONDS}`;
  return ["-f", "lavfi", "-i", tone, "-map", `${input}:a`];
}

function encoded(): string[] {
  return [
    ...["-t", String(LOOP_SECONDS), "-c:v", "libx264", "-preset", "veryfast", "-bf", "0"],
    ...["-force_key_frames", "expr:gte(t,n_forced*2)", "-crf", "23", "-pix_fmt", "yuv420p"],
    ...["-c:a", "aac", "-b:a", "64k"],
  ];
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

export function readMedia(file: string): Buffer {
  return readFileSync(file);
}
