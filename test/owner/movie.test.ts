import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { readFragmentedMovie } from "../../src/owner/fragmented-movie.ts";
import { movieRuns, plainMovie, type OpenedSegment } from "../../src/owner/movie.ts";
import { concatBytes } from "../../src/protocol/bytes.ts";
import { HubError } from "../../src/protocol/errors.ts";
import { temporaryFolder } from "../support/temporary.ts";

const SECONDS = 6;
const FRAMES_PER_SECOND = 10;

function encode(source: string, ...codec: string[]): Uint8Array {
  const flags = "frag_keyframe+empty_moov+default_base_moof";
  const made = spawnSync(
    "ffmpeg",
    [
      ...["-v", "error", "-nostdin", "-f", "lavfi", "-i", source, "-t", String(SECONDS), ...codec],
      ...["-threads", "1", "-movflags", flags, "-frag_duration", "1000000", "-f", "mp4", "pipe:1"],
    ],
    { maxBuffer: 64 * 1024 * 1024 },
  );
  if (made.status !== 0) throw new Error(made.stderr.toString());
  return new Uint8Array(made.stdout);
}

const video = encode(
  `testsrc2=size=320x180:rate=${FRAMES_PER_SECOND}`,
  ...["-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-g", "10", "-pix_fmt", "yuv420p"],
);
const audio = encode("sine=frequency=440:sample_rate=48000", "-c:a", "aac");

/** Cuts a fragmented MP4 into segments of two fragments, each with the initialisation. */
function segmentsOf(movie: Uint8Array, track: "video" | "audio"): OpenedSegment[] {
  const { init, fragments } = readFragmentedMovie(movie);
  const view = new DataView(fragments.buffer, fragments.byteOffset, fragments.length);
  const pairs: Uint8Array[] = [];
  let start = 0;
  for (let at = 0; at + 8 <= fragments.length;) {
    const type = String.fromCharCode(...fragments.subarray(at + 4, at + 8));
    at += view.getUint32(at);
    if (type !== "mdat") continue;
    pairs.push(fragments.subarray(start, at));
    start = at;
  }
  return Array.from({ length: Math.ceil(pairs.length / 2) }, (_, segment) => ({
    file: { segment, track },
    plaintext: concatBytes(init, ...pairs.slice(segment * 2, segment * 2 + 2)),
  }));
}

interface Probed {
  readonly frames: number;
  readonly audio: number;
  readonly seconds: number;
}

async function probe(parts: readonly Uint8Array[]): Promise<Probed> {
  await using folder = temporaryFolder();
  const file = path.join(folder.path, "joined.mp4");
  writeFileSync(file, concatBytes(...parts));
  const decoded = spawnSync("ffmpeg", ["-v", "error", "-nostdin", "-i", file, "-f", "null", "-"]);
  expect(decoded.stderr.toString()).toBe("");
  const fields = "stream=codec_type,nb_read_frames:format=duration";
  const shown = spawnSync(
    "ffprobe",
    ["-v", "error", "-count_frames", "-show_entries", fields, "-of", "json", file],
    { encoding: "utf8" },
  );
  const { streams, format } = JSON.parse(shown.stdout) as {
    streams: { codec_type: string; nb_read_frames: string }[];
    format: { duration: string };
  };
  const count = (type: string): number =>
    Number(streams.find(({ codec_type }) => codec_type === type)?.nb_read_frames ?? 0);
  return { frames: count("video"), audio: count("audio"), seconds: Number(format.duration) };
}

describe("segments become one plain MP4", () => {
  test("with every picture, the sound beside it, and the right length", async () => {
    const runs = movieRuns([...segmentsOf(video, "video"), ...segmentsOf(audio, "audio")]);
    expect(runs).toHaveLength(1);
    const found = await probe(runs.flatMap(plainMovie));
    expect(found.frames).toBe(SECONDS * FRAMES_PER_SECOND);
    expect(found.audio).toBeGreaterThan((SECONDS * 48_000) / 1_024 - 2);
    expect(Math.abs(found.seconds - SECONDS)).toBeLessThan(0.2);
  });

  test("the clock begins at zero where the first segments are not there", async () => {
    const runs = movieRuns(segmentsOf(video, "video").slice(1));
    const found = await probe(runs.flatMap(plainMovie));
    expect(Math.abs(found.seconds - (SECONDS - 2))).toBeLessThan(0.2);
  });

  test("a segment that is missing in the middle leaves a gap, and not a shorter clock", async () => {
    const segments = segmentsOf(video, "video").filter(({ file }) => file.segment !== 1);
    const found = await probe(movieRuns(segments).flatMap(plainMovie));
    expect(Math.abs(found.seconds - SECONDS)).toBeLessThan(0.2);
    expect(found.frames).toBe((SECONDS - 2) * FRAMES_PER_SECOND);
  });
});

describe("what a segment is", () => {
  test("codec, clock and pictures", () => {
    const read = readFragmentedMovie(video);
    expect(read.codec).toMatch(/^avc1\.[0-9a-f]{6}$/);
    expect(read.samples).toHaveLength(SECONDS * FRAMES_PER_SECOND);
    expect(read.samples[0]?.isKey).toBe(true);
    expect(readFragmentedMovie(audio).codec).toBe("mp4a.40.2");
  });

  test("cut off anywhere, it is read up to there or refused, and never read beyond", () => {
    for (let length = 0; length < video.length; length += 97) {
      const cut = video.slice(0, length);
      try {
        const { samples } = readFragmentedMovie(cut);
        expect(samples.every(({ bytes }) => bytes.length > 0)).toBe(true);
      } catch (error) {
        expect(error).toBeInstanceOf(HubError);
      }
    }
  });

  test("with more pictures than it has bytes, it is refused before they fill the memory", () => {
    const text = Buffer.from(video);
    const at = (type: string): number => text.indexOf(type) - 4;
    const [moof, traf, trun, tfhd] = [at("moof"), at("traf"), at("trun"), at("tfhd")];
    const after = trun + text.readUInt32BE(trun);
    // 16 bytes that say nothing but a number; the size of each picture is then that of `trex`, none.
    const run = Buffer.from([0, 0, 0, 16, ...Buffer.from("trun"), 0, 0, 0, 0, 0, 3, 0x0d, 0x40]);
    const runs = Array.from({ length: 500 }, () => run);
    const made = Buffer.concat([text.subarray(0, trun), ...runs, text.subarray(after)]);
    const longer = made.length - text.length;
    for (const box of [moof, traf]) made.writeUInt32BE(text.readUInt32BE(box) + longer, box);
    made.writeUInt32BE(0, at("trex") + 8 + 16);
    made.writeUInt32BE(0x020000, tfhd + 8);
    expect(() => readFragmentedMovie(made)).toThrow(/too many pictures/);
  });

  test("with a byte changed in its boxes, it is read or refused by name", () => {
    const { init } = readFragmentedMovie(video);
    for (let at = 0; at < init.length + 200; at += 1) {
      const altered = video.slice();
      altered[at] = (altered[at] ?? 0) ^ 0xff;
      try {
        readFragmentedMovie(altered);
      } catch (error) {
        expect(error).toBeInstanceOf(HubError);
      }
    }
  });
});
