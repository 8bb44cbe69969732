import { CameraError } from "./camera-error.ts";
import { readH264Parameters } from "./h264-parameters.ts";

/**
 * Reads H.264 in FLV as an ffmpeg child writes it: unlike fragmented MP4, a picture is told as soon
 * as it is encoded, and not when the next one comes. (Adobe Flash Video File Format 10.1, annex E.)
 */
export interface EncodedPicture {
  /** Milliseconds on the child's time line. */
  readonly atMs: number;
  readonly keyFrame: boolean;
  /** NAL units with 4-byte lengths. Valid only until the callback returns. */
  readonly bytes: Uint8Array;
}

export interface EncodedParameters {
  /** `AVCDecoderConfigurationRecord`. */
  readonly record: Uint8Array;
  /** RFC 6381. */
  readonly codec: string;
  readonly width: number;
  readonly height: number;
}

export interface EncodedReader {
  /** @throws CameraError `SOURCE_FAILED` for what no ffmpeg writes, and for a second set of parameters. */
  push(chunk: Uint8Array): void;
}

const HEAD_BYTES = 9;
const TAG_HEAD_BYTES = 11;
const SIZE_BYTES = 4;
/** A picture of 16 million pixels at a quality that nobody asks for. */
const TAG_BYTES_MAX = 8 * 1024 * 1024;
const VIDEO = 9;
const H264 = 7;
const PARAMETERS = 0;
const PICTURE = 1;

export function createEncodedReader(handlers: {
  readonly onParameters: (parameters: EncodedParameters) => void;
  readonly onPicture: (picture: EncodedPicture) => void;
}): EncodedReader {
  let buffer = Buffer.alloc(256 * 1024);
  let start = 0;
  let end = 0;
  let isBegun = false;
  let hasParameters = false;

  function append(chunk: Uint8Array): void {
    if (end + chunk.length > buffer.length) {
      const size = end - start;
      const needed = size + chunk.length;
      const target = needed > buffer.length ? Buffer.alloc(needed * 2) : buffer;
      buffer.copy(target, 0, start, end);
      [buffer, start, end] = [target, 0, size];
    }
    buffer.set(chunk, end);
    end += chunk.length;
  }

  function takeVideo(atMs: number, data: Buffer): void {
    if (data.length < 5 || ((data[0] ?? 0) & 0x0f) !== H264) throw malformed("another codec");
    if (data.readIntBE(2, 3) !== 0) throw malformed("pictures out of order");
    if (data[1] === PARAMETERS) {
      if (hasParameters) throw malformed("other parameters in the middle");
      hasParameters = true;
      handlers.onParameters(readRecord(data.subarray(5)));
    } else if (data[1] === PICTURE) {
      if (!hasParameters) throw malformed("a picture before its parameters");
      handlers.onPicture({ atMs, keyFrame: (data[0] ?? 0) >> 4 === 1, bytes: data.subarray(5) });
    }
  }

  return {
    push(chunk) {
      append(chunk);
      if (!isBegun) {
        if (end - start < HEAD_BYTES + SIZE_BYTES) return;
        if (buffer.toString("latin1", start, start + 3) !== "FLV") throw malformed("no FLV");
        start += HEAD_BYTES + SIZE_BYTES;
        isBegun = true;
      }
      while (end - start >= TAG_HEAD_BYTES) {
        const size = buffer.readUIntBE(start + 1, 3);
        if (size > TAG_BYTES_MAX) throw malformed(`a picture of ${size} bytes`);
        const whole = TAG_HEAD_BYTES + size + SIZE_BYTES;
        if (end - start < whole) return;
        const atMs = buffer.readUIntBE(start + 4, 3) + (buffer[start + 7] ?? 0) * 2 ** 24;
        const data = buffer.subarray(start + TAG_HEAD_BYTES, start + TAG_HEAD_BYTES + size);
        if (buffer[start] === VIDEO) takeVideo(atMs, data);
        start += whole;
      }
    },
  };
}

/** Size and codec as the first sequence parameter set of a configuration record says them. */
function readRecord(record: Buffer): EncodedParameters {
  const length = record.length < 8 ? 0 : record.readUInt16BE(6);
  const set = record.subarray(8, 8 + length);
  if (((record[5] ?? 0) & 0x1f) < 1 || length < 5 || set.length < length)
    throw malformed("a configuration without its parameters");
  const { codec, width, height } = readH264Parameters([set], []);
  return { record: Uint8Array.from(record), codec, width, height };
}

function malformed(what: string): CameraError {
  return new CameraError("SOURCE_FAILED", `Cannot read what was encoded: ${what}`);
}
