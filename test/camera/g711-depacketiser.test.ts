import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createG711Depacketiser } from "../../src/camera/g711-depacketiser.ts";
import type { RtpPacket } from "../../src/camera/rtp.ts";

const SAMPLES = 160;

function packet(number: number, payload = Uint8Array.of(number & 0xff)): RtpPacket {
  return {
    payloadType: 0,
    marker: false,
    sequenceNumber: number & 0xffff,
    timestamp: (number * SAMPLES) >>> 0,
    synchronisationSource: 7,
    payload,
  };
}

function run(packets: readonly RtpPacket[]) {
  const seen: number[] = [];
  const depacketiser = createG711Depacketiser(({ timestamp, codes }) => {
    expect(codes.length).toBeGreaterThan(0);
    seen.push(timestamp / SAMPLES);
  });
  for (const each of packets) depacketiser.push(each);
  return { seen, lost: depacketiser.lostPackets() };
}

const upTo = (count: number, from = 0): number[] =>
  Array.from({ length: count }, (_, index) => from + index);

describe("putting telephone sound together", () => {
  test("packets pass at once and in order, over the end of their numbers too", () => {
    const numbers = upTo(20, 65_526);
    expect(run(numbers.map((number) => packet(number)))).toEqual({ seen: numbers, lost: 0 });
  });

  test("one that comes late is put in its place, and comes once", () => {
    const { seen, lost } = run([0, 2, 3, 1, 1, 2, 5, 4, 6].map((number) => packet(number)));
    expect(seen).toEqual(upTo(7));
    expect(lost).toBe(0);
  });

  test("one that waits is what it was when it came, whatever its memory is used for then", () => {
    const memory = Buffer.alloc(1);
    const heard: number[] = [];
    const depacketiser = createG711Depacketiser(({ codes }) => heard.push(...codes));
    for (const number of [0, 2, 1]) {
      memory[0] = number;
      depacketiser.push(packet(number, memory));
    }
    expect(heard).toEqual([0, 1, 2]);
  });

  test("one that does not come is waited for no longer than three others, and counted", () => {
    const waiting = [0, 2, 3, 4].map((number) => packet(number));
    expect(run(waiting).seen).toEqual([0]);
    expect(run([...waiting, packet(5)])).toEqual({ seen: [0, 2, 3, 4, 5], lost: 1 });
    // Too late then.
    expect(run([...waiting, packet(5), packet(1), packet(6)]).seen).toEqual([0, 2, 3, 4, 5, 6]);
  });

  test("a camera that counts anew is followed, back or ahead", () => {
    expect(
      run([5_000, 5_001, 10, 11, 40_000, 40_001].map((number) => packet(number))).seen,
    ).toEqual([5_000, 5_001, 10, 11, 40_000, 40_001]);
  });

  test("packets of no sound and of more than a second are left out", () => {
    const sizes = [0, 8_001, 65_535].map((size, index) => packet(index + 1, new Uint8Array(size)));
    expect(run([packet(0), ...sizes]).seen).toEqual([0]);
    expect(run([packet(0), packet(1, new Uint8Array(8_000))]).seen).toEqual([0, 1]);
  });

  test("whatever is lost, doubled or shuffled by a little, what comes out is in order", () => {
    fc.assert(
      fc.property(
        fc.nat(65_535),
        fc.array(fc.record({ delay: fc.nat(3), isLost: fc.boolean(), isTwice: fc.boolean() }), {
          minLength: 5,
          maxLength: 80,
        }),
        (from, fates) => {
          const sent = fates
            .flatMap(({ delay, isLost, isTwice }, index) =>
              isLost ? [] : Array.from({ length: isTwice ? 2 : 1 }, () => ({ index, delay })),
            )
            .toSorted((left, right) => left.index + left.delay - (right.index + right.delay));
          const { seen } = run(sent.map(({ index }) => packet(from + index)));
          expect(seen).toEqual([...new Set(seen)].toSorted((left, right) => left - right));
          const isLate = sent.some(({ delay }) => delay > 0);
          const kept = new Set(sent.map(({ index }) => from + index));
          // In order and whole: all of it comes, but for the last few that may still be waiting.
          if (!isLate) expect(seen.length).toBeGreaterThanOrEqual(kept.size - 3);
        },
      ),
      { numRuns: 500 },
    );
  });

  test("any packets at all: never more sound than was sent, and nothing kept for long", () => {
    const any = fc.record({
      sequenceNumber: fc.nat(0xffff),
      timestamp: fc.nat(0xffffffff),
      size: fc.nat(9_000),
    });
    fc.assert(
      fc.property(fc.array(any, { maxLength: 60 }), (sent) => {
        let given = 0;
        const depacketiser = createG711Depacketiser(({ codes }) => (given += codes.length));
        for (const { size, ...rest } of sent)
          depacketiser.push({ ...packet(0, new Uint8Array(size)), ...rest });
        expect(given).toBeLessThanOrEqual(sent.reduce((sum, { size }) => sum + size, 0));
      }),
      { numRuns: 300 },
    );
  });
});
