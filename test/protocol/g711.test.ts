import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { decodeG711, encodeG711, G711_SILENCE, type G711Law } from "../../src/protocol/g711.ts";
import { missingCommands } from "../support/requirements.ts";

const LAWS = [
  { law: "PCMU", ffmpegFormat: "mulaw" },
  { law: "PCMA", ffmpegFormat: "alaw" },
] as const satisfies { law: G711Law; ffmpegFormat: string }[];
const ALL_CODES = Uint8Array.from({ length: 256 }, (_, code) => code);
const ALL_SAMPLES = Int16Array.from({ length: 65_536 }, (_, index) => index - 32_768);

describe.each(LAWS)("G.711 $law", ({ law, ffmpegFormat }) => {
  test.skipIf(missingCommands("ffmpeg"))("expands all 256 codes as ffmpeg does", () => {
    const raw = ["-f", ffmpegFormat, "-ar", "8000", "-ac", "1"];
    const decoded = execFileSync(
      "ffmpeg",
      ["-v", "error", ...raw, "-i", "pipe:0", "-f", "s16le", "-c:a", "pcm_s16le", "pipe:1"],
      { input: ALL_CODES },
    );
    const theirs = Array.from({ length: 256 }, (_, index) => decoded.readInt16LE(index * 2));
    expect([...decodeG711(law, ALL_CODES)]).toEqual(theirs);
  });

  test("has every code back, zeros apart, which are one sound", () => {
    const values = decodeG711(law, ALL_CODES);
    const back = encodeG711(law, values);
    const differing = [...ALL_CODES].filter((code) => back[code] !== code);
    expect(differing.map((code) => values[code])).toEqual(differing.map(() => 0));
    expect(differing.length).toBeLessThanOrEqual(1);
  });

  test("compresses to the code in the middle of whose interval its value stands", () => {
    const values = decodeG711(law, ALL_CODES);
    const codes = encodeG711(law, ALL_SAMPLES);
    const intervals = new Map<number, { from: number; to: number; samples: number }>();
    for (const [index, sample] of ALL_SAMPLES.entries()) {
      const code = codes[index] ?? 0;
      const { from, samples } = intervals.get(code) ?? { from: sample, samples: 0 };
      intervals.set(code, { from, to: sample, samples: samples + 1 });
    }
    const loudest = Math.max(...values);
    for (const [code, { from, to, samples }] of intervals) {
      expect(samples).toBe(to - from + 1);
      // What is louder than the loudest code is clipped to it.
      const value = values[code] ?? NaN;
      if (Math.abs(value) < loudest)
        expect(Math.abs((from + to) / 2 - value)).toBeLessThanOrEqual(2);
    }
    expect(intervals.size).toBe(256);
  });

  test("calls silence what is next to nothing", () => {
    const [sample = NaN] = decodeG711(law, Uint8Array.of(G711_SILENCE[law]));
    expect(Math.abs(sample)).toBeLessThanOrEqual(8);
  });
});
