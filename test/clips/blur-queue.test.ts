import { expect, test } from "vitest";
import type { ClipId } from "../../src/protocol/ids.ts";
import {
  answerAll,
  begin,
  blurred,
  camera,
  clipOf,
  copyGround,
  originals,
  recovery,
  video,
} from "./test-copies.ts";
import { framesIn, START_AT_MS } from "./test-stream.ts";

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
