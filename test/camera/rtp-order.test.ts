import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createPacketOrder } from "../../src/camera/rtp-order.ts";
import type { RtpPacket } from "../../src/camera/rtp.ts";

function packet(sequenceNumber: number, timestamp = 0, synchronisationSource = 7): RtpPacket {
  const payload = Uint8Array.of(sequenceNumber & 0xff);
  const common = { payloadType: 96, marker: false, timestamp, synchronisationSource, payload };
  return { ...common, sequenceNumber: sequenceNumber & 0xffff };
}

function run(packets: readonly RtpPacket[]): number[] {
  const seen: number[] = [];
  const push = createPacketOrder(({ sequenceNumber }) => seen.push(sequenceNumber));
  for (const one of packets) push(one);
  return seen;
}

describe("the order of packets", () => {
  test("what comes a little out of order is put in order, over the end of the numbers too", () => {
    const numbers = [65_533, 65_535, 65_534, 65_536, 65_539, 65_538, 65_537, 65_540];
    expect(run(numbers.map((number) => packet(number)))).toEqual(
      [65_533, 65_534, 65_535, 65_536, 65_537, 65_538, 65_539, 65_540].map((n) => n & 0xffff),
    );
  });

  test("a lost packet holds up no more than one picture, or eight packets", () => {
    expect(run([packet(1, 1), packet(3, 2)])).toEqual([1]);
    expect(run([packet(1, 1), packet(3, 2), packet(4, 3)])).toEqual([1, 3, 4]);
    const behind = [3, 4, 5, 6, 7, 8, 9, 10].map((number) => packet(number));
    expect(run([packet(1), ...behind.slice(0, 7)])).toEqual([1]);
    expect(run([packet(1), ...behind])).toEqual([1, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  test("what waited keeps its bytes though the buffer is used again", () => {
    const seen: number[] = [];
    const push = createPacketOrder(({ payload }) => seen.push(payload[0] ?? -1));
    const buffer = Uint8Array.of(0);
    for (const number of [1, 3, 2]) {
      buffer[0] = number;
      push({ ...packet(number), payload: buffer });
    }
    expect(seen).toEqual([1, 2, 3]);
  });

  test("another source, or numbers from somewhere else, are taken at once", () => {
    expect(run([packet(1), packet(3), packet(9_000, 0, 8), packet(9_001, 0, 8)])).toEqual([
      ...[1, 3, 9_000, 9_001],
    ]);
    expect(run([packet(1), packet(3), packet(30_000)])).toEqual([1, 3, 30_000]);
  });

  test("whatever comes, nothing is invented, and no more than eight wait", () => {
    const one = fc.record({ number: fc.nat(300), time: fc.nat(3), source: fc.nat(1) });
    fc.assert(
      fc.property(fc.array(one, { maxLength: 200 }), (sent) => {
        const packets = sent.map(({ number, time, source }) => packet(number, time, source));
        const given = new Set(packets.map(({ sequenceNumber }) => sequenceNumber));
        const seen = run(packets);
        expect(seen.every((number) => given.has(number))).toBe(true);
        const repeated = packets.length - new Set(packets.map((p) => p.sequenceNumber)).size;
        expect(seen.length).toBeGreaterThanOrEqual(packets.length - 8 - repeated);
      }),
    );
  });

  test("any shuffling within four packets of one picture is undone", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(3), { minLength: 1, maxLength: 60 }), (moves) => {
        const wanted = Array.from({ length: moves.length + 1 }, (_, index) => index);
        const numbers = wanted
          .map((number) => ({ number, at: number === 0 ? -1 : number + (moves[number - 1] ?? 0) }))
          .toSorted((left, right) => left.at - right.at)
          .map(({ number }) => packet(number));
        expect(run(numbers)).toEqual(wanted);
      }),
    );
  });
});
