import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createPictureLimit, createReadAllowance } from "../../src/camera/read-allowance.ts";
import { readSession, readTransport } from "../../src/camera/rtsp-headers.ts";

describe("what cameras write into their headers", () => {
  test.each<[string, string | null, number | null]>([
    ["12345678", "12345678", null],
    ["12345678;timeout=60", "12345678", 60_000],
    ["12345678 ; Timeout = 5", "12345678", 5_000],
    ["abc;mode=play;timeout=30;x", "abc", 30_000],
    ['abc; timeout="15"', "abc", 15_000],
    ["{1F-2a}+/=.$_-;timeout=0", "{1F-2a}+/=.$_-", null],
    ["abc;timeout=never", "abc", null],
    ["abc;timeout=999999999", "abc", 86_400_000],
    ["", null, null],
    [";timeout=60", null, null],
    ["two words", null, null],
    [`${"x".repeat(257)}`, null, null],
    ["a\0b", null, null],
  ])("Session: %s", (header, id, timeoutMs) => {
    expect(readSession(header)).toEqual(id === null ? null : { id, timeoutMs });
  });

  test.each<[string, number, number]>([
    ["RTP/AVP/TCP;unicast;interleaved=0-1", 0, 1],
    ["RTP/AVP/TCP;unicast;interleaved=6-7;ssrc=12", 6, 7],
    ["rtp/avp/tcp; interleaved = 4", 4, 5],
    ["RTP/AVP;unicast;interleaved=2-3", 2, 3],
    ["RTP/AVP/TCP;unicast;destination=198.51.100.1;source=198.51.100.2", 8, 9],
    ['RTP/AVP/TCP;interleaved="254-255"', 254, 255],
  ])("Transport: %s", (header, packets, reports) => {
    expect(readTransport(header, 8)).toEqual({ packets, reports });
  });

  test.each([
    "RTP/AVP;unicast;client_port=5000-5001",
    "RTP/AVP;multicast;destination=239.0.0.1",
    "",
    "RTP/AVP/TCP;interleaved=256-257",
    "RTP/AVP/TCP;interleaved=0-999",
  ])("Transport: %s is refused", (header) => {
    expect(() => readTransport(header, 0)).toThrow(
      expect.objectContaining({ code: "PROTOCOL_ERROR" }),
    );
  });

  test("any header is read or refused by name", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary-ascii", maxLength: 300 }), (text) => {
        readSession(text);
        try {
          readTransport(text, 0);
        } catch (error) {
          expect(error).toMatchObject({ name: "CameraError", code: "PROTOCOL_ERROR" });
        }
      }),
    );
  });
});

describe("how much of one camera is read", () => {
  test("500 pictures within a second, and not one more", () => {
    const limit = createPictureLimit();
    for (let second = 0; second < 3; second += 1)
      for (let picture = 0; picture < 500; picture += 1) limit.take(second * 1_000 + picture);
    expect(() => limit.take(2_999)).toThrow(expect.objectContaining({ code: "PROTOCOL_ERROR" }));
  });

  test("a burst at once, and from then on no more than the rate", () => {
    const allowance = createReadAllowance(1_000, 5_000);
    expect(allowance.take(5_000, 0)).toBe(0);
    expect(allowance.take(500, 0)).toBe(500);
    expect(allowance.take(500, 500)).toBe(500);
    expect(allowance.take(1_000, 2_000)).toBe(0);
  });

  test("over any time, what is let through is burst and rate at most", () => {
    const step = fc.record({ size: fc.integer({ min: 1, max: 64 }), idleMs: fc.nat(20) });
    fc.assert(
      fc.property(fc.array(step, { minLength: 100, maxLength: 200 }), (steps) => {
        const allowance = createReadAllowance(1_000, 300);
        let nowMs = 0;
        let total = 0;
        for (const { size, idleMs } of steps) {
          nowMs += idleMs;
          // What was read before the reading stops is at most one buffer too much.
          expect(total).toBeLessThanOrEqual(300 + nowMs + 64);
          total += size;
          nowMs += allowance.take(size, nowMs);
        }
      }),
    );
  });
});
