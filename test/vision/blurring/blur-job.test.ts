import { beforeAll, describe, expect, test } from "vitest";
import { findFfmpeg } from "../../../src/base/ffmpeg.ts";
import type { Box } from "../../../src/blur/boxes.ts";
import type { BlurFootage, BlurredPoster } from "../../../src/vision/blur-footage.ts";
import { BlurJob } from "../../../src/vision/blurring/blur-job.ts";
import type { Detectors } from "../../../src/vision/blurring/look-pass.ts";
import { OpenDetectors } from "../../../src/vision/blurring/open-detectors.ts";
import { fragmentContainer } from "../../../src/vision-process/container.ts";
import { blurredBytesMax } from "../../../src/vision-process/messages.ts";
import { missingCommands, sharedPath } from "../../support/requirements.ts";
import {
  blurred,
  copied,
  edgesWithin,
  hevcSegments,
  lumaOf,
  movieOf,
  seeing,
  segmentsOf,
} from "./ground.ts";

const SIZE = { width: 640, height: 360 };
const BLOCKS_ACROSS_MAX = 8;
/** Two of a mosaic's outer edges, and one that a line of the codec makes beside them. */
const OUTER_EDGES = 3;
/** Mean difference that coding makes, of 255. */
const CODING_LOSS_MAX = 2.5;
/** Mean difference that a mosaic makes at least of a face. */
const COVERED_MIN = 4;
/** Hair, chin and ears are covered too, and the codec works in squares of 16. */
const AROUND = 2.4;

