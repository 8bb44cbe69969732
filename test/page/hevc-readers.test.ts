import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fragmentBytes, videoInit } from "../../src/camera/fragments.ts";
import { readH265Parameters } from "../../src/camera/h265-parameters.ts";
import { plaintextIn } from "../../src/cli/plaintext-scan.ts";
import { readFragmentedMovie } from "../../src/owner/fragmented-movie.ts";
import { HubError } from "../../src/protocol/errors.ts";
import { readDecoderRecord } from "../../web/page/media/fragment-reader.ts";
import { readVideoTrack } from "../../web/page/redact/mp4-samples.ts";

const VIDEO_SET = Buffer.from("40010c01ffff016000000300900000030000030078959409", "hex");
const SEQUENCE_SET = Buffer.from(
  "420101016000000300900000030000030078a003c0801107cb965654a4c2f0168080000003008000000784",
  "hex",
);
const PICTURE_SET = Buffer.from("4401c073c189", "hex");
const CODEC = "hvc1.1.6.L120.90";

const init = videoInit(
  readH265Parameters({ video: [VIDEO_SET], sequence: [SEQUENCE_SET], picture: [PICTURE_SET] }),
);
/** A key frame (CRA, type 21), one that leads up to it (RASL, 8) and one that follows (TRAIL, 1). */
const units = [21, 8, 1].map((type) => Uint8Array.of(0, 0, 0, 4, type << 1, 1, 0x80, type));
const segment = Buffer.concat([
  init.bytes,
  ...units.map((bytes, index) =>
    fragmentBytes("video", {
      ...{ sequence: index, decodeTicks: index * 6_000, durationTicks: 6_000 },
      ...{ compositionTicks: index === 0 ? 6_000 : 0, keyFrame: index === 0, bytes },
    }),
  ),
]);
const buffer = (bytes: Uint8Array): ArrayBuffer => Uint8Array.from(bytes).buffer;

describe("a segment of H.265, as the hub writes it", () => {
  test("is named alike by everything of ours that reads it", () => {
    const movie = readFragmentedMovie(segment);
    expect([init.codec, movie.codec]).toEqual([CODEC, CODEC]);
    expect(movie.samples.map(({ bytes, isKey }) => [Uint8Array.from(bytes), isKey])).toEqual(
      units.map((bytes, index) => [bytes, index === 0]),
    );
    const track = readVideoTrack(buffer(segment));
    expect(track).toMatchObject({ codec: CODEC, width: 1920, height: 1080 });
    expect(track.samples.map(({ isKey }) => isKey)).toEqual([true, false, false]);
    expect(track.record).toEqual(Uint8Array.from(readDecoderRecord(init.bytes, CODEC)));
  });

  test("that is changed anywhere is read, or refused by name", () => {
    const isReadOrRefused = (bytes: Uint8Array): boolean => {
      try {
        readFragmentedMovie(bytes);
        return readVideoTrack(buffer(bytes)).samples.length <= 5_000;
      } catch (error) {
        return error instanceof HubError;
      }
    };
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(segment.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }),
        fc.nat(segment.length),
        (changes, length) => {
          const changed = Uint8Array.from(segment.subarray(0, length));
          for (const [at, value] of changes) if (at < changed.length) changed[at] = value;
          expect(isReadOrRefused(changed)).toBe(true);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test("is known for footage where it lies in the clear, also as a camera sends it", () => {
    const stream = Buffer.concat([Buffer.from([0, 0, 0, 1]), VIDEO_SET]);
    expect(plaintextIn(Buffer.concat([Buffer.alloc(100, 7), stream]))).toBe("an H.265 stream");
    expect(plaintextIn(segment)).not.toBeNull();
  });
});
