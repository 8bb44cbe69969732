import { describe, expect, test } from "vitest";
import type { Box, Face } from "../../../src/blur/boxes.ts";
import type { SeenObject } from "../../../src/blur/nanodet.ts";
import { headRegion, Sightings } from "../../../src/vision/blurring/boxes-to-cover.ts";

const SIZE = { width: 1_280, height: 720 };
const FRAME_MS = 66;
const FRAMES = 60;

const face = (x: number, y: number, width = 60, score = 0.95): Face => ({
  ...{ x, y, width, height: width * 1.25, score },
});
const person = (
  ...[x, y, width, height, score = 0.9]: [number, number, number, number, number?]
): SeenObject => ({ kind: "person", x, y, width, height, score });

interface Seen {
  readonly faces: readonly Face[];
  readonly persons: readonly SeenObject[];
}

/** What is covered in the picture of this number, of 60. */
function coveredAt(frame: number, seenAt: (frame: number) => Seen): Box[] {
  const sightings = new Sightings(SIZE);
  for (let at = 0; at < FRAMES; at++) {
    const { faces, persons } = seenAt(at);
    sightings.push(at * FRAME_MS, faces, persons);
  }
  sightings.end();
  const [boxes] = sightings.boxesFor(frame, frame + 1, {
    ...{ cover: "faces", plates: false, mode: "standard" },
  });
  return boxes ?? [];
}

function isUnder(area: Box, boxes: readonly Box[]): boolean {
  return boxes.some(
    ({ x, y, width, height }) =>
      x <= area.x &&
      y <= area.y &&
      x + width >= area.x + area.width &&
      y + height >= area.y + area.height,
  );
}

describe("the head of a person whose face was not found is covered", () => {
  test("behind somebody whose face was found", () => {
    const behind = person(300, 170, 200, 520);
    const seen = { faces: [face(430, 210)], persons: [person(380, 190, 170, 500), behind] };
    expect(
      isUnder(
        headRegion(behind),
        coveredAt(30, () => seen),
      ),
    ).toBe(true);
  });

  test("though the one whose face was found is not seen as a person", () => {
    const behind = person(300, 170, 200, 520);
    const seen = { faces: [face(450, 210)], persons: [behind] };
    expect(
      isUnder(
        headRegion(behind),
        coveredAt(30, () => seen),
      ),
    ).toBe(true);
  });

  test("of an adult behind a child, and as well where both are seen as one", () => {
    const adult = person(400, 100, 200, 560);
    const child = person(450, 330, 110, 330);
    const faces = [face(480, 345, 50)];
    for (const persons of [[adult, child], [adult]])
      expect(
        isUnder(
          headRegion(adult),
          coveredAt(30, () => ({ faces, persons })),
        ),
      ).toBe(true);
  });

  test("behind somebody, though the one behind is found doubtfully", () => {
    const behind = person(300, 170, 200, 520, 0.3);
    const seen = { faces: [face(430, 210)], persons: [person(380, 190, 170, 500), behind] };
    expect(
      isUnder(
        headRegion(behind),
        coveredAt(30, () => seen),
      ),
    ).toBe(true);
  });

  test("of both where nobody can say whose the face is", () => {
    const [one, other] = [person(390, 180, 180, 500), person(400, 190, 180, 500)];
    const seen = { faces: [face(455, 200)], persons: [one, other] };
    for (const head of [headRegion(one), headRegion(other)])
      expect(
        isUnder(
          head,
          coveredAt(30, () => seen),
        ),
      ).toBe(true);
  });

  test("where only the face of somebody who has left is still held", () => {
    const stays = person(380, 190, 170, 500);
    const boxes = coveredAt(35, (frame) => ({
      faces: frame < 30 ? [face(430, 210)] : [],
      persons: [stays],
    }));
    expect(isUnder(headRegion(stays), boxes)).toBe(true);
  });

  test("where something that may be a face is found on the clothes, or faintly", () => {
    const stands = person(380, 190, 170, 500);
    for (const faint of [face(430, 210, 60, 0.4), face(430, 420), face(450, 240, 20)])
      expect(
        isUnder(
          headRegion(stands),
          coveredAt(30, () => ({ faces: [faint], persons: [stands] })),
        ),
      ).toBe(true);
  });
});

describe("no more than the face is covered", () => {
  test("of one person whose face is found for sure, now or before and after", () => {
    const boxes = coveredAt(31, (frame) => ({
      faces: frame % 3 === 0 ? [face(430, 210)] : [],
      persons: [person(380, 190, 170, 500)],
    }));
    expect(Math.max(...boxes.map(({ width }) => width))).toBeLessThan(80);
  });

  test("of one person who is found twice, once doubtfully", () => {
    const boxes = coveredAt(30, () => ({
      faces: [face(430, 210)],
      persons: [person(380, 190, 170, 500), person(400, 195, 140, 200, 0.3)],
    }));
    expect(Math.max(...boxes.map(({ width }) => width))).toBeLessThan(80);
  });

  test("of two persons side by side whose faces are found", () => {
    const boxes = coveredAt(30, () => ({
      faces: [face(235, 210), face(535, 230)],
      persons: [person(180, 190, 170, 500), person(480, 200, 170, 500)],
    }));
    expect(Math.max(...boxes.map(({ width }) => width))).toBeLessThan(80);
    expect(boxes).toHaveLength(2);
  });
});
