import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Box, Face } from "../../src/blur/boxes.ts";
import { FaceTracker } from "../../src/blur/face-tracker.ts";

const SIZE = { width: 640, height: 360 };
const FRAME_MS = 100;

const face = (x: number, y = 100, score = 0.9, width = 30): Face => ({
  ...{ x, y, width, height: width * 1.25, score },
});

/** Pushes frame after frame, ten a second. */
function tracked(frames: readonly (readonly Face[])[]): FaceTracker {
  const tracker = new FaceTracker({ size: SIZE });
  frames.forEach((faces, frame) => tracker.push({ atMs: frame * FRAME_MS, faces }));
  return tracker;
}

function coveredIn(frames: readonly (readonly Face[])[]): Box[][] {
  const tracker = tracked(frames);
  tracker.end();
  return tracker.boxesFor(0, frames.length);
}

const frames = (count: number, at: (frame: number) => Face[]): Face[][] =>
  Array.from({ length: count }, (_, frame) => at(frame));

/** How much of a face lies under boxes, by samples. */
function shareUnder(one: Box, boxes: readonly Box[]): number {
  let under = 0;
  for (let row = 0; row < 10; row++)
    for (let column = 0; column < 10; column++) {
      const x = one.x + ((column + 0.5) * one.width) / 10;
      const y = one.y + ((row + 0.5) * one.height) / 10;
      const isUnder = boxes.some(
        (box) => x >= box.x && x < box.x + box.width && y >= box.y && y < box.y + box.height,
      );
      if (isUnder) under += 1;
    }
  return under / 100;
}

const framesWithBoxes = (covered: readonly (readonly Box[])[]): number[] =>
  covered.flatMap((boxes, frame) => (boxes.length > 0 ? [frame] : []));
const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);

