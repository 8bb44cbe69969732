import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Clock } from "../../src/base/clock.ts";
import {
  CAMERA_CLOCK_TOLERANCE_MS,
  createDecodeOrder,
  createTrackClock,
  createWallClockEstimate,
} from "../../src/camera/media-clock.ts";
import { parseRtp, parseSenderReport } from "../../src/camera/rtp.ts";

const START_AT_MS = Date.UTC(2026, 10, 21, 12);

function standingClock(): Clock & { monotonic: number } {
  const clock = {
    monotonic: 1_000,
    monotonicMs: () => clock.monotonic,
    wallClockMs: () => START_AT_MS + clock.monotonic,
  };
  return clock;
}

function senderReport(wallClockMs: number, timestamp: number): Buffer {
  const report = Buffer.alloc(28);
  report[0] = 0x80;
  report[1] = 200;
  report.writeUInt16BE(6, 2);
  report.writeUInt32BE(7, 4);
  report.writeUInt32BE(Math.floor(wallClockMs / 1000) + 2_208_988_800, 8);
  report.writeUInt32BE(Math.floor(((wallClockMs % 1000) / 1000) * 2 ** 32), 12);
  report.writeUInt32BE(timestamp >>> 0, 16);
  return report;
}

describe("RTP and RTCP headers", () => {
  test("any bytes are read or refused, never more", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        const packet = parseRtp(bytes);
        expect(packet === null || packet.payload.length <= bytes.length).toBe(true);
        parseSenderReport(bytes);
      }),
    );
  });

  test("a sender report says the wall clock, behind other reports too", () => {
    const report = senderReport(START_AT_MS + 250, 4_000_000_000);
    const receiverReport = Buffer.from([0x80, 201, 0, 1, 0, 0, 0, 7]);
    const read = parseSenderReport(Buffer.concat([receiverReport, report]));
    expect(read?.timestamp).toBe(4_000_000_000);
    expect(Math.abs((read?.wallClockMs ?? 0) - START_AT_MS - 250)).toBeLessThan(0.01);
    expect(parseSenderReport(report.subarray(0, 20))).toBeNull();
  });
});

describe("the time line of a track", () => {
  test("RTP time runs on over its wrap, from any beginning", () => {
    fc.assert(
      fc.property(fc.nat(2 ** 32 - 1), (first) => {
        const track = createTrackClock(90_000);
        for (let frame = 0; frame < 20; frame += 1)
          expect(track.advance((first + frame * 6_000) >>> 0, frame * 66.7)).toBe(frame * 6_000);
      }),
    );
  });

  test("a camera that starts its time over is carried on by arrival", () => {
    const track = createTrackClock(90_000);
    track.advance(3_000_000_000, 0);
    track.advance(3_000_006_000, 67);
    expect(track.advance(12, 167)).toBe(6_000 + 9_000);
    expect(track.advance(6_012, 234)).toBe(21_000);
  });

  test.each<[string, (frame: number) => number]>([
    ["stands still", () => 5],
    ["counts milliseconds instead of 1/90,000 s", (frame) => frame * 67],
    ["runs a hundred times too fast", (frame) => frame * 600_000],
    ["leaps 9 s with every picture", (frame) => frame * 816_000],
    ["runs backward", (frame) => 2 ** 31 - frame * 6_000],
  ])("where RTP time %s, pictures come to stand where they arrived", (_name, timestampOf) => {
    const track = createTrackClock(90_000);
    const frames = 600;
    let before = 0;
    for (let frame = 0; frame < frames; frame += 1) {
      const ticks = track.advance(timestampOf(frame) >>> 0, frame * 66.7);
      if (frame > frames / 2) expect(ticks).toBeGreaterThan(before);
      before = ticks;
    }
    // What was believed at first is at most as far off as one jump, either way.
    expect(Math.abs(before / 90 - (frames - 1) * 66.7)).toBeLessThan(20_500);
  });

  test("crystals that drift, late packets and pauses are believed for hours", () => {
    const track = createTrackClock(90_000);
    const report = { synchronisationSource: 7, wallClockMs: START_AT_MS, timestamp: 0 };
    let ticks = 0;
    let arrivalMs = 0;
    for (let frame = 0; frame < 40 * 3_600; frame += 1) {
      // 300 ppm too fast, up to 3 s late, and 8 s of nothing now and then.
      const capturedMs = frame * 100 + Math.floor(frame / 9_000) * 8_000;
      const lateMs = frame % 7_000 < 30 ? 3_000 - (frame % 7_000) * 100 : 0;
      arrivalMs = Math.max(arrivalMs, capturedMs * 0.9997 + lateMs);
      ticks = track.advance((capturedMs * 90) >>> 0, arrivalMs);
      expect(ticks).toBe(capturedMs * 90);
    }
    track.report({ ...report, timestamp: ticks >>> 0 });
    expect(track.wallClockAtZeroMs()).toBeCloseTo(START_AT_MS - ticks / 90, 0);
  });

  test("decode times rise and never pass the time of showing, with and without B-pictures", () => {
    const order = (shown: readonly number[], reorder: number | null): number[] => {
      const decode = createDecodeOrder(reorder);
      return shown.map((tick) => decode.next(tick, 10));
    };
    expect(order([0, 10, 20, 30], 0)).toEqual([0, 10, 20, 30]);
    expect(order([0, 40, 10, 20, 30, 80, 50, 60, 70], 1)).toEqual([
      ...[-10, 0, 10, 20, 30, 40, 50, 60, 70],
    ]);
    // A pyramid: the middle picture comes before both of its neighbours.
    const pyramid = [0, 40, 20, 10, 30, 80, 60, 50, 70];
    const decoded = order(pyramid, 2);
    expect(decoded).toEqual([-20, -10, 0, 10, 20, 30, 40, 50, 60]);
    expect(pyramid.every((shown, index) => shown >= (decoded[index] ?? Infinity))).toBe(true);
  });

  test("decode times rise whatever a camera sends", () => {
    const ticks = fc.array(fc.integer({ min: -1000, max: 1000 }), { maxLength: 60 });
    fc.assert(
      fc.property(ticks, fc.option(fc.nat(4)), (shown, reorder) => {
        const decode = createDecodeOrder(reorder);
        let previous = Number.NEGATIVE_INFINITY;
        for (const tick of shown) {
          const next = decode.next(tick, 10);
          expect(next).toBeGreaterThan(previous);
          previous = next;
        }
      }),
    );
  });
});

