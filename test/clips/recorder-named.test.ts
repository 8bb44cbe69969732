import { expect, test } from "vitest";
import { readRecorderEvent } from "../../src/clips/recorder-event.ts";
import type { EventKind } from "../../src/protocol/ids.ts";
import { motion, startRecorder } from "./test-recorder.ts";
import { START_AT_MS, testStream } from "./test-stream.ts";

const why = (kind: EventKind) => ({ kind, zone: "Path", areaShare: 0.02, score: 0.9 });

async function namesOf(kinds: readonly EventKind[], withBell = false): Promise<string[]> {
  const recording = startRecorder();
  const stream = testStream();
  {
    await using recorder = recording.recorder;
    recorder.startEvent(motion, START_AT_MS, stream.take(10));
    for (const fragment of stream.take(20)) recorder.push(fragment);
    if (withBell) recorder.ring(START_AT_MS + 1_000, [], true);
    for (const kind of kinds) recorder.name(why(kind));
    await recorder.settled();
  }
  return recording.named;
}

test("what was seen names the recording, and what says less takes nothing back", async () => {
  expect(await namesOf(["vehicle", "person", "animal", "vehicle", "package"])).toEqual([
    "vehicle",
    "person",
    // Somebody was here, and something stayed.
    "package",
  ]);
});

test("the recording of a bell stays one", async () => {
  expect(await namesOf(["person"], true)).toEqual([]);
});

test("a name that names nothing is refused, and so is one that would be a bell", () => {
  const event = { type: "clip-named", clip: "0".repeat(32) };
  expect(readRecorderEvent({ ...event, why: why("person") })).toMatchObject(event);
  for (const kind of ["bell", "motion"] as const)
    expect(() => readRecorderEvent({ ...event, why: why(kind) })).toThrow("names nothing");
});