describe("what is covered", () => {
  test("no frame has a box where nothing was found", () => {
    expect(framesWithBoxes(coveredIn(frames(50, () => [])))).toEqual([]);
  });

  test("a face found once is covered for a second before and after", () => {
    const covered = coveredIn(frames(60, (frame) => (frame === 30 ? [face(300)] : [])));
    expect(framesWithBoxes(covered)).toEqual(range(20, 40));
  });

  test("however few pictures a second there are, six before and after", () => {
    const tracker = new FaceTracker({ size: SIZE });
    for (let frame = 0; frame < 30; frame++)
      tracker.push({ atMs: frame * 1_000, faces: frame === 15 ? [face(300)] : [] });
    tracker.end();
    expect(framesWithBoxes(tracker.boxesFor(0, 30))).toEqual(range(9, 21));
  });

  test("a gap of two seconds is covered where the face went", () => {
    const at = (frame: number): Face => face(100 + 5 * frame);
    const covered = coveredIn(frames(60, (frame) => (frame < 20 || frame > 38 ? [at(frame)] : [])));
    for (const frame of range(0, 59)) expect(shareUnder(at(frame), covered[frame] ?? [])).toBe(1);
  });

  test("a face that walks in is covered on its way before the first find and after the last", () => {
    const at = (frame: number): Face => face(40 + 9 * frame);
    const covered = coveredIn(
      frames(60, (frame) => (frame >= 25 && frame <= 35 ? [at(frame)] : [])),
    );
    for (const frame of range(20, 40))
      expect(shareUnder(at(frame), covered[frame] ?? [])).toBeGreaterThan(0.8);
  });

  test("a faint find beside a face that is lost does not lead the box away from it", () => {
    const covered = coveredIn(
      frames(40, (frame) => {
        if (frame < 20) return [face(300, 100, 0.95, 60)];
        return frame === 20 ? [face(285, 80, 0.4, 36)] : [];
      }),
    );
    for (const frame of range(20, 29))
      expect(shareUnder(face(300, 100, 0.95, 60), covered[frame] ?? [])).toBe(1);
  });

  test("two faces that cross are both covered in every frame, though one hides the other", () => {
    const left = (frame: number): Face => face(100 + 8 * frame);
    const right = (frame: number): Face => face(420 - 8 * frame);
    const covered = coveredIn(
      frames(41, (frame) =>
        // Within two widths of one another, only the one in front is found.
        Math.abs(left(frame).x - right(frame).x) < 60 ? [left(frame)] : [left(frame), right(frame)],
      ),
    );
    for (const frame of range(0, 40)) {
      expect(shareUnder(left(frame), covered[frame] ?? [])).toBeGreaterThan(0.8);
      expect(shareUnder(right(frame), covered[frame] ?? [])).toBeGreaterThan(0.8);
    }
  });

  test("a camera that shakes by half a face does not lose what is found every third frame", () => {
    const at = (frame: number): Face =>
      face(300 + 15 * Math.sin(frame * 2.1), 100 + 15 * Math.cos(frame * 1.7), 0.9, 40);
    const covered = coveredIn(frames(60, (frame) => (frame % 3 === 0 ? [at(frame)] : [])));
    const shares = range(0, 59).map((frame) => shareUnder(at(frame), covered[frame] ?? []));
    expect(shares.filter((share) => share === 0)).toEqual([]);
    expect(shares.filter((_, frame) => frame % 3 === 0).every((share) => share === 1)).toBe(true);
  });

  test("a doubtful face counts once it is seen twice, a large one only where it is sure", () => {
    const faint = coveredIn(frames(40, (frame) => (frame === 20 ? [face(300, 100, 0.3)] : [])));
    expect(framesWithBoxes(faint)).toEqual([20]);
    const twice = frames(40, (frame) =>
      frame === 20 || frame === 23 ? [face(300, 100, 0.3)] : [],
    );
    expect(framesWithBoxes(coveredIn(twice))).toEqual(range(10, 33));
    const large = frames(40, (frame) => (frame < 20 ? [face(300, 50, 0.6, 200)] : []));
    expect(framesWithBoxes(coveredIn(large))).toEqual(range(0, 19));
    const cloth = frames(40, () => [face(300, 50, 0.4, 200)]);
    expect(framesWithBoxes(coveredIn(cloth))).toEqual([]);
  });

  describe("of somebody who walks up to the camera", () => {
    /** From a twentieth of the picture's width to more than a quarter. */
    const at = (frame: number, score: number): Face => {
      const width = 30 + 2.5 * frame;
      return face(320 - width / 2, 150 - width / 2, score, width);
    };
    const leastCovered = (found: readonly (readonly Face[])[]): number => {
      const covered = coveredIn(found);
      return Math.min(
        ...range(0, 59).map((frame) => shareUnder(at(frame, 1), covered[frame] ?? [])),
      );
    };

    test("every picture is covered, though near by the same certainty would not be enough", () => {
      const everyOther = frames(60, (frame) => (frame % 2 === 0 ? [at(frame, 0.75)] : []));
      expect(leastCovered(everyOther)).toBeGreaterThan(0.9);
    });

    test("every picture is covered, though near by the face is found faintly", () => {
      const fainter = frames(60, (frame) => [at(frame, frame < 10 ? 0.75 : 0.48)]);
      expect(leastCovered(fainter)).toBeGreaterThan(0.9);
    });

    test("the place is looked at again, and is so when the first finds are forgotten", () => {
      const tracker = new FaceTracker({ size: SIZE });
      for (const frame of range(0, 59)) {
        tracker.push({ atMs: frame * FRAME_MS, faces: [at(frame, frame < 10 ? 0.75 : 0.48)] });
        tracker.forgetBefore(tracker.settled);
      }
      expect(tracker.lookAgainAt([])).toHaveLength(1);
    });
  });

  test("a picture full of finds is covered whole", () => {
    const flood = Array.from({ length: 101 }, (_, index) => face((index * 37) % 600, index % 300));
    const covered = coveredIn([[], flood, []]);
    expect(covered[1]).toEqual([{ x: 0, y: 0, ...SIZE }]);
    expect(covered[0]).toEqual([]);
  });

  test("whatever is found is covered in its own frame, but for faint ones as wide as those in cloth", () => {
    const one = fc.record({
      x: fc.integer({ min: -20, max: 620 }),
      y: fc.integer({ min: -20, max: 340 }),
      score: fc.double({ min: 0.25, max: 1, noNaN: true }),
      width: fc.integer({ min: 5, max: 300 }),
    });
    fc.assert(
      fc.property(fc.array(fc.array(one, { maxLength: 4 }), { maxLength: 40 }), (given) => {
        const found = given.map((list) =>
          list.map(({ x, y, score, width }) => face(x, y, score, width)),
        );
        const covered = coveredIn(found);
        found.forEach((list, frame) => {
          for (const each of list.filter(({ width, score }) => width < 70 || score >= 0.5))
            expect(shareUnder(each, covered[frame] ?? [])).toBe(1);
        });
      }),
    );
  });
});

