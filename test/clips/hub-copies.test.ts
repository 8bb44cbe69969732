import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import {
  clipFolder,
  sealedFileName,
  type RecordedFaces,
  type RecorderEvent,
} from "../../src/protocol/clip.ts";
import type { ClipId } from "../../src/protocol/ids.ts";
import { listedFiles } from "../../src/protocol/listed-files.ts";
import { copyGround } from "./test-copies.ts";
import { motion } from "./test-recorder.ts";
import { DAY_MS, openRetention } from "./test-retention.ts";
import { openStore, type Opened } from "./test-store.ts";
import { START_AT_MS, testStream } from "./test-stream.ts";
import { applySaid } from "./apply-said.ts";
import { recoverOrphans } from "./recover-orphans.ts";

/** A clip of three segments whose copy is made, in the folder of a store. */
async function record(
  opened: Opened,
  options: { readonly faces?: RecordedFaces; readonly answers?: number } = {},
): Promise<{ clip: ClipId; events: RecorderEvent[] }> {
  const { faces = "blur-copy", answers = 3 } = options;
  const ground = copyGround();
  ground.now.faces = faces;
  const recorder = ground.recorder("front", { clipsDirectory: opened.clipsDirectory });
  recorder.startEvent(motion, START_AT_MS, []);
  for (const fragment of testStream().take(110)) recorder.push(fragment);
  recorder.stop();
  await ground.settled();
  const still = { atMs: START_AT_MS + 500, jpeg: Buffer.from("still") };
  ground.worker.events.onPoster(1, { ...still, rendition: "blurred", pixelated: "faces" });
  for (let count = 0; count < answers; count++) {
    ground.worker.answer(count === 1 ? "whole" : "blurred", count === 1 ? "detector-failed" : null);
    await ground.settled();
  }
  const [started] = ground.said("clip-started");
  if (!started) throw new Error("nothing was recorded");
  return { clip: started.clip, events: ground.events };
}

async function apply(opened: Opened, events: readonly RecorderEvent[]): Promise<void> {
  for (const event of events) await applySaid(opened.store, JSON.parse(JSON.stringify(event)));
}

const folderOf = (opened: Opened, clip: ClipId): string =>
  path.join(opened.clipsDirectory, clipFolder(clip, START_AT_MS));

const BLURRED = ["000.video.blurred.age", "001.video.blurred.age", "002.video.blurred.age"];

test("a copy is listed with one entry, after its clip's, when nothing more comes", async () => {
  await using opened = openStore();
  const { clip, events } = await record(opened);
  const last = events.length - 1;
  await apply(opened, events.slice(0, last));
  expect(opened.store.get(clip)).toMatchObject({
    ...{ state: "closed", renditions: ["original"] },
    blur: { state: "waiting", reason: null, segments: 3, whole: 1 },
  });
  // Not before its entry (invariant 8).
  expect(opened.store.files(clip).some(({ rendition }) => rendition === "blurred")).toBe(false);
  await apply(opened, events.slice(last));
  expect(opened.store.get(clip)).toMatchObject({
    renditions: ["original", "blurred"],
    blur: { state: "done", reason: "detector-failed", segments: 3, whole: 1 },
  });
  const entries = opened.entries();
  expect(entries.map(({ kind }) => kind)).toEqual(["clip", "rendition"]);
  const [entry] = entries.flatMap((each) => (each.kind === "rendition" ? [each] : []));
  expect(entry).toMatchObject({ v: 3, clip });
  expect(entry?.files.map(sealedFileName)).toEqual([...BLURRED, "poster.blurred.age"]);
  // What everybody else makes of the entries is what the store lists.
  expect(listedFiles(clip, entries)?.files.map(sealedFileName).toSorted()).toEqual(
    opened.store.files(clip).map(sealedFileName).toSorted(),
  );
  const file = { segment: 1, track: "video", rendition: "blurred" } as const;
  expect(opened.store.entryIndexOfFile(clip, file)).toBe(1);
  expect(existsSync(opened.store.pathOf(clip, file))).toBe(true);
});

