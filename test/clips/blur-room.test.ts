import { expect, test } from "vitest";
import { BEGUN_MAX, nextSegment } from "../../src/clips/blur-room.ts";
import { newCopy, newSegment, type CopyState } from "../../src/clips/clip-copy.ts";
import { parseCameraId, parseClipId } from "../../src/protocol/ids.ts";

function copyOf(camera: number, job: number | null): CopyState {
  const copy = newCopy({
    ...{ id: parseClipId("0".repeat(32)), camera: parseCameraId(`camera-${camera}`) },
    ...{ folder: "/nowhere", isOnly: false },
    rules: { cover: "faces", plates: false, mode: "standard" },
  });
  copy.job = job;
  copy.waiting.push(newSegment(0));
  return copy;
}

test("the worker begins with no more clips at once than it can have", () => {
  const begun = Array.from({ length: BEGUN_MAX }, (_, index) => copyOf(index, index + 1));
  const next = copyOf(BEGUN_MAX, null);
  const turn = (): CopyState | null =>
    nextSegment(
      [...begun, next],
      new Map(begun.map(({ camera }, index) => [camera, index + 1])),
      () => true,
      2,
    );
  // It never had a turn, and has none now.
  expect(turn()).toBe(begun[0]);
  for (const copy of begun) copy.waiting.length = 0;
  expect(turn()).toBeNull();
  const [first] = begun;
  if (first) first.hasEnded = true;
  expect(turn()).toBe(next);
});
