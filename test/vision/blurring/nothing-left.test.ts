import { chmodSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { findFfmpeg } from "../../../src/base/ffmpeg.ts";
import { missingCommands } from "../../support/requirements.ts";
import { temporaryFolder } from "../../support/temporary.ts";
import { blurred, seeing, segmentsOf } from "./ground.ts";

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
});