describe("wall-clock time of capture", () => {
  function play(offsetMs: number | null, seconds: number) {
    const clock = standingClock();
    const track = createTrackClock(90_000);
    const estimate = createWallClockEstimate(clock, track, 0);
    const errors: number[] = [];
    for (let frame = 0; frame < seconds * 10; frame += 1) {
      // Captured every 100 ms, arriving 30 to 80 ms later.
      const capturedAt = 1_000 + frame * 100;
      clock.monotonic = capturedAt + 30 + ((frame * 17) % 50);
      track.advance(frame * 9_000, clock.monotonic);
      if (offsetMs !== null && frame % 20 === 5) {
        const wall = START_AT_MS + capturedAt + offsetMs;
        const report = parseSenderReport(senderReport(wall, frame * 9_000));
        if (report !== null) track.report(report);
      }
      errors.push(estimate.at(frame * 100) - START_AT_MS - capturedAt);
    }
    return { estimate, errors };
  }

  test("without sender reports it is the fastest arrival of late", () => {
    const { estimate, errors } = play(null, 20);
    expect(estimate.source()).toBe("hub");
    expect(estimate.offsetMs()).toBeNull();
    expect(errors.every((error) => error >= 29 && error <= 80)).toBe(true);
    expect(errors.at(-1)).toBeLessThanOrEqual(31);
  });

  test("a camera clock that is nearly right is followed, smoothly", () => {
    const { estimate, errors } = play(-400, 20);
    expect(estimate.source()).toBe("camera");
    expect(estimate.offsetMs()).toBeCloseTo(-430, -2);
    expect(Math.abs((errors.at(-1) ?? 0) + 400)).toBeLessThan(5);
    // Time never runs backward on the way.
    const steps = errors.slice(1).map((error, index) => error - (errors[index] ?? 0));
    expect(Math.min(...steps)).toBeGreaterThan(-100);
  });

  test("a camera clock that is far off is not believed, and the offset is told", () => {
    const { estimate, errors } = play(CAMERA_CLOCK_TOLERANCE_MS + 3_600_000, 10);
    expect(estimate.source()).toBe("hub");
    expect(estimate.offsetMs()).toBeGreaterThan(3_600_000);
    expect(errors.every((error) => error >= 29 && error <= 80)).toBe(true);
  });
});
