import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, expect, test } from "vitest";
import {
  ClipRecorder,
  type ClipRecorderOptions,
  type RecorderTrouble,
} from "../../src/clips/recorder.ts";
import {
  clipFolder,
  CLIP_MAX_MS,
  POST_ROLL_MS,
  SEGMENT_MAX_BYTES,
  SEGMENT_MAX_MS,
  sealedFileName,
  type EventReason,
  type RecorderEvent,
  type SealedFile,
} from "../../src/protocol/clip.ts";
import { parseSha256Hex, type ClipId } from "../../src/protocol/ids.ts";
import { makeReader, openAge } from "./age-oracle.ts";
import { CAMERA, framesIn, FRAME_MS, makeInit, START_AT_MS, testStream } from "./test-stream.ts";

const folder = mkdtempSync(path.join(os.tmpdir(), "doorward-recorder-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const motion: EventReason = { kind: "motion", zone: "door", areaShare: 0.2, score: 0.9 };
const reader = await makeReader("x25519");
const recovery = await makeReader("x25519");
const keyringHead = parseSha256Hex("ab".repeat(32));
let folders = 0;

interface RecordedClip {
  readonly started: RecorderEvent & { readonly type: "clip-started" };
  readonly files: SealedFile[];
  endedAtMs: number | null;
}

function startRecorder(options: Partial<ClipRecorderOptions> = {}) {
  const clipsDirectory = path.join(folder, String(folders++));
  mkdirSync(clipsDirectory, { mode: 0o700 });
  const clips = new Map<ClipId, RecordedClip>();
  const order: string[] = [];
  const trouble: RecorderTrouble[] = [];
  const known = (clip: ClipId): RecordedClip => {
    const recorded = clips.get(clip);
    if (recorded === undefined || recorded.endedAtMs !== null) throw new Error("out of order");
    return recorded;
  };
  const recorder = ClipRecorder.create({
    camera: CAMERA,
    clipsDirectory,
    readers: () => ({
      recipients: [reader.recipient, recovery.recipient],
      keyringHead,
      keyringEpoch: 3,
    }),
    emit: (event) => {
      order.push(event.type);
      switch (event.type) {
        case "clip-started":
          clips.set(event.clip, { started: event, files: [], endedAtMs: null });
          return;
        case "file-closed":
          known(event.clip).files.push(event.file);
          return;
        case "clip-closed":
          known(event.clip).endedAtMs = event.endedAtMs;
      }
    },
    reportTrouble: (each) => trouble.push(each),
    ...options,
  });
  const pathOf = (clip: RecordedClip, file: SealedFile): string =>
    path.join(
      clipsDirectory,
      clipFolder(clip.started.clip, clip.started.startedAtMs),
      sealedFileName(file),
    );
  return { recorder, clips: () => [...clips.values()], order, trouble, clipsDirectory, pathOf };
}

type Recording = ReturnType<typeof startRecorder>;

/** Frame numbers of each file of a clip, opened with the reader's key. */
async function framesOf(recording: Recording, clip: RecordedClip, word = "frame") {
  const track = word === "frame" ? "video" : "audio";
  const frames: number[][] = [];
  for (const file of clip.files.filter((each) => each.track === track)) {
    const opened = await openAge(readFileSync(recording.pathOf(clip, file)), reader.identity);
    expect(Buffer.from(opened.subarray(0, 5)).toString()).toBe("init-");
    frames.push(framesIn(opened, word));
  }
  return frames;
}

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, index) => from + index);

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

test("a disk that cannot keep up costs footage, is reported once, and memory stays bounded", async () => {
  const recording = startRecorder({ queueMaxBytes: 200_000 });
  const stream = testStream({ frameBytes: 10_000 });
  {
    await using recorder = recording.recorder;
    recorder.startEvent(motion, START_AT_MS, []);
    for (const fragment of stream.take(100)) recorder.push(fragment);
    await recorder.settled();
    for (const fragment of stream.take(15)) recorder.push(fragment);
  }
  expect(recording.trouble.map(({ code }) => code)).toEqual(["RECORDER_DISK_SLOW"]);
  const [clip] = recording.clips();
  if (clip === undefined) throw new Error("nothing was recorded");
  const frames = await framesOf(recording, clip);
  expect(frames.length).toBe(2);
  expect(frames[0]?.length).toBeLessThan(20);
  expect(frames[1]).toEqual(range(100, 115));
});

const canMount = spawnSync("unshare", ["-m", "true"]).status === 0;
if (!canMount) console.warn("skipped: the full-disk test needs the right to mount");

test.skipIf(!canMount)(
  "a full disk is reported, leaves what was written as partial, and recording resumes",
  async () => {
    const mounted = path.join(folder, "small");
    mkdirSync(mounted);
    const mount = spawnSync("mount", ["-t", "tmpfs", "-o", "size=400k", "tmpfs", mounted]);
    if (mount.status !== 0) throw new Error(mount.stderr.toString());
    try {
      const recording = startRecorder({ clipsDirectory: mounted });
      const stream = testStream({ frameBytes: 10_000 });
      const filler = path.join(mounted, "filler");
      spawnSync("dd", ["if=/dev/zero", `of=${filler}`, "bs=1k", "count=200"]);
      {
        await using recorder = recording.recorder;
        recorder.startEvent(motion, START_AT_MS, []);
        for (const fragment of stream.take(35)) {
          recorder.push(fragment);
          await recorder.settled();
        }
        rmSync(filler);
        for (const fragment of stream.take(60)) recorder.push(fragment);
      }
      expect(new Set(recording.trouble.map(({ code }) => code))).toEqual(
        new Set(["RECORDER_DISK_FULL"]),
      );
      const [clip] = recording.clips();
      if (clip === undefined) throw new Error("nothing was recorded");
      const [file] = clip.files;
      expect(clip.files.length).toBe(1);
      if (file === undefined) throw new Error("recording did not resume");
      const sealed = readFileSync(
        path.join(
          mounted,
          clipFolder(clip.started.clip, clip.started.startedAtMs),
          sealedFileName(file),
        ),
      );
      const frames = framesIn(await openAge(sealed, reader.identity));
      expect(frames[0]).toBeGreaterThanOrEqual(35);
      expect(frames).toEqual(range(frames[0] ?? 0, 95));
      const partial = path.join(
        mounted,
        clipFolder(clip.started.clip, clip.started.startedAtMs),
        "000.video.original.age.partial",
      );
      expect(statSync(partial).size).toBeGreaterThan(65_536);
    } finally {
      spawnSync("umount", [mounted]);
    }
  },
);
