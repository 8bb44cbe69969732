import { describe, expect, test } from "vitest";
import fc from "fast-check";
import { H264Depacketiser } from "../../src/camera/h264-depacketiser.ts";
import type { VideoUnit } from "../../src/camera/nal-depacketiser.ts";
import { parseRtp } from "../../src/camera/rtp.ts";
import { PICTURE_SET, rtpPacket, SEQUENCE_SET, slice } from "./scripted-camera.ts";

interface Seen {
  readonly timestamp: number;
  readonly keyFrame: boolean;
  readonly nalUnits: Buffer[];
  readonly lostBefore: number;
  readonly parameters: VideoUnit["parameters"];
}

interface Sent {
  readonly payload: Uint8Array;
  readonly timestamp?: number;
  readonly marker?: boolean;
  readonly skip?: number;
}

/** Splits a sample with 4-byte lengths again. */
function nalUnits(sample: Uint8Array): Buffer[] {
  const bytes = Buffer.from(sample);
  const units: Buffer[] = [];
  for (let offset = 0; offset < bytes.length;) {
    const size = bytes.readUInt32BE(offset);
    units.push(bytes.subarray(offset + 4, offset + 4 + size));
    offset += 4 + size;
  }
  return units;
}

function run(
  sent: readonly Sent[],
  sets: readonly Uint8Array[] = [SEQUENCE_SET, PICTURE_SET],
  firstSequence = 65_530,
): { seen: Seen[]; depacketiser: H264Depacketiser } {
  const seen: Seen[] = [];
  const depacketiser = new H264Depacketiser(sets, (unit) =>
    seen.push({ ...unit, nalUnits: nalUnits(unit.sample) }),
  );
  let sequenceNumber = firstSequence;
  for (const { payload, timestamp = 0, marker = false, skip = 0 } of sent) {
    sequenceNumber += 1 + skip;
    const packet = parseRtp(rtpPacket({ sequenceNumber, timestamp, marker, payload }));
    if (packet === null) throw new Error("no packet");
    depacketiser.push(packet);
  }
  return { seen, depacketiser };
}

function fragments(nalUnit: Buffer, size: number): Buffer[] {
  const header = nalUnit[0] ?? 0;
  const parts: Buffer[] = [];
  for (let offset = 1; offset < nalUnit.length; offset += size) {
    const isLast = offset + size >= nalUnit.length;
    const flags = (offset === 1 ? 0x80 : 0) | (isLast ? 0x40 : 0) | (header & 0x1f);
    const indicator = (header & 0xe0) | 28;
    parts.push(
      Buffer.concat([Buffer.from([indicator, flags]), nalUnit.subarray(offset, offset + size)]),
    );
  }
  return parts;
}

function aggregate(...units: readonly Uint8Array[]): Buffer {
  const parts = units.map((unit) =>
    Buffer.concat([Buffer.from([unit.length >> 8, unit.length & 0xff]), unit]),
  );
  return Buffer.concat([Buffer.from([24]), ...parts]);
}

const KEY = slice("key", 60);
const OTHER = slice("other", 30);

