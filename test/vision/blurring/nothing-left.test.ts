import { chmodSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { findFfmpeg } from "../../../src/base/ffmpeg.ts";
import { BlurJob } from "../../../src/vision/blurring/blur-job.ts";
import { STILL_AGE_MAX_MS } from "../../../src/vision/blurring/kept-stills.ts";
import { fragmentContainer } from "../../../src/vision-process/container.ts";
import { blurredBytesMax } from "../../../src/vision-process/messages.ts";
import { missingCommands } from "../../support/requirements.ts";
import { temporaryFolder } from "../../support/temporary.ts";
import { blurred, copied, seeing, segmentsOf } from "./ground.ts";

describe.skipIf(missingCommands("ffmpeg"))("of a clip that is blurred nothing is left", () => {
  const drawn = () =>
    segmentsOf(["-f", "lavfi", "-i", "testsrc2=s=320x192:r=15", "-frames:v", "8"], {
      segmentFrames: 4,
    });

  test.each([
    ["rgb24", "the decoder"],
    ["libx264", "the encoder"],
  ])("in a log where the child for %s fails: not a word of it", async (argument, name) => {
    await using folder = temporaryFolder();
    const said = "Somebody's front door";
    const ffmpegPath = path.join(folder.path, "ffmpeg");
    const real = (await findFfmpeg()).path;
    writeFileSync(
      ffmpegPath,
      `#!/bin/sh
       case "$*" in *${argument}*) echo "${said}" >&2; exit 3;; esac
       exec ${real} "$@"`,
    );
    chmodSync(ffmpegPath, 0o755);
    const troubles: string[] = [];
    await blurred(drawn().slice(0, 1), {
      ffmpegPath,
      detectors: () => Promise.resolve(seeing([])),
      onTrouble: ({ message }) => troubles.push(message),
    });
    expect(troubles[0]).toBe(`Cannot cover faces: ${name} gave up (code 3)`);
    expect(troubles.join()).not.toContain("Somebody");
  });

  test("in memory of a still whose picture is too old, while the clip goes on", async () => {
    const told: string[] = [];
    const job = new BlurJob({
      ...{ container: fragmentContainer, bytesMax: blurredBytesMax },
      ffmpegPath: (await findFfmpeg()).path,
      rules: { cover: "faces", plates: false, mode: "live" },
      detectors: () => Promise.resolve(seeing([])),
      onSegment: ({ segment }) => told.push(`segment ${segment}`),
      onPoster: ({ rendition }) => told.push(rendition),
    });
    const [first, second] = drawn().map(copied);
    if (!first || !second) throw new Error("no footage");
    await job.push({ ...first, ageMs: STILL_AGE_MAX_MS });
    await job.push(second);
    await expect.poll(() => told).toEqual(["segment 0", "original", "blurred"]);
    await job.end();
    // And not once more.
    expect(told.slice(3)).toEqual(["segment 1"]);
  });
});
