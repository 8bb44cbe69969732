import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import type { ClipRecorder } from "../../src/clips/recorder.ts";
import type { ClipId } from "../../src/protocol/ids.ts";
import {
  blurred,
  camera,
  copyGround,
  originals,
  recovery,
  type CopyGround,
} from "./test-copies.ts";
import { motion } from "./test-recorder.ts";
import { framesIn, START_AT_MS, testStream, type TestStream } from "./test-stream.ts";

const video = (segment: number, rendition: "original" | "blurred") =>
  ({ segment, track: "video", rendition }) as const;

/** So many seconds, cut every four. */
function record(recorder: ClipRecorder, stream: TestStream, seconds: number): void {
  for (const fragment of stream.take(seconds * 10)) recorder.push(fragment);
}

function begin(ground: CopyGround, name: string, seconds: number, frameBytes = 200) {
  const recorder = ground.recorder(name);
  const stream = testStream({ frameBytes });
  recorder.startEvent(motion, START_AT_MS, []);
  record(recorder, stream, seconds);
  return { recorder, stream };
}

async function answerAll(ground: CopyGround): Promise<void> {
  for (;;) {
    await ground.settled();
    if (ground.worker.pushed.length === 0) return;
    ground.worker.answer();
  }
}

function clipOf(ground: CopyGround): ClipId {
  const [started] = ground.said("clip-started");
  if (!started) throw new Error("nothing was recorded");
  return started.clip;
}

test("each segment is handed over, and its copy is sealed to three readers", async () => {
  await using ground = copyGround();
  const { recorder } = begin(ground, "front", 11);
  recorder.stop();
  await answerAll(ground);
  const clip = clipOf(ground);
  const files = ground.said("copy-file").map(({ file }) => file);
  const recorded = ground.said("file-closed").map(({ file }) => file);
  expect(files.map(({ segment }) => segment)).toEqual([0, 1, 2]);
  for (const [index, file] of files.entries()) {
    const original = recorded[index];
    expect(file).toMatchObject({
      ...{ track: "video", rendition: "blurred", pixelated: "faces" },
      ...{ derivedFrom: original?.payloadSha256, fromMs: original?.fromMs, toMs: original?.toMs },
    });
  }
  for (const reader of [originals, blurred, recovery])
    expect(await ground.open(clip, video(1, "blurred"), reader.identity)).toMatch(
      /^init-covered:covered-0;.*covered-39;$/,
    );
  await expect(ground.open(clip, video(1, "original"), blurred.identity)).rejects.toThrow();
  expect(ground.events.slice(-1)).toEqual([{ type: "blur-closed", clip, reason: null }]);
  expect(ground.queue.backlog()).toMatchObject({ bytes: 0, footageMs: 0, done: 3, leftOut: 0 });
  expect(ground.worker.ended).toEqual([1]);
});

test("the worker gets what was recorded, and two segments of a clip at most", async () => {
  await using ground = copyGround();
  const { recorder } = begin(ground, "front", 17);
  await ground.settled();
  const { worker } = ground;
  expect(worker.begun).toEqual([
    { job: 1, camera: "front", rules: { cover: "faces", plates: false, mode: "standard" } },
  ]);
  expect(worker.pushed.map(({ footage }) => footage.segment)).toEqual([0, 1]);
  const [first] = worker.pushed;
  const bytes = Buffer.concat((first?.footage.fragments ?? []).map((each) => each.bytes));
  expect(framesIn(bytes)).toEqual(Array.from({ length: 40 }, (_, index) => index));
  worker.answer();
  await ground.settled();
  expect(worker.pushed.map(({ footage }) => footage.segment)).toEqual([1, 2]);
  recorder.stop();
  await answerAll(ground);
});

test("the cameras take turns, each with its oldest work", async () => {
  await using ground = copyGround();
  ground.worker.isReady = false;
  const busy = begin(ground, "front", 41);
  await ground.settled();
  const other = begin(ground, "yard", 9);
  await ground.settled();
  ground.worker.isReady = true;
  ground.worker.events.onReady();
  const turns = (): string[] =>
    ground.worker.pushed.map(
      ({ job, footage }) =>
        `${ground.worker.begun.find((one) => one.job === job)?.camera} ${footage.segment}`,
    );
  expect(turns()).toEqual(["front 0", "yard 0", "front 1", "yard 1"]);
  for (const { recorder } of [busy, other]) recorder.stop();
  await answerAll(ground);
});

