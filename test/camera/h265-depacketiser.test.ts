import { describe, expect, test } from "vitest";
import fc from "fast-check";
import { videoInit } from "../../src/camera/fragments.ts";
import { H265Depacketiser, requireTransmissionOrder } from "../../src/camera/h265-depacketiser.ts";
import { readH265Parameters } from "../../src/camera/h265-parameters.ts";
import type { VideoUnit } from "../../src/camera/nal-depacketiser.ts";
import { parseRtp } from "../../src/camera/rtp.ts";
import { rtpPacket } from "./scripted-camera.ts";

/** As x265 writes them for 1920 x 1080 at 15 a second, with two pictures out of order. */
const VIDEO_SET = Buffer.from("40010c01ffff016000000300900000030000030078959409", "hex");
const SEQUENCE_SET = Buffer.from(
  "420101016000000300900000030000030078a003c0801107cb965654a4c2f0168080000003008000000784",
  "hex",
);
/** The same encoder's for 426 x 240, whose pictures are coded larger than they are shown. */
const SMALLER_SEQUENCE_SET = Buffer.from(
  "42010101600000030090000003000003003ca00d880f1c9e5ba5bc2f0168080000030008000003005040",
  "hex",
);
const PICTURE_SET = Buffer.from("4401c073c189", "hex");

const IDR = 19;
const CRA = 21;
const TRAIL = 1;
const RASL = 9;

function nal(type: number, text: string, isFirst = true, layer = 0): Buffer {
  const header = [(type << 1) | (layer >> 5), ((layer & 31) << 3) | 1];
  return Buffer.concat([Buffer.from([...header, isFirst ? 0x80 : 0x00]), Buffer.from(text)]);
}

interface Sent {
  readonly payload: Uint8Array;
  readonly timestamp?: number;
  readonly marker?: boolean;
  readonly skip?: number;
}

interface Seen extends Omit<VideoUnit, "sample"> {
  readonly nalUnits: readonly Buffer[];
}

function split(sample: Uint8Array): Buffer[] {
  const bytes = Buffer.from(sample);
  const units: Buffer[] = [];
  for (let offset = 0; offset < bytes.length;) {
    const size = bytes.readUInt32BE(offset);
    units.push(bytes.subarray(offset + 4, offset + 4 + size));
    offset += 4 + size;
  }
  return units;
}

const SETS = [VIDEO_SET, SEQUENCE_SET, PICTURE_SET];

function run(sent: readonly Sent[], sets: readonly Uint8Array[] = SETS) {
  const seen: Seen[] = [];
  const depacketiser = new H265Depacketiser(sets, ({ sample, ...unit }) =>
    seen.push({ ...unit, nalUnits: split(sample) }),
  );
  let sequenceNumber = 65_530;
  for (const { payload, timestamp = 0, marker = false, skip = 0 } of sent) {
    sequenceNumber += 1 + skip;
    const packet = parseRtp(rtpPacket({ sequenceNumber, timestamp, marker, payload }));
    if (packet === null) throw new Error("no packet");
    depacketiser.push(packet);
  }
  return { seen, depacketiser };
}

function pieces(unit: Buffer, size: number): Buffer[] {
  const parts: Buffer[] = [];
  for (let offset = 2; offset < unit.length; offset += size) {
    const isLast = offset + size >= unit.length;
    const type = ((unit[0] ?? 0) >> 1) & 0x3f;
    const flags = (offset === 2 ? 0x80 : 0) | (isLast ? 0x40 : 0) | type;
    const header = [((unit[0] ?? 0) & 0x81) | (49 << 1), unit[1] ?? 0, flags];
    parts.push(Buffer.concat([Buffer.from(header), unit.subarray(offset, offset + size)]));
  }
  return parts;
}

function aggregate(...units: readonly Uint8Array[]): Buffer {
  const lengths = units.map((unit) =>
    Buffer.concat([Buffer.from([unit.length >> 8, unit.length & 0xff]), unit]),
  );
  return Buffer.concat([Buffer.from([48 << 1, 1]), ...lengths]);
}