describe("putting H.264 pictures together", () => {
  test("single, aggregated and fragmented units make the same pictures, over a number wrap", () => {
    const { seen, depacketiser } = run([
      { payload: SEQUENCE_SET },
      { payload: PICTURE_SET },
      { payload: KEY, marker: true },
      { payload: aggregate(Buffer.from([0x09, 0x10]), OTHER), timestamp: 1, marker: true },
      ...fragments(KEY, 17).map((payload, index, all) => ({
        payload,
        timestamp: 2,
        marker: index === all.length - 1,
      })),
    ]);
    expect(seen.map((unit) => unit.nalUnits)).toEqual([[KEY], [OTHER], [KEY]]);
    expect(seen.map((unit) => unit.keyFrame)).toEqual([true, false, true]);
    expect(depacketiser.lostPackets).toBe(0);
    expect(seen[0]?.parameters).toMatchObject({
      codec: "avc1.42c028",
      width: 1920,
      height: 1080,
      framesPerSecond: 15,
    });
  });

  test("several slices make one picture, with the marker only on the last", () => {
    const second = slice("key", 40, false);
    const { seen } = run([{ payload: KEY }, { payload: second, marker: true }]);
    expect(seen.map((unit) => unit.nalUnits)).toEqual([[KEY, second]]);
  });

  test("pictures without markers end when the time changes", () => {
    const { seen } = run([
      { payload: KEY, timestamp: 10 },
      { payload: slice("key", 40, false), timestamp: 10 },
      { payload: OTHER, timestamp: 20 },
      { payload: OTHER, timestamp: 30 },
    ]);
    expect(seen.map((unit) => [unit.timestamp, unit.nalUnits.length])).toEqual([
      [10, 2],
      [20, 1],
    ]);
  });

  test("a camera that marks every slice is understood from its next key frame on", () => {
    const picture = (timestamp: number, type: "key" | "other"): Sent[] => [
      { payload: slice(type, 40), timestamp, marker: true },
      { payload: slice(type, 40, false), timestamp, marker: true },
    ];
    const { seen } = run([
      ...picture(1, "key"),
      ...picture(2, "other"),
      ...picture(3, "key"),
      ...picture(4, "other"),
      ...picture(5, "other"),
    ]);
    expect(seen.slice(1).map((unit) => [unit.timestamp, unit.nalUnits.length])).toEqual([
      [3, 2],
      [4, 2],
    ]);
  });

  test("after a loss nothing comes before the next whole key frame, and the loss is counted", () => {
    const { seen, depacketiser } = run([
      { payload: KEY, timestamp: 1, marker: true },
      { payload: OTHER, timestamp: 2, marker: true },
      { payload: OTHER, timestamp: 4, marker: true, skip: 3 },
      { payload: OTHER, timestamp: 5, marker: true },
      { payload: KEY, timestamp: 6, marker: true },
      { payload: OTHER, timestamp: 7, marker: true },
    ]);
    expect(seen.map((unit) => unit.timestamp)).toEqual([1, 2, 6, 7]);
    expect(seen[2]?.lostBefore).toBeGreaterThan(0);
    expect(seen[3]?.lostBefore).toBe(0);
    expect(depacketiser.lostPackets).toBe(3);
    expect(depacketiser.droppedUnits).toBe(2);
  });

  test("a key frame that lost its beginning, middle or end is never handed on", () => {
    const parts = fragments(slice("key", 400), 50);
    for (const missing of parts.keys()) {
      const sent: Sent[] = [{ payload: KEY, timestamp: 1, marker: true }];
      for (const [index, payload] of parts.entries())
        if (index !== missing)
          sent.push({
            payload,
            timestamp: 2,
            marker: index === parts.length - 1,
            skip: index === missing + 1 ? 1 : 0,
          });
      sent.push({
        payload: OTHER,
        timestamp: 3,
        marker: true,
        skip: missing === parts.length - 1 ? 1 : 0,
      });
      sent.push({ payload: KEY, timestamp: 4, marker: true });
      expect(run(sent).seen.map((unit) => unit.timestamp)).toEqual([1, 4]);
    }
  });

  test("a loss counts even if what comes next is no picture", () => {
    const { seen } = run([
      { payload: KEY, timestamp: 1, marker: true },
      { payload: Buffer.from([0x06, 5, 1, 0]), timestamp: 2, skip: 1 },
      { payload: OTHER, timestamp: 3, marker: true },
      { payload: KEY, timestamp: 4, marker: true },
    ]);
    expect(seen.map((unit) => unit.timestamp)).toEqual([1, 4]);
  });

  test("a key frame right after a loss is not used: its parameter sets may be what was lost", () => {
    const { seen } = run([
      { payload: KEY, timestamp: 1, marker: true },
      { payload: KEY, timestamp: 2, marker: true, skip: 1 },
      { payload: KEY, timestamp: 3, marker: true },
    ]);
    expect(seen.map((unit) => unit.timestamp)).toEqual([1, 3]);
  });

  test("any packets lost, what is handed on is whole and starts with a key frame after each loss", () => {
    const all: Sent[] = Array.from({ length: 40 }, (_, index) =>
      fragments(slice(index % 8 === 0 ? "key" : "other", 200, true, index), 60).map(
        (payload, part, parts) => ({
          payload,
          timestamp: index,
          marker: part === parts.length - 1,
        }),
      ),
    ).flat();
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(all.length - 1), { maxLength: 12 }), (lost) => {
        const sent: Sent[] = [];
        let skip = 0;
        for (const [index, packet] of all.entries()) {
          if (lost.includes(index)) skip += 1;
          else {
            sent.push({ ...packet, skip });
            skip = 0;
          }
        }
        let previous = -1;
        for (const unit of run(sent).seen) {
          const whole = slice(
            unit.timestamp % 8 === 0 ? "key" : "other",
            200,
            true,
            unit.timestamp,
          );
          expect(unit.nalUnits).toEqual([whole]);
          if (unit.timestamp !== previous + 1) expect(unit.keyFrame).toBe(true);
          if (unit.timestamp !== previous + 1 && previous >= 0)
            expect(unit.lostBefore).toBeGreaterThan(0);
          previous = unit.timestamp;
        }
      }),
    );
  });

  test("changed parameter sets take effect with the key frame, not before", () => {
    const otherSet = Buffer.from(PICTURE_SET);
    otherSet[3] = 0x84;
    const { seen } = run([
      { payload: KEY, timestamp: 1, marker: true },
      { payload: PICTURE_SET, timestamp: 2 },
      { payload: KEY, timestamp: 2, marker: true },
      { payload: otherSet, timestamp: 3 },
      { payload: OTHER, timestamp: 3, marker: true },
      { payload: KEY, timestamp: 4, marker: true },
    ]);
    expect(seen).toHaveLength(4);
    expect(seen[1]?.parameters).toBe(seen[0]?.parameters);
    expect(seen[2]?.parameters).toBe(seen[0]?.parameters);
    expect(seen[3]?.parameters).not.toBe(seen[0]?.parameters);
    expect(seen[3]?.parameters.pictureSets).toEqual([new Uint8Array(otherSet)]);
  });

  test("a stream without parameter sets yields nothing", () => {
    expect(run([{ payload: KEY, marker: true }], []).seen).toEqual([]);
  });

  test("an absurd or endless parameter set ends the connection by name", () => {
    const tiny = Buffer.from([0x67, 66, 0, 30, 0xff, 0xff, 0xff, 0xff]);
    const refused = expect.objectContaining({ code: "PROTOCOL_ERROR" });
    expect(() => run([{ payload: KEY, marker: true }], [tiny, PICTURE_SET])).toThrow(refused);
    const cut = SEQUENCE_SET.subarray(0, 7);
    expect(() => run([{ payload: KEY, marker: true }], [cut, PICTURE_SET])).toThrow(refused);
  });

  test("a picture of more than 8 MiB is dropped, and memory stays bounded", () => {
    const part = Buffer.alloc(60_000, 1);
    const sent: Sent[] = [{ payload: Buffer.concat([Buffer.from([0x7c, 0x85, 0x88]), part]) }];
    for (let index = 0; index < 300; index += 1)
      sent.push({ payload: Buffer.concat([Buffer.from([0x7c, 0x05]), part]) });
    sent.push({ payload: Buffer.from([0x7c, 0x45, 0]), marker: true });
    sent.push({ payload: KEY, timestamp: 9, marker: true });
    const { seen } = run(sent);
    expect(seen.map((unit) => unit.timestamp)).toEqual([9]);
  });

  test("any payloads whatever are survived", () => {
    const sent = fc.record({
      payload: fc.uint8Array({ maxLength: 60 }),
      timestamp: fc.nat(3),
      marker: fc.boolean(),
      skip: fc.nat(1),
    });
    fc.assert(
      fc.property(fc.array(sent, { maxLength: 40 }), (packets) => {
        try {
          run(packets);
        } catch (error) {
          expect(error).toMatchObject({ code: "PROTOCOL_ERROR" });
        }
      }),
    );
  });
});
