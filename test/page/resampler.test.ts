import { describe, expect, test } from "vitest";
import { readTalkMessage } from "../../web/page/media/talk-message.ts";
import { Resampler } from "../../web/page/media/resampler.ts";

const tone = (frequency: number, rate: number, seconds = 1): Float32Array =>
  Float32Array.from({ length: rate * seconds }, (_, index) =>
    Math.sin((2 * Math.PI * frequency * index) / rate),
  );

function resampled(samples: Float32Array, rate: number, pieces = [128]): Float32Array {
  const resampler = new Resampler(rate);
  const out: number[] = [];
  for (let offset = 0, piece = 0; offset < samples.length; piece += 1) {
    const size = pieces[piece % pieces.length] ?? 128;
    out.push(...resampler.push(samples.subarray(offset, offset + size)));
    offset += size;
  }
  return Float32Array.from(out);
}

/** Root mean square of the middle, where the filter has settled. */
function loudness(samples: Float32Array): number {
  const middle = samples.subarray(200, -200);
  return Math.sqrt(middle.reduce((sum, sample) => sum + sample * sample, 0) / middle.length);
}

describe("sound brought down to 8,000 Hz", () => {
  const rates = [8_000, 16_000, 22_050, 44_100, 48_000, 96_000];
  test.each(rates)("from %d Hz: as long, and a voice as loud, as before", (rate) => {
    for (const frequency of [300, 1_000, 3_000]) {
      const out = resampled(tone(frequency, rate), rate);
      expect(Math.abs(out.length - 8_000)).toBeLessThan(80);
      expect(loudness(out)).toBeGreaterThan(0.97 * Math.SQRT1_2);
      expect(loudness(out)).toBeLessThan(1.03 * Math.SQRT1_2);
    }
  });

  test.each(rates.slice(1))("from %d Hz: what is too high for it is gone, not folded", (rate) => {
    for (const frequency of [4_600, 5_000, 7_000].filter((each) => each < rate / 2))
      expect(loudness(resampled(tone(frequency, rate), rate)), String(frequency)).toBeLessThan(
        0.01,
      );
  });

  test("is the same whatever the pieces it comes in", () => {
    const samples = tone(700, 44_100, 0.2);
    const whole = resampled(samples, 44_100, [samples.length]);
    expect(resampled(samples, 44_100, [1, 7, 128, 999])).toEqual(whole);
  });

  test("keeps a tone's pitch: its zero crossings are where they belong", () => {
    const out = resampled(tone(440, 44_100), 44_100).subarray(100);
    let crossings = 0;
    for (let index = 1; index < 7_000; index += 1)
      if ((out[index - 1] ?? 0) < 0 && (out[index] ?? 0) >= 0) crossings += 1;
    expect(Math.abs(crossings - (440 * 7_000) / 8_000)).toBeLessThanOrEqual(1);
  });
});

describe("what the hub says over a talk socket", () => {
  test("is read", () => {
    expect(readTalkMessage('{"type":"open","law":"PCMA"}')).toEqual({ type: "open", law: "PCMA" });
    const ended = { type: "ended", code: "TALK_BUSY", message: "Somebody else" };
    expect(readTalkMessage(JSON.stringify(ended))).toEqual(ended);
  });

  test.each([
    "",
    "null",
    "[]",
    '{"type":"open","law":"OPUS"}',
    '{"type":"open"}',
    '{"type":"ended","code":7,"message":""}',
    `{"type":"ended","code":"${"A".repeat(41)}","message":""}`,
    '{"type":"ended","code":"A","message":"two\\nlines"}',
    `{"type":"ended","code":"A","message":"${"a".repeat(501)}"}`,
    `{"type":"open","law":"PCMU","more":"${"a".repeat(2_000)}"}`,
  ])("and nothing else: %j", (text) => {
    expect(() => readTalkMessage(text)).toThrow("not what a hub says");
  });
});
