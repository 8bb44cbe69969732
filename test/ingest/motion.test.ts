import { expect, test } from "vitest";
import { FragmentRing } from "../../src/camera/ring.ts";
import { CameraMotion, type Watch } from "../../src/ingest/motion.ts";
import { CameraRings } from "../../src/ingest/rings.ts";
import type { Fragment } from "../../src/protocol/fragment.ts";
import { parseCameraId } from "../../src/protocol/ids.ts";
import type { Polygon } from "../../src/protocol/picture-areas.ts";
import type { CameraSettings } from "../../src/settings/cameras.ts";
import type { MotionEvent, MotionRules } from "../../src/vision/motion.ts";
import { startRecorder } from "../clips/test-recorder.ts";
import { testStream } from "../clips/test-stream.ts";

const STREET: Polygon = [
  [0, 0],
  [1, 0],
  [1, 0.4],
  [0, 0.4],
];
const FRONT: CameraSettings = {
  ...{ id: "front", name: "Front", source: "rtsp", main: "rtsp://192.0.2.1/", sub: null },
  ...{ audio: false, faces: "keep", allowBasic: false, username: null, password: null },
};
const START: MotionEvent = {
  type: "start",
  onsetAtMs: 900,
  why: { kind: "motion", zone: "whole picture", areaShare: 0.1, score: 0.5 },
};

function fragmentAt(wallClockMs: number): Fragment {
  return {
    ...{ track: "video", wallClockMs, decodeTimeMs: wallClockMs, durationMs: 66 },
    ...{ keyFrame: true, bytes: new Uint8Array(4) },
    init: {
      codec: "avc1.42e01e",
      width: 64,
      height: 48,
      timescale: 90_000,
      bytes: new Uint8Array(4),
    },
  } as unknown as Fragment;
}

interface Watched extends Watch {
  readonly settings: CameraSettings;
  readonly sees: (event: MotionEvent) => void;
  pushed: number;
  readonly rules: MotionRules[];
  isClosed: boolean;
}

/** A real recorder's calls are noted, and each watch that is opened says what it is told to. */
function watched(settings: CameraSettings, isStopping = (): boolean => false) {
  const watches: Watched[] = [];
  const recorded: string[] = [];
  const motion = CameraMotion.open({
    ...{ camera: parseCameraId("front"), settings, isStopping },
    ring: { since: () => [] },
    vision: null,
    recorder: {
      startEvent: (_why, atMs) => void recorded.push(`start ${atMs}`),
      endEvent: (atMs) => void recorded.push(`end ${atMs}`),
      name: ({ kind }) => void recorded.push(kind),
    },
    watch: (of, sees) => {
      const watch: Watched = {
        ...{ settings: of, sees, pushed: 0, isClosed: false },
        ...{ moving: null, rules: [] },
        setRules: (rules) => void watch.rules.push(rules),
        push: () => void (watch.pushed += 1),
        [Symbol.asyncDispose]: async () => void (watch.isClosed = true),
      };
      watches.push(watch);
      return watch;
    },
  });
  return { motion, watches, recorded };
}

test("an armed camera records what moves", async () => {
  const { motion, watches, recorded } = watched(FRONT);
  motion.push(fragmentAt(1_000));
  expect(watches.map(({ pushed }) => pushed)).toEqual([1]);
  watches[0]?.sees(START);
  watches[0]?.sees({ type: "end", atMs: 1_500 });
  expect(recorded).toEqual(["start 900", "end 1500"]);
  await motion[Symbol.asyncDispose]();
  expect(watches[0]?.isClosed).toBe(true);
});

test("above its budget of public space nobody looks, and nothing is recorded", async () => {
  const { motion, watches, recorded } = watched({ ...FRONT, public: [STREET] });
  motion.push(fragmentAt(1_000));
  expect(watches).toEqual([]);
  // Masked, it is within the budget.
  motion.configure({ ...FRONT, public: [STREET], masks: [STREET] });
  motion.push(fragmentAt(1_066));
  expect(watches.map(({ pushed }) => pushed)).toEqual([1]);
  watches[0]?.sees(START);
  motion.push(fragmentAt(1_400));
  // What is being recorded ends with the last picture, and a late word of the old watch is none.
  motion.configure({ ...FRONT, public: [STREET] });
  expect(recorded).toEqual(["start 900", "end 1400"]);
  watches[0]?.sees(START);
  expect(recorded).toEqual(["start 900", "end 1400"]);
  motion.configure({ ...FRONT, public: [STREET], publicBudget: 0.45 });
  watches[1]?.sees(START);
  expect(recorded).toEqual(["start 900", "end 1400", "start 900"]);
  await motion[Symbol.asyncDispose]();
  expect(watches.every(({ isClosed }) => isClosed)).toBe(true);
});

test.each([
  { where: "above its budget", areas: { public: [STREET] }, records: ["bell"] },
  { where: "within it", areas: { public: [STREET], masks: [STREET] }, records: ["motion"] },
])("$where $records is recorded of what moves and who presses", async ({ areas, records }) => {
  const recording = startRecorder();
  const ring = new FragmentRing();
  const pictures = testStream().take(40);
  {
    await using recorder = recording.recorder;
    using rings = new CameraRings(recorder, ring);
    await using motion = CameraMotion.open({
      ...{ camera: parseCameraId("front"), settings: { ...FRONT, ...areas }, ring, recorder },
      ...{ vision: null, isStopping: () => false },
      watch: (_settings, sees) => ({
        ...{ moving: null, setRules: () => undefined, push: () => sees(START) },
        [Symbol.asyncDispose]: async () => undefined,
      }),
    });
    for (const [index, picture] of pictures.entries()) {
      for (const each of [ring, rings, recorder]) each.push(picture);
      // Something moves from its third second on, without an end.
      if (index === 30) motion.push(picture);
    }
    expect(recorder.isRecording).toBe(records[0] === "motion");
    if (records[0] === "bell") expect(rings.press(0)).toBe("recording");
  }
  expect(recording.clips().map(({ started }) => started.kind)).toEqual(records);
  expect(recording.clips()[0]?.files).toHaveLength(1);
});

test("new zones are taken with the next picture, and a new name changes nothing", async () => {
  const { motion, watches } = watched(FRONT);
  motion.configure({ ...FRONT, name: "Door" });
  expect(watches).toHaveLength(1);
  const zones = [{ name: "Path", points: STREET }];
  motion.configure({ ...FRONT, zones });
  motion.push(fragmentAt(1_000));
  // The scenery that was learned stays, and so does the connection.
  expect(watches.map(({ pushed, isClosed }) => [pushed, isClosed])).toEqual([[1, false]]);
  expect(watches[0]?.rules.at(-1)?.zones?.names).toEqual(["Path"]);
  await motion[Symbol.asyncDispose]();
});

test("a recording that is being closed is not begun anew", async () => {
  let isStopping = false;
  const { motion, watches, recorded } = watched(FRONT, () => isStopping);
  watches[0]?.sees(START);
  isStopping = true;
  watches[0]?.sees({ type: "end", atMs: 1 });
  await motion[Symbol.asyncDispose]();
  expect(recorded).toEqual(["start 900"]);
});
