import { wrappedDifference16, type RtpPacket } from "./rtp.ts";

/** Some milliseconds of telephone sound, one byte a sample, in the order in which it was spoken. */
export interface G711Unit {
  /** RTP time of the first sample. */
  readonly timestamp: number;
  /** Valid only until the callback returns. */
  readonly codes: Uint8Array;
}

export interface G711Depacketiser {
  push(packet: RtpPacket): void;
  lostPackets(): number;
}

/** A second of 8 kHz; cameras send 10 to 60 ms. */
const CODES_MAX = 8_000;
/** So many wait for one that is missing; then it is lost. */
const HELD_MAX = 3;
/** A packet further back than this is not late: the camera counts anew. */
const LATE_MAX = 100;

interface Held {
  readonly sequenceNumber: number;
  readonly timestamp: number;
  readonly codes: Uint8Array;
}

/**
 * RFC 3551 section 4.5.14: a packet is samples and nothing else, so there is nothing in it that
 * could be wrong but its length. Packets that come in another order are put right; what is missing
 * shows as a hole between two times.
 */
export function createG711Depacketiser(onUnit: (unit: G711Unit) => void): G711Depacketiser {
  let expected: number | null = null;
  let held: Held[] = [];
  let lostPackets = 0;

  function emit({ sequenceNumber, timestamp, codes }: Held): void {
    expected = (sequenceNumber + 1) & 0xffff;
    onUnit({ timestamp, codes });
  }

  /** @param isGivenUp - Whether what is missing in between is not waited for any more. */
  function release(isGivenUp: boolean): void {
    for (;;) {
      const [next] = held;
      if (next === undefined || expected === null) return;
      const missing = wrappedDifference16(next.sequenceNumber, expected);
      if (missing > 0 && !isGivenUp) return;
      lostPackets += Math.max(0, missing);
      held.shift();
      emit(next);
    }
  }

  return {
    push({ sequenceNumber, timestamp, payload }) {
      if (payload.length === 0 || payload.length > CODES_MAX) return;
      const packet = { sequenceNumber, timestamp, codes: payload };
      const ahead = expected === null ? 0 : wrappedDifference16(sequenceNumber, expected);
      // Too late, or the same once more.
      if (ahead < 0 && ahead >= -LATE_MAX) return;
      if (ahead < 0 || ahead > LATE_MAX) {
        release(true);
        lostPackets += 1;
        emit(packet);
        return;
      }
      if (ahead === 0) {
        emit(packet);
        release(false);
        return;
      }
      if (held.some((each) => each.sequenceNumber === sequenceNumber)) return;
      // Not `slice`, which of a Buffer is no copy.
      held.push({ ...packet, codes: Uint8Array.from(payload) });
      held = held.toSorted((left, right) =>
        wrappedDifference16(left.sequenceNumber, right.sequenceNumber),
      );
      if (held.length > HELD_MAX) release(true);
    },
    lostPackets: () => lostPackets,
  };
}
