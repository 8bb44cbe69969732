import { expect, test } from "vitest";
import { motionRulesOf } from "../../src/settings/motion.ts";
import { GREY_HEIGHT, GREY_WIDTH, type GreyFrame } from "../../src/vision/grey-frame.ts";
import { MotionDetector, type MotionEvent, type MotionRules } from "../../src/vision/motion.ts";

const PICTURE_MS = 200;

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A tiled yard with repeatable noise, in a light, with dark things in it. */
function picture(
  index: number,
  boxes: readonly Box[] = [],
  light: (x: number, y: number) => number = () => 1,
): GreyFrame {
  let state = index + 1;
  const pixels = new Uint8Array(GREY_WIDTH * GREY_HEIGHT);
  for (let y = 0; y < GREY_HEIGHT; y += 1)
    for (let x = 0; x < GREY_WIDTH; x += 1) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      const tile = (Math.floor(x / 12) + Math.floor(y / 12)) % 2;
      const inside = boxes.some(
        (box) => x >= box.x && y >= box.y && x < box.x + box.width && y < box.y + box.height,
      );
      const level = inside ? 25 : (60 + tile * 25) * light(x, y);
      pixels[y * GREY_WIDTH + x] = Math.min(255, level + (state / 2 ** 32 - 0.5) * 5);
    }
  return { width: GREY_WIDTH, height: GREY_HEIGHT, pixels, atMs: index * PICTURE_MS };
}

function said(
  count: number,
  paint: (index: number) => GreyFrame,
  rules?: MotionRules,
): (MotionEvent & { readonly saidAt: number })[] {
  const detector = new MotionDetector(rules);
  return Array.from({ length: count }, (_, index) => {
    const event = detector.push(paint(index));
    return event ? [{ ...event, saidAt: index }] : [];
  }).flat();
}

const person = (x: number): Box => ({ x, y: 70, width: 22, height: 60 });
const walk = (index: number): Box[] =>
  index >= 40 && index < 70 ? [person((index - 40) * 10)] : [];

test("a light that sweeps over the yard is nothing, and somebody who walks in it is", () => {
  const sweep = (index: number) => (x: number, y: number) => {
    const away = x + y / 2 - ((index - 40) * 30 - 100);
    return 1 + 1.4 * Math.exp(-((away / 50) ** 2));
  };
  expect(said(70, (index) => picture(index, [], sweep(index)))).toEqual([]);
  const found = said(70, (index) => picture(index, walk(index), sweep(index)));
  expect(found[0]).toMatchObject({ type: "start" });
});

test("somebody who stands and sways is one event; something that was parked ends it", () => {
  const visit = (sway: number) => (index: number) => {
    if (index < 40 || index > 160) return picture(index);
    const x = index < 55 ? (index - 40) * 10 : 150 + Math.round(Math.sin(index / 4) * sway);
    return picture(index, [person(index > 150 ? x + (index - 150) * 17 : x)]);
  };
  const standing = said(190, visit(1)).map(({ type, saidAt }) => [type, saidAt]);
  expect(standing.map(([type]) => type)).toEqual(["start", "end"]);
  expect(standing[1]?.[1]).toBeGreaterThan(158);
  // It leaves again: that is an event of its own.
  expect(said(190, visit(0)).map(({ type }) => type)).toEqual(["start", "end", "start", "end"]);
});

const rightHalf = [
  {
    name: "Path",
    points: [
      [0.6, 0],
      [1, 0],
      [1, 1],
      [0.6, 1],
    ] as const,
  },
];

test("outside of every zone nothing counts, and the reason names the zone", () => {
  const left = (index: number) => picture(index, index < 40 ? [] : [person((index % 12) * 8)]);
  expect(said(90, left)[0]).toMatchObject({ type: "start" });
  expect(said(90, left, motionRulesOf({ zones: rightHalf }))).toEqual([]);
  const through = said(
    90,
    (index) => picture(index, walk(index)),
    motionRulesOf({ zones: rightHalf }),
  );
  expect(through[0]).toMatchObject({ type: "start", why: { zone: "Path" } });
  expect(through[0]?.saidAt).toBeGreaterThan(55);
});

test("zones are taken while it looks, and the scenery is not forgotten", () => {
  const detector = new MotionDetector();
  for (let index = 0; index < 40; index += 1) detector.push(picture(index));
  detector.setRules(motionRulesOf({ zones: rightHalf }));
  const events = Array.from({ length: 60 }, (_, step) =>
    detector.push(picture(40 + step, walk(40 + step))),
  ).flatMap((event) => event ?? []);
  expect(events[0]).toMatchObject({ type: "start", why: { zone: "Path" } });
});

test("what is smaller than the smallest size begins nothing; sensitivity says how faint", () => {
  const share = (22 * 60) / (GREY_WIDTH * GREY_HEIGHT);
  const visit = (index: number) => picture(index, walk(index));
  expect(said(90, visit, motionRulesOf({ motion: { smallest: share * 0.5 } }))).not.toEqual([]);
  expect(said(90, visit, motionRulesOf({ motion: { smallest: share * 1.5 } }))).toEqual([]);
  // Somebody who differs by 20 levels from half of what is behind.
  const faint = (index: number) =>
    picture(index, [], (x, y) => {
      const inside = walk(index).some((box) => x >= box.x && x < box.x + 22 && y >= 70 && y < 130);
      return inside ? 0.72 + 0.1 * (Math.floor((x - y) / 3) % 2) : 1;
    });
  const starts = (sensitivity: "low" | "normal" | "high") =>
    said(90, faint, motionRulesOf({ motion: { sensitivity } })).length;
  expect(starts("high")).toBeGreaterThan(0);
  expect(starts("low")).toBe(0);
});
