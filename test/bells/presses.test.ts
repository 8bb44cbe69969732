import fc from "fast-check";
import { expect, test } from "vitest";
import { Presses, RING_LATEST_MS, SAME_PRESS_MS, type PressFate } from "../../src/bells/presses.ts";
import type { ToIngest } from "../../src/ingest/messages.ts";
import { BELL_EVENT_MS } from "../../src/ingest/rings.ts";
import { parseCameraId } from "../../src/protocol/ids.ts";

const front = parseCameraId("front");
const back = parseCameraId("back");

function start() {
  const time = { nowMs: 0 };
  const told: ToIngest[] = [];
  const fates: PressFate[] = [];
  const presses = new Presses({
    nowMs: () => 1_000_000 + time.nowMs,
    monotonicMs: () => time.nowMs,
    tellIngest: (message) => told.push(message),
    onFate: (_camera, fate) => fates.push(fate),
  });
  return { time, told, fates, presses };
}

test("several rules that hear one press are one ring, and cameras are told apart", () => {
  const { time, told, presses } = start();
  expect(presses.press(front, "onvif")).toMatchObject({ camera: "front", via: "onvif" });
  time.nowMs += 400;
  expect(presses.press(front, "dahua")).toBeNull();
  expect(presses.press(back, "mqtt")).not.toBeNull();
  time.nowMs += SAME_PRESS_MS - 401;
  expect(presses.press(front, "onvif")).toBeNull();
  time.nowMs += 1;
  expect(presses.press(front, "onvif")).not.toBeNull();
  expect(told.length).toBe(3);
});

test("whatever comes, two rings of a camera are never closer than one press lasts", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(5_000), { maxLength: 60 }), (pauses) => {
      const { time, presses } = start();
      const rungAt: number[] = [];
      for (const pauseMs of pauses) {
        time.nowMs += pauseMs;
        const isFree = time.nowMs - (rungAt.at(-1) ?? -SAME_PRESS_MS) >= SAME_PRESS_MS;
        expect(presses.press(front, "onvif") !== null).toBe(isFree);
        if (isFree) rungAt.push(time.nowMs);
      }
    }),
  );
});

test("a storm is one ring, and what waits for the recorder stays bounded", () => {
  const { time, told, presses } = start();
  for (let count = 0; count < 30_000; count += 1) {
    time.nowMs += 0.1;
    presses.press(front, "onvif");
  }
  expect(told.length).toBe(1);
  for (let count = 0; count < 1_000; count += 1) {
    time.nowMs += SAME_PRESS_MS;
    presses.press(front, "onvif");
  }
  expect(presses.unsettled().length).toBeLessThanOrEqual(RING_LATEST_MS / SAME_PRESS_MS);
});

test("a press is handed to the next recorder until one has taken it, or it is too late", () => {
  const { time, fates, presses } = start();
  presses.press(front, "webhook");
  expect(presses.last(front)?.fate).toBe("waiting");
  time.nowMs += 5_000;
  expect(presses.unsettled()).toEqual([{ type: "ring", camera: "front", ring: 1, agoMs: 5_000 }]);
  time.nowMs = RING_LATEST_MS;
  expect(presses.unsettled()).toEqual([]);
  expect(fates).toEqual(["too-late"]);
  expect(presses.last(front)?.fate).toBe("too-late");
});

test("a press that was being recorded when its recorder died goes on in the next", () => {
  const { time, presses } = start();
  presses.press(front, "onvif");
  presses.settle({ type: "rang", camera: "front", ring: 1, outcome: "recording" });
  expect(presses.last(front)?.fate).toBe("recording");
  time.nowMs += BELL_EVENT_MS - 1;
  expect(presses.unsettled().length).toBe(1);
  time.nowMs += 1;
  expect(presses.unsettled()).toEqual([]);
  expect(presses.last(front)?.fate).toBe("recording");
  // What nobody asked is no answer.
  presses.settle({ type: "rang", camera: "front", ring: 99, outcome: "no-camera" });
  expect(presses.last(front)?.fate).toBe("recording");
});
