import type { BlurFootage } from "../../src/vision/blur-footage.ts";

/** A box of ISO/IEC 14496-12 with so many bytes of nothing. */
export function testBox(name: string, contentBytes: number): Buffer {
  const bytes = Buffer.alloc(8 + contentBytes, 7);
  bytes.writeUInt32BE(bytes.length);
  bytes.write(name, 4, "latin1");
  return bytes;
}

/** Has the form of a picture in H.264, and shows nothing: one slice. */
export function testPicture(keyFrame: boolean, bytes = 500): Buffer {
  const picture = Buffer.alloc(bytes, 7);
  picture.writeUInt32BE(bytes - 4);
  picture[4] = keyFrame ? 0x65 : 0x41;
  picture[5] = 0x88;
  return picture;
}

/** A picture in its boxes. */
export function testFragment(picture: Uint8Array): Buffer {
  const head = testBox("mdat", 0);
  head.writeUInt32BE(8 + picture.length);
  return Buffer.concat([testBox("moof", 60), head, picture]);
}

/** Three pictures in boxes as footage has them; they have the form of pictures, and show nothing. */
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
      bytes: testFragment(testPicture(frame === 0)),
    })),
  };
}
