import fc from "fast-check";
import { Value } from "typebox/value";
import { describe, expect, test } from "vitest";
import { videoInitFromRecord, fragmentBytes } from "../../src/camera/fragments.ts";
import { toBase64 } from "../../src/protocol/bytes.ts";
import { MalformedInput } from "../../src/protocol/errors.ts";
import { LIVE_CLOSE, LiveServerMessageSchema } from "../../src/protocol/live-messages.ts";
import { readDecoderRecord, readSample } from "../../web/page/media/fragment-reader.ts";
import { HubClock, RecentValues } from "../../web/page/media/hub-clock.ts";
import { readLiveMessage } from "../../web/page/media/live-message.ts";
import { SOCKET_CODES } from "../../web/page/media/socket-codes.ts";

const RECORD = Uint8Array.from([1, 100, 0, 31, 0xff, 0xe1, 0, 2, 0x67, 0x64, 1, 0, 1, 0x68]);
const init = videoInitFromRecord({
  ...{ record: RECORD, codec: "avc1.64001f", width: 1920, height: 1080 },
});
const hevcInit = videoInitFromRecord({
  ...{ record: RECORD, codec: "hvc1.1.6.L93.90", width: 1920, height: 1080 },
});
const fragment = fragmentBytes("video", {
  sequence: 7,
  decodeTicks: 2 ** 33 + 5,
  durationTicks: 6_000,
  compositionTicks: -3_000,
  keyFrame: true,
  bytes: Uint8Array.from([0, 0, 0, 2, 0x65, 9]),
});

describe("the page's reader of fragments", () => {
  test("reads what the hub's own writer writes", () => {
    expect(readDecoderRecord(init.bytes, "avc1.64001f")).toEqual(RECORD);
    expect(readDecoderRecord(hevcInit.bytes, "hvc1.1.6.L93.90")).toEqual(RECORD);
    expect(() => readDecoderRecord(init.bytes, "hvc1.1.6.L93.90")).toThrow(MalformedInput);
    expect(readSample(fragment)).toEqual({
      decodeTicks: 2 ** 33 + 5,
      durationTicks: 6_000,
      compositionTicks: -3_000,
      bytes: Uint8Array.from([0, 0, 0, 2, 0x65, 9]),
    });
  });

  test("reads within a buffer that holds more than the fragment", () => {
    const around = new Uint8Array(fragment.length + 40);
    around.set(fragment, 32);
    const sample = readSample(around.subarray(32, 32 + fragment.length));
    expect([...sample.bytes]).toEqual([0, 0, 0, 2, 0x65, 9]);
  });

  test.each([
    ["init", init.bytes, (bytes: Uint8Array) => readDecoderRecord(bytes, "avc1.64001f")],
    ["H.265 init", hevcInit.bytes, (bytes: Uint8Array) => readDecoderRecord(bytes, "hvc1.1.6")],
    ["fragment", fragment, readSample],
  ] as const)(
    "a damaged %s is refused by name, or read within its bounds",
    (_name, bytes, read) => {
      fc.assert(
        fc.property(
          fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 0, max: 255 })), {
            maxLength: 8,
          }),
          fc.nat(bytes.length),
          (edits, length) => {
            const damaged = bytes.slice();
            for (const [at, value] of edits) damaged[at] = value;
            try {
              const found = read(damaged.subarray(0, length));
              const part = found instanceof Uint8Array ? found : found.bytes;
              expect(part.byteOffset + part.length).toBeLessThanOrEqual(length);
            } catch (error) {
              expect(error).toBeInstanceOf(MalformedInput);
            }
          },
        ),
        { numRuns: 3_000 },
      );
    },
  );

  test("a sample that points out of its fragment is refused", () => {
    // The sample's size, in `trun`.
    const damaged = fragment.slice();
    new DataView(damaged.buffer).setUint32(92, fragment.length);
    expect(() => readSample(damaged)).toThrow("points out of the fragment");
  });
});