test("its size counts for retention, and it goes with its clip, also what comes after that", async () => {
  await using opened = openStore();
  const { clip, events } = await record(opened);
  const { retention, after } = openRetention(opened, {
    rules: () => ({ motionMs: DAY_MS, bellMs: DAY_MS, spaceBytes: null }),
  });
  const late = events.filter(({ type }) => type === "copy-file").at(-1);
  await apply(opened, events.slice(0, -2));
  await retention.run();
  const before = (await retention.preview()).usedBytes;
  await apply(opened, events.slice(-2));
  const blurredBytes = opened.store
    .files(clip)
    .flatMap(({ derivedFrom, sizeBytes }) => (derivedFrom === undefined ? [] : [sizeBytes]))
    .reduce((sum, bytes) => sum + bytes, 0);
  expect(blurredBytes).toBeGreaterThan(0);
  expect((await retention.preview()).usedBytes).toBe(before + blurredBytes);
  await after(2 * DAY_MS);
  expect(existsSync(folderOf(opened, clip))).toBe(false);
  for (const table of ["clip_copies", "clip_copy_files"])
    expect(opened.database.prepare(`SELECT count(*) AS n FROM ${table}`).get()).toEqual({ n: 0 });
  // The recorder's process did not know: what it has written since goes too.
  mkdirSync(folderOf(opened, clip), { recursive: true });
  const stray = path.join(folderOf(opened, clip), "002.video.blurred.age");
  writeFileSync(stray, "late");
  await expect(applySaid(opened.store, late)).rejects.toMatchObject({ code: "CLIP_UNKNOWN" });
  await retention.run();
  expect(existsSync(stray)).toBe(false);
});

test("what an owner's device is sending stays while recordings are looked over", async () => {
  await using opened = openStore();
  const { clip, events } = await record(opened, { answers: 0 });
  await apply(opened, events);
  await recoverOrphans(opened.store);
  expect(opened.store.get(clip)).toMatchObject({ state: "closed", renditions: ["original"] });
  const folder = folderOf(opened, clip);
  const [sent, left] = [`${BLURRED[0] ?? ""}.partial`, `${BLURRED[1] ?? ""}.partial`];
  for (const name of [sent, left]) writeFileSync(path.join(folder, name), "half");
  opened.database.prepare("INSERT INTO rendition_uploads VALUES (?, ?)").run(clip, BLURRED[0]);
  expect(await opened.store.sweep()).toEqual({ torn: [], missing: [] });
  expect(readdirSync(folder)).toContain(sent);
  expect(readdirSync(folder)).not.toContain(left);
});

test("after a crash what was whole is listed, what was not is removed, and it says stopped", async () => {
  const opened = openStore();
  const { clip, events } = await record(opened, { answers: 2 });
  await apply(opened, events);
  const folder = folderOf(opened, clip);
  const half = path.join(folder, "002.video.blurred.age.partial");
  writeFileSync(half, "half");
  writeFileSync(path.join(folder, "poster.original.age"), "whole, and never said");
  await opened[Symbol.asyncDispose]();
  await using again = openStore(opened.dataDirectory);
  expect(again.store.get(clip)?.blur?.state).toBe("waiting");
  const found = await recoverOrphans(again.store);
  expect(found).toEqual({ torn: [], missing: [] });
  expect(again.store.get(clip)).toMatchObject({
    ...{ state: "closed", renditions: ["original", "blurred"] },
    blur: { state: "done", reason: "stopped", segments: 2, whole: 1 },
  });
  const names = readdirSync(folder).filter((name) => !name.includes(".original."));
  expect(names).toEqual([...BLURRED.slice(0, 2), "poster.blurred.age"]);
  expect(readdirSync(folder)).not.toContain("poster.original.age");
  expect(again.entries().map(({ kind }) => kind)).toEqual(["clip", "rendition"]);
  await recoverOrphans(again.store);
  expect(again.entries().length).toBe(2);
});

test("a crash before anything was blurred leaves a clip without a copy", async () => {
  await using opened = openStore();
  const { clip, events } = await record(opened, { answers: 0 });
  await apply(
    opened,
    events.filter(({ type }) => type !== "copy-file"),
  );
  await recoverOrphans(opened.store);
  expect(opened.store.get(clip)?.blur).toEqual({
    ...{ state: "absent", reason: "stopped", segments: 0, whole: 0 },
  });
  expect(readdirSync(folderOf(opened, clip)).some((name) => name.includes("poster"))).toBe(false);
});

