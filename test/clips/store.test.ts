import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { describe, expect, test } from "vitest";
import { ClipStore } from "../../src/clips/store.ts";
import { sealedFileName, type RecorderEvent } from "../../src/protocol/clip.ts";
import { MalformedInput } from "../../src/protocol/errors.ts";
import { parseClipId, type ClipId } from "../../src/protocol/ids.ts";
import { openAge, openAgeAsFarAsItGoes } from "./age-oracle.ts";
import { framesIn, START_AT_MS } from "./test-stream.ts";
import { keyringHead, only, openStore, reader, recordInto, recovery } from "./test-store.ts";
import { applySaid } from "./apply-said.ts";
import { recoverOrphans } from "./recover-orphans.ts";

describe("a recorded clip", () => {
  test("closes together with a ledger entry that lists every file", async () => {
    await using opened = openStore();
    const clip = only(await recordInto(opened, 9));
    const stored = opened.store.get(clip);
    expect(stored).toMatchObject({
      state: "closed",
      camera: "front",
      kind: "motion",
      durationMs: 9_000,
      segments: 3,
      renditions: ["original"],
      entryIndex: 0,
      keyringHead,
    });
    const files = opened.store.files(clip);
    expect(files.map(sealedFileName).length).toBe(6);
    expect(opened.entries()).toEqual([
      expect.objectContaining({ kind: "clip", clip, event: "motion", files: [...files] }),
    ]);
    for (const file of files) {
      const bytes = readFileSync(opened.store.pathOf(clip, file));
      expect(bytes.length).toBe(file.sizeBytes);
      await openAge(bytes, recovery.identity);
    }
    expect(opened.store.entryIndexOf(clip)).toBe(0);
  });

  test("stays open when its ledger entry cannot be written", async () => {
    await using opened = openStore();
    const failing = ClipStore.open({
      database: opened.database,
      clipsDirectory: opened.clipsDirectory,
      appendEntry: () => {
        throw new Error("no ledger");
      },
      nowMs: () => START_AT_MS,
    });
    const clip = only(await recordInto(opened, 3, ["clip-closed"]));
    const event = { type: "clip-closed", clip, endedAtMs: START_AT_MS + 3_000 };
    await expect(applySaid(failing, event)).rejects.toThrow("no ledger");
    expect(opened.store.get(clip)?.state).toBe("recording");
    expect(opened.entries()).toEqual([]);
    await applySaid(opened.store, event);
    expect(opened.store.get(clip)?.state).toBe("closed");
  });

  test("is listed newest first, page by page, and a limit is a limit", async () => {
    await using opened = openStore();
    const recorded: ClipId[] = [];
    for (let count = 0; count < 5; count++) recorded.push(only(await recordInto(opened, 1)));
    const first = opened.store.list({ limit: 2 });
    const second = opened.store.list({ limit: 2, before: first.next ?? 0 });
    const third = opened.store.list({ limit: 2, before: second.next ?? 0 });
    const listed = [first, second, third].flatMap(({ clips }) => clips.map(({ id }) => id));
    expect(listed).toEqual(recorded.toReversed());
    expect(third.next).toBeNull();
    for (const limit of [0, -1, 501, 1.5, Number.NaN])
      expect(() => opened.store.list({ limit })).toThrow(RangeError);
  });

  test("has paths for listed files only", async () => {
    await using opened = openStore();
    const clip = only(await recordInto(opened, 1));
    const unknown = parseClipId("0".repeat(32));
    const file = { segment: 0, track: "video", rendition: "original" } as const;
    expect(opened.store.pathOf(clip, file)).toContain(`${clip}/000.video.original.age`);
    expect(() => opened.store.pathOf(clip, { ...file, segment: 7 })).toThrow("lists no 007");
    expect(() => opened.store.pathOf(unknown, file)).toThrow("not in the store");
    expect(() => opened.store.tornPathOf(clip, "../../doorward.db")).toThrow("no such torn file");
    expect(opened.store.get(unknown)).toBeNull();
    expect(opened.store.files(unknown)).toEqual([]);
  });
});

