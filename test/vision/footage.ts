import { execFile } from "node:child_process";
import { setTimeout } from "node:timers/promises";
import type { Readable } from "node:stream";
import { promisify } from "node:util";
import { systemClock } from "../../src/base/clock.ts";
import { findFfmpeg } from "../../src/base/ffmpeg.ts";
import { GreyFrames } from "../../src/vision/frames.ts";
import type { GreyFrame } from "../../src/vision/grey-frame.ts";
import { MotionDetector } from "../../src/vision/motion.ts";
import type { Fragment, TrackInit } from "../../src/protocol/fragment.ts";
import { parseCameraId } from "../../src/protocol/ids.ts";

const execFileAsync = promisify(execFile);
const BATCH_MS = 2_000;
const STUCK_AFTER_MS = 10_000;

/** Wall clock that made-up footage starts at. */
export const FOOTAGE_STARTS_AT_MS = Date.UTC(2026, 0, 1, 12);

interface Box {
  readonly type: string;
  readonly bytes: Uint8Array;
}

function boxes(bytes: Buffer): Box[] {
  const found: Box[] = [];
  for (let offset = 0; offset + 8 <= bytes.length;) {
    const sizeBytes = bytes.readUInt32BE(offset);
    const type = bytes.toString("latin1", offset + 4, offset + 8);
    found.push({ type, bytes: bytes.subarray(offset, offset + sizeBytes) });
    offset += sizeBytes;
  }
  return found;
}

interface StreamShape {
  readonly framesPerSecond?: number;
  readonly size?: string;
  /** Read as `pipe:0`. */
  readonly stdin?: Readable;
  /** Arguments of the encoder instead of those of {@link SUB_STREAM}, its key frames included. */
  readonly encoder?: readonly string[];
}

/** What the sub stream of a camera has to do with. */
const SUB_STREAM = [
  ...["-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency", "-sc_threshold", "0"],
  ...["-b:v", "500k", "-maxrate", "500k", "-bufsize", "500k", "-bf", "0"],
];

/**
 * Runs ffmpeg with `input` arguments and cuts what comes out into one fragment per access unit, as
 * a camera's would be: 640x360 H.264 at `framesPerSecond`, a key frame every two seconds.
 */
export async function fragmentsFromFfmpeg(
  input: readonly string[],
  { framesPerSecond = 15, size = "640x360", stdin, encoder }: StreamShape = {},
): Promise<Fragment[]> {
  const scale = `scale=${size.replace("x", ":")},setsar=1,format=yuv420p`;
  const filter = `[0:v]fps=${framesPerSecond},${scale}[sub]`;
  const ffmpeg = execFileAsync(
    "ffmpeg",
    [
      ...["-hide_banner", "-loglevel", "error", ...input],
      ...["-filter_complex", filter, "-map", "[sub]", "-video_track_timescale", "90000"],
      ...(encoder ?? [...SUB_STREAM, "-g", String(framesPerSecond * 2)]),
      ...["-movflags", "frag_every_frame+empty_moov+default_base_moof", "-f", "mp4", "pipe:1"],
    ],
    { encoding: "buffer", maxBuffer: 512 * 1024 * 1024 },
  );
  if (stdin && ffmpeg.child.stdin) stdin.pipe(ffmpeg.child.stdin);
  else ffmpeg.child.stdin?.end();
  return fragmentsOf((await ffmpeg).stdout, framesPerSecond, size);
}

