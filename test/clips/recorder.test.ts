import { existsSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import {
  CLIP_MAX_MS,
  POST_ROLL_MS,
  SEGMENT_MAX_BYTES,
  SEGMENT_MAX_MS,
  sealedFileName,
} from "../../src/protocol/clip.ts";
import { makeReader, openAge } from "./age-oracle.ts";
import { framesOf, keyringHead, motion, range, reader, startRecorder } from "./test-recorder.ts";
import { framesIn, FRAME_MS, makeInit, START_AT_MS, testStream } from "./test-stream.ts";

test("a clip holds the pre-roll, the event and the post-roll, without a gap", async () => {
  const recording = startRecorder();
  const stream = testStream();
  {
    await using recorder = recording.recorder;
    const preRoll = stream.take(100);
    recorder.startEvent(motion, START_AT_MS + 9_900, preRoll);
    for (const fragment of stream.take(30)) recorder.push(fragment);
    recorder.endEvent(START_AT_MS + 13_000);
    for (const fragment of stream.take(200)) recorder.push(fragment);
    await recorder.settled();
    expect(recorder.clip).toBeNull();
  }
  const [clip] = recording.clips();
  if (clip === undefined) throw new Error("nothing was recorded");
  expect(recording.clips().length).toBe(1);
  expect(clip.started).toMatchObject({
    camera: "front",
    kind: "motion",
    why: motion,
    eventAtMs: START_AT_MS + 9_900,
    startedAtMs: START_AT_MS,
    keyringHead,
    keyringEpoch: 3,
  });
  const lastFrame = 130 + POST_ROLL_MS / FRAME_MS;
  const frames = await framesOf(recording, clip);
  expect(frames.flat().length).toBeGreaterThanOrEqual(lastFrame - 1);
  expect(frames.flat()).toEqual(range(0, frames.flat().length));
  expect(Math.abs(frames.flat().length - lastFrame)).toBeLessThanOrEqual(1);
  expect(clip.endedAtMs).toBe(START_AT_MS + frames.flat().length * FRAME_MS);
  expect(recording.trouble).toEqual([]);
});

test("each segment begins with a key frame at least 4 s after the one before", async () => {
  const recording = startRecorder();
  const stream = testStream({ keyEvery: 15 });
  {
    await using recorder = recording.recorder;
    recorder.startEvent(motion, START_AT_MS, []);
    for (const fragment of stream.take(200)) recorder.push(fragment);
  }
  const [clip] = recording.clips();
  if (clip === undefined) throw new Error("nothing was recorded");
  const starts = (await framesOf(recording, clip)).map((frames) => frames[0]);
  expect(starts).toEqual([0, 45, 90, 135, 180]);
  expect(clip.files.map(({ fromMs }) => fromMs)).toEqual(
    starts.map((frame) => START_AT_MS + (frame ?? 0) * FRAME_MS),
  );
  expect(clip.files.map(({ toMs }) => toMs)).toEqual([
    ...clip.files.slice(1).map(({ fromMs }) => fromMs),
    START_AT_MS + 20_000,
  ]);
});

test("a camera without key frames is cut after 30 s, one with huge frames at 16 MiB", async () => {
  const recording = startRecorder();
  const stream = testStream({ keyEvery: 100_000 });
  const huge = startRecorder();
  const frameBytes = 3 * 1024 * 1024;
  const hugeStream = testStream({ keyEvery: 100_000, frameBytes });
  {
    await using recorder = recording.recorder;
    recorder.startEvent(motion, START_AT_MS, []);
    for (const fragment of stream.take(400)) recorder.push(fragment);
    await using hugeRecorder = huge.recorder;
    hugeRecorder.startEvent(motion, START_AT_MS, []);
    for (let count = 0; count < 12; count++) {
      hugeRecorder.push(hugeStream.next());
      await hugeRecorder.settled();
    }
  }
  const [clip] = recording.clips();
  const [hugeClip] = huge.clips();
  if (clip === undefined || hugeClip === undefined) throw new Error("nothing was recorded");
  const frames = await framesOf(recording, clip);
  expect(frames).toEqual([range(0, SEGMENT_MAX_MS / FRAME_MS), range(300, 400)]);
  expect(hugeClip.files.length).toBe(3);
  for (const { sizeBytes } of hugeClip.files)
    expect(sizeBytes).toBeLessThan(SEGMENT_MAX_BYTES + 16_384);
});

test("sound goes into files of its own, cut with the picture", async () => {
  const recording = startRecorder();
  const stream = testStream();
  {
    await using recorder = recording.recorder;
    recorder.startEvent(motion, START_AT_MS, []);
    for (let count = 0; count < 90; count++) {
      recorder.push(stream.next());
      recorder.push(stream.sound());
    }
  }
  const [clip] = recording.clips();
  if (clip === undefined) throw new Error("nothing was recorded");
  expect(clip.files.map(sealedFileName).toSorted()).toEqual([
    "000.audio.original.age",
    "000.video.original.age",
    "001.audio.original.age",
    "001.video.original.age",
    "002.audio.original.age",
    "002.video.original.age",
  ]);
  const sounds = await framesOf(recording, clip, "sound");
  expect(sounds).toEqual(await framesOf(recording, clip));
});

test("overlapping events share a clip, which ends after the last of them", async () => {
  const recording = startRecorder();
  const stream = testStream();
  {
    await using recorder = recording.recorder;
    recorder.startEvent(motion, START_AT_MS, []);
    for (const fragment of stream.take(20)) recorder.push(fragment);
    recorder.startEvent({ ...motion, kind: "bell" }, START_AT_MS + 2_000, []);
    recorder.endEvent(START_AT_MS + 2_000);
    for (const fragment of stream.take(100)) recorder.push(fragment);
    expect(recorder.clip).not.toBeNull();
    recorder.endEvent(START_AT_MS + 12_000);
    for (const fragment of stream.take(30)) recorder.push(fragment);
    recorder.startEvent(motion, START_AT_MS + 15_000, stream.take(0));
    recorder.endEvent(START_AT_MS + 15_000);
    for (const fragment of stream.take(45)) recorder.push(fragment);
    expect(recorder.clip).not.toBeNull();
    for (const fragment of stream.take(10)) recorder.push(fragment);
    expect(recorder.clip).toBeNull();
  }
  expect(recording.clips().length).toBe(1);
});

test("a long event goes on in a further clip, and no frame is missing or doubled", async () => {
  const recording = startRecorder();
  const stream = testStream();
  const count = (2 * CLIP_MAX_MS) / FRAME_MS + 500;
  {
    await using recorder = recording.recorder;
    recorder.startEvent(motion, START_AT_MS, []);
    for (let done = 0; done < count; done++) {
      recorder.push(stream.next());
      if (done % 200 === 0) await recorder.settled();
    }
  }
  const clips = recording.clips();
  expect(clips.length).toBe(3);
  const frames = [];
  for (const clip of clips) frames.push(...(await framesOf(recording, clip)).flat());
  expect(frames).toEqual(range(0, count));
  expect(clips.map(({ started }) => started.startedAtMs)).toEqual(
    [0, CLIP_MAX_MS, 2 * CLIP_MAX_MS].map((ms) => START_AT_MS + ms),
  );
  expect(clips.map(({ files }) => files[0]?.segment)).toEqual([0, 0, 0]);
});

test("changed parameters and lost frames begin a segment at the next key frame", async () => {
  const recording = startRecorder();
  const stream = testStream();
  {
    await using recorder = recording.recorder;
    recorder.startEvent(motion, START_AT_MS, []);
    for (const fragment of stream.take(20)) recorder.push(fragment);
    stream.init = makeInit();
    for (const fragment of stream.take(15)) recorder.push(fragment);
    stream.lose(2);
    for (const fragment of stream.take(13)) recorder.push(fragment);
  }
  const [clip] = recording.clips();
  if (clip === undefined) throw new Error("nothing was recorded");
  expect(await framesOf(recording, clip)).toEqual([range(0, 20), range(20, 35), range(40, 50)]);
});

test("a wall clock that jumps moves no cut, and no file ends before it begins", async () => {
  const recording = startRecorder();
  const stream = testStream();
  {
    await using recorder = recording.recorder;
    recorder.startEvent(motion, START_AT_MS, []);
    for (const fragment of stream.take(60)) recorder.push(fragment);
    const hour = 3_600_000;
    for (const fragment of stream.take(60))
      recorder.push({ ...fragment, wallClockMs: fragment.wallClockMs - hour });
  }
  const [clip] = recording.clips();
  if (clip === undefined) throw new Error("nothing was recorded");
  expect((await framesOf(recording, clip)).map((frames) => frames[0])).toEqual([0, 40, 80]);
  for (const { fromMs, toMs } of clip.files) expect(toMs).toBeGreaterThanOrEqual(fromMs);
});

test("a camera that drops out has its clip closed, and the event goes on when it is back", async () => {
  const recording = startRecorder({ dropOutMs: 60 });
  const stream = testStream();
  {
    await using recorder = recording.recorder;
    recorder.startEvent(motion, START_AT_MS, []);
    for (const fragment of stream.take(25)) recorder.push(fragment);
    await sleep(150);
    expect(recorder.clip).toBeNull();
    stream.lose(5);
    for (const fragment of stream.take(10)) recorder.push(fragment);
    expect(recorder.clip).not.toBeNull();
  }
  const frames = [];
  for (const clip of recording.clips()) frames.push(await framesOf(recording, clip));
  expect(frames).toEqual([[range(0, 25)], [range(30, 40)]]);
});

test("a camera that sends nothing during an event is reported, and leaves no clip", async () => {
  const recording = startRecorder({ dropOutMs: 30 });
  await using recorder = recording.recorder;
  recorder.startEvent(motion, START_AT_MS, []);
  recorder.endEvent(START_AT_MS);
  await sleep(100);
  expect(recording.trouble.map(({ code }) => code)).toEqual(["RECORDER_NO_FOOTAGE"]);
  expect(recording.clips()).toEqual([]);
});

test("before the claim nothing is recorded, and from the claim on it is", async () => {
  let isClaimed = false;
  const recording = startRecorder({
    readers: () =>
      isClaimed ? { recipients: [reader.recipient], keyringHead, keyringEpoch: 0 } : null,
  });
  const stream = testStream();
  {
    await using recorder = recording.recorder;
    recorder.startEvent(motion, START_AT_MS, stream.take(30));
    await recorder.settled();
    expect(recording.order).toEqual([]);
    expect(existsSync(path.join(recording.clipsDirectory, "2026-11"))).toBe(false);
    isClaimed = true;
    for (const fragment of stream.take(30)) recorder.push(fragment);
  }
  const [clip] = recording.clips();
  if (clip === undefined) throw new Error("nothing was recorded");
  expect((await framesOf(recording, clip)).flat()).toEqual(range(30, 60));
});

test("changed readers take effect with the next clip, never within one", async () => {
  const second = await makeReader("pq");
  let recipients = [reader.recipient];
  const recording = startRecorder({
    readers: () => ({ recipients, keyringHead, keyringEpoch: 0 }),
  });
  const stream = testStream();
  {
    await using recorder = recording.recorder;
    recorder.startEvent(motion, START_AT_MS, stream.take(30));
    recipients = [second.recipient];
    for (const fragment of stream.take(50)) recorder.push(fragment);
    recorder.stop();
    recorder.startEvent(motion, START_AT_MS, stream.take(30));
  }
  const [first, next] = recording.clips();
  if (first === undefined || next === undefined) throw new Error("two clips were expected");
  expect((await framesOf(recording, first)).flat()).toEqual(range(0, 80));
  const [file] = next.files;
  if (file === undefined) throw new Error("no file");
  const sealed = readFileSync(recording.pathOf(next, file));
  await expect(openAge(sealed, reader.identity)).rejects.toThrow();
  expect(framesIn(await openAge(sealed, second.identity))).toEqual(range(80, 110));
});

test("every folder and file of a clip is its user's alone", async () => {
  const recording = startRecorder();
  const stream = testStream();
  {
    await using recorder = recording.recorder;
    recorder.startEvent(motion, START_AT_MS, stream.take(60));
  }
  const [clip] = recording.clips();
  const [file] = clip?.files ?? [];
  if (clip === undefined || file === undefined) throw new Error("nothing was recorded");
  const mode = (name: string): number => statSync(name).mode & 0o777;
  const filePath = recording.pathOf(clip, file);
  expect(mode(filePath)).toBe(0o600);
  expect(mode(path.dirname(filePath))).toBe(0o700);
  expect(mode(path.dirname(path.dirname(filePath)))).toBe(0o700);
});