describe("what the recorder's process says is checked", () => {
  const start = {
    type: "clip-started",
    clip: "1".repeat(32),
    camera: "front",
    faces: "keep",
    kind: "motion",
    why: { kind: "motion", zone: "door", areaShare: 0.5, score: 1 },
    eventAtMs: START_AT_MS,
    startedAtMs: START_AT_MS,
    keyringHead,
    keyringEpoch: 0,
  };
  const file = {
    segment: 0,
    track: "video",
    rendition: "original",
    sizeBytes: 100,
    payloadSha256: "0".repeat(64),
    fromMs: START_AT_MS,
    toMs: START_AT_MS + 1,
  };

  test.each([
    ["no event", null],
    ["another type", { ...start, type: "clip-exported" }],
    ["a path for an id", { ...start, clip: "../../../../etc/passwd".padEnd(32, "x") }],
    ["an upper-case id", { ...start, clip: "A".repeat(32) }],
    ["a camera name with a slash", { ...start, camera: "a/b" }],
    ["a date beyond all dates", { ...start, startedAtMs: 9e15 }],
    ["a member too many", { ...start, approved: true }],
    ["a share over 1", { ...start, why: { ...start.why, areaShare: 2 } }],
    [
      "a poster with a segment",
      { type: "file-closed", clip: start.clip, file: { ...file, track: "poster" } },
    ],
    [
      "a file that ends before it begins",
      { type: "file-closed", clip: start.clip, file: { ...file, toMs: 1 } },
    ],
  ])("%s is refused", async (_, event) => {
    await using opened = openStore();
    await expect(applySaid(opened.store, event)).rejects.toBeInstanceOf(MalformedInput);
    expect(opened.store.list().clips).toEqual([]);
  });

  test("a file that is not there, or not of that size, is refused", async () => {
    await using opened = openStore();
    await applySaid(opened.store, start);
    const event = { type: "file-closed", clip: start.clip, file };
    await expect(applySaid(opened.store, event)).rejects.toMatchObject({ code: "FILE_MISSING" });
    expect(opened.store.files(parseClipId(start.clip))).toEqual([]);
  });

  test("a clip is not started, closed or added to twice", async () => {
    await using opened = openStore();
    const clip = only(await recordInto(opened, 1));
    const [listed] = opened.store.files(clip);
    await expect(applySaid(opened.store, { ...start, clip })).rejects.toMatchObject({
      code: "CLIP_KNOWN",
    });
    for (const event of [
      { type: "clip-closed", clip, endedAtMs: START_AT_MS },
      { type: "file-closed", clip, file: listed },
    ])
      await expect(applySaid(opened.store, event)).rejects.toMatchObject({ code: "CLIP_ENDED" });
    const unknown = { type: "clip-closed", clip: "2".repeat(32), endedAtMs: START_AT_MS };
    await expect(applySaid(opened.store, unknown)).rejects.toMatchObject({ code: "CLIP_UNKNOWN" });
    expect(opened.entries().length).toBe(1);
  });
});

