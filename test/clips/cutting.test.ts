import fc from "fast-check";
import { expect, test } from "vitest";
import {
  CLIP_SEGMENTS_MAX,
  CUTTING_START,
  cutVideo,
  type Cutting,
} from "../../src/clips/cutting.ts";
import {
  CLIP_MAX_MS,
  SEGMENT_MAX_BYTES,
  SEGMENT_MAX_MS,
  SEGMENT_TARGET_MS,
} from "../../src/protocol/clip.ts";
import type { Fragment } from "../../src/protocol/fragment.ts";
import { CAMERA, makeInit } from "./test-stream.ts";

const inits = [makeInit(), makeInit()] as const;
const sizes = new Map([100, 100_000, 4_000_000].map((size) => [size, new Uint8Array(size)]));

interface Frame {
  readonly keyFrame: boolean;
  readonly durationMs: number;
  readonly sizeBytes: number;
  readonly lost: number;
  readonly init: number;
}

const frame: fc.Arbitrary<Frame> = fc.record({
  keyFrame: fc.boolean(),
  durationMs: fc.constantFrom(40, 400, 5_000),
  sizeBytes: fc.constantFrom(100, 100, 100_000, 4_000_000),
  lost: fc.constantFrom(0, 0, 0, 0, 3),
  init: fc.constantFrom(0, 0, 0, 1),
});

function fragmentsOf(frames: readonly Frame[]): Fragment[] {
  let sequence = 0;
  let decodeTimeMs = 0;
  return frames.map(({ keyFrame, durationMs, sizeBytes, lost, init }) => {
    sequence += lost;
    const fragment: Fragment = {
      camera: CAMERA,
      track: "video",
      sequence: sequence++,
      decodeTimeMs,
      durationMs,
      keyFrame,
      wallClockMs: 0,
      bytes: sizes.get(sizeBytes) ?? new Uint8Array(0),
      init: inits[init] ?? inits[0],
    };
    decodeTimeMs += durationMs;
    return fragment;
  });
}

test("whatever a camera sends, segments and clips keep within their limits", () => {
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 400 }), (frames) => {
      let cutting: Cutting = CUTTING_START;
      let [segmentMs, segmentBytes, clipMs, segments] = [0, 0, 0, 0];
      let previous: Fragment | null = null;
      for (const fragment of fragmentsOf(frames)) {
        const decision = cutVideo(cutting, fragment);
        const wasRunning = cutting.phase === "running";
        cutting = decision.cutting;
        const follows =
          previous !== null &&
          previous.sequence + 1 === fragment.sequence &&
          previous.init === fragment.init;
        switch (decision.step) {
          case "drop":
          case "break-off":
            expect(fragment.keyFrame).toBe(false);
            expect(cutting.phase).toBe("waiting");
            if (decision.step === "break-off") expect(follows).toBe(false);
            break;
          case "begin-clip":
          case "begin-segment":
            // A segment without a key frame at its front only ever continues one that got too big.
            if (!fragment.keyFrame) expect(wasRunning && follows).toBe(true);
            if (decision.step === "begin-clip")
              expect(clipMs >= CLIP_MAX_MS || segments >= CLIP_SEGMENTS_MAX).toBe(true);
            else if (wasRunning && follows && clipMs < CLIP_MAX_MS)
              expect(
                segmentMs >= SEGMENT_TARGET_MS ||
                  segmentBytes + fragment.bytes.length > SEGMENT_MAX_BYTES,
              ).toBe(true);
            if (decision.step === "begin-clip") [clipMs, segments] = [0, 0];
            segments++;
            segmentMs = fragment.durationMs;
            segmentBytes = fragment.init.bytes.length + fragment.bytes.length;
            clipMs += fragment.durationMs;
            break;
          case "append":
            expect(follows).toBe(true);
            segmentMs += fragment.durationMs;
            segmentBytes += fragment.bytes.length;
            clipMs += fragment.durationMs;
            expect(segmentMs).toBeLessThanOrEqual(SEGMENT_MAX_MS);
            expect(segmentBytes).toBeLessThanOrEqual(SEGMENT_MAX_BYTES);
        }
        expect(segments).toBeLessThanOrEqual(CLIP_SEGMENTS_MAX);
        expect(clipMs).toBeLessThanOrEqual(CLIP_MAX_MS + SEGMENT_MAX_MS);
        previous = fragment;
      }
    }),
    { numRuns: 150 },
  );
});

test("a camera that breaks off all the time fills its clips by count", () => {
  let cutting: Cutting = CUTTING_START;
  let clips = 1;
  for (let count = 0; count < 400; count++) {
    const [, fragment] = fragmentsOf([
      { keyFrame: true, durationMs: 40, sizeBytes: 100, lost: 0, init: 0 },
      { keyFrame: true, durationMs: 40, sizeBytes: 100, lost: count * 2, init: 0 },
    ]);
    if (fragment === undefined) throw new Error("no fragment");
    const decision = cutVideo(cutting, fragment);
    cutting = decision.cutting;
    if (decision.step === "begin-clip") clips++;
  }
  expect(clips).toBe(Math.ceil(400 / CLIP_SEGMENTS_MAX));
});
