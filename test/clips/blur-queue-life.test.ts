import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import {
  answerAll,
  begin,
  blurred,
  camera,
  clipOf,
  copyGround,
  originals,
  record,
  video,
} from "./test-copies.ts";
import { motion } from "./test-recorder.ts";
import { START_AT_MS, testStream } from "./test-stream.ts";

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