describe("after the recorder died", () => {
  test("a clip whose files are all whole is closed", async () => {
    await using opened = openStore();
    const clip = only(await recordInto(opened, 6, ["clip-closed"]));
    expect(await recoverOrphans(opened.store)).toEqual({ torn: [], missing: [] });
    expect(opened.store.get(clip)).toMatchObject({ state: "closed", durationMs: 6_000 });
    expect(await recoverOrphans(opened.store)).toMatchObject({ torn: [] });
    expect(opened.entries().map(({ kind }) => kind)).toEqual(["clip"]);
  });

  test("whole files without a row, partial files and folders without a clip are recorded as torn", async () => {
    await using opened = openStore();
    const clip = only(await recordInto(opened, 6));
    const unlisted = only(await recordInto(opened, 3, ["file-closed", "clip-closed"]));
    const strayClip = "3".repeat(32);
    const stray = path.join(opened.clipsDirectory, "2026-11", strayClip);
    mkdirSync(stray, { mode: 0o700 });
    writeFileSync(path.join(stray, "000.video.original.age.partial"), "age-enc", { mode: 0o600 });
    writeFileSync(path.join(stray, "notes.txt"), "mine");
    const recovered = await recoverOrphans(opened.store);
    expect(new Set(recovered.torn)).toEqual(new Set([unlisted, strayClip]));
    expect(opened.store.get(clip)?.state).toBe("closed");
    expect(opened.store.get(unlisted)?.state).toBe("torn");
    expect(opened.store.tornFiles(parseClipId(strayClip))).toMatchObject([
      { name: "000.video.original.age.partial", sizeBytes: 7 },
    ]);
    expect(opened.entries().map(({ kind }) => kind)).toEqual(["clip", "torn", "torn"]);
    expect(existsSync(path.join(stray, "000.video.original.age.partial"))).toBe(true);
    expect((await recoverOrphans(opened.store)).torn).toEqual([]);
  });

  test("a listed file that is gone is reported, and its row stays", async () => {
    await using opened = openStore();
    const clip = only(await recordInto(opened, 1));
    const [file] = opened.store.files(clip);
    if (file === undefined) throw new Error("no file");
    rmSync(opened.store.pathOf(clip, file));
    const { missing } = await recoverOrphans(opened.store);
    expect(missing).toEqual([{ clip, name: sealedFileName(file) }]);
    expect(opened.store.files(clip).length).toBe(2);
  });

  test("of a disk that is not there the first files are named, and the others counted", async () => {
    await using opened = openStore();
    const clip = only(await recordInto(opened, 1));
    rmSync(opened.clipsDirectory, { recursive: true });
    const list = opened.database.prepare(
      `INSERT INTO clip_files (clip, name, segment, track, rendition, size_bytes, payload_sha256,
         from_ms, to_ms) VALUES (?, ?, ?, 'video', 'original', 1, ?, 0, 1)`,
    );
    for (let segment = 100; segment < 150; segment += 1)
      list.run(clip, `${segment}.video.original.age`, segment, "0".repeat(64));
    const swept = await opened.store.sweep();
    expect(swept.missing.length).toBe(20);
    expect(swept.more).toEqual({ torn: 0, missing: 32 });
  });

  test("by kill -9, what was written is torn, accounted for, and opens as far as it goes", async () => {
    await using opened = openStore();
    const child = spawn(
      process.execPath,
      [
        path.join(import.meta.dirname, "recorder-child.ts"),
        opened.clipsDirectory,
        reader.recipient.text,
      ],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    let closedFiles = 0;
    for await (const line of createInterface({ input: child.stdout })) {
      const event = JSON.parse(line) as RecorderEvent;
      await applySaid(opened.store, event);
      if (event.type === "file-closed" && ++closedFiles === 3) {
        await new Promise((resolve) => setTimeout(resolve, 100));
        child.kill("SIGKILL");
      }
    }
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    const [stored] = opened.store.list().clips;
    if (stored === undefined) throw new Error("no clip");
    expect(stored.state).toBe("recording");
    expect(await recoverOrphans(opened.store)).toMatchObject({ torn: [stored.id] });
    const after = opened.store.get(stored.id);
    expect(after).toMatchObject({ state: "torn", kind: "bell" });
    expect(opened.entries().map(({ kind }) => kind)).toEqual(["torn", "clip"]);

    const frames: number[] = [];
    for (const file of opened.store.files(stored.id)) {
      const opening = await openAge(
        readFileSync(opened.store.pathOf(stored.id, file)),
        reader.identity,
      );
      frames.push(...framesIn(opening));
    }
    const [torn] = opened.store.tornFiles(stored.id);
    if (torn === undefined) throw new Error("nothing torn");
    const partial = readFileSync(opened.store.tornPathOf(stored.id, torn.name));
    const { plaintext, isWhole } = await openAgeAsFarAsItGoes(partial, reader.identity);
    expect(isWhole).toBe(false);
    frames.push(...framesIn(plaintext));
    expect(frames).toEqual(frames.map((_, index) => index));
    expect(frames.length).toBeGreaterThan(120);
  });
});
