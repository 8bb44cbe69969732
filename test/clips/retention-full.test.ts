import { spawnSync } from "node:child_process";
import { closeSync, existsSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { checkStorage } from "../../src/cli/check-storage.ts";
import { createBallast } from "../../src/clips/ballast.ts";
import { ClipRecorder } from "../../src/clips/recorder.ts";
import type { RecorderTrouble } from "../../src/clips/recorder-trouble.ts";
import type { RecorderEvent } from "../../src/protocol/clip.ts";
import type { ClipId } from "../../src/protocol/ids.ts";
import { keyringHead, only, openStore, reader, recordInto, type Opened } from "./test-store.ts";
import { clipsOf, DAY_MS, deletions, openRetention } from "./test-retention.ts";
import { CAMERA, START_AT_MS, testStream } from "./test-stream.ts";

const MEBIBYTE = 1024 * 1024;

/** A disk of its own, as small as a test can fill; null where this user may not mount one. */
function smallDisk(sizeMebibytes: number): ({ folder: string } & Disposable) | null {
  const folder = mkdtempSync(path.join(os.tmpdir(), "doorward-disk-"));
  const options = `size=${sizeMebibytes}m,mode=0700`;
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", options, "doorward-test", folder]);
  if (mounted.status !== 0) {
    rmSync(folder, { recursive: true });
    return null;
  }
  return {
    folder,
    [Symbol.dispose]: () => {
      spawnSync("umount", ["-l", folder]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Somebody else's file, which grows until nothing fits any more. */
function fillUp(file: string): void {
  const handle = openSync(file, "a", 0o600);
  try {
    for (let size = MEBIBYTE; size >= 1; size = Math.floor(size / 2)) writeAll(handle, size);
  } finally {
    closeSync(handle);
  }
}

function writeAll(handle: number, sizeBytes: number): void {
  const bytes = Buffer.alloc(sizeBytes, 0xa5);
  try {
    for (;;) if (writeSync(handle, bytes) < sizeBytes) return;
  } catch (error) {
    if (!(error instanceof Error) || !("code" in error) || error.code !== "ENOSPC") throw error;
  }
}

/** A recorder of large frames, whose events the store takes in as they come. */
function startRecorder(opened: Opened) {
  const trouble: RecorderTrouble["code"][] = [];
  const events: RecorderEvent[] = [];
  const stream = testStream({ frameBytes: 30_000 });
  let applied = Promise.resolve();
  const recorder = ClipRecorder.create({
    camera: CAMERA,
    clipsDirectory: opened.clipsDirectory,
    readers: () => ({ recipients: [reader.recipient], keyringHead, keyringEpoch: 0 }),
    emit: (event) => {
      events.push(event);
      applied = applied.then(() => opened.store.apply(structuredClone(event)));
    },
    reportTrouble: ({ code }) => trouble.push(code),
  });
  const push = async (seconds: number): Promise<void> => {
    for (let count = 0; count < seconds * 10; count += 1) recorder.push(stream.next());
    await recorder.settled();
    await applied;
  };
  return {
    trouble,
    filesClosed: () => events.filter(({ type }) => type === "file-closed").length,
    push,
    record: async (seconds: number): Promise<ClipId> => {
      recorder.startEvent(
        { kind: "motion", zone: "door", areaShare: 0.1, score: 1 },
        START_AT_MS,
        [],
      );
      await push(seconds);
      const { clip } = recorder;
      if (clip === null) throw new Error("nothing is recorded");
      return clip;
    },
    stop: async (): Promise<void> => {
      recorder.stop();
      await push(0);
    },
  };
}

async function recordLarge(opened: Opened): Promise<ClipId> {
  const recorder = startRecorder(opened);
  const clip = await recorder.record(9);
  await recorder.stop();
  return clip;
}

describe("a disk that is full", () => {
  test("keeps the ledger writable, frees the oldest that nobody holds, and recording resumes", async ({
    skip,
  }) => {
    using disk = smallDisk(24);
    if (disk === null) return skip("this user may not mount a disk of its own");
    await using opened = openStore(path.join(disk.folder, "data"));
    const sizes = { keepFreeBytes: 4 * MEBIBYTE, ballastBytes: 4 * MEBIBYTE };
    const { retention, log, clocks } = openRetention(opened, sizes);
    const [held, second, third] = [
      await recordLarge(opened),
      await recordLarge(opened),
      await recordLarge(opened),
    ];
    retention.hold(held, clocks.wallMs + DAY_MS);
    await retention.run();
    const ballast = path.join(opened.dataDirectory, "ballast");
    expect(statSync(ballast)).toMatchObject({ size: 4 * MEBIBYTE, mode: 0o100600 });
    const recorder = startRecorder(opened);
    const running = await recorder.record(1);

    const junk = path.join(disk.folder, "somebody-elses");
    fillUp(junk);
    await recorder.push(9);
    expect(recorder.trouble).toContain("RECORDER_DISK_FULL");
    const append = () =>
      opened.ledger.append({ v: 1, kind: "software", atMs: 1, version: "x".repeat(40) });
    expect(() => {
      for (let count = 0; count < 20_000; count += 1) append();
    }).toThrow(/full/);
    const size = opened.ledger.size();
    await retention.withRoom(append);
    expect(opened.ledger.size()).toBe(size + 1);
    expect(existsSync(ballast)).toBe(false);

    const recorded = recorder.filesClosed();
    await retention.run();
    expect(deletions(opened)[0]).toEqual([second, "disk-full"]);
    expect(clipsOf(opened)).toEqual(expect.arrayContaining([held, running]));
    expect(deletions(opened).every(([clip]) => [second, third].includes(clip as ClipId))).toBe(
      true,
    );
    recorder.trouble.length = 0;
    await recorder.push(15);
    expect(recorder.trouble).toEqual([]);
    expect(recorder.filesClosed()).toBeGreaterThan(recorded + 1);
    await recorder.stop();

    rmSync(junk);
    await retention.run();
    expect(existsSync(ballast)).toBe(true);
    expect(log.filter((line) => line.includes("FULL")).length).toBe(1);
    expect(log.at(-1)).toBe("info: There is room on the disk again.");
    expect(retention.warnings()).toEqual([]);
    const checks = await checkStorage(opened.dataDirectory, opened.database);
    expect(
      checks.filter(({ holds, invariant }) => !holds && !invariant.startsWith("headers")),
    ).toEqual([]);
  });

  test("takes no ballast on board that it has no room for", async ({ skip }) => {
    using disk = smallDisk(2);
    if (disk === null) return skip("this user may not mount a disk of its own");
    const ballast = createBallast(disk.folder, 4 * MEBIBYTE);
    expect(await ballast.load()).toBe(false);
    expect(existsSync(path.join(disk.folder, "ballast.partial"))).toBe(false);
  });

  test("where everything is held says aloud that nothing new can be recorded", async () => {
    await using opened = openStore();
    const { retention, clocks, log } = openRetention(opened, { keepFreeBytes: 2 ** 52 });
    const clip = only(await recordInto(opened, 1));
    retention.hold(clip, clocks.wallMs + DAY_MS);
    await retention.run();
    await retention.run();
    expect(clipsOf(opened)).toEqual([clip]);
    expect(retention.warnings()).toEqual([
      { code: "DISK_STUCK", message: expect.stringMatching(/every recording is held/) },
    ]);
    expect(log.filter((line) => line.includes("THE DISK IS FULL")).length).toBe(1);
  });
});