describe("the page's reader of live messages", () => {
  const messages: unknown[] = [
    {
      ...{ type: "init", track: "video", codec: "avc1.64001f" },
      ...size(1920, 1080),
      bytes: "AAAA",
    },
    { ...{ type: "init", track: "audio", codec: "mp4a.40.2" }, ...size(0, 0), bytes: "AAAA" },
    { type: "skipped", fragments: 3 },
    { type: "waiting", reason: "connecting" },
    { type: "waiting", reason: "waiting-to-retry", message: "The camera’s password is wrong" },
    { type: "pong", atMs: 12.5, hubMs: 1_795_305_000_000 },
  ];
  function size(width: number, height: number): object {
    return { width, height, timescale: 90_000 };
  }

  test.each(messages)("reads %j", (message) => {
    expect(Value.Check(LiveServerMessageSchema, message)).toBe(true);
    const read = readLiveMessage(JSON.stringify(message));
    const bytes = "bytes" in read ? { bytes: toBase64(read.bytes) } : {};
    expect({ ...read, ...bytes }).toEqual(message);
  });

  test("takes nothing that the schema does not take", () => {
    const values = fc.oneof(
      ...[fc.constant(undefined), fc.constant(null), fc.integer(), fc.double(), fc.boolean()],
      ...[fc.string(), fc.constant("a\u0000"), fc.constant("x".repeat(501))],
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...messages),
        fc.constantFrom("track", "codec", "width", "timescale", "bytes", "fragments", "reason"),
        fc.constantFrom("type", "message", "atMs", "hubMs", "height"),
        values,
        (message, one, other, value) => {
          for (const name of [one, other]) {
            if (!Object.hasOwn(message as object, name)) continue;
            const changed: unknown = JSON.parse(
              JSON.stringify({ ...(message as object), [name]: value }),
            );
            const isTaken = ((): boolean => {
              try {
                readLiveMessage(JSON.stringify(changed));
                return true;
              } catch (error) {
                expect(error).toBeInstanceOf(MalformedInput);
                return false;
              }
            })();
            if (isTaken) expect(Value.Check(LiveServerMessageSchema, changed)).toBe(true);
          }
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test("what is no message is refused", () => {
    for (const text of ["", "null", "[]", '"init"', "{", '{"type":"other"}', "1".repeat(200_000)])
      expect(() => readLiveMessage(text)).toThrow(MalformedInput);
  });
});

test("the page knows the hub's own codes for the end of a socket", () => {
  const { sessionOver, cameraGone, tooManyViewers } = LIVE_CLOSE;
  expect(SOCKET_CODES).toEqual({ sessionOver, cameraGone, tooManyViewers });
});

describe("how late a picture is", () => {
  test("the hub's clock is taken from the quickest answer", () => {
    const clock = new HubClock();
    expect(clock.at(1_000)).toBeNull();
    // 300 ms on the way there, none back: half of it is put down to each way, and is wrong.
    clock.take(1_000, 50_300, 1_300);
    clock.take(2_000, 51_002, 2_004);
    clock.take(3_000, 52_400, 3_400);
    expect(clock.at(4_000)).toBe(53_000);
    clock.forget();
    expect(clock.at(4_000)).toBeNull();
  });

  test("answers from before a sleep say nothing", () => {
    const clock = new HubClock();
    clock.take(1_000, 50_000, 900);
    clock.take(1_000, 50_000, 9_000);
    expect(clock.at(9_000)).toBeNull();
  });

  test("a median is one of lately", () => {
    const values = new RecentValues(2_000);
    expect(values.median(0)).toBeNull();
    for (const [atMs, value] of [
      [0, 900],
      [1_000, 40],
      [1_500, 60],
      [2_500, 50],
    ] as const)
      values.take(value, atMs);
    expect(values.median(2_600)).toBe(50);
    expect(values.median(9_000)).toBeNull();
  });
});
