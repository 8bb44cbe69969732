import { randomBytes } from "node:crypto";

/** Of one packet: what nearly every camera expects, and at 8 kHz 160 bytes of G.711. */
export const PACKET_MS = 20;
export const PACKET_BYTES = 160;
const HEADER_BYTES = 12;
const VERSION_2 = 0x80;
const MARKER = 0x80;
/** A spurt begins with this much in hand, so that a network which stutters is not heard. */
const AHEAD_BYTES = 3 * PACKET_BYTES;
/** Woken later than this, it does not catch up by sending all at once. */
const LATE_MAX_MS = 200;

export interface SpeechSenderOptions {
  readonly payloadType: number;
  /** Of what waits; what is older is dropped. */
  readonly queueBytesMax: number;
  /** @returns false where the packet could not be sent. */
  readonly send: (packet: Uint8Array) => boolean;
}

/**
 * Speech as RTP (RFC 3550, RFC 3551): a packet every 20 ms by a clock that only runs forward. The
 * time stamps follow that clock, so that silence between two spurts is as long as it was; the first
 * packet of each spurt carries the marker.
 */
export class SpeechSender {
  readonly #options: SpeechSenderOptions;
  readonly #queue: Uint8Array;
  #size = 0;
  #dropped = 0;
  #packets = 0;
  #lost = 0;
  #sequence: number;
  readonly #firstTimestamp: number;
  readonly #source: number;
  #startedAtMs: number | null = null;
  /** In packets since the start, by the clock; null between two spurts. */
  #next: number | null = null;
  #isEnding = false;

  constructor(options: SpeechSenderOptions) {
    this.#options = options;
    this.#queue = new Uint8Array(options.queueBytesMax);
    const random = randomBytes(10);
    this.#sequence = random.readUInt16BE(0);
    this.#firstTimestamp = random.readUInt32BE(2);
    this.#source = random.readUInt32BE(6);
  }

  /** Bytes that were too many and so never sent. */
  get droppedBytes(): number {
    return this.#dropped;
  }
  get packets(): number {
    return this.#packets;
  }
  /** Packets that the camera did not take. */
  get lostPackets(): number {
    return this.#lost;
  }
  get isEmpty(): boolean {
    return this.#size === 0;
  }

  push(bytes: Uint8Array): void {
    const { queueBytesMax } = this.#options;
    const taken = bytes.subarray(Math.max(0, bytes.length - queueBytesMax));
    const over = Math.max(0, this.#size + taken.length - queueBytesMax);
    this.#dropped += over + bytes.length - taken.length;
    if (over > 0) this.#take(over);
    this.#queue.set(taken, this.#size);
    this.#size += taken.length;
  }

  /** No more will come: the rest goes out, however little it is. */
  finish(): void {
    this.#isEnding = true;
  }

  /**
   * Sends what is due.
   *
   * @param nowMs - By a monotonic clock.
   * @returns milliseconds until it is to be called again; null where nothing is due before more is
   * pushed.
   */
  tick(nowMs: number): number | null {
    this.#startedAtMs ??= nowMs;
    const at = (nowMs - this.#startedAtMs) / PACKET_MS;
    if (this.#next === null) {
      if (this.#size < (this.#isEnding ? 1 : AHEAD_BYTES)) return null;
      this.#next = Math.ceil(at);
      this.#sendOne(this.#next, true);
    } else if (at - this.#next > LATE_MAX_MS / PACKET_MS) {
      // The machine stood still: what follows is a spurt of its own, with the time that has passed.
      this.#next = null;
      return this.tick(nowMs);
    }
    while (this.#next !== null && this.#next <= at) {
      if (!this.#isDue()) {
        this.#next = null;
        return this.#size === 0 ? null : this.tick(nowMs);
      }
      this.#sendOne(this.#next, false);
    }
    return this.#next === null
      ? null
      : Math.max(0, this.#startedAtMs + this.#next * PACKET_MS - nowMs);
  }

  #isDue(): boolean {
    return this.#size >= (this.#isEnding ? 1 : PACKET_BYTES);
  }

  #sendOne(at: number, isFirst: boolean): void {
    const { payloadType, send } = this.#options;
    const payload = this.#take(PACKET_BYTES);
    const packet = Buffer.alloc(HEADER_BYTES + payload.length);
    packet[0] = VERSION_2;
    packet[1] = (isFirst ? MARKER : 0) | payloadType;
    packet.writeUInt16BE(this.#sequence, 2);
    packet.writeUInt32BE((this.#firstTimestamp + at * PACKET_BYTES) >>> 0, 4);
    packet.writeUInt32BE(this.#source, 8);
    packet.set(payload, HEADER_BYTES);
    this.#sequence = (this.#sequence + 1) & 0xffff;
    this.#next = at + 1;
    this.#packets += 1;
    if (!send(packet)) this.#lost += 1;
  }

  #take(sizeBytes: number): Uint8Array {
    const taken = this.#queue.slice(0, Math.min(sizeBytes, this.#size));
    this.#queue.copyWithin(0, taken.length, this.#size);
    this.#size -= taken.length;
    return taken;
  }
}
