import fc from "fast-check";
import { Value } from "typebox/value";
import { describe, expect, test } from "vitest";
import { MalformedInput } from "../../src/protocol/errors.ts";
import {
  encodeLiveFragment,
  LIVE_FRAME_BYTES_MAX,
  LIVE_HEADER_BYTES,
  readLiveFragment,
  type LiveFragment,
} from "../../src/protocol/live-frame.ts";
import { LiveServerMessageSchema } from "../../src/protocol/live-messages.ts";

const fragment: LiveFragment = {
  track: "video",
  keyFrame: true,
  sequence: 0x01020304,
  wallClockMs: 1_764_000_000_123.5,
  decodeTimeMs: 66.75,
  durationMs: 66.5,
  bytes: Uint8Array.of(1, 2, 3),
};
const times = fc.double({ min: 0, max: Number.MAX_SAFE_INTEGER, noNaN: true });
const anyFragment = fc.record({
  track: fc.constantFrom("video" as const, "audio" as const),
  keyFrame: fc.boolean(),
  sequence: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  wallClockMs: times,
  decodeTimeMs: times,
  durationMs: fc.float({ min: 0, max: 3_600_000, noNaN: true }),
  bytes: fc.uint8Array({ minLength: 1, maxLength: 200 }),
});

/** The frame of `fragment` with some of its bytes changed. */
function changed(change: (header: DataView) => void): Uint8Array {
  const frame = encodeLiveFragment(fragment);
  change(new DataView(frame.buffer));
  return frame;
}

describe("a live frame", () => {
  test("is laid out as the specification says", () => {
    const frame = encodeLiveFragment({ ...fragment, track: "audio" });
    const header = new DataView(frame.buffer);
    expect([...frame.subarray(0, 8)]).toEqual([1, 3, 0, 0, 4, 3, 2, 1]);
    expect(header.getFloat64(8, true)).toBe(fragment.wallClockMs);
    expect(header.getFloat64(16, true)).toBe(fragment.decodeTimeMs);
    expect(header.getFloat32(24, true)).toBe(fragment.durationMs);
    expect([...frame.subarray(28)]).toEqual([0, 0, 0, 0, 1, 2, 3]);
  });

  test("is read as what it was made of", () => {
    fc.assert(
      fc.property(anyFragment, (each) => {
        expect(readLiveFragment(encodeLiveFragment(each))).toEqual(each);
      }),
    );
  });

  test("counts modulo 2^32", () => {
    const sequence = 2 ** 32 + 7;
    expect(readLiveFragment(encodeLiveFragment({ ...fragment, sequence })).sequence).toBe(7);
  });

  test("is read also in the middle of other bytes, without a copy", () => {
    const frame = encodeLiveFragment(fragment);
    const around = new Uint8Array(frame.length + 10);
    around.set(frame, 5);
    const read = readLiveFragment(around.subarray(5, 5 + frame.length));
    expect(read).toEqual(fragment);
    expect(read.bytes.buffer).toBe(around.buffer);
  });

  test.each([
    ["version", changed((header) => header.setUint8(0, 2))],
    ["flags", changed((header) => header.setUint8(1, 4))],
    ["header", changed((header) => header.setUint16(2, 1))],
    ["header", changed((header) => header.setUint32(28, 1))],
    ["wallClockMs", changed((header) => header.setFloat64(8, Number.NaN, true))],
    ["wallClockMs", changed((header) => header.setFloat64(8, Infinity, true))],
    ["decodeTimeMs", changed((header) => header.setFloat64(16, -1, true))],
    ["durationMs", changed((header) => header.setFloat32(24, 3_600_001, true))],
    ["fragment", new Uint8Array(LIVE_HEADER_BYTES)],
    ["fragment", new Uint8Array(0)],
    ["fragment", new Uint8Array(LIVE_FRAME_BYTES_MAX + 1)],
  ])("with a wrong %s is refused", (field, frame) => {
    expect(() => readLiveFragment(frame)).toThrow(expect.objectContaining({ field }));
  });

  test("of any bytes is read or refused, and what is read says the same again", () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 80 }),
      fc
        .uint8Array({ minLength: 30, maxLength: 80 })
        .map((rest) => Uint8Array.of(1, (rest[0] ?? 0) & 3, 0, 0, ...rest)),
    );
    fc.assert(
      fc.property(bytes, (frame) => {
        try {
          expect(encodeLiveFragment(readLiveFragment(frame))).toEqual(frame);
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedInput);
        }
      }),
    );
  });

  test.each([
    { sequence: -1 },
    { sequence: 1.5 },
    { wallClockMs: Number.NaN },
    { durationMs: -1 },
    { bytes: new Uint8Array(0) },
    { bytes: new Uint8Array(LIVE_FRAME_BYTES_MAX) },
  ])("that nobody would read is not made: %o", (wrong) => {
    expect(() => encodeLiveFragment({ ...fragment, ...wrong })).toThrow(MalformedInput);
  });
});

describe("a live message", () => {
  const init = {
    ...{ type: "init", track: "video", codec: "avc1.64001f", width: 1920, height: 1080 },
    ...{ timescale: 90_000, bytes: "AAAA" },
  };
  test.each([
    [init],
    [{ type: "skipped", fragments: 3 }],
    [{ type: "waiting", reason: "connecting" }],
    [{ type: "waiting", reason: "waiting-to-retry", message: "Cannot reach the camera" }],
    [{ type: "pong", atMs: 1.5, hubMs: 2 }],
  ])("has its shape: %o", (message) => {
    expect(Value.Check(LiveServerMessageSchema, message)).toBe(true);
    expect(Value.Check(LiveServerMessageSchema, { ...message, more: 1 })).toBe(false);
  });
  test.each([
    [{ ...init, width: -1 }],
    [{ ...init, bytes: "A".repeat(200_000) }],
    [{ type: "skipped", fragments: 0 }],
    [{ type: "waiting", reason: "two\nlines" }],
  ])("of another shape is none: %o", (message) => {
    expect(Value.Check(LiveServerMessageSchema, message)).toBe(false);
  });
});
