import { expect, test } from "vitest";
import { percentile } from "./percentile.ts";

test("a percentile is the smallest value that this share does not exceed", () => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
  expect([0, 0.5, 0.95, 0.99, 1].map((share) => percentile(hundred, share))).toEqual([
    1, 50, 95, 99, 100,
  ]);
  expect([0.5, 0.95].map((share) => percentile([7, 3, 5], share))).toEqual([5, 7]);
});

test("of nothing it meets no bound", () => {
  expect(percentile([], 0.99) < Number.POSITIVE_INFINITY).toBe(false);
});
