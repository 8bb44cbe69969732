import type { LiveFragment } from "../../../src/protocol/live-frame.ts";

/**
 * Plays a live stream's sound. A lag is `performance.now()` when something is heard, less the wall
 * clock of when it was said: the clocks differ by anything, and lags can be told from each other.
 */
export interface SoundOutput {
  push(fragment: LiveFragment): void;
  /** With how much lag it plays; null before the first sound and while none comes. */
  readonly lagMs: number | null;
  /** It plays no sooner than with this lag: that of the pictures. */
  waitFor(lagMs: number): void;
  close(): void;
}

export interface OutputHandlers {
  /** It cannot go on with this stream. */
  readonly onFailure: () => void;
}

/**
 * The `AudioSpecificConfig` of an initialisation segment (ISO/IEC 14496-14 section 5.6); null where
 * there is none.
 */
export function soundDescription(init: Uint8Array): Uint8Array<ArrayBuffer> | null {
  const at = indexOfName(init, "esds");
  if (at < 0) return null;
  const size = new DataView(init.buffer, init.byteOffset).getUint32(at - 4);
  const box = init.subarray(at + 8, at - 4 + size);
  for (let tag = 0; tag + 2 < box.length; tag += 1) {
    if (box[tag] !== DECODER_SPECIFIC_INFO) continue;
    let start = tag + 1;
    while (((box[start] ?? 0) & 0x80) !== 0) start += 1;
    const length = box[start] ?? 0;
    const found = box.slice(start + 1, start + 1 + length);
    if (length >= 2 && found.length === length) return found;
  }
  return null;
}

const DECODER_SPECIFIC_INFO = 0x05;

function indexOfName(bytes: Uint8Array, name: string): number {
  const codes = [...name].map((character) => character.charCodeAt(0));
  for (let at = 4; at + 12 < bytes.length; at += 1)
    if (codes.every((code, index) => bytes[at + index] === code)) return at;
  return -1;
}
