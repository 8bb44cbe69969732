import { MalformedInput } from "./errors.ts";

// One fragment of a live stream, as hub and page send it: a header of 32 bytes, little-endian, then
// the fragment itself (`moof` + `mdat`). See "Live" in README.md beside this file.

export const LIVE_HEADER_BYTES = 32;
/** Of one live frame, header included; no camera sends an access unit of this size. */
export const LIVE_FRAME_BYTES_MAX = 8 * 1024 * 1024;
/** Milliseconds; a camera that sends a picture an hour is still a camera. */
const DURATION_MAX_MS = 3_600_000;
const VERSION = 1;
const KEY_FRAME = 0x01;
const AUDIO = 0x02;
const SEQUENCES = 2 ** 32;

export interface LiveFragment {
  readonly track: "video" | "audio";
  readonly keyFrame: boolean;
  /** Counts up by one per track, modulo 2^32; begins anew with every connection to the camera. */
  readonly sequence: number;
  /** Wall clock of capture, milliseconds since 1970. */
  readonly wallClockMs: number;
  /** Milliseconds on the track's decode time line (`tfdt`). */
  readonly decodeTimeMs: number;
  /** Milliseconds; carried with 24 bits of precision. */
  readonly durationMs: number;
  /** `moof` + `mdat`. */
  readonly bytes: Uint8Array;
}

/**
 * @param fragment - Its `sequence` may be any whole number from 0 on.
 * @throws MalformedInput for what {@link readLiveFragment} would not read.
 */
export function encodeLiveFragment(fragment: LiveFragment): Uint8Array<ArrayBuffer> {
  const { track, keyFrame, sequence, wallClockMs, decodeTimeMs, durationMs, bytes } = fragment;
  if (!Number.isSafeInteger(sequence) || sequence < 0)
    throw malformed("sequence", "is not a whole number from 0 on");
  requireMedia(LIVE_HEADER_BYTES + bytes.length);
  requireTimes({ wallClockMs, decodeTimeMs, durationMs });
  const frame = new Uint8Array(LIVE_HEADER_BYTES + bytes.length);
  const header = new DataView(frame.buffer, 0, LIVE_HEADER_BYTES);
  header.setUint8(0, VERSION);
  header.setUint8(1, (keyFrame ? KEY_FRAME : 0) | (track === "audio" ? AUDIO : 0));
  header.setUint32(4, sequence % SEQUENCES, true);
  header.setFloat64(8, wallClockMs, true);
  header.setFloat64(16, decodeTimeMs, true);
  header.setFloat32(24, durationMs, true);
  frame.set(bytes, LIVE_HEADER_BYTES);
  return frame;
}

/**
 * Reads one live frame. What is in the fragment is not looked at.
 *
 * @returns a fragment whose `bytes` are a view of `frame`.
 * @throws MalformedInput for another version, unknown flags, times that are none, no fragment at
 * all, or one over {@link LIVE_FRAME_BYTES_MAX}.
 */
export function readLiveFragment(frame: Uint8Array): LiveFragment {
  requireMedia(frame.length);
  const header = new DataView(frame.buffer, frame.byteOffset, LIVE_HEADER_BYTES);
  if (header.getUint8(0) !== VERSION) throw malformed("version", "is not 1");
  const flags = header.getUint8(1);
  if ((flags & ~(KEY_FRAME | AUDIO)) !== 0) throw malformed("flags", "has bits that mean nothing");
  if (header.getUint16(2, true) !== 0 || header.getUint32(28, true) !== 0)
    throw malformed("header", "is not zero where it is kept free");
  const times = {
    wallClockMs: header.getFloat64(8, true),
    decodeTimeMs: header.getFloat64(16, true),
    durationMs: header.getFloat32(24, true),
  };
  requireTimes(times);
  return {
    track: (flags & AUDIO) === 0 ? "video" : "audio",
    keyFrame: (flags & KEY_FRAME) !== 0,
    sequence: header.getUint32(4, true),
    ...times,
    bytes: frame.subarray(LIVE_HEADER_BYTES),
  };
}

function requireMedia(frameBytes: number): void {
  if (frameBytes <= LIVE_HEADER_BYTES) throw malformed("fragment", "is missing");
  if (frameBytes > LIVE_FRAME_BYTES_MAX)
    throw malformed("fragment", `is over ${LIVE_FRAME_BYTES_MAX} bytes`);
}

function requireTimes(times: {
  readonly wallClockMs: number;
  readonly decodeTimeMs: number;
  readonly durationMs: number;
}): void {
  for (const [name, valueMs] of Object.entries(times)) {
    const maxMs = name === "durationMs" ? DURATION_MAX_MS : Number.MAX_SAFE_INTEGER;
    // Written so that NaN is refused too.
    if (!(valueMs >= 0 && valueMs <= maxMs)) throw malformed(name, "is out of range");
  }
}

function malformed(field: string, found: string): MalformedInput {
  return new MalformedInput(field, `Cannot read live frame: ${field} ${found}`);
}
