import { MalformedInput } from "../protocol/errors.ts";

/** The one kind of stream that is expected: AAC-LC, 48,000 Hz, one channel (ISO/IEC 13818-7). */
const PROFILE_LOW_COMPLEXITY = 1;
const RATE_48_KHZ = 3;
const HEADER_BYTES = 7;
const FRAME_BYTES_MAX = 2 ** 13 - 1;

/** Cuts an ADTS stream into raw AAC frames. It comes from a child that is believed nothing. */
export class AdtsReader {
  readonly #onFrame: (frame: Uint8Array) => void;
  readonly #waiting = new Uint8Array(FRAME_BYTES_MAX);
  #waitingBytes = 0;

  /** @param onFrame - Is given a view that is valid until it returns. */
  constructor(onFrame: (frame: Uint8Array) => void) {
    this.#onFrame = onFrame;
  }

  /** @throws MalformedInput for anything but the stream that was asked for. */
  push(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length;) {
      const wanted = this.#waitingBytes < HEADER_BYTES ? HEADER_BYTES : this.#frameBytes();
      const part = chunk.subarray(at, at + wanted - this.#waitingBytes);
      this.#waiting.set(part, this.#waitingBytes);
      this.#waitingBytes += part.length;
      at += part.length;
      if (this.#waitingBytes < HEADER_BYTES || this.#waitingBytes < this.#frameBytes()) continue;
      const frame = this.#waiting.subarray(HEADER_BYTES, this.#waitingBytes);
      this.#waitingBytes = 0;
      this.#onFrame(frame);
    }
  }

  #frameBytes(): number {
    const [first = 0, second = 0, third = 0, fourth = 0, fifth = 0, sixth = 0] = this.#waiting;
    // Synchronisation word, MPEG-4 or -2, layer 0, no checksum.
    if (first !== 0xff || (second & 0xf7) !== 0xf1) throw malformed("does not begin with a header");
    const channels = ((third & 0x01) << 2) | (fourth >> 6);
    if (third >> 6 !== PROFILE_LOW_COMPLEXITY || ((third >> 2) & 0x0f) !== RATE_48_KHZ)
      throw malformed("is another kind of AAC");
    if (channels !== 1) throw malformed("has more than one channel");
    const bytes = ((fourth & 0x03) << 11) | (fifth << 3) | (sixth >> 5);
    if (bytes <= HEADER_BYTES) throw malformed("is empty");
    return bytes;
  }
}

function malformed(found: string): MalformedInput {
  return new MalformedInput("sound", `Cannot read encoded sound: a frame ${found}`);
}
