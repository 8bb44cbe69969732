import { expect, test } from "vitest";
import { CameraObjects } from "../../src/ingest/objects.ts";
import type { EventReason } from "../../src/protocol/clip.ts";
import type { Fragment } from "../../src/protocol/fragment.ts";
import { parseCameraId } from "../../src/protocol/ids.ts";
import type { SeenObjects } from "../../src/vision-process/messages.ts";

const MOVING = { x: 0.4, y: 0.3, width: 0.2, height: 0.5 };
const PERSON = { kind: "person" as const, x: 0.42, y: 0.3, width: 0.15, height: 0.5, score: 0.8 };
const START = {
  type: "start" as const,
  onsetAtMs: 1_000,
  why: { kind: "motion" as const, zone: "whole picture", areaShare: 0.1, score: 0.5 },
};
const init = { width: 64, height: 48, timescale: 90_000, bytes: new Uint8Array(8) };

function unit(index: number): Fragment {
  return {
    ...{ track: "video", keyFrame: index % 10 === 0, wallClockMs: 1_000 + index * 200 },
    ...{ bytes: new Uint8Array(20), init },
  } as unknown as Fragment;
}

function watched() {
  const pushed: number[][] = [];
  const names: string[] = [];
  const reasons: EventReason[] = [];
  let open = 0;
  let sees: (seen: SeenObjects) => void = () => undefined;
  const objects = new CameraObjects({
    camera: parseCameraId("front"),
    vision: {
      look: (_camera, onObjects) => {
        open += 1;
        sees = onObjects;
        return {
          push: ({ fragments }) =>
            void pushed.push(fragments.map(({ wallClockMs }) => wallClockMs)),
          [Symbol.dispose]: () => void (open -= 1),
        };
      },
    },
    zones: () => null,
    moving: () => MOVING,
    name: (why) => {
      names.push(why.kind);
      reasons.push(why);
    },
  });
  const see = (atMs: number): void =>
    sees({ type: "objects", look: 1, atMs, objects: [{ ...PERSON }] });
  return { objects, pushed, names, reasons, see, open: () => open };
}

test("pictures go out from a key frame on while an event goes on, and no other", () => {
  const { objects, pushed, open } = watched();
  for (let index = 0; index < 14; index += 1) objects.push(unit(index));
  expect(pushed).toEqual([]);
  objects.take(START);
  // What has come of the group, and the whole of it when it is over.
  for (let index = 14; index < 22; index += 1) objects.push(unit(index));
  expect(pushed.map((times) => [times[0], times.length])).toEqual([
    [3_000, 4],
    [3_000, 10],
  ]);
  objects.take({ type: "end", atMs: 6_000 });
  for (let index = 22; index < 60; index += 1) objects.push(unit(index));
  expect(pushed).toHaveLength(2);
  expect(open()).toBe(0);
});

test("two pictures of a person name the event, and what comes after its end names nothing", () => {
  const { objects, names, see } = watched();
  objects.push(unit(0));
  objects.take(START);
  see(1_000);
  // The same picture again is no second one.
  see(1_000);
  expect(names).toEqual([]);
  see(1_400);
  expect(names).toEqual(["person"]);
  objects.take({ type: "end", atMs: 3_000, left: { zone: "whole picture", areaShare: 0.01 } });
  expect(names).toEqual(["person", "package"]);
  const late = watched();
  late.objects.push(unit(0));
  late.objects.take(START);
  late.see(1_000);
  late.objects.take({ type: "end", atMs: 3_000, left: null });
  late.see(1_400);
  expect(late.names).toEqual([]);
});

test("the reason stays that of the motion: where a thing was seen and how surely is in none", () => {
  const { objects, reasons, see } = watched();
  objects.push(unit(0));
  objects.take(START);
  see(1_000);
  see(1_400);
  objects.take({ type: "end", atMs: 3_000, left: { zone: "Path", areaShare: 0.01 } });
  expect(reasons).toEqual([
    { ...START.why, kind: "person" },
    { ...START.why, kind: "package", zone: "Path", areaShare: 0.01 },
  ]);
});
