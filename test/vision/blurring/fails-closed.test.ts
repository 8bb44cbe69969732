import { chmodSync, copyFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { findFfmpeg } from "../../../src/base/ffmpeg.ts";
import type { Face } from "../../../src/blur/boxes.ts";
import { HubError } from "../../../src/protocol/errors.ts";
import type { BlurFootage, BlurredSegment } from "../../../src/vision/blur-footage.ts";
import { CHILD_LIMITS } from "../../../src/vision/blurring/child-watch.ts";
import type { Detectors } from "../../../src/vision/blurring/look-pass.ts";
import { OpenDetectors } from "../../../src/vision/blurring/open-detectors.ts";
import { THREAD_LIMITS } from "../../../src/vision/inference/inference-thread.ts";
import { MODELS_FOLDER } from "../../../src/vision/inference/models.ts";
import { missingCommands } from "../../support/requirements.ts";
import { temporaryFolder } from "../../support/temporary.ts";
import { blurred, edgesWithin, lumaOf, movieOf, seeing, segmentsOf } from "./ground.ts";

const SIZE = { width: 320, height: 192 };
const FRAMES = 12;
/** Fourteen columns of blocks have thirteen edges; a clear picture of this scene has far more. */
const EDGES_OF_BLOCKS_MAX = 16;

/** Of the arguments by which a fake ffmpeg knows what it is asked for. */
const LOOK = "*rgb24*";
const COVER = "*yuv420p?yuvj420p*";
const WHOLE = "*out_range=tv*";
const ENCODE = "*libx264*";
const ENCODE_FULL = `*video_size?${SIZE.width}x${SIZE.height}?*libx264*`;

/** What a decoder may do to the pictures of one pass. */
const OTHER_PICTURES: readonly (readonly [name: string, kind: string, filter: string])[] = [
  ["the second pass leaves out a picture", COVER, "select='not(eq(n\\,7))'"],
  ["the second pass gives a picture twice", COVER, "loop=1:1:7"],
  ["the second pass gives other pictures", COVER, "hflip"],
  ["the second pass gives other times", COVER, "setpts=PTS+90"],
  ["the second pass swaps two pictures", COVER, "shuffleframes='0|2|1'"],
  ["the first pass leaves out a picture", LOOK, "select='not(eq(n\\,7))'"],
  ["the first pass gives a picture twice", LOOK, "loop=1:1:7"],
];

const DETECTOR_FAULTS: readonly (readonly [name: string, fault: () => Promise<Face[]>])[] = [
  ["throws", () => Promise.reject(new HubError("DETECTOR_FAILED", "no"))],
  ["gives a box that is none", () => Promise.resolve([face(NaN)])],
  ["gives a box without end", () => Promise.resolve([face(Infinity)])],
];

describe.skipIf(missingCommands("ffmpeg"))("what was not looked at is never written clear", () => {
  let ffmpegPath: string;
  let segments: readonly BlurFootage[];
  beforeAll(async () => {
    ffmpegPath = (await findFfmpeg()).path;
    // Two segments of pictures full of edges, that change.
    segments = segmentsOf(
      ["-f", "lavfi", "-i", `testsrc2=s=${SIZE.width}x${SIZE.height}:r=15`, "-frames:v", "24"],
      { segmentFrames: FRAMES },
    );
  });
  const nothingSeen = (): Promise<Detectors> => Promise.resolve(seeing([]));
  const first = (): BlurFootage => {
    const [segment] = segments;
    if (!segment) throw new Error("no footage");
    return segment;
  };

  /** An ffmpeg that is the real one but for what `script` does with `$all`, its arguments. */
  function faulty(folder: string, script: string): string {
    const file = path.join(folder, "ffmpeg");
    writeFileSync(file, `#!/bin/sh\nall="$*"\n${script}\nexec ${ffmpegPath} "$@"\n`);
    chmodSync(file, 0o755);
    return file;
  }

  /** Changes the filters of the ffmpeg that is asked for `kind`. No process can be started there. */
  const filtering = (kind: string, filter: string): string =>
    `case "$all" in ${kind})
      count=$#
      while [ $count -gt 0 ]; do
        word="$1"; shift; count=$((count - 1))
        case "$word" in "[0:v:0]"*) word="[0:v:0]${filter},\${word#\\[0:v:0\\]}";; esac
        set -- "$@" "$word"
      done;;
    esac`;

  function expectPixelatedWhole(answer: BlurredSegment | undefined): void {
    expect(answer?.outcome).toBe("whole");
    expect(answer?.fragments).toHaveLength(FRAMES);
    const pictures = lumaOf(movieOf(answer ?? { init: null, fragments: [] }), SIZE);
    expect(pictures).toHaveLength(FRAMES);
    for (const luma of pictures)
      expect(edgesWithin(luma, SIZE)).toBeLessThanOrEqual(EDGES_OF_BLOCKS_MAX);
  }

  test("the scene is one that shows it: left clear, it has more edges", async () => {
    const { answers } = await blurred(segments, { ffmpegPath, detectors: nothingSeen });
    expect(answers.map(({ outcome }) => outcome)).toEqual(["blurred", "blurred"]);
    const [luma] = lumaOf(movieOf(answers[0] ?? first()), SIZE);
    expect(edgesWithin(luma, SIZE)).toBeGreaterThan(EDGES_OF_BLOCKS_MAX + 8);
  });

  test.each(OTHER_PICTURES)("%s: pixelated whole", async (_name, kind, filter) => {
    await using folder = temporaryFolder();
    const { answers } = await blurred([first()], {
      ffmpegPath: faulty(folder.path, filtering(kind, filter)),
      detectors: nothingSeen,
    });
    expectPixelatedWhole(answers[0]);
    expect(answers[0]?.reason).toBe("decoder-failed");
  });

  test.each([
    ["the decoder dies at once", `case "$all" in ${LOOK}) exit 1;; esac`, "decoder-failed"],
    [
      "the decoder dies in mid-picture",
      `case "$all" in ${COVER}) exec head -c 100000 /dev/zero;; esac`,
      "decoder-failed",
    ],
    [
      "the encoder dies in mid-segment",
      `case "$all" in ${ENCODE_FULL}) exec head -c 300000;; esac`,
      "encoder-failed",
    ],
    ["the encoder leaves out the end", filteringEnd(ENCODE_FULL), "encoder-failed"],
  ])("%s: pixelated whole", async (_name, script, reason) => {
    await using folder = temporaryFolder();
    const { answers } = await blurred([first()], {
      ffmpegPath: faulty(folder.path, script),
      detectors: nothingSeen,
    });
    expectPixelatedWhole(answers[0]);
    expect(answers[0]?.reason).toBe(reason);
  });

  test.each([
    ["no decoder works", `case "$all" in ${LOOK}|${WHOLE}) exit 1;; esac`, "decoder-failed"],
    ["no encoder works", `case "$all" in ${ENCODE}) exec head -c 300;; esac`, "encoder-failed"],
    ["the decoder hangs", `case "$all" in *rawvideo*) exec sleep 1000;; esac`, "timed-out"],
    ["the encoder hangs", `case "$all" in ${ENCODE}) exec sleep 1000;; esac`, "timed-out"],
    ["the decoder writes noise and no times", "exec cat /dev/urandom", "timed-out"],
  ])("%s: absent", async (_name, script, reason) => {
    await using folder = temporaryFolder();
    const { answers, posters } = await blurred([first()], {
      ffmpegPath: faulty(folder.path, script),
      detectors: nothingSeen,
      // A fault that is no hanging is told as what it is, however slow the machine.
      limits: { ...CHILD_LIMITS, ...(reason === "timed-out" ? { stallMs: 300 } : {}) },
    });
    expect(answers[0]).toMatchObject({ outcome: "absent", reason, init: null, fragments: [] });
    const canDecode = reason === "encoder-failed";
    expect(posters.map(({ rendition }) => rendition)).toEqual(canDecode ? ["original"] : []);
  });

  test.each(DETECTOR_FAULTS)(
    "a detector that %s at one picture: that segment is pixelated whole",
    async (_name, fault) => {
      let looks = 0;
      const detectors = seeing([]);
      const { answers, posters } = await blurred(segments, {
        ffmpegPath,
        detectors: () =>
          Promise.resolve({
            ...detectors,
            faces: {
              find: (picture) => {
                looks += 1;
                return looks === 8 ? fault() : detectors.faces.find(picture);
              },
            },
          }),
      });
      expectPixelatedWhole(answers[0]);
      expect(answers[0]).toMatchObject({
        reason: "detector-failed",
        frames: FRAMES,
        framesLooked: 7,
      });
      expect(answers[1]).toMatchObject({ outcome: "blurred", reason: null });
      expect(posters.map(({ rendition }) => rendition)).toEqual(["original", "blurred"]);
      const atMs = segments[1]?.fragments[0]?.wallClockMs;
      expect(posters).toMatchObject([{ atMs }, { atMs }]);
    },
  );

  test("a network that was altered by one byte: pixelated whole", async () => {
    await using folder = temporaryFolder();
    for (const name of ["ultraface.onnx", "blazeface.onnx", "nanodet.onnx"])
      copyFileSync(path.join(MODELS_FOLDER, name), path.join(folder.path, name));
    const altered = path.join(folder.path, "ultraface.onnx");
    const { readFileSync } = await import("node:fs");
    const bytes = readFileSync(altered);
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
    writeFileSync(altered, bytes);
    await using detectors = new OpenDetectors({ folder: folder.path });
    const { answers } = await blurred([first()], {
      ffmpegPath,
      detectors: (mode) => detectors.for(mode),
    });
    expectPixelatedWhole(answers[0]);
    expect(answers[0]).toMatchObject({ reason: "detector-failed", framesLooked: 0 });
  });

  test("a detector that never answers: pixelated whole, and another is asked next", async () => {
    await using folder = temporaryFolder();
    const entry = path.join(folder.path, "silent.mjs");
    writeFileSync(
      entry,
      `import { parentPort } from "node:worker_threads";
       parentPort.on("message", () => undefined);
       parentPort.postMessage({ type: "ready" });`,
    );
    const limits = { ...THREAD_LIMITS, entry: new URL(`file://${entry}`), runTimeoutMs: 200 };
    await using detectors = new OpenDetectors({ limits });
    const { answers, posters } = await blurred(segments, {
      ffmpegPath,
      detectors: (mode) => detectors.for(mode),
    });
    for (const answer of answers) {
      expectPixelatedWhole(answer);
      expect(answer).toMatchObject({ reason: "detector-failed", framesLooked: 0 });
    }
    // For who may see originals, and for nobody else.
    expect(posters).toMatchObject([
      { rendition: "original", atMs: first().fragments[0]?.wallClockMs, pixelated: null },
    ]);
  });

  test("damaged pictures: what is shown is what was looked at", async () => {
    const damaged = first().fragments.map((fragment, index) => {
      const bytes = fragment.bytes.slice();
      if (index > 4) for (let at = 130; at < bytes.length; at += 37) bytes[at] = (at * 7) & 0xff;
      return { ...fragment, bytes };
    });
    const { answers } = await blurred([{ ...first(), fragments: damaged }], {
      ffmpegPath,
      detectors: nothingSeen,
    });
    const [answer] = answers;
    if (answer?.outcome === "blurred") expect(answer.framesLooked).toBe(FRAMES);
    else if (answer?.outcome === "whole") expectPixelatedWhole(answer);
    else expect(answer).toMatchObject({ outcome: "absent", fragments: [] });
  });

  test.each([
    ["0 x 0", { width: 0, height: 0 }],
    ["10,000 x 10,000", { width: 10_000, height: 10_000 }],
    ["8,000 x 4,000", { width: 8_000, height: 4_000 }],
  ])("a picture of %s is not even decoded: absent", async (_name, size) => {
    const { init, ...segment } = first();
    const { answers } = await blurred([{ ...segment, init: { ...init, ...size } }], {
      ffmpegPath: "/nonexistent/ffmpeg",
      detectors: nothingSeen,
    });
    expect(answers[0]).toMatchObject({ outcome: "absent", reason: "decoder-failed" });
  });

  test.each<readonly [string, (footage: BlurFootage) => BlurFootage]>([
    [
      "without a key frame",
      ({ fragments, ...rest }) => ({ ...rest, fragments: fragments.slice(1) }),
    ],
    [
      "out of order",
      ({ fragments, ...rest }) => ({
        ...rest,
        fragments: fragments.toSpliced(3, 1).toSpliced(9, 0, ...fragments.slice(3, 4)),
      }),
    ],
    [
      "with a picture twice",
      ({ fragments, ...rest }) => ({
        ...rest,
        fragments: fragments.toSpliced(3, 0, ...fragments.slice(3, 4)),
      }),
    ],
    [
      "with a fragment of another form",
      ({ fragments, ...rest }) => ({
        ...rest,
        fragments: fragments.map((each, index) =>
          index === 4 ? { ...each, bytes: each.bytes.slice(0, 90) } : each,
        ),
      }),
    ],
  ])("a segment %s: absent", async (_name, spoiled) => {
    const { answers } = await blurred([spoiled(first())], { ffmpegPath, detectors: nothingSeen });
    expect(answers[0]).toMatchObject({ outcome: "absent", reason: "decoder-failed" });
  });

  test("a stream that is larger than its description says comes out as described", async () => {
    const { init, ...segment } = first();
    const size = { width: 160, height: 96 };
    const { answers } = await blurred([{ ...segment, init: { ...init, ...size } }], {
      ffmpegPath,
      detectors: nothingSeen,
    });
    expect(answers[0]).toMatchObject({ outcome: "blurred", init: size });
    expect(lumaOf(movieOf(answers[0] ?? first()), size)).toHaveLength(FRAMES);
  });
});

function face(x: number): Face {
  return { x, y: 10, width: 20, height: 20, score: 0.9 };
}

/** An encoder that stops a few pictures before the end, as if nothing were missing. */
function filteringEnd(kind: string): string {
  return `case "$all" in ${kind})
    count=$#
    while [ $count -gt 0 ]; do
      word="$1"; shift; count=$((count - 1))
      [ "$word" = "-bf" ] && set -- "$@" -frames:v ${FRAMES - 3}
      set -- "$@" "$word"
    done;;
  esac`;
}