test("what does not fit is left out, from whoever has most, and that is said", async () => {
  await using ground = copyGround({ bytesMax: () => 1_000_000 });
  ground.worker.isReady = false;
  const busy = begin(ground, "front", 30, 5_000);
  await ground.settled();
  expect(ground.queue.backlog().bytes).toBeLessThanOrEqual(1_000_000);
  expect(ground.queue.backlog().leftOut).toBeGreaterThan(0);
  const other = begin(ground, "yard", 9, 5_000);
  await ground.settled();
  expect(ground.queue.backlog().bytes).toBeLessThanOrEqual(1_000_000);
  ground.worker.isReady = true;
  for (const { recorder } of [busy, other]) recorder.stop();
  await ground.settled();
  ground.worker.events.onReady();
  await answerAll(ground);
  const closed = ground.said("blur-closed");
  const [front, yard] = ground.said("clip-started").map(({ clip }) => clip);
  expect(closed.find(({ clip }) => clip === front)?.reason).toBe("queue-full");
  const done = (clip: ClipId | undefined): (number | null)[] =>
    ground.said("copy-file").flatMap((event) => (event.clip === clip ? [event.file.segment] : []));
  // The oldest stays: it is next.
  expect(done(front)[0]).toBe(0);
  expect(done(yard)).toEqual([0, 1, 2]);
  expect(ground.said("clip-closed").length).toBe(2);
});

test("what is too old is let go, and its worker with it", async () => {
  await using ground = copyGround({ ageMaxMs: 60_000 });
  const { recorder } = begin(ground, "front", 21);
  await ground.settled();
  expect(ground.worker.pushed.length).toBe(2);
  ground.now.ms = 61_000;
  ground.queue.look();
  expect(ground.worker.killed).toEqual(["too-old"]);
  expect(ground.queue.backlog()).toMatchObject({ bytes: 0, oldestMs: 0 });
  ground.worker.die("too-old");
  recorder.stop();
  await answerAll(ground);
  expect(ground.said("copy-file")).toEqual([]);
  expect(ground.said("blur-closed")[0]?.reason).toBe("too-old");
});

test("what a worker dies of takes nothing else with it", async () => {
  await using ground = copyGround();
  const bad = begin(ground, "front", 9);
  const good = begin(ground, "yard", 9);
  for (const { recorder } of [bad, good]) recorder.stop();
  await ground.settled();
  const deadly = (): boolean =>
    ground.worker.pushed.some(
      ({ job }) => ground.worker.begun.find((one) => one.job === job)?.camera === "front",
    );
  for (let turns = 0; ground.worker.pushed.length > 0; turns++) {
    expect(turns).toBeLessThan(20);
    if (deadly()) ground.worker.die();
    else ground.worker.answer();
    await ground.settled();
  }
  const [front, yard] = ground.said("clip-started").map(({ clip }) => clip);
  const closed = ground.said("blur-closed");
  expect(closed.find(({ clip }) => clip === front)?.reason).toBe("vision-ended");
  expect(closed.find(({ clip }) => clip === yard)?.reason).toBe(null);
  expect(ground.said("copy-file").map(({ clip }) => clip)).toEqual([yard, yard, yard]);
});

test("after the worker died each segment is tried alone, and waits for no other", async () => {
  await using ground = copyGround();
  // Both go on: nothing more comes of them for now.
  begin(ground, "front", 9);
  begin(ground, "yard", 9);
  await ground.settled();
  const { worker } = ground;
  expect(worker.pushed.length).toBe(4);
  worker.die();
  for (let left = 4; left > 0; left--) {
    expect(worker.pushed.length).toBe(1);
    // Its answer would wait for what follows, or for the end.
    expect(worker.ended).toContain(worker.pushed[0]?.job);
    worker.answer();
    await ground.settled();
  }
  expect(ground.said("copy-file").map(({ file }) => file.segment)).toEqual([0, 1, 0, 1]);
  expect(new Set(worker.begun.slice(2).map(({ job }) => job)).size).toBe(4);
});