describe.skipIf(missingCommands("ffmpeg"))("a clip's blurred copy", () => {
  let ffmpegPath: string;
  beforeAll(async () => {
    ffmpegPath = (await findFfmpeg()).path;
  });

  const photograph = sharedPath("media/images/faceapi_sample1.jpg");
  test.skipIf(photograph === null)(
    "covers each face of a photograph in at most eight blocks, and nothing else",
    async () => {
      // Of 1920 x 1280 px, a third in each direction; and then it moves to the left, slowly.
      const [zoom, speed, top] = [2.5, 2, 40];
      const segments = segmentsOf(
        [
          ...["-loop", "1", "-framerate", "15", "-i", photograph ?? "", "-frames:v", "24"],
          ...["-vf", `scale=${1920 / zoom}:-2,crop=640:360:x='n*${speed}':y=${top}`],
        ],
        { segmentFrames: 12 },
      );
      const faces: readonly (readonly [number, number, number, number])[] = [
        [412.1, 360, 189.6, 240],
        [826.2, 418, 214.4, 241.6],
        [1464.5, 202.4, 232.8, 225.9],
      ];
      const facesAt = (frame: number): Box[] =>
        faces.map(([x, y, width, height]) => ({
          ...{ x: x / zoom - frame * speed, y: y / zoom - top },
          ...{ width: width / zoom, height: height / zoom },
        }));
      await using detectors = new OpenDetectors();
      const { answers, posters } = await blurred(segments, {
        ffmpegPath,
        detectors: (mode) => detectors.for(mode),
      });
      expect(answers).toMatchObject(
        [0, 1].map((segment) => ({ segment, outcome: "blurred", frames: 12, framesLooked: 12 })),
      );
      const before = segments.flatMap((segment) => lumaOf(movieOf(segment), SIZE));
      const after = answers.flatMap((answer) => lumaOf(movieOf(answer), SIZE));
      expect(after).toHaveLength(24);
      for (const [frame, luma] of after.entries()) {
        for (const face of facesAt(frame)) {
          expect(differenceWithin(before[frame], luma, face)).toBeGreaterThan(COVERED_MIN);
          expect(edgesWithin(luma, SIZE, face)).toBeLessThanOrEqual(BLOCKS_ACROSS_MAX);
        }
        expect(differenceOutside(before[frame], luma, facesAt(frame))).toBeLessThan(
          CODING_LOSS_MAX,
        );
      }
      expectPosters(posters);
    },
  );

  /** Two segments of eight pictures that move, drawn. */
  const drawn = (encoder?: readonly string[]): BlurFootage[] =>
    segmentsOf(
      [
        "-f",
        "lavfi",
        "-i",
        "cellauto=s=160x90:r=15:rule=30:seed=1",
        "-vf",
        "scale=640:360:flags=neighbor",
        "-frames:v",
        "16",
      ],
      {
        segmentFrames: 8,
        ...(encoder === undefined ? {} : { encoder }),
      },
    );
  const BOX = { x: 200, y: 100, width: 80, height: 96, score: 0.9 };

  test("has the times and numbers of the original, and plays on from segment to segment", async () => {
    const segments = drawn();
    const { answers } = await blurred(segments, {
      ffmpegPath,
      detectors: () => Promise.resolve(seeing([BOX])),
    });
    for (const [index, { fragments, init }] of answers.entries()) {
      const original = segments[index];
      expect(fragments.map(timesOf)).toEqual(original?.fragments.map(timesOf));
      expect(fragments.map(({ bytes }) => headOf(bytes))).toEqual(
        original?.fragments.map(({ bytes }) => headOf(bytes)),
      );
      expect(fragments.map(({ keyFrame }) => keyFrame)).toEqual([
        true,
        ...Array<boolean>(7).fill(false),
      ]);
      expect(init).toMatchObject({ ...SIZE, track: "video", timescale: 90_000 });
    }
    const [luma] = lumaOf(movieOf(answers[1] ?? { init: null, fragments: [] }), SIZE);
    expect(edgesWithin(luma, SIZE, BOX)).toBeLessThanOrEqual(BLOCKS_ACROSS_MAX + OUTER_EDGES);
  });

  test("of pictures larger than what a pipe hands over at once is whole, each of them", async () => {
    const size = { width: 1_280, height: 720 };
    const segments = segmentsOf(
      [
        ...["-f", "lavfi", "-i", "color=gray:s=1280x720:r=15", "-frames:v", "8"],
        ...["-vf", "noise=alls=60:allf=t"],
      ],
      { segmentFrames: 8 },
    );
    const { answers } = await blurred(segments, {
      ffmpegPath,
      detectors: () => Promise.resolve(seeing([BOX])),
    });
    const [answer] = answers;
    expect(answer).toMatchObject({ outcome: "blurred", frames: 8 });
    for (const { bytes } of answer?.fragments ?? []) expect(bytes.length).toBeGreaterThan(65_536);
    // What is no picture makes the decoder say something, which is an error here.
    expect(lumaOf(movieOf(answer ?? { init: null, fragments: [] }), size)).toHaveLength(8);
  });

  test("of pictures that come out of order has them in order, each when it was shown", async () => {
    const segments = drawn(["-bf", "2", "-x264-params", "open-gop=0:scenecut=0:b-adapt=0"]);
    const shown = (bytes: Uint8Array): number => headOf(bytes).shownTicks;
    expect(segments[0]?.fragments.map(({ bytes }) => shown(bytes))).not.toEqual(
      segments[0]?.fragments.map(({ bytes }) => shown(bytes)).toSorted((one, other) => one - other),
    );
    const { answers } = await blurred(segments, {
      ffmpegPath,
      detectors: () => Promise.resolve(seeing([BOX])),
    });
    for (const [index, { outcome, fragments }] of answers.entries()) {
      const original = segments[index]?.fragments ?? [];
      expect(outcome).toBe("blurred");
      expect(fragments.map(timesOf)).toEqual(original.map(timesOf));
      expect(fragments.map(({ bytes }) => shown(bytes))).toEqual(
        original.map(({ bytes }) => shown(bytes)).toSorted((one, other) => one - other),
      );
    }
  });

  test("of H.265 with open groups is whole, and no picture is missing where groups meet", async () => {
    const segments = hevcSegments("320x192", 12);
    const isLeading = ({ bytes }: { readonly bytes: Uint8Array }): boolean =>
      headOf(bytes).shownTicks < headOf(segments[1]?.fragments[0]?.bytes ?? bytes).shownTicks;
    // Some of the second segment's pictures need the first: nobody can decode them by themselves.
    expect(segments[1]?.fragments.filter(isLeading).length).toBeGreaterThan(0);
    const { answers } = await blurred(segments, {
      ffmpegPath,
      detectors: () => Promise.resolve(seeing([])),
    });
    for (const [index, answer] of answers.entries()) {
      const frames = segments[index]?.fragments.length ?? 0;
      expect(answer).toMatchObject({ outcome: "blurred", frames, framesLooked: frames });
      expect(answer.init?.codec).toMatch(/^avc1/);
      expect(lumaOf(movieOf(answer), { width: 320, height: 192 })).toHaveLength(frames);
    }
  });

  test("covers a face that is found in the next segment in the second before it, too", async () => {
    const segments = drawn();
    let picture = 0;
    const detectors: Detectors = {
      objects: { find: () => Promise.resolve([]) },
      // Found from the second picture of the second segment on.
      faces: { find: () => Promise.resolve((picture += 1) > 9 ? [BOX] : []) },
    };
    const { answers } = await blurred(segments, {
      ffmpegPath,
      detectors: () => Promise.resolve(detectors),
    });
    const last = lumaOf(movieOf(answers[0] ?? { init: null, fragments: [] }), SIZE).at(-1);
    const clear = lumaOf(movieOf(segments[0] ?? { init: null, fragments: [] }), SIZE).at(-1);
    expect(edgesWithin(clear, SIZE, BOX)).toBeGreaterThan(BLOCKS_ACROSS_MAX + OUTER_EDGES);
    expect(edgesWithin(last, SIZE, BOX)).toBeLessThanOrEqual(BLOCKS_ACROSS_MAX + OUTER_EDGES);
  });

  test("of two pictures a second is covered across each cut", async () => {
    const [rate, segmentFrames] = [2, 8];
    const source = "cellauto=s=160x90:r=2:rule=30:seed=1,scale=640:360:flags=neighbor";
    const segments = segmentsOf(["-f", "lavfi", "-i", source, "-frames:v", "24"], {
      ...{ framesPerSecond: rate, segmentFrames },
    });
    let picture = 0;
    const detectors: Detectors = {
      objects: { find: () => Promise.resolve([]) },
      // Found in the first picture of the third segment, and never again.
      faces: { find: () => Promise.resolve((picture += 1) === 17 ? [BOX] : []) },
    };
    const { answers } = await blurred(segments, {
      ffmpegPath,
      detectors: () => Promise.resolve(detectors),
    });
    expect(answers.map(({ outcome }) => outcome)).toEqual(["blurred", "blurred", "blurred"]);
    const clear = segments.flatMap((segment) => lumaOf(movieOf(segment), SIZE));
    const copy = answers.flatMap((answer) => lumaOf(movieOf(answer), SIZE));
    for (const frame of [14, 15, 16, 17, 18]) {
      expect(edgesWithin(clear[frame], SIZE, BOX)).toBeGreaterThan(BLOCKS_ACROSS_MAX + OUTER_EDGES);
      expect(edgesWithin(copy[frame], SIZE, BOX)).toBeLessThanOrEqual(
        BLOCKS_ACROSS_MAX + OUTER_EDGES,
      );
    }
    expect(edgesWithin(copy[2], SIZE, BOX)).toBeGreaterThan(BLOCKS_ACROSS_MAX + OUTER_EDGES);
  });

  test.each([
    [
      "faces",
      false,
      "the head of a person without a face",
      { x: 210, y: 70, width: 60, height: 50 },
    ],
    ["persons", false, "the whole person", { x: 210, y: 70, width: 60, height: 220 }],
  ] as const)("covers under %s, plates %s: %s", async (cover, plates, _name, area) => {
    const person = { kind: "person", x: 200, y: 60, width: 80, height: 240, score: 0.9 } as const;
    const { answers } = await blurred(drawn().slice(0, 1), {
      ffmpegPath,
      rules: { cover, plates, mode: "live" },
      detectors: () => Promise.resolve(seeing([], [person])),
    });
    for (const luma of lumaOf(movieOf(answers[0] ?? { init: null, fragments: [] }), SIZE))
      expect(edgesWithin(luma, SIZE, area)).toBeLessThanOrEqual(BLOCKS_ACROSS_MAX + OUTER_EDGES);
  });

  test("keeps the range of the colours that the camera has", async () => {
    const segments = drawn([
      "-bf",
      "0",
      "-vf",
      "scale=640:360:flags=neighbor:out_range=pc,format=yuvj420p",
      "-pix_fmt",
      "yuvj420p",
    ]);
    const { answers } = await blurred(segments.slice(0, 1), {
      ffmpegPath,
      detectors: () => Promise.resolve(seeing([])),
    });
    const [before, after] = [segments[0], answers[0]].map(
      (one) => lumaOf(movieOf(one ?? { init: null, fragments: [] }), SIZE)[0],
    );
    expect(differenceOutside(before, after, [])).toBeLessThan(CODING_LOSS_MAX);
  });

  test("that nobody waits for any more is given up, and its pictures are wiped", async () => {
    const [segment, next] = drawn().map(copied);
    if (!segment || !next) throw new Error("no footage");
    const answers: string[] = [];
    const looking = Promise.withResolvers<void>();
    const job = new BlurJob({
      ...{ ffmpegPath, container: fragmentContainer, bytesMax: blurredBytesMax },
      rules: { cover: "faces", plates: false, mode: "live" },
      detectors: () =>
        Promise.resolve({
          ...seeing([]),
          faces: {
            find: () => {
              looking.resolve();
              return Promise.resolve([]);
            },
          },
        }),
      onSegment: ({ outcome }) => answers.push(outcome),
      onPoster: ({ rendition }) => answers.push(rendition),
    });
    await job.push(segment);
    await looking.promise;
    const pushed = job.push(next);
    await job.drop();
    await pushed;
    await job.end();
    expect(answers).toEqual([]);
    // Also of the one that was being looked at.
    for (const { bytes } of [...segment.fragments, ...next.fragments])
      expect(bytes.every((byte) => byte === 0)).toBe(true);
  });
});

