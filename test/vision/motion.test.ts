import { describe, expect, test } from "vitest";
import { GREY_HEIGHT, GREY_WIDTH, type GreyFrame } from "../../src/vision/grey-frame.ts";
import { MotionDetector, type MotionEvent } from "../../src/vision/motion.ts";
import { missingCommands } from "../support/requirements.ts";
import { eventsIn, fragmentsFromFfmpeg, type FoundEvent } from "./footage.ts";
import { labelledFootage, score } from "./labelled.ts";

const PICTURE_MS = 200;

/** Repeatable noise of a few grey levels, like a sensor's. */
function makeNoise(seed: number, levels: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 32 - 0.5) * 2 * levels;
  };
}

interface Thing {
  readonly x: number;
  readonly y: number;
  readonly size: number;
  readonly level: number;
}

/** A wall with a pattern, some noise, the light, and things in front of it. */
function picture(
  index: number,
  { light = 1, offset = 0, noise = 3, things = [] as readonly Thing[], night = false } = {},
): GreyFrame {
  const pixels = new Uint8Array(GREY_WIDTH * GREY_HEIGHT);
  const grain = makeNoise(index + 1, noise);
  for (let y = 0; y < GREY_HEIGHT; y += 1) {
    for (let x = 0; x < GREY_WIDTH; x += 1) {
      let level = 60 + (y / GREY_HEIGHT) * 50 + (Math.floor(x / 40) % 2) * 45;
      for (const thing of things) {
        const inside = Math.abs(x - thing.x) < thing.size / 2 && Math.abs(y - thing.y) < thing.size;
        if (inside) level = thing.level;
      }
      // The camera's own lamp: strong in the middle, and every other stripe throws more back.
      if (night) level = 40 + level * 0.5 + (Math.floor(x / 40) % 2) * 70 - Math.abs(x - 160) / 8;
      pixels[y * GREY_WIDTH + x] = Math.min(255, Math.max(0, level * light + offset + grain()));
    }
  }
  return { width: GREY_WIDTH, height: GREY_HEIGHT, pixels, atMs: index * PICTURE_MS };
}

type Said = MotionEvent & { readonly saidAtMs: number };

function watch(
  count: number,
  paint: (index: number) => GreyFrame,
  detector = new MotionDetector(),
): Said[] {
  const said: Said[] = [];
  for (let index = 0; index < count; index += 1) {
    const frame = paint(index);
    const event = detector.push(frame);
    if (event) said.push({ ...event, saidAtMs: frame.atMs });
  }
  return said;
}

const person = (x: number): Thing => ({ x, y: 100, size: 22, level: 30 });