describe("segment by segment", () => {
  const walk = frames(300, (frame) =>
    frame % 7 === 3 ? [face(20 + 2 * frame), face(600 - frame)] : [],
  );

  test("what is said of settled frames is what is said when all is known", () => {
    const whole = coveredIn(walk);
    const tracker = new FaceTracker({ size: SIZE });
    let asked = 0;
    walk.forEach((faces, frame) => {
      tracker.push({ atMs: frame * FRAME_MS, faces });
      if (frame % 40 !== 39) return;
      const { settled } = tracker;
      expect(tracker.boxesFor(asked, settled)).toEqual(whole.slice(asked, settled));
      tracker.forgetBefore(settled);
      asked = settled;
    });
    tracker.end();
    expect(tracker.settled).toBe(300);
    expect(tracker.boxesFor(asked, 300)).toEqual(whole.slice(asked));
  });

  test("a face found right after the cut is covered in the second before it", () => {
    const tracker = tracked(frames(60, (frame) => (frame >= 40 ? [face(300)] : [])));
    expect(tracker.settled).toBeGreaterThanOrEqual(40);
    expect(framesWithBoxes(tracker.boxesFor(0, 40))).toEqual(range(30, 39));
  });

  test("frames that a later find could still change are not given away", () => {
    const tracker = tracked(frames(60, () => []));
    expect(tracker.settled).toBe(40);
    expect(() => tracker.boxesFor(30, 41)).toThrow(RangeError);
    tracker.forgetBefore(35);
    expect(() => tracker.boxesFor(34, 40)).toThrow(RangeError);
    expect(tracker.boxesFor(35, 40)).toEqual([[], [], [], [], []]);
    tracker.end();
    expect(() => tracker.push({ atMs: 0, faces: [] })).toThrow(RangeError);
  });

  test("who cannot wait gets what is known, and is followed on", () => {
    const tracker = tracked(frames(10, (frame) => (frame === 4 ? [face(300)] : [])));
    expect(tracker.settled).toBe(0);
    tracker.settleBefore(5);
    expect(framesWithBoxes(tracker.boxesFor(0, 5))).toEqual(range(0, 4));
    tracker.forgetBefore(5);
    for (let frame = 10; frame < 20; frame++)
      tracker.push({ atMs: frame * FRAME_MS, faces: frame === 19 ? [face(340)] : [] });
    tracker.settleBefore(1_000);
    expect(tracker.settled).toBe(20);
    // Held after the one, before the other, and on the way between.
    expect(framesWithBoxes(tracker.boxesFor(5, 20))).toEqual(range(0, 14));
  });

  test("10,000 frames take no more memory than a few hundred, and far too many waiting are refused", () => {
    const tracker = new FaceTracker({ size: SIZE });
    let [asked, seen] = [0, 0];
    for (let frame = 0; frame < 10_000; frame++) {
      tracker.push({ atMs: frame * FRAME_MS, faces: [face((frame * 3) % 600), face(300, 200)] });
      if (frame % 60 !== 59) continue;
      const { settled } = tracker;
      seen += framesWithBoxes(tracker.boxesFor(asked, settled)).length;
      tracker.forgetBefore(settled);
      asked = settled;
      expect(tracker.kept).toBeLessThan(400);
    }
    expect([seen, asked]).toEqual([9_940, 9_940]);
    const waiting = new FaceTracker({ size: SIZE });
    expect(() => {
      for (let frame = 0; frame < 4_000; frame++) waiting.push({ atMs: frame, faces: [] });
    }).toThrow("too many pictures wait");
  });

  test("times that stand still or run back hide nobody", () => {
    const tracker = new FaceTracker({ size: SIZE });
    for (let frame = 0; frame < 50; frame++)
      tracker.push({ atMs: frame === 25 ? -1e12 : 5, faces: frame === 25 ? [face(300)] : [] });
    tracker.end();
    expect(framesWithBoxes(tracker.boxesFor(0, 50))).toEqual(range(0, 49));
  });
});

describe("where to look again", () => {
  test("is where a face is due that was not found, and nowhere else", () => {
    const tracker = tracked(frames(10, (frame) => [face(100 + 10 * frame), face(400)]));
    const regions = tracker.lookAgainAt([face(400)]);
    expect(regions.length).toBe(1);
    const [region] = regions;
    if (!region) throw new Error("no region");
    expect(shareUnder(face(200), [region])).toBe(1);
    expect(region.width).toBeCloseTo(90);
    expect(tracker.lookAgainAt([face(402), face(198)])).toEqual([]);
  });

  test("is nowhere while nobody was there", () => {
    expect(tracked(frames(10, () => [])).lookAgainAt([])).toEqual([]);
  });
});
