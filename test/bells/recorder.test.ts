import { expect, test } from "vitest";
import { motion, startRecorder } from "../clips/test-recorder.ts";
import { START_AT_MS, testStream } from "../clips/test-stream.ts";

test("a press begins an event of its own, with what was seen before it", async () => {
  const recording = startRecorder();
  const stream = testStream();
  {
    await using recorder = recording.recorder;
    const preRoll = stream.take(100);
    recorder.ring(START_AT_MS + 9_900, preRoll, true);
    for (const fragment of stream.take(30)) recorder.push(fragment);
    recorder.endEvent(START_AT_MS + 13_000);
    for (const fragment of stream.take(100)) recorder.push(fragment);
  }
  const [clip] = recording.clips();
  expect(clip?.started).toMatchObject({
    kind: "bell",
    startedAtMs: START_AT_MS,
    eventAtMs: START_AT_MS + 9_900,
  });
  expect(recording.order).not.toContain("clip-rang");
});

test("what is being recorded becomes the recording of a bell, and goes on as one", async () => {
  const recording = startRecorder();
  const stream = testStream();
  {
    await using recorder = recording.recorder;
    recorder.startEvent(motion, START_AT_MS, stream.take(20));
    recorder.ring(START_AT_MS + 2_000, [], true);
    // Rings again while it is one already.
    recorder.ring(START_AT_MS + 6_000, [], false);
    recorder.endEvent(START_AT_MS + 3_000);
    // The motion is over, the bell's event is not: it is still recorded, over the length of a clip.
    for (const fragment of stream.take(3_200)) recorder.push(fragment);
    expect(recorder.clip).not.toBeNull();
  }
  expect(recording.order.filter((type) => type === "clip-rang").length).toBe(1);
  const kinds = recording.clips().map(({ started }) => started.kind);
  expect(kinds).toEqual(["motion", "bell"]);
});

test("where a press ends without pictures, the motion before it is recorded when they are back", async () => {
  const recording = startRecorder();
  const stream = testStream();
  {
    await using recorder = recording.recorder;
    recorder.startEvent(motion, START_AT_MS, stream.take(20));
    recorder.ring(START_AT_MS + 2_000, [], true);
    for (const fragment of stream.take(10)) recorder.push(fragment);
    recorder.endRing(null);
    expect(recorder.isRecording).toBe(true);
    for (const fragment of stream.take(100)) recorder.push(fragment);
    expect(recorder.clip).not.toBeNull();
  }
  expect(recording.clips()[0]?.endedAtMs).toBe(START_AT_MS + 13_000);
});

test("a press without pictures and without anything beside it ends with it", async () => {
  const recording = startRecorder();
  {
    await using recorder = recording.recorder;
    recorder.ring(START_AT_MS, [], true);
    recorder.endRing(null);
    expect(recorder.isRecording).toBe(false);
    for (const fragment of testStream().take(20)) recorder.push(fragment);
  }
  expect(recording.clips()).toEqual([]);
});

test.each(["before", "after"])(
  "a motion that began %s a press and goes on for long is one again in the next clip",
  async (when) => {
    const recording = startRecorder();
    const stream = testStream();
    {
      await using recorder = recording.recorder;
      if (when === "before") recorder.startEvent(motion, START_AT_MS, stream.take(20));
      recorder.ring(START_AT_MS + 2_000, stream.take(10), true);
      if (when === "after") recorder.startEvent(motion, START_AT_MS, []);
      for (const fragment of stream.take(200)) recorder.push(fragment);
      recorder.endRing(START_AT_MS + 22_000);
      for (const fragment of stream.take(6_000)) recorder.push(fragment);
    }
    const kinds = recording.clips().map(({ started }) => started.kind);
    expect(kinds).toEqual([when === "before" ? "motion" : "bell", "motion", "motion"]);
    expect(recording.order.filter((type) => type === "clip-rang").length).toBe(
      when === "before" ? 1 : 0,
    );
  },
);