test("what comes back when nobody could open it is wiped, and that is said", async () => {
  await using ground = copyGround({ readers: () => null });
  const { recorder } = begin(ground, "front", 3);
  recorder.stop();
  await ground.settled();
  const [pushed] = ground.worker.pushed;
  if (!pushed) throw new Error("nothing was handed over");
  const { segment, fragments, init } = pushed.footage;
  const covered = Buffer.from("covered");
  ground.worker.events.onSegment(pushed.job, {
    ...{ segment, outcome: "blurred", reason: null, init },
    ...{ frames: fragments.length, framesLooked: fragments.length },
    fragments: fragments.map((fragment) => ({ ...fragment, bytes: covered })),
  });
  await ground.settled();
  expect(ground.said("copy-file")).toEqual([]);
  expect(covered.every((byte) => byte === 0)).toBe(true);
  expect(ground.troubles.map(({ message }) => message)).toEqual([
    "Cannot record the blurred copy of front: nobody is there who could open it",
  ]);
});

test("a segment that is handed over says how long it has been in memory", async () => {
  await using ground = copyGround();
  ground.worker.isReady = false;
  begin(ground, "front", 5);
  await ground.settled();
  ground.now.ms = 42_000;
  ground.worker.isReady = true;
  ground.worker.events.onReady();
  expect(ground.worker.pushed[0]?.footage.ageMs).toBe(42_000);
});

test("a segment that is absent, or pixelated whole, is said to be", async () => {
  await using ground = copyGround();
  const { recorder } = begin(ground, "front", 9);
  recorder.stop();
  await ground.settled();
  ground.worker.answer("whole", "detector-failed");
  await ground.settled();
  ground.worker.answer("absent", "decoder-failed");
  await answerAll(ground);
  expect(ground.said("copy-file").map(({ file }) => file.pixelated)).toEqual(["whole", "faces"]);
  expect(ground.said("blur-closed")[0]?.reason).toBe("decoder-failed");
});

test("posters are sealed in each rendition to those who may see it, and only of what was shown", async () => {
  await using ground = copyGround();
  const { recorder } = begin(ground, "front", 9);
  recorder.stop();
  await ground.settled();
  const { worker } = ground;
  const poster = () => ({ atMs: START_AT_MS + 1_000.4, jpeg: Buffer.from("a still") });
  worker.events.onPoster(1, { ...poster(), rendition: "original", pixelated: null });
  worker.events.onPoster(1, { ...poster(), rendition: "original", pixelated: null });
  worker.events.onPoster(1, { ...poster(), rendition: "blurred", pixelated: "faces", atMs: 5 });
  worker.events.onPoster(1, { ...poster(), rendition: "blurred", pixelated: "faces" });
  worker.events.onPoster(77, { ...poster(), rendition: "blurred", pixelated: "faces" });
  await answerAll(ground);
  const clip = clipOf(ground);
  const still = ground.said("copy-file").filter(({ file }) => file.track === "poster");
  const [first] = ground.said("file-closed");
  const at = { fromMs: START_AT_MS + 1_000, toMs: START_AT_MS + 1_000 };
  expect(still.map(({ file }) => file)).toMatchObject([
    { rendition: "original", derivedFrom: first?.file.payloadSha256, ...at },
    { rendition: "blurred", derivedFrom: first?.file.payloadSha256, pixelated: "faces", ...at },
  ]);
  const key = { segment: null, track: "poster" } as const;
  expect(await ground.open(clip, { ...key, rendition: "blurred" }, blurred.identity)).toBe(
    "a still",
  );
  const clear = { ...key, rendition: "original" } as const;
  expect(await ground.open(clip, clear, originals.identity)).toBe("a still");
  await expect(ground.open(clip, clear, blurred.identity)).rejects.toThrow();
});

test("a camera that is switched off leaves nothing behind that waits", async () => {
  await using ground = copyGround();
  const { recorder } = begin(ground, "front", 17);
  await ground.settled();
  ground.queue.drop(camera("front"), "switched-off");
  recorder.stop();
  expect(ground.queue.backlog().bytes).toBe(0);
  expect(ground.worker.dropped).toEqual([1]);
  // An answer that was on its way is nobody's.
  ground.worker.answer();
  await ground.settled();
  expect(ground.said("blur-closed")[0]?.reason).toBe("switched-off");
  expect(ground.said("copy-file")).toEqual([]);
  // What is recorded afterwards is a clip of its own.
  begin(ground, "front", 5).recorder.stop();
  await answerAll(ground);
  expect(ground.said("blur-closed")[1]?.reason).toBe(null);
});

