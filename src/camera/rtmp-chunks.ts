import { CameraError } from "./camera-error.ts";
import { ITEM_COST_BYTES } from "./read-allowance.ts";

// RTMP's chunk stream (Adobe, "RTMP specification 1.0", section 5.3).

export interface RtmpMessage {
  readonly type: number;
  readonly streamId: number;
  readonly timestampMs: number;
  /** Valid only until the callback returns. */
  readonly payload: Uint8Array;
}

const RTMP_SET_CHUNK_SIZE = 1;
const RTMP_ABORT = 2;

const MESSAGE_BYTES_MAX = 8 * 1024 * 1024;
const MESSAGES_BYTES_MAX = 16 * 1024 * 1024;
const CHUNK_STREAMS_MAX = 64;
const CHUNK_BYTES_DEFAULT = 128;
/** Servers may make them as short as a byte. */
const CHUNK_COST_BYTES = 64;
const EXTENDED = 0xffffff;

interface ChunkStream {
  timestampMs: number;
  deltaMs: number;
  length: number;
  type: number;
  streamId: number;
  isExtended: boolean;
  /** Of the message that is being put together; null between two. */
  payload: Buffer | null;
  filled: number;
}

interface ChunkHead {
  readonly id: number;
  readonly format: number;
  readonly timestamp: number;
  readonly length: number;
  readonly type: number;
  readonly streamId: number;
  readonly isExtended: boolean;
  readonly headBytes: number;
}

/** Puts messages together from what a server sends after the handshake. */
export class RtmpChunkReader {
  readonly #onMessage: (message: RtmpMessage) => void;
  readonly #streams = new Map<number, ChunkStream>();
  #chunkBytes = CHUNK_BYTES_DEFAULT;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  /** With less there is no need to look. */
  #neededBytes = 1;
  #costBytes = 0;

  constructor(onMessage: (message: RtmpMessage) => void) {
    this.#onMessage = onMessage;
  }

