import { HubError } from "../../../src/protocol/errors.ts";
import type { Box } from "../../../src/blur/boxes.ts";
import { cover, type Plane } from "../../../src/blur/mosaic.ts";
import type { VideoTrack } from "./mp4-samples.ts";
import { writeMp4, type Colours, type WrittenSample } from "./mp4-writer.ts";
import { decoded, shownFrames, type ShownFrame } from "./pictures.ts";

/** Makes one blurred segment: decode, cover, encode, write. All of it, or an error and nothing. */

const PROFILES = ["6400", "4d00", "42e0"] as const;
/** Levels by macroblocks in a picture (Rec. ITU-T H.264 table A-1). */
const LEVELS = [
  { level: "1f", macroblocks: 3_600 },
  { level: "28", macroblocks: 8_192 },
  { level: "33", macroblocks: 36_864 },
] as const;
const BITRATE_MIN = 400_000;
const BITRATE_MAX = 12_000_000;
/** A mosaic and a second coding cost more than the first did. */
const BITRATE_GROWTH = 1.4;
const KEY_FRAME_EVERY_MS = 2_000;
const ENCODE_QUEUE_MAX = 8;

export interface SegmentWork {
  readonly track: VideoTrack;
  readonly rate: CodingRate;
  /** Boxes around faces of the frame that is shown `index`th in this segment. */
  readonly boxesOf: (index: number) => readonly Box[];
  readonly signal: AbortSignal;
  readonly onFrame: () => void;
}

/** What the encoder is asked for. */
export interface CodingRate {
  readonly bitrate: number;
  readonly framerate: number;
}

/** Of a clip as a whole: asked for the same, every segment is coded alike and they play as one. */
export function codingRate(tracks: readonly VideoTrack[]): CodingRate {
  let [seconds, bits, frames] = [0, 0, 0];
  for (const { samples, timescale } of tracks)
    for (const { bytes, durationTicks } of samples) {
      seconds += durationTicks / timescale;
      bits += bytes.length * 8;
      frames += 1;
    }
  const bitrate = Math.round((bits / (seconds || 1)) * BITRATE_GROWTH);
  return {
    bitrate: Math.min(BITRATE_MAX, Math.max(BITRATE_MIN, bitrate)),
    framerate: Math.max(1, Math.round(frames / (seconds || 1))),
  };
}

/**
 * @throws HubError `SEGMENT_UNREADABLE`, `ENCODER_MISSING`, `ENCODER_FAILED`; DOMException
 * `AbortError`.
 */
export async function makeBlurred(work: SegmentWork): Promise<Uint8Array> {
  const { track, signal } = work;
  const frames = shownFrames(track);
  const encoder = await startEncoder(work, frames);
  try {
    let index = 0;
    let keyDueAt = -Infinity;
    for await (const frame of decoded(track, track.samples, signal)) {
      const shown = frames[index];
      let covered: VideoFrame;
      try {
        if (!shown || frame.timestamp !== shown.timestamp)
          throw new HubError("SEGMENT_UNREADABLE", "Cannot decode recording: a picture is missing");
        covered = await coveredFrame(frame, work.boxesOf(index));
      } finally {
        frame.close();
      }
      const isKey = shown.timestamp >= keyDueAt;
      if (isKey) keyDueAt = shown.timestamp + KEY_FRAME_EVERY_MS * 1_000;
      await encoder.encode(covered, isKey);
      index += 1;
      work.onFrame();
    }
    if (index !== frames.length)
      throw new HubError(
        "SEGMENT_UNREADABLE",
        `Cannot decode recording: ${index} of ${frames.length} pictures came`,
      );
    return await encoder.finish();
  } finally {
    encoder.close();
  }
}

/** A copy with the boxes covered, in the planes of the original. */
export async function coveredFrame(frame: VideoFrame, boxes: readonly Box[]): Promise<VideoFrame> {
  const rect = frame.visibleRect;
  if (!rect || (frame.format !== "I420" && frame.format !== "NV12"))
    throw new HubError(
      "SEGMENT_UNREADABLE",
      `Cannot cover faces: pictures of format ${frame.format ?? "unknown"}`,
    );
  const bytes = new Uint8Array(frame.allocationSize());
  const layout = await frame.copyTo(bytes);
  const planes = planesOf(frame.format, bytes, layout);
  const size = { width: rect.width, height: rect.height };
  for (const box of boxes) cover(planes, box, size);
  return new VideoFrame(bytes, {
    ...{ format: frame.format, layout, timestamp: frame.timestamp },
    ...{ codedWidth: rect.width, codedHeight: rect.height },
    colorSpace: frame.colorSpace,
  });
}

function planesOf(
  format: "I420" | "NV12",
  bytes: Uint8Array,
  layout: readonly PlaneLayout[],
): Plane[] {
  const plane = (index: number, scale: 1 | 2, step: number, shift = 0): Plane => {
    const found = layout[index];
    if (!found) throw new HubError("SEGMENT_UNREADABLE", "Cannot cover faces: a plane is missing");
    return { bytes, offset: found.offset + shift, stride: found.stride, step, scale };
  };
  return format === "I420"
    ? [plane(0, 1, 1), plane(1, 2, 1), plane(2, 2, 1)]
    : [plane(0, 1, 1), plane(1, 2, 2), plane(1, 2, 2, 1)];
}

