import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Box, Face } from "../../src/blur/boxes.ts";
import {
  boxesOfFrame,
  NO_CORRECTIONS,
  withAdded,
  withMoved,
  withRange,
  withRemoved,
} from "../../web/page/redact/corrections.ts";
import { facesOf, inputSize, onlyOnce, priorsOf } from "../../src/blur/ultraface.ts";
import { blockSize, cover, coveredArea, type Plane } from "../../src/blur/mosaic.ts";
import { readVideoTrack } from "../../web/page/redact/mp4-samples.ts";
import { writeMp4 } from "../../web/page/redact/mp4-writer.ts";
import { weakestFrames } from "../../web/page/redact/review.ts";
import { tracksOf, unsureFrames } from "../../src/blur/tracks.ts";
import { HubError } from "../../src/protocol/errors.ts";
import { english } from "../../web/page/redact/words.en.ts";
import { french } from "../../web/page/redact/words.fr.ts";

const SIZE = { width: 640, height: 360 };
const RULES = { framesPerSecond: 10, size: SIZE };
const face = (x: number, score = 0.9): Face => ({ x, y: 100, width: 40, height: 50, score });
const still = (frames: number, at: readonly number[], x = 300): Face[][] =>
  Array.from({ length: frames }, (_, frame) => (at.includes(frame) ? [face(x)] : []));
const framesOf = (faces: readonly (readonly Face[])[]): number[][] =>
  tracksOf(faces, RULES).map(({ boxes }) => [...boxes.keys()].toSorted((a, b) => a - b));
const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);