test("a crash while it is recorded settles clip and copy, and a torn original tears no copy", async () => {
  await using opened = openStore();
  const { clip, events } = await record(opened);
  await apply(
    opened,
    events.filter(({ type }) => type !== "clip-closed" && type !== "blur-closed"),
  );
  writeFileSync(path.join(folderOf(opened, clip), "003.video.original.age.partial"), "half");
  writeFileSync(path.join(folderOf(opened, clip), "003.video.blurred.age.partial"), "half");
  const found = await recoverOrphans(opened.store);
  expect(found.torn).toEqual([clip]);
  expect(opened.store.tornFiles(clip).map(({ name }) => name)).toEqual([
    "003.video.original.age.partial",
  ]);
  expect(opened.store.get(clip)?.blur).toMatchObject({ state: "done", reason: "stopped" });
});

test("under blur-only the clip's own entry lists what was blurred, and what a crash left is torn", async () => {
  await using opened = openStore();
  const { clip, events } = await record(opened, { faces: "blur-only", answers: 2 });
  await apply(opened, events);
  expect(opened.store.get(clip)).toMatchObject({
    ...{ state: "recording", renditions: ["blurred"] },
    blur: { state: "waiting", segments: 2, whole: 1 },
  });
  writeFileSync(path.join(folderOf(opened, clip), "002.video.blurred.age.partial"), "half");
  await recoverOrphans(opened.store);
  expect(opened.store.get(clip)).toMatchObject({
    ...{ state: "torn", renditions: ["blurred"] },
    blur: { state: "done", reason: "stopped", segments: 2, whole: 1 },
  });
  expect(opened.entries().map(({ kind }) => kind)).toEqual(["torn", "clip"]);
  const [entry] = opened.entries().flatMap((each) => (each.kind === "clip" ? [each] : []));
  expect(entry?.files.map(sealedFileName)).toEqual([...BLURRED.slice(0, 2), "poster.blurred.age"]);
});

test("a copy for readers of before a clip was sealed anew is not listed", async () => {
  await using opened = openStore();
  const { clip, events } = await record(opened);
  await apply(opened, events.slice(0, -1));
  // As `Rewraps` leaves it, for a keyring that came after the copy was sealed.
  opened.database.prepare("UPDATE clips SET keyring_epoch = 4 WHERE id = ?").run(clip);
  await apply(opened, events.slice(-1));
  expect(opened.store.get(clip)?.blur).toEqual({
    ...{ state: "absent", reason: "keyring-changed", segments: 0, whole: 0 },
  });
  expect(opened.entries().map(({ kind }) => kind)).toEqual(["clip"]);
  expect(readdirSync(folderOf(opened, clip)).some((name) => name.includes("blurred"))).toBe(false);
});

test("what the recorder's process says of a copy is checked", async () => {
  await using opened = openStore();
  const { events } = await record(opened);
  const isCopy = ({ type }: RecorderEvent): boolean => type === "copy-file";
  await apply(
    opened,
    events.filter((event) => !isCopy(event) && event.type !== "blur-closed"),
  );
  const video = events.find((event) => event.type === "copy-file" && event.file.track === "video");
  if (video?.type !== "copy-file") throw new Error("nothing was blurred");
  const { file } = video;
  const wrong: readonly (readonly [string, object])[] = [
    ["COPY_REFUSED", { derivedFrom: "0".repeat(64) }],
    ["COPY_REFUSED", { segment: 2 }],
    ["COPY_REFUSED", { fromMs: file.fromMs + 1 }],
    ["COPY_REFUSED", { sizeBytes: 900_000_000 }],
    ["FILE_MISSING", { sizeBytes: file.sizeBytes + 1 }],
    ["MALFORMED_INPUT", { rendition: "original" }],
    ["MALFORMED_INPUT", { pixelated: "lips" }],
    ["MALFORMED_INPUT", { boxes: [[1, 2, 3, 4]] }],
    ["MALFORMED_INPUT", { derivedFrom: "x" }],
  ];
  for (const [code, change] of wrong)
    await expect(
      applySaid(opened.store, { ...video, file: { ...file, ...change } }),
      JSON.stringify(change),
    ).rejects.toMatchObject({ code });
  await applySaid(opened.store, video);
  await expect(applySaid(opened.store, video)).rejects.toMatchObject({ code: "FILE_KNOWN" });
});