function expectPosters(posters: readonly BlurredPoster[]): void {
  expect(posters.map(({ rendition, pixelated }) => [rendition, pixelated])).toEqual([
    ["original", null],
    ["blurred", "faces"],
  ]);
  expect(posters[0]?.atMs).toBe(posters[1]?.atMs);
  for (const { jpeg } of posters) {
    expect(jpeg.length).toBeLessThanOrEqual(200 * 1024);
    // Start of image, and of a frame of 360 lines of 640.
    expect([jpeg[0], jpeg[1]]).toEqual([0xff, 0xd8]);
    expect(Buffer.from(jpeg).includes(Buffer.from([0x08, 0x01, 0x68, 0x02, 0x80]))).toBe(true);
  }
}

interface Timed {
  readonly decodeTimeMs: number;
  readonly durationMs: number;
  readonly wallClockMs: number;
}

function timesOf({ decodeTimeMs, durationMs, wallClockMs }: Timed): Timed {
  return { decodeTimeMs, durationMs, wallClockMs };
}

/** Number, times and track as the bytes have them. */
function headOf(
  bytes: Uint8Array,
): Readonly<Record<"sequence" | "track" | "ticks" | "durationTicks" | "shownTicks", number>> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const ticks = Number(view.getBigUint64(60));
  return {
    ...{ sequence: view.getUint32(20), track: view.getUint32(44), ticks },
    ...{ durationTicks: view.getUint32(88), shownTicks: ticks + view.getInt32(100) },
  };
}

