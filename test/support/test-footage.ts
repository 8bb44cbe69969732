import type { BlurFootage } from "../../src/vision/blur-footage.ts";

/** A box of ISO/IEC 14496-12 with so many bytes of nothing. */
export function testBox(name: string, contentBytes: number): Buffer {
  const bytes = Buffer.alloc(8 + contentBytes, 7);
  bytes.writeUInt32BE(bytes.length);
  bytes.write(name, 4, "latin1");
  return bytes;
}

/** Three pictures in boxes as footage has them; nothing in them is a picture. */
export function testFootage(segment: number): BlurFootage {
  return {
    segment,
    init: {
      ...{ track: "video", codec: "avc1.64001f", timescale: 90_000, width: 640, height: 360 },
      bytes: Buffer.concat([testBox("ftyp", 16), testBox("moov", 100)]),
    },
    fragments: [0, 1, 2].map((frame) => ({
      ...{ keyFrame: frame === 0, decodeTimeMs: frame * 100, durationMs: 100 },
      ...{ wallClockMs: 1_000 + frame * 100 },
      bytes: Buffer.concat([testBox("moof", 60), testBox("mdat", 500)]),
    })),
  };
}
