import { spawn } from "node:child_process";
import { once } from "node:events";
import { rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import type { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { Readable } from "node:stream";
import { findFfmpeg } from "../base/ffmpeg.ts";
import { concatBytes, equalBytes } from "../protocol/bytes.ts";
import type { SealedFile } from "../protocol/clip.ts";
import { HubError } from "../protocol/errors.ts";
import { PRIVATE_FILE_MODE } from "../base/files.ts";

/** A segment of one track, opened. */
export interface OpenedSegment {
  readonly file: Pick<SealedFile, "segment" | "track">;
  readonly plaintext: Uint8Array;
}

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
  const runs = sameInitRuns(inOrder(segments, "video"));
  if (runs.length === 0)
    throw new HubError("NOTHING_TO_SHOW", "Cannot write video: no access unit of it is whole");
  const audio = inOrder(segments, "audio");
  const written: string[] = [];
  for (const [index, run] of runs.entries()) {
    const file = index === 0 ? target : numbered(target, index + 1);
    const own = audio.filter(({ file: { segment } }) =>
      run.segments.some((video) => video.file.segment === segment),
    );
    await writeMovie(run, sameInitRuns(own)[0] ?? null, file);
    written.push(file);
  }
  return written;
}

interface Run {
  readonly init: Uint8Array;
  readonly segments: OpenedSegment[];
  readonly fragments: Uint8Array[];
}

function inOrder(segments: readonly OpenedSegment[], track: "video" | "audio"): OpenedSegment[] {
  return segments
    .filter(({ file }) => file.track === track)
    .toSorted((left, right) => (left.file.segment ?? 0) - (right.file.segment ?? 0));
}

/** Segments whose initialisation is the same can be played one after the other. */
function sameInitRuns(segments: readonly OpenedSegment[]): Run[] {
  const runs: Run[] = [];
  for (const segment of segments) {
    const { init, fragments } = splitInit(segment.plaintext);
    if (init.length === 0) continue;
    const last = runs.at(-1);
    if (last && equalBytes(last.init, init)) {
      last.segments.push(segment);
      last.fragments.push(fragments);
    } else runs.push({ init, segments: [segment], fragments: [fragments] });
  }
  return runs;
}

/** `ftyp` and `moov`, and the whole `moof` + `mdat` pairs behind them; what was cut off is left out. */
function splitInit(segment: Uint8Array): { init: Uint8Array; fragments: Uint8Array } {
  const view = new DataView(segment.buffer, segment.byteOffset, segment.length);
  let offset = 0;
  let initEnd = 0;
  let wholeEnd = 0;
  while (offset + 8 <= segment.length) {
    const size = view.getUint32(offset);
    const type = String.fromCharCode(...segment.subarray(offset + 4, offset + 8));
    if (size < 8 || offset + size > segment.length) break;
    offset += size;
    if (type === "moov") initEnd = wholeEnd = offset;
    if (type === "mdat") wholeEnd = offset;
  }
  return {
    init: segment.subarray(0, initEnd),
    fragments: segment.subarray(initEnd, Math.max(initEnd, wholeEnd)),
  };
}

function numbered(target: string, number: number): string {
  const { dir, name, ext } = path.parse(target);
  return path.join(dir, `${name}-${number}${ext}`);
}

async function writeMovie(video: Run, audio: Run | null, target: string): Promise<void> {
  const partial = `${target}.partial.mp4`;
  try {
    await remux([movieOf(video), ...(audio ? [movieOf(audio)] : [])], partial);
  } catch (error) {
    await rm(partial, { force: true });
    const isAlone = error instanceof HubError && error.code === "FFMPEG_MISSING" && !audio;
    if (!isAlone) throw error;
    // Fragmented, as it was recorded: most players take it.
    await writeFile(partial, movieOf(video), { mode: PRIVATE_FILE_MODE });
  }
  await rename(partial, target);
}

function movieOf(run: Run): Uint8Array {
  return concatBytes(run.init, ...run.fragments);
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
