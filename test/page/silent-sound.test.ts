import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { audioInit } from "../../src/camera/fragments.ts";
import { readFragmentedMovie } from "../../src/owner/fragmented-movie.ts";
import { concatBytes } from "../../src/protocol/bytes.ts";
import { openedPart } from "../../web/page/media/opened-part.ts";
import { silenceBeside, silentFragment } from "../../web/page/media/silent-sound.ts";
import { missingCommands } from "../support/requirements.ts";

/** AAC-LC of one and of two channels, at a doorbell's rate and at the usual one. */
const TRACKS = [
  { configuration: [0x11, 0x88], sampleRate: 48_000, channels: 1 },
  { configuration: [0x11, 0x90], sampleRate: 48_000, channels: 2 },
  { configuration: [0x15, 0x88], sampleRate: 8_000, channels: 1 },
] as const;

function shapeOf({ configuration, sampleRate, channels }: (typeof TRACKS)[number]) {
  const init = audioInit({
    ...{ configuration: Uint8Array.from(configuration), codec: "mp4a.40.2" },
    ...{ sampleRate, channels, samplesPerUnit: 1_024 },
  });
  return { init: init.bytes, timescale: sampleRate, unitTicks: 1_024, channels };
}

describe("silence where a clip has no sound", () => {
  test.each(TRACKS)("$sampleRate Hz, $channels channels: whole frames within the hole", (track) => {
    const shape = shapeOf(track);
    const from = 2 ** 33 + 5;
    const silence = silentFragment(shape, from, from + 10 * 1_024 + 1_000) ?? new Uint8Array();
    const { samples, timescale } = readFragmentedMovie(concatBytes(shape.init, silence));
    expect(timescale).toBe(track.sampleRate);
    expect(samples.map(({ decodeTicks }) => decodeTicks - from)).toEqual(
      Array.from({ length: 10 }, (_, index) => index * 1_024),
    );
    expect(samples.every(({ durationTicks, isKey }) => durationTicks === 1_024 && isKey)).toBe(
      true,
    );
  });

  test.skipIf(missingCommands("ffmpeg")).each(TRACKS)(
    "$sampleRate Hz, $channels channels: nothing is heard, and no decoder complains",
    (track) => {
      const shape = shapeOf(track);
      const silence = silentFragment(shape, 0, 50 * 1_024) ?? new Uint8Array();
      const decoded = spawnSync(
        "ffmpeg",
        ["-v", "error", "-xerror", "-f", "mp4", "-i", "pipe:0", "-f", "s16le", "pipe:1"],
        { input: concatBytes(shape.init, silence), maxBuffer: 16 * 1024 * 1024 },
      );
      expect(decoded.stderr.toString()).toBe("");
      expect(decoded.stdout.length).toBe(50 * 1_024 * 2 * track.channels);
      expect(decoded.stdout.every((byte) => byte === 0)).toBe(true);
    },
  );

  test("is put where the picture has none: before, after, in a hole, or all along", () => {
    const shape = shapeOf(TRACKS[0]);
    const sounded = concatBytes(
      shape.init,
      silentFragment(shape, 48_000, 2 * 48_000) ?? new Uint8Array(),
      silentFragment(shape, 3 * 48_000, 4 * 48_000) ?? new Uint8Array(),
    );
    const sound = openedPart(sounded);
    expect(sound.sound).toMatchObject({ channels: 1, timescale: 48_000, unitTicks: 1_024 });
    const spans = (pieces: readonly Uint8Array[]): number[][] =>
      pieces.map((piece) => {
        const { startSeconds, endSeconds } = openedPart(concatBytes(shape.init, piece));
        return [Math.round(startSeconds), Math.round(endSeconds)];
      });
    const picture = { startSeconds: 0, endSeconds: 6 };
    expect(spans(silenceBeside(shape, picture, sound))).toEqual([
      [2, 3],
      [0, 1],
      [4, 6],
    ]);
    expect(spans(silenceBeside(shape, picture, null))).toEqual([[0, 6]]);
    // Sound is a little late on its way: what is missing at the end comes with the next part.
    const near = { startSeconds: 0.9, endSeconds: 4.1 };
    expect(spans(silenceBeside(shape, near, sound))).toEqual([[2, 3]]);
  });

  test("of a track that nobody knows is none, and none is endless", () => {
    const shape = shapeOf(TRACKS[0]);
    expect(silentFragment({ ...shape, channels: 6 }, 0, 48_000)).toBeNull();
    expect(silentFragment(shape, 48_000, 0)).toBeNull();
    expect(silentFragment({ ...shape, unitTicks: 0 }, 0, 48_000)?.length ?? 0).toBeLessThan(
      2_000_000,
    );
  });
});