/** Cuts a fragmented MP4 with one access unit a fragment into what a camera would have sent. */
export function fragmentsOf(file: Buffer, framesPerSecond: number, size: string): Fragment[] {
  const all = boxes(file);
  const initBytes = Buffer.concat(
    all.filter(({ type }) => type === "ftyp" || type === "moov").map(({ bytes }) => bytes),
  );
  const [width = 0, height = 0] = size.split("x").map(Number);
  const init: TrackInit = {
    track: "video",
    codec: "avc1.42c01e",
    timescale: 90_000,
    width,
    height,
    bytes: initBytes,
  };
  const durationMs = 1000 / framesPerSecond;
  const isHevc = initBytes.includes("hvcC");
  const fragments: Fragment[] = [];
  let head: Uint8Array | undefined;
  for (const { type, bytes } of all) {
    if (type === "moof") head = bytes;
    if (type !== "mdat" || !head) continue;
    const sequence = fragments.length;
    const decodeTimeMs = decodeTicksOf(head) / 90;
    fragments.push({
      camera: parseCameraId("front"),
      track: "video",
      sequence,
      decodeTimeMs,
      durationMs,
      keyFrame: isKeyPicture(bytes.subarray(8), isHevc),
      wallClockMs: FOOTAGE_STARTS_AT_MS + decodeTimeMs,
      bytes: Buffer.concat([head, bytes]),
      init,
    });
  }
  return fragments;
}

/** `tfdt` of a fragment, by which its place on the time line is known. */
function decodeTicksOf(head: Uint8Array): number {
  const bytes = Buffer.from(head.buffer, head.byteOffset, head.length);
  const at = bytes.indexOf("tfdt");
  return bytes[at + 4] === 1 ? Number(bytes.readBigUInt64BE(at + 8)) : bytes.readUInt32BE(at + 8);
}

/** As the hub sees it: a picture from which decoding can start, and not one that merely heals. */
function isKeyPicture(sample: Uint8Array, isHevc: boolean): boolean {
  const bytes = Buffer.from(sample.buffer, sample.byteOffset, sample.length);
  for (let at = 0; at + 5 <= bytes.length; at += 4 + bytes.readUInt32BE(at)) {
    const header = bytes[at + 4] ?? 0;
    const type = isHevc ? (header >> 1) & 0x3f : header & 0x1f;
    if (isHevc ? type >= 16 && type <= 21 : type === 5) return true;
  }
  return false;
}

/** Feeds a decoder as fast as it decodes: two seconds at a time, since its queue drops the rest. */
export async function decodeAll(
  fragments: readonly Fragment[],
  onFrame: (frame: GreyFrame) => void,
): Promise<void> {
  const ffmpeg = await findFfmpeg();
  let seenUntilMs = -Infinity;
  await using frames = GreyFrames.open({
    ffmpegPath: ffmpeg.path,
    clock: systemClock,
    onFrame: (frame) => {
      seenUntilMs = frame.atMs;
      onFrame(frame);
    },
  });
  let fedUntilMs = 0;
  for (const [index, fragment] of fragments.entries()) {
    frames.push(fragment);
    const last = index === fragments.length - 1;
    if (!last && fragment.decodeTimeMs - fedUntilMs < BATCH_MS) continue;
    fedUntilMs = fragment.decodeTimeMs;
    const givesUpAtMs = performance.now() + STUCK_AFTER_MS;
    // The next picture would be more than a spacing of pictures away.
    while (seenUntilMs < fragment.wallClockMs - 280) {
      if (performance.now() > givesUpAtMs) throw new Error("The decoder does not keep up");
      await setTimeout(2);
    }
  }
  const { fragmentsDropped, restarts } = frames.counts;
  if (fragmentsDropped + restarts > 0) throw new Error("The decoder lost pictures");
}

/** An event in seconds from the beginning of the footage. */
export interface FoundEvent {
  readonly onset: number;
  /** When the detector said so. */
  readonly said: number;
  /** Infinity where it had not ended when the footage did. */
  readonly end: number;
}

/** What the detector at its default settings says about a whole stream. */
export async function eventsIn(fragments: readonly Fragment[]): Promise<FoundEvent[]> {
  const detector = new MotionDetector();
  const events: FoundEvent[] = [];
  const seconds = (atMs: number) => (atMs - FOOTAGE_STARTS_AT_MS) / 1000;
  await decodeAll(fragments, (frame) => {
    const event = detector.push(frame);
    if (event?.type === "start") {
      events.push({ onset: seconds(event.onsetAtMs), said: seconds(frame.atMs), end: Infinity });
    } else if (event?.type === "end") {
      const open = events.pop();
      if (open) events.push({ ...open, end: seconds(event.atMs) });
    }
  });
  return events;
}
