import { CameraError } from "./camera-error.ts";

// Reads the fragmented MP4 that an ffmpeg child writes (ISO/IEC 14496-12): `moov` once, then a
// `moof` and an `mdat` for each access unit.

/** An H.264 track as `moov` describes it. */
export interface Mp4Track {
  readonly trackId: number;
  readonly timescale: number;
  /** RFC 6381. */
  readonly codec: string;
  readonly width: number;
  readonly height: number;
  /** `AVCDecoderConfigurationRecord`. */
  readonly record: Uint8Array;
}

export interface Mp4Sample {
  readonly trackId: number;
  readonly decodeTicks: number;
  readonly durationTicks: number;
  readonly compositionTicks: number;
  readonly keyFrame: boolean;
  /** Valid only until the callback returns. */
  readonly bytes: Uint8Array;
}

export interface Mp4Reader {
  /** @throws CameraError `UNSUPPORTED_CODEC`, or `PROTOCOL_ERROR` for what no ffmpeg writes. */
  push(chunk: Uint8Array): void;
}

const HEAD_BOX_BYTES_MAX = 1024 * 1024;
const MEDIA_BOX_BYTES_MAX = 32 * 1024 * 1024;
const SAMPLES_MAX = 1_000;
const NOT_SYNC = 0x10000;

export function createMp4Reader(handlers: {
  readonly onTracks: (tracks: readonly Mp4Track[]) => void;
  readonly onSample: (sample: Mp4Sample) => void;
}): Mp4Reader {
  let buffer = Buffer.alloc(256 * 1024);
  let start = 0;
  let end = 0;
  let fragment: { readonly samples: readonly PendingSample[]; readonly size: number } | null = null;

  function append(chunk: Uint8Array): void {
    if (end + chunk.length > buffer.length) {
      const size = end - start;
      const needed = size + chunk.length;
      const target = needed > buffer.length ? Buffer.alloc(needed * 2) : buffer;
      buffer.copy(target, 0, start, end);
      buffer = target;
      start = 0;
      end = size;
    }
    buffer.set(chunk, end);
    end += chunk.length;
  }

  function take(name: string, content: Buffer, boxSize: number): void {
    if (name === "moov") handlers.onTracks(readMovie(content));
    else if (name === "moof") fragment = { samples: readFragment(content), size: boxSize };
    else if (name === "mdat" && fragment !== null) {
      for (const sample of fragment.samples) emit(sample, content, fragment.size + 8);
      fragment = null;
    }
  }

  function emit(sample: PendingSample, media: Buffer, mediaStart: number): void {
    const from = sample.offset - mediaStart;
    if (from < 0 || from + sample.size > media.length) throw malformed("a sample outside its box");
    handlers.onSample({ ...sample, bytes: media.subarray(from, from + sample.size) });
  }

  return {
    push(chunk) {
      append(chunk);
      while (end - start >= 8) {
        const size = buffer.readUInt32BE(start);
        const name = buffer.toString("latin1", start + 4, start + 8);
        const limit = name === "mdat" ? MEDIA_BOX_BYTES_MAX : HEAD_BOX_BYTES_MAX;
        if (size < 8 || size > limit) throw malformed(`a box of ${size} bytes`);
        if (end - start < size) return;
        take(name, buffer.subarray(start + 8, start + size), size);
        start += size;
      }
    },
  };
}

interface PendingSample extends Omit<Mp4Sample, "bytes"> {
  /** From the beginning of `moof`. */
  readonly offset: number;
  readonly size: number;
}

function malformed(what: string): CameraError {
  return new CameraError("PROTOCOL_ERROR", `Cannot read MP4 from ffmpeg: ${what}`);
}

/** Content of each box of a container, in order. A box that does not fit ends the list. */
function* boxes(content: Buffer): Generator<{ name: string; content: Buffer }> {
  let offset = 0;
  while (offset + 8 <= content.length) {
    const size = content.readUInt32BE(offset);
    if (size < 8 || offset + size > content.length) return;
    const name = content.toString("latin1", offset + 4, offset + 8);
    yield { name, content: content.subarray(offset + 8, offset + size) };
    offset += size;
  }
}

function find(content: Buffer | undefined, ...path: readonly string[]): Buffer | undefined {
  let found = content;
  for (const name of path) {
    if (found === undefined) return undefined;
    found = boxes(found).find((box) => box.name === name)?.content;
  }
  return found;
}