/** Every byte below a folder. */
function everythingIn(folder: string): string {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(path.join(entry.parentPath, entry.name), "latin1"))
    .join("");
}

test("blur-only records nothing but what was covered, and its clip ends with the last of it", async () => {
  await using ground = copyGround();
  ground.now.faces = "blur-only";
  const recorder = ground.recorder("front");
  const stream = testStream();
  recorder.startEvent(motion, START_AT_MS, []);
  for (let count = 0; count < 90; count++) {
    recorder.push(stream.next());
    recorder.push(stream.sound());
  }
  recorder.stop();
  await ground.settled();
  expect(ground.said("clip-closed")).toEqual([]);
  await answerAll(ground);
  const clip = clipOf(ground);
  const files = ground.said("file-closed").map(({ file }) => file);
  expect(files.filter(({ track }) => track === "video")).toMatchObject([
    { segment: 0, rendition: "blurred", fromMs: START_AT_MS, toMs: START_AT_MS + 4_000 },
    { segment: 1, rendition: "blurred", fromMs: START_AT_MS + 4_000 },
    { segment: 2, rendition: "blurred" },
  ]);
  expect(files.filter(({ track }) => track === "audio").map(({ segment }) => segment)).toEqual([
    0, 1, 2,
  ]);
  expect(existsSync(ground.pathOf(clip, video(0, "original")))).toBe(false);
  expect(await ground.open(clip, video(0, "blurred"), blurred.identity)).toMatch(/^init-covered:/);
  expect(ground.events.slice(-2).map(({ type }) => type)).toEqual(["blur-closed", "clip-closed"]);
  expect(everythingIn(ground.clipsDirectory)).not.toMatch(/frame-[0-9]/);
  for (const file of files) {
    const opened = await ground.open(clip, file, originals.identity);
    expect(opened).toMatch(file.track === "audio" ? /sound-[0-9]/ : /covered-[0-9]/);
    expect(opened).not.toMatch(/frame-[0-9]/);
  }
});

test("blur-only loses what does not fit, and says so", async () => {
  await using ground = copyGround({ bytesMax: () => 400_000 });
  ground.now.faces = "blur-only";
  ground.worker.isReady = false;
  const { recorder } = begin(ground, "front", 30, 5_000);
  recorder.stop();
  await ground.settled();
  ground.worker.isReady = true;
  ground.worker.events.onReady();
  await answerAll(ground);
  expect(ground.troubles[0]).toMatchObject({ code: "RECORDER_BLUR_LOST", camera: "front" });
  expect(ground.said("blur-closed")[0]?.reason).toBe("queue-full");
  expect(ground.said("clip-closed").length).toBe(1);
});

test.each([
  ["stopped", 1],
  ["camera-ended", 1],
  ["switched-off", 0],
] as const)(
  "blur-only says of what waits that it is gone with the reason %s: %i times",
  async (reason, told) => {
    await using ground = copyGround();
    ground.now.faces = "blur-only";
    ground.worker.isReady = false;
    const { recorder } = begin(ground, "front", 5);
    recorder.stop();
    ground.queue.drop(reason === "stopped" ? null : camera("front"), reason);
    await ground.settled();
    const lost = ground.troubles.filter(({ code }) => code === "RECORDER_BLUR_LOST");
    expect(Math.min(lost.length, 1)).toBe(told);
    for (const { message } of lost) expect(message).toContain(`(${reason})`);
  },
);

test("a change of what is done with faces closes the clip, and the next is of the new kind", async () => {
  await using ground = copyGround();
  ground.now.faces = "keep";
  const { recorder, stream } = begin(ground, "front", 5);
  for (const faces of ["blur-copy", "blur-only", "keep"] as const) {
    ground.now.faces = faces;
    record(recorder, stream, 5);
  }
  recorder.stop();
  await answerAll(ground);
  expect(ground.said("clip-started").map(({ faces }) => faces)).toEqual([
    ...["keep", "blur-copy", "blur-only", "keep"],
  ]);
  const renditions = ground
    .said("clip-started")
    .map(({ clip }) =>
      ground.events.flatMap((event) =>
        "file" in event && event.clip === clip ? [event.file.rendition] : [],
      ),
    );
  const kinds = renditions.map((all) => [...new Set(all)]);
  expect(kinds).toEqual([["original"], ["original", "blurred"], ["blurred"], ["original"]]);
  expect(ground.said("clip-closed").length).toBe(4);
});

