import { expect, test } from "vitest";
import { EventObjects, type SeenThing } from "../../src/vision/objects.ts";
import { zonesOf } from "../../src/vision/zones.ts";

const GRID = { columns: 160, rows: 90 };
const MOVING = { x: 0.4, y: 0.4, width: 0.2, height: 0.4 };
const seen = (kind: SeenThing["kind"], place: Partial<SeenThing> = {}): SeenThing => ({
  kind,
  x: 0.42,
  y: 0.42,
  width: 0.15,
  height: 0.35,
  score: 0.7,
  ...place,
});

function kinds(
  pictures: readonly (readonly SeenThing[])[],
  objects = new EventObjects(null),
): (string | undefined)[] {
  return pictures.map((things) => objects.look(things, MOVING) ?? undefined);
}

test("a person is named in the second picture that shows one, and once", () => {
  expect(kinds([[seen("person")], [], [seen("person")], [seen("person")]])).toEqual([
    ...[undefined, undefined, "person", undefined],
  ]);
});

test("nothing is named that is doubtful, or where nothing moves", () => {
  const doubtful = seen("person", { score: 0.39 });
  const elsewhere = seen("person", { x: 0.8, y: 0.05, width: 0.1, height: 0.2 });
  expect(kinds([[doubtful], [doubtful], [elsewhere], [elsewhere]]).some(Boolean)).toBe(false);
  const objects = new EventObjects(null);
  for (let picture = 0; picture < 4; picture += 1)
    expect(objects.look([seen("person")], null)).toBeNull();
});

test("a parked vehicle that somebody walks past is not what moved; one that arrives is", () => {
  const parked = seen("vehicle", { x: 0.3, width: 0.4 });
  expect(kinds([[parked], [parked], [parked]]).some(Boolean)).toBe(false);
  const arriving = [0.3, 0.34, 0.4].map((x) => [seen("vehicle", { x, width: 0.3 })]);
  expect(kinds(arriving)).toEqual([undefined, "vehicle", undefined]);
});

test("who gets out of a vehicle names the event, and not the other way round", () => {
  const vehicle = [0.3, 0.36].map((x) => [seen("vehicle", { x, width: 0.3 })]);
  const person = [[seen("person")], [seen("person")]];
  expect(kinds([...vehicle, ...person])).toEqual([undefined, "vehicle", undefined, "person"]);
  expect(kinds([...person, ...vehicle])).toEqual([undefined, "person", undefined, undefined]);
});

test("what is seen less clearly takes more pictures", () => {
  const faint = [seen("person", { score: 0.42 })];
  expect(kinds([faint, faint, faint])).toEqual([undefined, undefined, "person"]);
});

test("an animal takes three pictures", () => {
  expect(kinds([[seen("animal")], [seen("animal")], [seen("animal")]])).toEqual([
    ...[undefined, undefined, "animal"],
  ]);
});

test("where there are zones, only what stands in one counts", () => {
  const path = {
    name: "Path",
    points: [
      [0, 0.7],
      [1, 0.7],
      [1, 1],
      [0, 1],
    ] as const,
  };
  const zones = zonesOf([path], GRID);
  expect(
    kinds(
      [[seen("person", { height: 0.2 })], [seen("person", { height: 0.2 })]],
      new EventObjects(zones),
    ).some(Boolean),
  ).toBe(false);
  const inside = new EventObjects(zones);
  inside.look([seen("person")], MOVING);
  expect(inside.look([seen("person", { score: 0.9 })], MOVING)).toBe("person");
});

test("what somebody left is a package; without somebody, or of another size, it is none", () => {
  const left = { zone: "whole picture", areaShare: 0.01 };
  const visited = new EventObjects(null);
  kinds([[seen("person")], [seen("person")]], visited);
  expect(visited.isPackage(left)).toBe(true);
  for (const areaShare of [0.1, 0.001])
    expect(visited.isPackage({ ...left, areaShare })).toBe(false);
  expect(new EventObjects(null).isPackage(left)).toBe(false);
});
