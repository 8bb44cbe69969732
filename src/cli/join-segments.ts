import { spawn } from "node:child_process";
import { once } from "node:events";
import { rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import type { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { Readable } from "node:stream";
import { findFfmpeg } from "../base/ffmpeg.ts";
import { fragmentedMovie, movieRuns, type OpenedSegment, type SegmentRun } from "../owner/movie.ts";
import { HubError } from "../protocol/errors.ts";
import { PRIVATE_FILE_MODE } from "../base/files.ts";

const STDERR_MAX = 2_000;

/**
 * Writes the segments of one clip as one MP4 with both tracks. Where the camera changed its picture
 * in mid-clip there is one file for each kind of picture: `x.mp4`, `x-2.mp4`, ...
 *
 * @returns Paths that were written.
 * @throws HubError when nothing of the video is whole, or ffmpeg is needed (for sound) and missing.
 */
export async function joinSegments(
  segments: readonly OpenedSegment[],
  target: string,
): Promise<string[]> {
  const written: string[] = [];
  for (const [index, { video, audio }] of movieRuns(segments).entries()) {
    const file = index === 0 ? target : numbered(target, index + 1);
    await writeMovie(video, audio, file);
    written.push(file);
  }
  return written;
}

function numbered(target: string, number: number): string {
  const { dir, name, ext } = path.parse(target);
  return path.join(dir, `${name}-${number}${ext}`);
}

async function writeMovie(
  video: SegmentRun,
  audio: SegmentRun | null,
  target: string,
): Promise<void> {
  const partial = `${target}.partial.mp4`;
  try {
    await remux([fragmentedMovie(video), ...(audio ? [fragmentedMovie(audio)] : [])], partial);
  } catch (error) {
    await rm(partial, { force: true });
    const isAlone = error instanceof HubError && error.code === "FFMPEG_MISSING" && !audio;
    if (!isAlone) throw error;
    // Fragmented, as it was recorded: most players take it.
    await writeFile(partial, fragmentedMovie(video), { mode: PRIVATE_FILE_MODE });
  }
  await rename(partial, target);
}

/** Copies the streams into a plain MP4 whose clock starts at zero; nothing is decoded. */
async function remux(movies: readonly Uint8Array[], target: string): Promise<void> {
  const { path: ffmpeg } = await findFfmpeg();
  const inputs = movies.flatMap((_, index) => ["-f", "mp4", "-i", `pipe:${index + 3}`]);
  const maps = movies.flatMap((_, index) => ["-map", String(index)]);
  const child = spawn(
    ffmpeg,
    [
      ...["-v", "error", "-nostdin", "-y", "-copyts", "-protocol_whitelist", "pipe,file"],
      ...inputs,
      ...maps,
      ...["-c", "copy", "-avoid_negative_ts", "make_zero", "-movflags", "+faststart"],
      ...["-f", "mp4", `file:${target}`],
    ],
    { stdio: ["ignore", "ignore", "pipe", ...movies.map(() => "pipe" as const)] },
  );
  let stderr = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-STDERR_MAX);
  });
  const exited = once(child, "exit") as Promise<[number | null]>;
  await Promise.all(
    movies.map(async (movie, index) => {
      const pipe = child.stdio[index + 3] as Writable;
      // ffmpeg may stop reading early; its exit code then says why.
      await pipeline(Readable.from([movie]), pipe).catch(() => undefined);
    }),
  );
  const [code] = await exited;
  if (code !== 0)
    throw new HubError(
      "FFMPEG_FAILED",
      `Cannot write video: ffmpeg said ${stderr.replaceAll(/[^\x20-\x7e]+/g, " ").slice(0, 300)}`,
    );
}
