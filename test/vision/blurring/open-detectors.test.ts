import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { OpenDetectors } from "../../../src/vision/blurring/open-detectors.ts";
import { THREAD_LIMITS } from "../../../src/vision/inference/inference-thread.ts";
import { temporaryFolder } from "../../support/temporary.ts";

const picture = { width: 2, height: 2, bytes: new Uint8Array(12) };
const entry = new URL("../broken-thread-child.ts", import.meta.url);
const limits = { ...THREAD_LIMITS, entry, runTimeoutMs: 200 };

test("a run that nothing ends is told, since only the end of its process gets rid of it", async () => {
  await using folder = temporaryFolder();
  const pipe = path.join(folder.path, "pipe");
  execFileSync("mkfifo", [pipe]);
  const stuck = Promise.withResolvers<void>();
  const detectors = new OpenDetectors({
    ...{ folder: pipe, limits, closeMaxMs: 200 },
    onStuck: () => stuck.resolve(),
  });
  const { find } = await detectors.objects();
  await expect(find(picture)).rejects.toMatchObject({ code: "DETECTOR_FAILED" });
  await stuck.promise;
  // Lets it go.
  writeFileSync(pipe, "");
  await detectors[Symbol.asyncDispose]();
});

test.each(["hangs", "dies", "answers with a text"])("one that %s is closed", async (way) => {
  let isStuck = false;
  const detectors = new OpenDetectors({ folder: way, limits, onStuck: () => (isStuck = true) });
  const { find } = await detectors.objects();
  await expect(find(picture)).rejects.toMatchObject({ code: "DETECTOR_FAILED" });
  await detectors[Symbol.asyncDispose]();
  expect(isStuck).toBe(false);
});