test("an event longer than five minutes has a copy of each of its clips", async () => {
  await using ground = copyGround();
  const { recorder } = begin(ground, "front", 320);
  recorder.stop();
  await answerAll(ground);
  const clips = ground.said("clip-started").map(({ clip }) => clip);
  expect(clips.length).toBe(2);
  for (const clip of clips) {
    const of = (type: "file-closed" | "copy-file"): number =>
      ground.said(type).filter((event) => event.clip === clip).length;
    expect(of("copy-file")).toBe(of("file-closed"));
  }
  expect(ground.said("blur-closed").map(({ reason }) => reason)).toEqual([null, null]);
});

test("a copy is sealed to the readers of the moment", async () => {
  await using ground = copyGround();
  const { recorder } = begin(ground, "front", 9);
  recorder.stop();
  await ground.settled();
  ground.worker.answer();
  await ground.settled();
  ground.now.epoch = 4;
  await answerAll(ground);
  expect(ground.said("copy-file").map(({ keyringEpoch }) => keyringEpoch)).toEqual([3, 4, 4]);
});

test("what has waited is overwritten when it is let go, and not before nobody else has it", async () => {
  await using ground = copyGround({ ageMaxMs: 600_000 });
  const recorder = ground.recorder("front");
  const stream = testStream();
  const pictures = stream.take(90);
  recorder.startEvent(motion, START_AT_MS, []);
  for (const picture of pictures) recorder.push(picture);
  recorder.stop();
  await ground.settled();
  const isGone = (index: number): boolean =>
    pictures[index]?.bytes.every((byte) => byte === 0) ?? true;
  // Fresh, it may still be in the ring.
  ground.worker.answer();
  await ground.settled();
  expect(isGone(0)).toBe(false);
  // The next clip begins with what this one ended with.
  recorder.startEvent(motion, START_AT_MS + 9_000, pictures.slice(80));
  recorder.stop();
  await ground.settled();
  ground.now.ms = 80_000;
  ground.worker.answer();
  ground.worker.answer();
  await ground.settled();
  expect([40, 79, 80, 89].map(isGone)).toEqual([true, true, false, false]);
  expect(ground.worker.pushed.length).toBe(1);
  ground.worker.answer();
  await ground.settled();
  expect([80, 89].map(isGone)).toEqual([true, true]);
});

test("where the disk refuses a copy or its original, that is left out and said, and the rest is there", async () => {
  await using ground = copyGround();
  const { recorder, stream } = begin(ground, "front", 5);
  await ground.settled();
  const clip = clipOf(ground);
  // Names that are taken: a file is never written twice.
  writeFileSync(`${ground.pathOf(clip, video(1, "blurred"))}.partial`, "");
  writeFileSync(`${ground.pathOf(clip, video(2, "original"))}.partial`, "");
  record(recorder, stream, 9);
  await ground.settled();
  recorder.stop();
  await answerAll(ground);
  expect(ground.said("copy-file").map(({ file }) => file.segment)).toEqual([0, 3]);
  expect(ground.said("blur-closed")[0]?.reason).toBe("original-torn");
  expect(ground.troubles.map(({ code }) => code)).toEqual(
    expect.arrayContaining(["RECORDER_DISK_ERROR"]),
  );
  expect(ground.queue.backlog()).toMatchObject({ bytes: 0, leftOut: 2 });
});

test("somebody who rings while it is recorded changes nothing of the copy", async () => {
  await using ground = copyGround();
  const { recorder, stream } = begin(ground, "front", 5);
  recorder.ring(START_AT_MS + 5_000, [], true);
  record(recorder, stream, 4);
  recorder.stop();
  await answerAll(ground);
  expect(ground.said("clip-rang").length).toBe(1);
  expect(ground.said("copy-file").map(({ file }) => file.segment)).toEqual([0, 1, 2]);
  expect(ground.said("blur-closed")[0]?.reason).toBe(null);
});
