import { spawnSync } from "node:child_process";
import { fragmentBytes, videoInitFromRecord } from "../../../src/camera/fragments.ts";
import type { Box, Face, PictureSize } from "../../../src/blur/boxes.ts";
import { createMp4Reader, type Mp4Track } from "../../../src/camera/mp4-reader.ts";
import type { TrackInit } from "../../../src/protocol/fragment.ts";
import type { SeenObject } from "../../../src/blur/nanodet.ts";
import type {
  BlurFootage,
  BlurredPoster,
  BlurredSegment,
  FootageFragment,
} from "../../../src/vision/blur-footage.ts";
import { BlurJob, type BlurJobOptions } from "../../../src/vision/blurring/blur-job.ts";
import type { Detectors } from "../../../src/vision/blurring/look-pass.ts";
import { fragmentContainer } from "../../../src/vision-process/container.ts";
import { blurredBytesMax } from "../../../src/vision-process/messages.ts";

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

/** H.265 with pictures out of order and open groups, as good cameras send it. */
export function hevcSegments(size: string, segmentFrames: number): BlurFootage[] {
  const parameters = `keyint=${segmentFrames}:min-keyint=${segmentFrames}:bframes=3:b-adapt=0`;
  const { status, stdout, stderr } = spawnSync("ffmpeg", [
    ...["-v", "error", "-f", "lavfi", "-i", `testsrc2=s=${size}:r=15`, "-pix_fmt", "yuv420p"],
    ...["-frames:v", String(2 * segmentFrames), "-c:v", "libx265", "-preset", "ultrafast"],
    ...["-x265-params", `log-level=none:open-gop=1:scenecut=0:${parameters}`, "-tag:v", "hvc1"],
    ...["-video_track_timescale", "90000", "-use_editlist", "0"],
    ...["-movflags", "frag_every_frame+empty_moov+default_base_moof", "-f", "mp4", "pipe:1"],
  ]);
  if (status !== 0) throw new Error(`ffmpeg failed: ${stderr.toString()}`);
  return cutHevc(stdout, size);
}

/** Our reader of ffmpeg's files knows H.264 only, which is all that it has to. */
function cutHevc(movie: Buffer, size: string): BlurFootage[] {
  const [width = 0, height = 0] = size.split("x").map(Number);
  const segments: { segment: number; init: TrackInit; fragments: FootageFragment[] }[] = [];
  let init: Uint8Array = new Uint8Array(0);
  let compositionTicks = 0;
  let sequence = 0;
  for (let at = 0; at + 8 <= movie.length; at += movie.readUInt32BE(at)) {
    const [name, end] = [movie.toString("latin1", at + 4, at + 8), at + movie.readUInt32BE(at)];
    if (name === "moov") init = movie.subarray(0, end);
    // The last field of the one sample of `trun`, which is the last box.
    if (name === "moof") compositionTicks = movie.readInt32BE(end - 4);
    if (name !== "mdat") continue;
    const keyFrame = isHevcKey(movie.subarray(at + 8, end));
    const track = { track: "video", codec: "hvc1.1.6.L60.90", timescale: 90_000 } as const;
    if (keyFrame)
      segments.push({
        segment: segments.length,
        init: { ...track, width, height, bytes: init },
        fragments: [],
      });
    const decodeTicks = 900_000 + sequence * 6_000;
    segments.at(-1)?.fragments.push({
      ...{ keyFrame, decodeTimeMs: decodeTicks / 90, durationMs: 6_000 / 90 },
      wallClockMs: STARTS_AT_MS + (sequence * 1_000) / 15,
      bytes: fragmentBytes("video", {
        ...{ sequence, decodeTicks, durationTicks: 6_000, compositionTicks, keyFrame },
        bytes: movie.subarray(at + 8, end),
      }),
    });
    sequence += 1;
  }
  return segments;
}

/** Whether decoding can begin here: IDR, CRA and their like. */
function isHevcKey(sample: Buffer): boolean {
  for (let at = 0; at + 5 <= sample.length; at += 4 + sample.readUInt32BE(at)) {
    const type = ((sample[at + 4] ?? 0) >> 1) & 63;
    if (type >= 16 && type <= 21) return true;
  }
  return false;
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

/** Brightness of every picture of a copy, row by row, one byte a pixel. */
export function lumaOf(movie: Buffer, { width, height }: PictureSize): Buffer[] {
  const { status, stdout, stderr } = spawnSync(
    "ffmpeg",
    [
      ...["-v", "error", "-i", "pipe:0", "-fps_mode", "passthrough", "-vf", "extractplanes=y"],
      ...["-f", "rawvideo", "pipe:1"],
    ],
    { input: movie, maxBuffer: 1024 * 1024 * 1024 },
  );
  if (status !== 0 || stderr.length > 0) throw new Error(`ffmpeg failed: ${stderr.toString()}`);
  const bytes = width * height;
  return Array.from({ length: stdout.length / bytes }, (_, index) =>
    stdout.subarray(index * bytes, (index + 1) * bytes),
  );
}

/** A step between two pixels that nobody takes for the codec's noise. */
const STEP = 12;

/** The most edges that any line of the picture has within `area`: of a mosaic, one a block. */
export function edgesWithin(
  luma: Buffer | undefined,
  size: PictureSize,
  area: Box = { x: 0, y: 0, ...size },
): number {
  let most = 0;
  for (let y = Math.ceil(area.y); y < area.y + area.height; y++) {
    let edges = 0;
    for (let x = Math.ceil(area.x) + 2; x < area.x + area.width - 1; x++) {
      const at = y * size.width + x;
      // Over two pixels, since the codec makes edges soft; and each edge once.
      const isEdge = (place: number): boolean =>
        Math.abs((luma?.[place] ?? 0) - (luma?.[place - 2] ?? 0)) > STEP;
      if (isEdge(at) && !isEdge(at - 1)) edges += 1;
    }
    most = Math.max(most, edges);
  }
  return most;
}

/** A copy with memory of its own: a job wipes what it was given. */
export function copied({ fragments, ...rest }: BlurFootage): BlurFootage {
  return {
    ...rest,
    fragments: fragments.map((fragment) => ({ ...fragment, bytes: fragment.bytes.slice() })),
  };
}

/** Does with a clip what the vision process does, and gives all that came of it. */
export async function blurred(
  segments: readonly BlurFootage[],
  options: Partial<BlurJobOptions> & Pick<BlurJobOptions, "ffmpegPath" | "detectors">,
): Promise<{
  readonly answers: readonly BlurredSegment[];
  readonly posters: readonly BlurredPoster[];
  readonly troubles: readonly string[];
}> {
  const answers: BlurredSegment[] = [];
  const posters: BlurredPoster[] = [];
  const troubles: string[] = [];
  const job = new BlurJob({
    rules: { cover: "faces", plates: false, mode: "live" },
    container: fragmentContainer,
    bytesMax: blurredBytesMax,
    onSegment: (segment) => answers.push(segment),
    onPoster: (poster) => posters.push(poster),
    onTrouble: ({ code }) => troubles.push(code),
    ...options,
  });
  for (const segment of segments) await job.push(copied(segment));
  await job.end();
  return { answers, posters, troubles };
}

/** Detectors that see the same in every picture. */
export function seeing(faces: readonly Face[], objects: readonly SeenObject[] = []): Detectors {
  return {
    faces: { find: () => Promise.resolve([...faces]) },
    objects: { find: () => Promise.resolve([...objects]) },
  };
}