describe("the motion detector", () => {
  test("says nothing about a still scene with noise", () => {
    expect(watch(150, (index) => picture(index, { noise: 8 }))).toEqual([]);
  });

  test("says when somebody comes, within 0.6 s, and when he has gone", () => {
    const said = watch(120, (index) =>
      picture(index, { things: index >= 50 && index < 80 ? [person((index - 50) * 10)] : [] }),
    );
    expect(said.map(({ type }) => type)).toEqual(["start", "end"]);
    const [start, end] = said;
    if (start?.type !== "start" || end?.type !== "end") throw new Error("unexpected order");
    expect(start.onsetAtMs).toBeGreaterThanOrEqual(50 * PICTURE_MS);
    expect(start.saidAtMs).toBeLessThanOrEqual(53 * PICTURE_MS);
    expect(start.why).toMatchObject({ kind: "motion", zone: "whole picture" });
    expect(start.why.areaShare).toBeGreaterThan(0.002);
    expect(start.why.areaShare).toBeLessThan(0.05);
    expect(start.why.score).toBeGreaterThan(0);
    expect(start.why.score).toBeLessThanOrEqual(1);
    expect(end.atMs).toBeGreaterThanOrEqual(79 * PICTURE_MS);
    expect(end.atMs).toBeLessThanOrEqual(81 * PICTURE_MS);
    expect(end.saidAtMs - end.atMs).toBeLessThanOrEqual(3_000);
  });

  test("is not woken by one picture, however different", () => {
    const said = watch(100, (index) =>
      picture(index, { things: index === 50 ? [{ ...person(160), size: 60 }] : [] }),
    );
    expect(said).toEqual([]);
  });

  test("is not woken by two flashes in different places", () => {
    const said = watch(100, (index) => {
      if (index === 50) return picture(index, { things: [{ ...person(20), y: 30 }] });
      if (index === 52) return picture(index, { things: [{ ...person(300), y: 150 }] });
      return picture(index);
    });
    expect(said).toEqual([]);
  });

  test.each([
    ["a lamp goes on", 1.5, 10],
    ["a cloud comes", 0.7, 0],
    ["the exposure drops", 0.5, -10],
  ])("is not woken when the light of everything changes: %s", (_name, light, offset) => {
    const said = watch(160, (index) => {
      const changed = index >= 50 && index < 100;
      return picture(index, changed ? { light, offset } : {});
    });
    expect(said).toEqual([]);
  });

  test.each([1, 3, 10])("is not woken when dusk falls within %d s", (seconds) => {
    const said = watch(160, (index) => {
      const share = Math.min(1, Math.max(0, (index - 50) / (seconds * 5)));
      return picture(index, { light: 1 - 0.4 * share, offset: -8 * share });
    });
    expect(said).toEqual([]);
  });

  test("still sees somebody who comes while the light changes", () => {
    const said = watch(100, (index) =>
      picture(index, index < 50 ? {} : { light: 0.65, things: [person((index - 50) * 6)] }),
    );
    expect(said[0]).toMatchObject({ type: "start" });
  });

  test("is not woken when the camera changes to its night picture, and sees by night", () => {
    const said = watch(200, (index) =>
      picture(index, {
        night: index >= 60,
        things: index >= 140 && index < 170 ? [person((index - 140) * 10)] : [],
      }),
    );
    expect(said.map(({ type }) => type)).toEqual(["start", "end"]);
    expect(said[0]?.saidAtMs).toBeGreaterThanOrEqual(140 * PICTURE_MS);
  });

  test.each([
    ["all of it", 400],
    ["half of it", 160],
  ])("is woken when something is put before the lens at once: %s", (_name, size) => {
    const hand = { x: 160, y: 90, size, level: 20 };
    const said = watch(100, (index) => picture(index, { things: index >= 50 ? [hand] : [] }));
    expect(said.map(({ type }) => type)).toEqual(["start", "end"]);
  });

  test("ends the event when what came in stays where it is, and it becomes scenery", () => {
    const parked = { x: 200, y: 120, size: 40, level: 200 };
    const said = watch(300, (index) => {
      const things =
        index < 50 ? [] : index < 60 ? [{ ...parked, x: index * 20 - 1000 }] : [parked];
      return picture(index, { things });
    });
    expect(said.map(({ type }) => type)).toEqual(["start", "end"]);
    expect(said[1]?.saidAtMs).toBeLessThan(80 * PICTURE_MS);
  });

  test("is not woken by many small things that sway to and fro", () => {
    const leaves = Array.from({ length: 120 }, (_, index) => ({
      x: 20 + ((index * 53) % 280),
      y: 20 + ((index * 31) % 140),
    }));
    const said = watch(200, (index) =>
      picture(index, {
        things: leaves.map(({ x, y }, leaf) => {
          const sway = Math.sin(index * 0.9 + leaf) * 3;
          return { x: x + sway, y, size: 4, level: leaf % 2 === 0 ? 40 : 150 };
        }),
      }),
    );
    expect(said).toEqual([]);
  });

  test("ends an open event when no more pictures come", () => {
    const detector = new MotionDetector();
    const said = watch(
      60,
      (index) => picture(index, { things: index < 40 ? [] : [person(index * 5)] }),
      detector,
    );
    expect(said.map(({ type }) => type)).toEqual(["start"]);
    expect(detector.stop()).toEqual({ type: "end", atMs: 59 * PICTURE_MS, left: null });
    expect(detector.stop()).toBeNull();
  });

  test("ends an event although the wall clock was set back meanwhile", () => {
    const said = watch(100, (index) => {
      const frame = picture(index, {
        things: index >= 30 && index < 45 ? [person(index * 6)] : [],
      });
      return index < 50 ? frame : { ...frame, atMs: frame.atMs - 3_600_000 };
    });
    expect(said.map(({ type }) => type)).toEqual(["start", "end"]);
  });

  test("refuses a picture of another size than it says", () => {
    const frame = { ...picture(0), pixels: new Uint8Array(10) };
    expect(() => new MotionDetector().push(frame)).toThrow(RangeError);
  });
});

describe.skipIf(missingCommands("ffmpeg", "bwrap"))("on real streams", () => {
  test("a box that crosses a noisy scene is one event of its length", async () => {
    const graph = [
      "color=gray:s=640x360:r=15:d=16,noise=alls=12:allf=t[wall]",
      "color=white:s=60x120:r=15:d=16[box]",
      "[wall][box]overlay=x='-60+(t-6)*180':y=160:enable='between(t,6,10)'",
    ].join(";");
    const footage = await fragmentsFromFfmpeg(["-f", "lavfi", "-i", graph]);
    const events = await eventsIn(footage);
    expect(events).toHaveLength(1);
    expect(events[0]?.said).toBeGreaterThan(6);
    expect(events[0]?.said).toBeLessThan(7);
    expect(events[0]?.end).toBeLessThan(10.5);
  });

  const watched = new Map<string, { events: FoundEvent[]; lengthSeconds: number }>();
  async function watchFile(file: string) {
    const known = watched.get(file);
    if (known) return known;
    const fragments = await fragmentsFromFfmpeg(["-i", file]);
    const lengthSeconds = (fragments.at(-1)?.decodeTimeMs ?? 0) / 1000;
    const result = { events: await eventsIn(fragments), lengthSeconds };
    watched.set(file, result);
    return result;
  }

  const labelled = labelledFootage();
  if (labelled === null) console.warn("skipped: the labelled footage is not on this machine");
  test.skipIf(labelled === null).each(labelled ?? [])(
    "$name: everything labelled is found, and little else",
    async ({ file, ranges }) => {
      const { events, lengthSeconds } = await watchFile(file);
      const result = score(events, ranges, lengthSeconds);
      expect(result).toMatchObject({ found: ranges.length, falseStarts: 0 });
      expect(result.unlabelledSeconds).toBeLessThan(2);
    },
  );

  test.skipIf(labelled === null)("visitors who come one by one are told apart", async () => {
    const footage = labelled?.find(({ name }) => name.startsWith("one-by-one"));
    if (!footage) throw new Error("the labelled footage has no visitors one by one");
    const { events } = await watchFile(footage.file);
    // Two of the five gaps are as short as the time for which an event stays open.
    const gapsWithout = footage.ranges
      .slice(1)
      .map(([from], index) => [footage.ranges[index]?.[1] ?? 0, from] as const)
      .filter(([left, comes]) => !events.some(({ onset, end }) => onset < left && end > comes));
    expect(gapsWithout.length).toBeGreaterThanOrEqual(3);
  });
});
