import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { BlurredPoster } from "../../../src/vision/blur-footage.ts";
import { KeptStills, STILL_AGE_MAX_MS } from "../../../src/vision/blurring/kept-stills.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const poster = (rendition: "original" | "blurred"): BlurredPoster => ({
  ...{ rendition, atMs: 1_000, pixelated: rendition === "original" ? null : "faces" },
  jpeg: Uint8Array.of(0xff, 0xd8, 1, 2, 3),
});
const stillOf = (score: number) => ({
  ...{ score, original: poster("original"), blurred: poster("blurred") },
});
const isWiped = ({ jpeg }: BlurredPoster): boolean => jpeg.every((byte) => byte === 0);

function kept() {
  const told: BlurredPoster[] = [];
  return { told, stills: new KeptStills((one) => told.push(one)) };
}

test("stills of a clip that goes on are handed over before they are too old", () => {
  const { told, stills } = kept();
  stills.keep(stillOf(1), STILL_AGE_MAX_MS - 1_000);
  vi.advanceTimersByTime(999);
  expect(told).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(told.map(({ rendition }) => rendition)).toEqual(["original", "blurred"]);
  expect(told.some(isWiped)).toBe(false);
  // No second of either, whatever the clip shows later.
  const later = stillOf(9);
  expect(stills.score).toBe(Infinity);
  stills.keep(later, 0);
  stills.tell();
  vi.runAllTimers();
  expect(told).toHaveLength(2);
  expect([later.original, later.blurred].every(isWiped)).toBe(true);
});

test("a better one takes the place of another, which is wiped", () => {
  const { told, stills } = kept();
  const [clear, first, second] = [poster("original"), stillOf(1), stillOf(2)];
  stills.keepClear(clear, 0);
  stills.keep(first, 0);
  stills.keep(second, 60_000);
  expect([first.original, first.blurred].every(isWiped)).toBe(true);
  stills.tell();
  expect(told).toEqual([second.original, second.blurred]);
  expect([clear, second.original, second.blurred].map(isWiped)).toEqual([true, false, false]);
});

test("what nobody waits for any more is wiped, and told to nobody", () => {
  const { told, stills } = kept();
  const still = stillOf(1);
  stills.keep(still, 0);
  stills.letGo();
  vi.runAllTimers();
  expect(told).toEqual([]);
  expect([still.original, still.blurred].every(isWiped)).toBe(true);
});
