import path from "node:path";
import { spawnSync } from "node:child_process";
import { ClipRecorder } from "../../src/clips/recorder.ts";
import type { HubServices } from "../../src/http/services.ts";
import { parseRecipient } from "../../src/protocol/age-header.ts";
import type { EventReason, RecordedFaces, RecorderEvent } from "../../src/protocol/clip.ts";
import type { Fragment, TrackInit } from "../../src/protocol/fragment.ts";
import type { ClipId } from "../../src/protocol/ids.ts";
import { CAMERA, START_AT_MS, testStream } from "../clips/test-stream.ts";

export const CLIP_SECONDS = 10;
const CLIP_DISTANCE_MS = 60_000;
const FRAMES_PER_SECOND = 10;

/** When clip number `index` of a test hub begins. */
export function clipStartsAtMs(index: number): number {
  return START_AT_MS + index * CLIP_DISTANCE_MS;
}

/** Lettered fragments with sound: cheap, and every frame can be recognised in opened bytes. */
export function letteredFragments(index: number): Fragment[] {
  const stream = testStream({ startAtMs: clipStartsAtMs(index) });
  return Array.from({ length: CLIP_SECONDS * FRAMES_PER_SECOND }, () => [
    stream.next(),
    stream.sound(),
  ]).flat();
}

const movies = new Map<RealCodec, Buffer>();

export type RealCodec = "real" | "hevc";

const ENCODERS = {
  real: {
    codec: "avc1.42c01f",
    options: ["-c:v", "libx264", "-profile:v", "baseline", "-g", String(FRAMES_PER_SECOND)],
  },
  hevc: {
    codec: "hvc1.1.6.L60.90",
    options: [
      ...["-c:v", "libx265", "-tag:v", "hvc1", "-x265-params"],
      `log-level=none:bframes=0:keyint=${FRAMES_PER_SECOND}:min-keyint=${FRAMES_PER_SECOND}`,
    ],
  },
} as const;

/** A moving picture as ffmpeg encodes it, one access unit a fragment, a key frame each second. */
export function realFragments(index: number, kind: RealCodec = "real"): Fragment[] {
  const movie = movies.get(kind) ?? encode(kind);
  movies.set(kind, movie);
  const { init, units } = splitMovie(movie);
  const track: TrackInit = {
    track: "video",
    codec: ENCODERS[kind].codec,
    timescale: FRAMES_PER_SECOND * 1_024,
    width: 320,
    height: 180,
    bytes: init,
  };
  const durationMs = 1_000 / FRAMES_PER_SECOND;
  return units.map((bytes, sequence) => ({
    camera: CAMERA,
    track: "video",
    sequence,
    decodeTimeMs: sequence * durationMs,
    durationMs,
    keyFrame: sequence % FRAMES_PER_SECOND === 0,
    wallClockMs: clipStartsAtMs(index) + sequence * durationMs,
    bytes,
    init: track,
  }));
}

function encode(kind: RealCodec): Buffer {
  const source = `testsrc2=size=320x180:rate=${FRAMES_PER_SECOND}:duration=${CLIP_SECONDS}`;
  const result = spawnSync(
    "ffmpeg",
    [
      ...["-v", "error", "-nostdin", "-f", "lavfi", "-i", source],
      ...[...ENCODERS[kind].options, "-preset", "ultrafast", "-pix_fmt", "yuv420p"],
      ...["-threads", "1"],
      ...["-movflags", "frag_every_frame+empty_moov+default_base_moof", "-f", "mp4", "pipe:1"],
    ],
    { maxBuffer: 64 * 1024 * 1024 },
  );
  if (result.status !== 0) throw new Error(`ffmpeg failed: ${result.stderr.toString()}`);
  return result.stdout;
}

/** `ftyp` + `moov`, and each `moof` with its `mdat`. */
function splitMovie(bytes: Buffer): { init: Buffer; units: Buffer[] } {
  let init: Buffer = Buffer.alloc(0);
  const units: Buffer[] = [];
  let start = 0;
  for (let offset = 0; offset + 8 <= bytes.length;) {
    const size = bytes.readUInt32BE(offset);
    const name = bytes.toString("latin1", offset + 4, offset + 8);
    offset += size;
    if (name === "moov") init = bytes.subarray(0, offset);
    if (name === "mdat") units.push(bytes.subarray(start, offset));
    if (name === "moov" || name === "mdat") start = offset;
  }
  return { init, units };
}

/**
 * Records `fragments` with the real recorder to the readers in force, and lets the hub take in what
 * it says, as it would from the ingest process.
 */
export async function recordClip(
  services: HubServices,
  dataDirectory: string,
  fragments: readonly Fragment[],
  /** With `blur-copy` its copy is waited for: `addHubCopy` seals one. */
  faces: RecordedFaces = "keep",
  why: EventReason = { kind: "motion", zone: "door", areaShare: 0.1, score: 1 },
): Promise<ClipId> {
  const events: RecorderEvent[] = [];
  const { keyring } = services.household;
  {
    await using recorder = ClipRecorder.create({
      camera: CAMERA,
      clipsDirectory: path.join(dataDirectory, "clips"),
      readers: () =>
        keyring && {
          recipients: [keyring.readers.originals, keyring.readers.recovery].map(parseRecipient),
          keyringHead: keyring.head,
          keyringEpoch: keyring.epoch,
        },
      emit: (event) => events.push(event),
      reportTrouble: ({ message }) => {
        throw new Error(message);
      },
      queueMaxBytes: 256 * 1024 * 1024,
    });
    recorder.startEvent(why, fragments[0]?.wallClockMs ?? START_AT_MS, fragments);
  }
  const [first] = events;
  if (first?.type !== "clip-started") throw new Error("nothing was recorded");
  for (const event of events)
    await services.clips.apply(
      structuredClone(event.type === "clip-started" ? { ...event, faces } : event),
    );
  return first.clip;
}