  /**
   * @param bytes - Kept until their message is whole: not to be written to again.
   * @throws CameraError `PROTOCOL_ERROR` for what passes a limit or makes no sense.
   */
  push(bytes: Uint8Array): void {
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    if (this.#waitingBytes < this.#neededBytes) return;
    const buffer = Buffer.concat(this.#waiting);
    let at = 0;
    for (;;) {
      const found = this.#takeChunk(buffer.subarray(at));
      if ("neededBytes" in found) {
        this.#neededBytes = found.neededBytes;
        break;
      }
      at += found.takenBytes;
    }
    this.#waiting = [buffer.subarray(at)];
    this.#waitingBytes = buffer.length - at;
  }

  /** What was read since this was last asked cost beside its bytes, in bytes. */
  takeCost(): number {
    const cost = this.#costBytes;
    this.#costBytes = 0;
    return cost;
  }

  #takeChunk(buffer: Buffer): { readonly takenBytes: number } | { readonly neededBytes: number } {
    const head = this.#readHead(buffer);
    if (head === null) return { neededBytes: buffer.length + 1 };
    const known = this.#streams.get(head.id);
    const filled = known?.payload === null ? 0 : (known?.filled ?? 0);
    const size = Math.min(this.#chunkBytes, head.length - filled);
    const wholeBytes = head.headBytes + size;
    if (buffer.length < wholeBytes) return { neededBytes: wholeBytes };
    this.#costBytes += CHUNK_COST_BYTES;
    const stream = this.#begin(head, known);
    const payload = (stream.payload ??= Buffer.alloc(stream.length));
    buffer.copy(payload, stream.filled, head.headBytes, wholeBytes);
    stream.filled += size;
    if (stream.filled === stream.length) this.#finish(stream, payload);
    return { takenBytes: wholeBytes };
  }

  #readHead(buffer: Buffer): ChunkHead | null {
    if (buffer.length < 1) return null;
    const first = buffer.readUInt8(0);
    const format = first >> 6;
    let at = 1 + ([1, 2][first & 0x3f] ?? 0);
    const messageBytes = [11, 7, 3, 0][format] ?? 0;
    if (buffer.length < at + messageBytes) return null;
    const id = chunkStreamId(buffer);
    const known = this.#streams.get(id);
    if (known === undefined && format !== 0) throw malformed("a message without a beginning");
    const timestamp = format === 3 ? 0 : buffer.readUIntBE(at, 3);
    const length = format > 1 ? (known?.length ?? 0) : buffer.readUIntBE(at + 3, 3);
    const type = format > 1 ? (known?.type ?? 0) : buffer.readUInt8(at + 6);
    const streamId = format > 0 ? (known?.streamId ?? 0) : buffer.readUInt32LE(at + 7);
    at += messageBytes;
    const isExtended = format === 3 ? known?.isExtended === true : timestamp === EXTENDED;
    if (isExtended && buffer.length < at + 4) return null;
    const full = isExtended ? buffer.readUInt32BE(at) : timestamp;
    if (length > MESSAGE_BYTES_MAX) throw malformed(`a message of ${length} bytes`);
    const headBytes = at + (isExtended ? 4 : 0);
    return { id, format, timestamp: full, length, type, streamId, isExtended, headBytes };
  }

  #begin(head: ChunkHead, known: ChunkStream | undefined): ChunkStream {
    if (known === undefined && this.#streams.size >= CHUNK_STREAMS_MAX)
      throw malformed("more than 64 chunk streams");
    const stream: ChunkStream = known ?? {
      ...{ timestampMs: 0, deltaMs: 0, length: 0, type: 0, streamId: 0, isExtended: false },
      ...{ payload: null, filled: 0 },
    };
    this.#streams.set(head.id, stream);
    // A message's later chunks only repeat; a new one of format 3 goes on as the one before.
    if (stream.payload !== null) {
      if (head.format !== 3) throw malformed("a message within a message");
      return stream;
    }
    if (head.format === 0) [stream.timestampMs, stream.deltaMs] = [head.timestamp, 0];
    else {
      if (head.format !== 3) stream.deltaMs = head.timestamp;
      stream.timestampMs += stream.deltaMs;
    }
    const { length, type, streamId, isExtended } = head;
    Object.assign(stream, { length, type, streamId, isExtended, filled: 0 });
    const waiting = [...this.#streams.values()].reduce(
      (sum, { payload }) => sum + (payload?.length ?? 0),
      0,
    );
    if (waiting + length > MESSAGES_BYTES_MAX) throw malformed("too many messages at a time");
    return stream;
  }

  #finish(stream: ChunkStream, payload: Buffer): void {
    stream.payload = null;
    this.#costBytes += ITEM_COST_BYTES;
    const { type, streamId, timestampMs } = stream;
    if (type === RTMP_SET_CHUNK_SIZE) {
      const size = payload.length >= 4 ? payload.readUInt32BE(0) : 0;
      if (size < 1 || size > MESSAGE_BYTES_MAX) throw malformed(`chunks of ${size} bytes`);
      this.#chunkBytes = size;
    } else if (type === RTMP_ABORT && payload.length >= 4) {
      const aborted = this.#streams.get(payload.readUInt32BE(0));
      // Its memory was taken, whatever came of it.
      this.#costBytes += aborted?.payload?.length ?? 0;
      if (aborted !== undefined) aborted.payload = null;
    }
    this.#onMessage({ type, streamId, timestampMs: timestampMs % 2 ** 32, payload });
  }
}

function chunkStreamId(buffer: Buffer): number {
  const short = buffer.readUInt8(0) & 0x3f;
  if (short === 0) return 64 + buffer.readUInt8(1);
  if (short === 1) return 64 + buffer.readUInt8(1) + 256 * buffer.readUInt8(2);
  return short;
}

/** One message in chunks of the size that counts before anything was agreed. */
export function writeRtmpMessage(message: {
  readonly chunkStream: number;
  readonly type: number;
  readonly streamId: number;
  readonly payload: Uint8Array;
}): Buffer {
  const { chunkStream, type, streamId, payload } = message;
  const head = Buffer.alloc(12);
  head.writeUInt8(chunkStream, 0);
  head.writeUIntBE(payload.length, 4, 3);
  head.writeUInt8(type, 7);
  head.writeUInt32LE(streamId, 8);
  const parts: Uint8Array[] = [head];
  for (let at = 0; at < payload.length; at += CHUNK_BYTES_DEFAULT) {
    if (at > 0) parts.push(Uint8Array.of(0xc0 | chunkStream));
    parts.push(payload.subarray(at, at + CHUNK_BYTES_DEFAULT));
  }
  return Buffer.concat(parts);
}

function malformed(what: string): CameraError {
  return new CameraError("PROTOCOL_ERROR", `Cannot read RTMP: ${what}`);
}