/** Mean difference within a box. */
function differenceWithin(before: Buffer | undefined, after: Buffer | undefined, box: Box): number {
  let [sum, count] = [0, 0];
  for (let y = Math.ceil(box.y); y < box.y + box.height; y++)
    for (let x = Math.ceil(box.x); x < box.x + box.width; x++) {
      const at = y * SIZE.width + x;
      sum += Math.abs((before?.[at] ?? 0) - (after?.[at] ?? 0));
      count += 1;
    }
  return sum / count;
}

/**
 * Difference outside of the faces and what is covered around them: the median, since heads of persons
 * whom no face surely belongs to are covered too.
 */
function differenceOutside(
  before: Buffer | undefined,
  after: Buffer | undefined,
  faces: readonly Box[],
): number {
  const differences: number[] = [];
  for (let y = 0; y < SIZE.height; y++)
    for (let x = 0; x < SIZE.width; x++) {
      const isNear = faces.some(
        (face) =>
          Math.abs(x - face.x - face.width / 2) < (face.width * AROUND) / 2 &&
          Math.abs(y - face.y - face.height / 2) < (face.height * AROUND) / 2,
      );
      if (isNear) continue;
      const at = y * SIZE.width + x;
      differences.push(Math.abs((before?.[at] ?? 0) - (after?.[at] ?? 0)));
    }
  return differences.sort((one, other) => one - other)[differences.length >> 1] ?? Infinity;
}
