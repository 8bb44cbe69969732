import { expect, test } from "vitest";
import { findFfmpeg } from "../../../src/base/ffmpeg.ts";
import { OpenDetectors } from "../../../src/vision/blurring/open-detectors.ts";
import { judgedTracks } from "../../support/labelled-covered.ts";
import { madeClip, madeSources } from "../../support/labelled-made.ts";
import { missingCommands } from "../../support/requirements.ts";
import { lookedAt } from "../../../bench/vision-look.ts";

/** Three of the 89 clips of `npm run bench -- vision`, which names every miss of all of them. */
const CLIPS = ["check-small-a", "check-turned-a", "check-head-pose-plain"];

const sources = missingCommands("ffmpeg") ? null : madeSources();
if (sources === null) console.warn("skipped: the labelled media is not here");

test.skipIf(sources === null)(
  "faces of 12 px, turned and turned away are covered in every frame",
  { timeout: 300_000 },
  async () => {
    await using open = new OpenDetectors();
    const { path: ffmpegPath } = await findFfmpeg();
    const looking = {
      ...{ ffmpegPath, detectors: await open.for("standard") },
      rules: { cover: "faces", plates: false, mode: "standard" },
    } as const;
    const tracks = [];
    for (const source of (sources ?? []).filter(({ name }) => CLIPS.includes(name))) {
      const clip = await madeClip(source);
      tracks.push(...judgedTracks(clip, (await lookedAt(clip, looking)).covered));
    }
    expect(tracks.length).toBe(6);
    expect(tracks.flatMap(({ uncovered }) => uncovered)).toEqual([]);
  },
);
