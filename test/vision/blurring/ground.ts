import { spawnSync } from "node:child_process";
import { fragmentBytes, videoInitFromRecord } from "../../../src/camera/fragments.ts";
import { createMp4Reader, type Mp4Track } from "../../../src/camera/mp4-reader.ts";
import type { TrackInit } from "../../../src/protocol/fragment.ts";
import type { BlurFootage, FootageFragment } from "../../../src/vision/blur-footage.ts";

/** Wall clock at which made-up footage begins. */
const STARTS_AT_MS = Date.UTC(2026, 0, 1, 12);

export interface FootageShape {
  readonly framesPerSecond?: number;
  /** Pictures of a segment; each begins with a key frame. */
  readonly segmentFrames?: number;
  /** Arguments of the encoder besides those that every segment needs. */
  readonly encoder?: readonly string[];
  /** Where on the clip's time line it begins, in ticks. */
  readonly startTicks?: number;
}

/** What a recorder would have cut of `input`, as its own code writes it. */
export function segmentsOf(input: readonly string[], shape: FootageShape = {}): BlurFootage[] {
  const { framesPerSecond = 15, segmentFrames = 30, encoder = ["-bf", "0"] } = shape;
  const { status, stdout, stderr } = spawnSync(
    "ffmpeg",
    [
      ...["-v", "error", ...input, "-an", "-c:v", "libx264", "-preset", "veryfast", "-crf", "16"],
      ...["-r", String(framesPerSecond), "-g", String(segmentFrames), "-sc_threshold", "0"],
      ...["-pix_fmt", "yuv420p", ...encoder, "-video_track_timescale", "90000"],
      ...["-movflags", "frag_every_frame+empty_moov+default_base_moof", "-f", "mp4", "pipe:1"],
    ],
    { maxBuffer: 512 * 1024 * 1024 },
  );
  if (status !== 0) throw new Error(`ffmpeg failed: ${stderr.toString()}`);
  return cut(stdout, shape.startTicks ?? 900_000);
}

function cut(movie: Buffer, startTicks: number): BlurFootage[] {
  let init: TrackInit | null = null;
  const segments: { segment: number; init: TrackInit; fragments: FootageFragment[] }[] = [];
  let sequence = 0;
  const reader = createMp4Reader({
    onTracks: ([track]: readonly Mp4Track[]) => {
      if (track) init = videoInitFromRecord(track);
    },
    onSample: ({ decodeTicks, durationTicks, compositionTicks, keyFrame, bytes }) => {
      if (!init) throw new Error("a picture before its description");
      if (keyFrame) segments.push({ segment: segments.length, init, fragments: [] });
      const at = startTicks + decodeTicks;
      segments.at(-1)?.fragments.push({
        ...{ keyFrame, decodeTimeMs: at / 90, durationMs: durationTicks / 90 },
        wallClockMs: STARTS_AT_MS + decodeTicks / 90,
        bytes: fragmentBytes("video", {
          ...{ sequence, decodeTicks: at, durationTicks, compositionTicks, keyFrame, bytes },
        }),
      });
      sequence += 1;
    },
  });
  reader.push(movie);
  return segments;
}

/** A segment as one file. */
export function movieOf({
  init,
  fragments,
}: {
  readonly init: TrackInit | null;
  readonly fragments: readonly FootageFragment[];
}): Buffer {
  return Buffer.concat([init?.bytes ?? Buffer.alloc(0), ...fragments.map(({ bytes }) => bytes)]);
}

/** A copy with memory of its own: a job wipes what it was given. */
export function copied({ fragments, ...rest }: BlurFootage): BlurFootage {
  return {
    ...rest,
    fragments: fragments.map((fragment) => ({ ...fragment, bytes: fragment.bytes.slice() })),
  };
}
