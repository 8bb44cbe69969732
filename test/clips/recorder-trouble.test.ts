import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, statSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { clipFolder, sealedFileName } from "../../src/protocol/clip.ts";
import { openAge } from "./age-oracle.ts";
import { folder, framesOf, motion, range, reader, startRecorder } from "./test-recorder.ts";
import { framesIn, START_AT_MS, testStream } from "./test-stream.ts";

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