const KEY = nal(IDR, "a picture that stands by itself");
const OTHER = nal(TRAIL, "one that follows");

describe("putting H.265 pictures together (RFC 7798)", () => {
  test("single units, aggregation packets and fragments make the same pictures", () => {
    const { seen, depacketiser } = run(
      [
        { payload: aggregate(...SETS) },
        { payload: KEY, marker: true },
        { payload: aggregate(nal(35, "delimiter"), OTHER), timestamp: 1, marker: true },
        ...pieces(KEY, 7).map((payload, index, all) => ({
          payload,
          timestamp: 2,
          marker: index === all.length - 1,
        })),
      ],
      [],
    );
    expect(seen.map(({ nalUnits }) => nalUnits)).toEqual([[KEY], [OTHER], [KEY]]);
    expect(seen.map(({ keyFrame }) => keyFrame)).toEqual([true, false, true]);
    expect(depacketiser.lostPackets).toBe(0);
  });

  test("several slices, and pictures without markers, end when the time changes", () => {
    const second = nal(IDR, "its lower half", false);
    const { seen } = run([
      { payload: KEY, timestamp: 10 },
      { payload: second, timestamp: 10 },
      { payload: OTHER, timestamp: 20 },
      { payload: OTHER, timestamp: 30 },
    ]);
    expect(seen.map(({ timestamp, nalUnits }) => [timestamp, nalUnits])).toEqual([
      [10, [KEY, second]],
      [20, [OTHER]],
    ]);
  });

  test("a loss drops all up to the next key frame, and counts it", () => {
    const { seen, depacketiser } = run([
      { payload: KEY, marker: true },
      { payload: OTHER, timestamp: 1, marker: true, skip: 2 },
      { payload: OTHER, timestamp: 2, marker: true },
      { payload: KEY, timestamp: 3, marker: true },
      { payload: OTHER, timestamp: 4, marker: true },
    ]);
    expect(seen.map(({ timestamp }) => timestamp)).toEqual([0, 3, 4]);
    expect(seen[1]?.lostBefore).toBeGreaterThan(0);
    expect(depacketiser.lostPackets).toBe(2);
  });

  test("pictures that lead up to a key frame are left out where what they need was lost", () => {
    const key = nal(CRA, "a key frame of an open group");
    const leading = nal(RASL, "needs what was before");
    const group = (at: number, skip = 0): Sent[] => [
      { payload: key, timestamp: at, marker: true, skip },
      { payload: leading, timestamp: at + 1, marker: true },
      { payload: OTHER, timestamp: at + 2, marker: true },
    ];
    const { seen, depacketiser } = run([...group(0), ...group(10), ...group(20, 5), ...group(30)]);
    expect(seen.map(({ timestamp }) => timestamp)).toEqual([0, 2, 10, 11, 12, 30, 32]);
    // The key frame behind the gap may have lost its beginning, and the one after it is the first.
    expect(seen.map(({ lostBefore }) => lostBefore > 0)).toEqual([
      ...[false, false, false, false, false, true, false],
    ]);
    expect(depacketiser.droppedUnits).toBe(5);
  });

  test("parameter sets that change in the stream count from the next key frame on", () => {
    const { seen } = run([
      { payload: KEY, marker: true },
      { payload: SMALLER_SEQUENCE_SET, timestamp: 1 },
      { payload: OTHER, timestamp: 1, marker: true },
      { payload: aggregate(SMALLER_SEQUENCE_SET, KEY), timestamp: 2, marker: true },
    ]);
    expect(seen[1]?.parameters).toBe(seen[0]?.parameters);
    expect(seen.map(({ parameters }) => parameters.width)).toEqual([1920, 1920, 426]);
    expect(seen.every(({ nalUnits }) => nalUnits.length === 1)).toBe(true);
  });

  test("further layers are left out, and a picture of them alone is none", () => {
    const { seen } = run([
      { payload: aggregate(KEY, nal(TRAIL, "a second view", true, 1)), marker: true },
      { payload: nal(TRAIL, "alone", true, 40), timestamp: 1, marker: true },
    ]);
    expect(seen.map(({ nalUnits }) => nalUnits)).toEqual([[KEY]]);
  });

  test("what is not sent in the order of decoding is refused by name", () => {
    const format = (text: string) =>
      new Map(text.split(";").map((part) => part.split("=") as [string, string]));
    for (const text of ["sprop-max-don-diff=2", "sprop-depack-buf-nalus=3", "tx-mode=MRST"])
      expect(() => requireTransmissionOrder(format(text))).toThrow(/the codec is H265/);
    expect(() =>
      requireTransmissionOrder(format("sprop-max-don-diff=0;tx-mode=srst")),
    ).not.toThrow();
    expect(() => run([{ payload: Buffer.from([50 << 1, 1, 0, 0, 0]) }])).toThrow(/PACI/);
  });

  test("whatever is sent, nothing but a CameraError comes of it, and samples stay well formed", () => {
    const payload = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.constantFrom(KEY, OTHER, ...SETS, ...pieces(KEY, 6), aggregate(KEY, OTHER)),
      fc
        .tuple(fc.constantFrom(KEY, ...SETS, aggregate(...SETS, KEY)), fc.nat(30), fc.nat(255))
        .map(([unit, at, value]) => {
          const damaged = Buffer.from(unit);
          damaged[at % damaged.length] = value;
          return damaged;
        }),
    );
    const packet = fc.record({
      payload,
      timestamp: fc.nat(3),
      marker: fc.boolean(),
      skip: fc.constantFrom(0, 0, 0, 1, 65_500),
    });
    fc.assert(
      fc.property(fc.array(packet, { maxLength: 40 }), (sent) => {
        try {
          const { seen } = run(sent);
          for (const { nalUnits, parameters } of seen) {
            expect(nalUnits.length).toBeGreaterThan(0);
            expect(videoInit(parameters).codec).toMatch(/^hvc1\.[0-9A-F.LHABC]+$/);
          }
        } catch (error) {
          expect(error).toMatchObject({ name: "CameraError" });
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("reading H.265 parameter sets", () => {
  const read = (sequence: Uint8Array) =>
    readH265Parameters({ video: [VIDEO_SET], sequence: [sequence], picture: [PICTURE_SET] });

  test("says the size, the rate and the codec as RFC 6381 has it", () => {
    expect(read(SEQUENCE_SET)).toMatchObject({
      ...{ codec: "hvc1.1.6.L120.90", width: 1920, height: 1080, framesPerSecond: 15 },
      ...{ reorderFrames: 2, chromaFormat: 1, bitDepthLuma: 8, bitDepthChroma: 8 },
    });
    expect(read(SMALLER_SEQUENCE_SET)).toMatchObject({
      ...{ codec: "hvc1.1.6.L60.90", width: 426, height: 240, framesPerSecond: 10 },
      reorderFrames: 0,
    });
  });

  test("damage at any place is read or refused by name, and takes no time", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(SEQUENCE_SET.length - 1), fc.nat(255)), { maxLength: 6 }),
        fc.nat(SEQUENCE_SET.length),
        (changes, cut) => {
          const damaged = Buffer.from(SEQUENCE_SET.subarray(0, cut || SEQUENCE_SET.length));
          for (const [at, value] of changes) if (at < damaged.length) damaged[at] = value;
          try {
            const { width, height, codec } = read(damaged);
            expect(Math.max(width, height)).toBeLessThanOrEqual(8_192);
            expect(Math.min(width, height)).toBeGreaterThanOrEqual(16);
            expect(codec.length).toBeLessThanOrEqual(40);
          } catch (error) {
            expect(error).toMatchObject({ name: "CameraError", code: "PROTOCOL_ERROR" });
          }
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