describe("a face that was found now and then", () => {
  test("is covered in between too, up to 15 frames", () => {
    expect(framesOf(still(60, [20, 36]))).toEqual([range(10, 46)]);
    const [first, second] = framesOf(still(60, [20, 37]));
    expect([first?.at(-1), second?.[0]]).toEqual([30, 27]);
  });

  test("is covered for a second before and after, and for six frames at the edge of the picture", () => {
    expect(framesOf(still(60, [30]))).toEqual([range(20, 40)]);
    expect(framesOf(still(60, [30], 2))).toEqual([range(24, 36)]);
    expect(framesOf(still(33, [30]))).toEqual([range(20, 32)]);
  });

  test("needs to be sure once: then what is less sure belongs to it, and else it is only doubtful", () => {
    const weak = still(30, []).map((_, frame) => (frame < 10 ? [face(300, 0.3)] : []));
    expect(framesOf(weak)).toEqual([]);
    expect([...unsureFrames(weak)]).toEqual(range(0, 9));
    weak[5] = [face(300, 0.6)];
    expect(framesOf(weak)).toEqual([range(0, 19)]);
    expect([...unsureFrames(weak)]).toEqual([]);
  });

  test("that moves faster than its own width is still one face, and two beside one another are two", () => {
    const fast = Array.from({ length: 10 }, (_, frame) => [face(100 + frame * 30)]);
    expect(framesOf(fast).length).toBe(1);
    const two = Array.from({ length: 10 }, () => [face(100), face(300)]);
    expect(framesOf(two).length).toBe(2);
  });

  test("no frame in which a sure face was found is ever left clear", () => {
    const one = fc.record({
      x: fc.integer({ min: 0, max: 600 }),
      score: fc.double({ min: 0.25, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(fc.array(one, { maxLength: 3 }), { maxLength: 40 }), (given) => {
        const faces = given.map((list) => list.map(({ x, score }) => face(x, score)));
        const tracks = tracksOf(faces, RULES);
        faces.forEach((list, frame) => {
          for (const each of list.filter(({ score }) => score >= 0.5))
            expect(boxesOfFrame(frame, tracks, NO_CORRECTIONS).some(({ x }) => x === each.x)).toBe(
              true,
            );
        });
      }),
    );
  });
});

describe("the mosaic", () => {
  const plane = (bytes: Uint8Array, scale: 1 | 2): Plane => ({
    ...{ bytes, offset: 0, step: 1, scale },
    stride: SIZE.width / scale,
  });
  const noise = (length: number): Uint8Array =>
    Uint8Array.from({ length }, (_, at) => (at * 7919) % 251);

  test("has at most eight blocks across a face, whatever its size, and each is one value", () => {
    const box = fc.record({
      x: fc.double({ min: -50, max: 630, noNaN: true }),
      y: fc.double({ min: -50, max: 350, noNaN: true }),
      width: fc.double({ min: 4, max: 300, noNaN: true }),
      height: fc.double({ min: 4, max: 300, noNaN: true }),
    });
    fc.assert(
      fc.property(box, (found) => {
        const [luma, chroma] = [noise(640 * 360), noise(320 * 180)];
        const [lumaBefore, chromaBefore] = [luma.slice(), chroma.slice()];
        cover([plane(luma, 1), plane(chroma, 2)], found, SIZE);
        const block = blockSize(found);
        expect(Math.max(found.width, found.height) / block).toBeLessThanOrEqual(8);
        const area = coveredArea(found, SIZE);
        requireOutsideSame(luma, lumaBefore, area, 1);
        requireOutsideSame(chroma, chromaBefore, area, 2);
        if (area) requireFlatBlocks(luma, area, block);
      }),
      { numRuns: 60 },
    );
  });

  function requireOutsideSame(
    after: Uint8Array,
    before: Uint8Array,
    area: Box | null,
    scale: number,
  ): void {
    const width = SIZE.width / scale;
    for (let at = 0; at < after.length; at++) {
      const [x, y] = [(at % width) * scale, Math.floor(at / width) * scale];
      const isInside =
        area && x >= area.x && y >= area.y && x < area.x + area.width && y < area.y + area.height;
      if (!isInside && after[at] !== before[at]) expect.fail(`changed outside, at ${x}, ${y}`);
    }
  }

  function requireFlatBlocks(luma: Uint8Array, area: Box, block: number): void {
    for (let y = area.y; y < area.y + area.height; y++)
      for (let x = area.x; x < area.x + area.width; x++) {
        const left = x - ((x - area.x) % block);
        const top = y - ((y - area.y) % block);
        if (luma[y * 640 + x] !== luma[top * 640 + left]) expect.fail(`uneven at ${x}, ${y}`);
      }
  }

  test("is larger than the face that was found, and inside the picture", () => {
    const area = coveredArea({ x: 100, y: 100, width: 40, height: 60 }, SIZE);
    expect(area).toEqual({ x: 94, y: 90, width: 52, height: 80 });
    expect(coveredArea({ x: 700, y: 0, width: 20, height: 20 }, SIZE)).toBeNull();
    expect(coveredArea({ x: -10, y: -10, width: 40, height: 40 }, SIZE)?.x).toBe(0);
  });
});

describe("what an owner changes", () => {
  const tracks = tracksOf(still(60, range(20, 40)), RULES);
  const at = (frame: number, corrections = NO_CORRECTIONS) =>
    boxesOfFrame(frame, tracks, corrections);

  test("takes a track away where he said, and nowhere else", () => {
    const [box] = at(30);
    if (!box) throw new Error("no box");
    const once = withRemoved(NO_CORRECTIONS, box, { fromFrame: 30, toFrame: 30 });
    expect([at(29, once).length, at(30, once).length, at(31, once).length]).toEqual([1, 0, 1]);
    const all = withRemoved(NO_CORRECTIONS, box, { fromFrame: 0, toFrame: 59 });
    expect(range(0, 59).every((frame) => at(frame, all).length === 0)).toBe(true);
  });

  test("adds a box that moves evenly between where he drew it, in its range only", () => {
    const drawn = { x: 0, y: 0, width: 10, height: 10 };
    const added = withAdded(NO_CORRECTIONS, drawn, { frame: 2, fromFrame: 2, toFrame: 12 });
    const moved = withMoved(added, 1, 6, { ...drawn, x: 40 });
    const xAt = (frame: number) => at(frame, moved).find(({ origin }) => origin === "owner")?.x;
    expect([1, 2, 4, 6, 12, 13].map(xAt)).toEqual([undefined, 0, 20, 40, 40, undefined]);
    const shorter = withRange(moved, 1, { toFrame: 3 });
    expect(at(4, shorter)).toEqual([]);
    expect(withRange(moved, 1, { toFrame: 1 })).toEqual(moved);
    const gone = withRemoved(moved, { id: 1, origin: "owner" }, { fromFrame: 4, toFrame: 4 });
    expect(gone.added).toEqual([]);
  });

  test("is no box where it is no number or has no size", () => {
    for (const bad of [{ x: NaN }, { width: 0 }, { height: -1 }, { y: Infinity }]) {
      const box = { x: 1, y: 1, width: 5, height: 5, ...bad };
      const place = { frame: 0, fromFrame: 0, toFrame: 5 };
      expect(withAdded(NO_CORRECTIONS, box, place)).toBe(NO_CORRECTIONS);
    }
  });
});

describe("what is looked at first", () => {
  test("the frame beside the end of a box, a gap and a face that was not sure; far apart; then spot checks", () => {
    const faces = still(200, [...range(50, 60), ...range(70, 80)]);
    faces[150] = [face(300, 0.4)];
    const tracks = tracksOf(faces, RULES);
    const notes = faces.map(() => ({ motion: 0 }));
    const weakest = weakestFrames(tracks, notes, unsureFrames(faces), 10);
    const doubts = weakest.map(({ doubt }) => doubt);
    expect(doubts.slice(0, 2)).toEqual(["start", "start"]);
    expect(doubts).toEqual(expect.arrayContaining(["filled", "unsure", "held", "spot"]));
    expect(weakest.find(({ doubt }) => doubt === "unsure")?.frame).toBe(150);
    const risks = weakest.map(({ risk }) => risk);
    expect(risks).toEqual(risks.toSorted((one, other) => other - one));
  });

  test("something moves and no face is found", () => {
    const notes = range(0, 99).map((frame) => ({ motion: frame === 42 ? 0.2 : 0 }));
    const [first] = weakestFrames([], notes, new Set(), 10);
    expect(first).toMatchObject({ frame: 42, doubt: "moving" });
  });
});

describe("the network's numbers", () => {
  const size = inputSize({ width: 1920, height: 1080 }, 640);
  const priors = priorsOf(size);

  test("are as many as the network gives for 640 x 360", () => {
    expect(size).toEqual({ width: 640, height: 360 });
    const cells = (stride: number): number => Math.ceil(640 / stride) * Math.ceil(360 / stride);
    expect(priors.length).toBe(3 * cells(8) + 2 * cells(16) + 2 * cells(32) + 3 * cells(64));
  });

  test("say where a face is in the full picture", () => {
    const logits = new Float32Array(priors.length * 2).fill(0).map((_, at) => (at % 2 ? -9 : 9));
    const offsets = new Float32Array(priors.length * 4);
    const index = priors.findIndex(({ x, y }) => x > 0.5 && y > 0.5);
    logits.set([-9, 9], index * 2);
    const [found, ...others] = facesOf({ logits, offsets }, priors, { width: 1920, height: 1080 });
    expect(others).toEqual([]);
    expect(found?.score).toBeGreaterThan(0.99);
    expect((found?.x ?? 0) + (found?.width ?? 0) / 2).toBeCloseTo((priors[index]?.x ?? 0) * 1920);
    expect(found?.width).toBeCloseTo(30);
  });

  test.each([NaN, Infinity, -Infinity])("that are %s make nothing", (bad) => {
    const logits = new Float32Array(priors.length * 2);
    const offsets = new Float32Array(priors.length * 4);
    const picture = { width: 1920, height: 1080 };
    for (const numbers of [logits, offsets]) {
      numbers[5] = bad;
      expect(() => facesOf({ logits, offsets }, priors, picture)).toThrow("no number");
      numbers[5] = 0;
    }
    expect(() => facesOf({ logits: logits.slice(2), offsets }, priors, picture)).toThrow("size");
  });

  test("that name one face twice name it once", () => {
    expect(
      onlyOnce([face(100, 0.6), face(104, 0.9), face(300, 0.3)]).map(({ score }) => score),
    ).toEqual([0.9, 0.3]);
  });
});

describe("a recording's bytes", () => {
  const track = {
    ...{ timescale: 90_000, width: 640, height: 360, colours: null },
    record: Uint8Array.of(1, 0x64, 0, 0x1f, 0xff, 0xe1, 0, 0, 0),
  };
  const samples = range(0, 4).map((index) => ({
    ...{ ticks: 2 ** 33 + index * 9_000, durationTicks: 9_000, isKey: index === 0 },
    bytes: Uint8Array.of(0, 0, 0, 2, index === 0 ? 0x65 : 0x41, index),
  }));
  const file = writeMp4(track, samples);
  const buffer = (bytes: Uint8Array): ArrayBuffer => Uint8Array.from(bytes).buffer;

  test("are read as they were written, late times included", () => {
    const read = readVideoTrack(buffer(file));
    expect(read).toMatchObject({
      timescale: 90_000,
      codec: "avc1.64001f",
      width: 640,
      height: 360,
    });
    expect(read.samples.map((one) => ({ ...one, bytes: Uint8Array.from(one.bytes) }))).toEqual(
      samples,
    );
  });

  test("that are cut off or changed anywhere are read, or refused by name, and never more than that", () => {
    for (let length = 0; length < file.length; length += 3)
      expect(isReadOrRefused(file.subarray(0, length))).toBe(true);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(file.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }),
        (changes) => {
          const changed = file.slice();
          for (const [at, value] of changes) changed[at] = value;
          expect(isReadOrRefused(changed)).toBe(true);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  function isReadOrRefused(bytes: Uint8Array): boolean {
    try {
      return readVideoTrack(buffer(bytes)).samples.length <= 5_000;
    } catch (error) {
      return error instanceof HubError && error.code === "SEGMENT_UNREADABLE";
    }
  }
});

test("both languages say all of it", () => {
  const keys = (value: object, path = ""): string[] =>
    Object.entries(value).flatMap(([key, inner]: [string, unknown]) =>
      typeof inner === "object" && inner !== null
        ? keys(inner, `${path}${key}.`)
        : [`${path}${key}: ${typeof inner}`],
    );
  expect(keys(french)).toEqual(keys(english));
});