function readMovie(movie: Buffer): Mp4Track[] {
  const tracks = boxes(movie)
    .filter((box) => box.name === "trak")
    .map((box) => guard(() => readTrack(box.content)))
    .toArray();
  if (tracks.length === 0) throw malformed("no track");
  return tracks;
}

function readTrack(track: Buffer): Mp4Track {
  const header = find(track, "tkhd");
  const mediaHeader = find(track, "mdia", "mdhd");
  const descriptions = find(track, "mdia", "minf", "stbl", "stsd");
  if (header === undefined || mediaHeader === undefined || descriptions === undefined)
    throw malformed("a track without a header");
  const entry = boxes(descriptions.subarray(8)).find(() => true);
  if (entry?.name !== "avc1")
    throw new CameraError("UNSUPPORTED_CODEC", `Cannot use video: the codec is ${entry?.name}`);
  // The boxes of a VisualSampleEntry come after its 78 bytes of fields.
  const record = find(entry.content.subarray(78), "avcC");
  if (record === undefined) throw malformed("a track without its configuration");
  return {
    trackId: header.readUInt32BE(header[0] === 1 ? 20 : 12),
    timescale: mediaHeader.readUInt32BE(mediaHeader[0] === 1 ? 20 : 12),
    codec: `avc1.${record.toString("hex", 1, 4)}`,
    width: entry.content.readUInt16BE(24),
    height: entry.content.readUInt16BE(26),
    record: Uint8Array.from(record),
  };
}

function readFragment(fragment: Buffer): PendingSample[] {
  return guard(() =>
    boxes(fragment)
      .filter((box) => box.name === "traf")
      .flatMap((box) => readTrackFragment(box.content))
      .toArray(),
  );
}

function readTrackFragment(content: Buffer): PendingSample[] {
  const header = find(content, "tfhd");
  const time = find(content, "tfdt");
  if (header === undefined || time === undefined) throw malformed("a fragment without its times");
  const flags = header.readUInt32BE(0) & 0xffffff;
  // Base data offset, then sample description index, precede the defaults.
  let at = 8 + ((flags & 0x1) === 0 ? 0 : 8) + ((flags & 0x2) === 0 ? 0 : 4);
  const optional = (bit: number): number => {
    if ((flags & bit) === 0) return 0;
    at += 4;
    return header.readUInt32BE(at - 4);
  };
  const defaults = { duration: optional(0x8), size: optional(0x10), flags: optional(0x20) };
  let decodeTicks = time[0] === 1 ? Number(time.readBigUInt64BE(4)) : time.readUInt32BE(4);
  const trackId = header.readUInt32BE(4);
  const samples: PendingSample[] = [];
  for (const run of boxes(content).filter((box) => box.name === "trun"))
    for (const sample of readRun(run.content, defaults)) {
      samples.push({ ...sample, trackId, decodeTicks });
      decodeTicks += sample.durationTicks;
      if (samples.length > SAMPLES_MAX) throw malformed("too many samples in a fragment");
    }
  return samples;
}

function* readRun(
  run: Buffer,
  defaults: { readonly duration: number; readonly size: number; readonly flags: number },
): Generator<Omit<PendingSample, "trackId" | "decodeTicks">> {
  const flags = run.readUInt32BE(0) & 0xffffff;
  const count = run.readUInt32BE(4);
  let at = 8;
  const next = (bit: number, fallback: number): number => {
    if ((flags & bit) === 0) return fallback;
    at += 4;
    return run.readUInt32BE(at - 4);
  };
  let offset = next(0x1, 0);
  const firstFlags = next(0x4, defaults.flags);
  for (let index = 0; index < count; index += 1) {
    const durationTicks = next(0x100, defaults.duration);
    const size = next(0x200, defaults.size);
    const sampleFlags = next(0x400, index === 0 ? firstFlags : defaults.flags);
    const compositionTicks = next(0x800, 0) | 0;
    const keyFrame = (sampleFlags & NOT_SYNC) === 0;
    yield { durationTicks, size, compositionTicks, keyFrame, offset };
    offset += size;
  }
}

/** A box shorter than its fields shows as a RangeError of Buffer. */
function guard<Result>(read: () => Result): Result {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof CameraError) throw cause;
    throw new CameraError("PROTOCOL_ERROR", "Cannot read MP4 from ffmpeg: a box is cut short", {
      cause,
    });
  }
}
