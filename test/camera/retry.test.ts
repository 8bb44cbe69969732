import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DEFAULT_TIMING, retryDelayMs } from "../../src/camera/stream.ts";

const share = fc.double({ min: 0, max: 1, noNaN: true });

describe("waiting before a camera is tried again", () => {
  test("the wait doubles from 1 s to 30 s, and is never the same for all", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000 }), share, (attempt, random) => {
        const longest = Math.min(30_000, 1_000 * 2 ** (attempt - 1));
        const waitMs = retryDelayMs("UNREACHABLE", attempt, DEFAULT_TIMING, random);
        expect(waitMs).toBeGreaterThanOrEqual(longest / 2);
        expect(waitMs).toBeLessThanOrEqual(longest);
      }),
    );
    const [low, high] = [0, 1].map((random) => retryDelayMs("SILENT", 3, DEFAULT_TIMING, random));
    expect(low).not.toBe(high);
  });

  test("what only a person can mend is tried slowly from the first time on", () => {
    for (const code of ["WRONG_PASSWORD", "BASIC_REFUSED", "UNSUPPORTED_CODEC"] as const)
      expect(retryDelayMs(code, 1, DEFAULT_TIMING, 0)).toBe(15_000);
  });
});