interface SegmentEncoder {
  /** Takes the frame over. */
  encode(frame: VideoFrame, isKey: boolean): Promise<void>;
  finish(): Promise<Uint8Array>;
  close(): void;
}

async function startEncoder(
  { track, rate }: SegmentWork,
  frames: readonly ShownFrame[],
): Promise<SegmentEncoder> {
  const config = await encoderConfig(track, rate);
  const samples: WrittenSample[] = [];
  const places = new Map(frames.map((frame) => [frame.timestamp, frame]));
  let description: Uint8Array | null = null;
  let colours: Colours | null = null;
  let error: unknown = null;
  const encoder = new VideoEncoder({
    output: (chunk, metadata) => {
      const given = metadata?.decoderConfig?.description;
      if (given) description = bytesOf(given);
      const shown = places.get(chunk.timestamp);
      if (!shown) error ??= new Error("a picture of another time");
      else samples.push(sampleOf(chunk, shown));
    },
    error: (found) => {
      error ??= found;
    },
  });
  encoder.configure(config);
  const check = (): void => {
    if (error !== null) throw failed(error);
  };
  return {
    encode: async (frame, isKey) => {
      try {
        check();
        colours ??= coloursOf(frame.colorSpace);
        encoder.encode(frame, { keyFrame: isKey });
      } finally {
        frame.close();
      }
      while (encoder.encodeQueueSize > ENCODE_QUEUE_MAX) {
        await new Promise((resolve) =>
          encoder.addEventListener("dequeue", resolve, { once: true }),
        );
        check();
      }
    },
    finish: async () => {
      await encoder.flush().catch((cause: unknown) => {
        throw failed(error ?? cause);
      });
      check();
      requireEvery(samples, frames);
      if (!description) throw failed(new Error("it did not say how it coded"));
      const { timescale } = track;
      const size = { width: config.width, height: config.height };
      return writeMp4({ timescale, ...size, record: description, colours }, samples);
    },
    close: () => {
      if (encoder.state !== "closed") encoder.close();
    },
  };
}

function requireEvery(samples: readonly WrittenSample[], frames: readonly ShownFrame[]): void {
  const isSame =
    samples.length === frames.length &&
    samples.every(({ ticks }, index) => ticks === frames[index]?.ticks) &&
    samples[0]?.isKey === true;
  if (!isSame) throw failed(new Error(`${samples.length} of ${frames.length} pictures came`));
}

function sampleOf(chunk: EncodedVideoChunk, shown: ShownFrame): WrittenSample {
  const bytes = new Uint8Array(chunk.byteLength);
  chunk.copyTo(bytes);
  const { ticks, durationTicks } = shown;
  return { ticks, durationTicks, isKey: chunk.type === "key", bytes };
}

async function encoderConfig(track: VideoTrack, rate: CodingRate): Promise<VideoEncoderConfig> {
  const { width, height } = track;
  const macroblocks = Math.ceil(width / 16) * Math.ceil(height / 16);
  const level = LEVELS.find((one) => macroblocks <= one.macroblocks)?.level;
  for (const profile of level === undefined ? [] : PROFILES) {
    const config: VideoEncoderConfig = {
      ...{ codec: `avc1.${profile}${level}`, width, height },
      ...rate,
      latencyMode: "quality",
      avc: { format: "avc" },
    };
    if ((await VideoEncoder.isConfigSupported(config)).supported === true) return config;
  }
  throw new HubError(
    "ENCODER_MISSING",
    `Cannot make a blurred copy: this browser does not encode H.264 at ${width} x ${height}`,
  );
}

const PRIMARIES: Readonly<Record<string, number>> = { bt709: 1, bt470bg: 5, smpte170m: 6 };
const TRANSFERS: Readonly<Record<string, number>> = { bt709: 1, smpte170m: 6, "iec61966-2-1": 13 };
const MATRICES: Readonly<Record<string, number>> = { rgb: 0, bt709: 1, bt470bg: 5, smpte170m: 6 };
const UNSPECIFIED = 2;

function coloursOf({ primaries, transfer, matrix, fullRange }: VideoColorSpace): Colours {
  return {
    primaries: PRIMARIES[primaries ?? ""] ?? UNSPECIFIED,
    transfer: TRANSFERS[transfer ?? ""] ?? UNSPECIFIED,
    matrix: MATRICES[matrix ?? ""] ?? UNSPECIFIED,
    fullRange: fullRange === true,
  };
}

function bytesOf(source: AllowSharedBufferSource): Uint8Array {
  return ArrayBuffer.isView(source)
    ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength).slice()
    : new Uint8Array(source).slice();
}

function failed(cause: unknown): HubError {
  const found = cause instanceof Error ? cause.message : "unknown";
  return new HubError("ENCODER_FAILED", `Cannot make a blurred copy: ${found}`, { cause });
}
