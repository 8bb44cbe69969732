import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { CameraErrorCode } from "../../src/camera/camera-error.ts";
import { DEFAULT_TIMING, retryDelayMs } from "../../src/camera/stream.ts";

const share = fc.double({ min: 0, max: 1, noNaN: true });
/** Whatever a camera did but refuse the password. */
const CODES: readonly CameraErrorCode[] = [
  ...(["UNREACHABLE", "BASIC_REFUSED", "NO_SUCH_STREAM", "UNSUPPORTED_CODEC"] as const),
  ...(["REDIRECT_REFUSED", "PROTOCOL_ERROR", "SILENT", "SOURCE_FAILED"] as const),
];

describe("waiting before a camera is tried again", () => {
  test("the wait doubles from 1 s to 5 s, and is never the same for all", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000 }), share, (attempt, random) => {
        const longest = Math.min(5_000, 1_000 * 2 ** (attempt - 1));
        const waitMs = retryDelayMs("UNREACHABLE", attempt, DEFAULT_TIMING, random);
        expect(waitMs).toBeGreaterThanOrEqual(longest / 2);
        expect(waitMs).toBeLessThanOrEqual(longest);
      }),
    );
    const [low, high] = [0, 1].map((random) => retryDelayMs("SILENT", 2, DEFAULT_TIMING, random));
    expect(low).not.toBe(high);
  });

  test("a camera that works again is asked within 10 s, however long it did not", () => {
    // The try that is under way when it comes back may have to run out first.
    const { connectMs, answerMs, silenceMs } = DEFAULT_TIMING;
    for (const code of CODES)
      for (const attempt of [1, 5, 1_000])
        expect(
          retryDelayMs(code, attempt, DEFAULT_TIMING, 1) + Math.max(connectMs, answerMs, silenceMs),
        ).toBeLessThanOrEqual(10_000);
  });

  test("a refused password is tried slowly from the first time on", () => {
    expect(retryDelayMs("WRONG_PASSWORD", 1, DEFAULT_TIMING, 0)).toBe(15_000);
  });
});
