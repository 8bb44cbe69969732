import os from "node:os";
import { findFfmpeg } from "../src/base/ffmpeg.ts";
import type { BlurFootage, BlurRules } from "../src/vision/blur-footage.ts";
import { OpenDetectors } from "../src/vision/blurring/open-detectors.ts";
import { sharedPath } from "../test/support/requirements.ts";
import { blurred, segmentsOf } from "../test/vision/blurring/ground.ts";
import type { Figure } from "./figure.ts";

/** What it costs to blur a recording: decoding twice, looking, covering, encoding, a poster. */

const FRAMES_PER_SECOND = 15;
const SEGMENT_FRAMES = 60;
const SEGMENTS = 2;
const SIZES = [
  { name: "720p15", width: 1280, height: 720 },
  { name: "1080p15", width: 1920, height: 1080 },
] as const;
const MODES: readonly BlurRules["mode"][] = ["live", "standard", "thorough"];

export async function blurFigures(): Promise<Figure[]> {
  const photograph = sharedPath("media/images/faceapi_sample1.jpg");
  if (photograph === null) return [];
  const { path: ffmpegPath } = await findFfmpeg();
  const figures: Figure[] = [];
  for (const { name, width, height } of SIZES) {
    const footage = movingPhotograph(photograph, width, height);
    for (const mode of MODES) {
      const { cpuMs, detectMs, looked } = await cost(footage, mode, ffmpegPath);
      const context = `${looked} frames of three faces that move, ${mode}, faces; processor time of the whole machine, which has to be idle otherwise, one thread a process; ${detectMs.toFixed(1)} ms of it from picture to boxes by the clock`;
      figures.push({ name: `blur.frame_ms.${name}.${mode}`, value: cpuMs, unit: "ms", context });
    }
  }
  return figures;
}

/** With what a camera's encoder makes of it, and the movement of somebody who walks past. */
function movingPhotograph(file: string, width: number, height: number): BlurFootage[] {
  const frames = SEGMENT_FRAMES * SEGMENTS;
  const wide = Math.round((width * 1.2) / 2) * 2;
  return segmentsOf(
    [
      ...["-loop", "1", "-framerate", String(FRAMES_PER_SECOND), "-i", file],
      ...["-frames:v", String(frames)],
      ...["-vf", `scale=${wide}:-2,crop=${width}:${height}:x='n*${(wide - width) / frames}':y=40`],
    ],
    { framesPerSecond: FRAMES_PER_SECOND, segmentFrames: SEGMENT_FRAMES },
  );
}

async function cost(
  footage: readonly BlurFootage[],
  mode: BlurRules["mode"],
  ffmpegPath: string,
): Promise<{ readonly cpuMs: number; readonly detectMs: number; readonly looked: number }> {
  await using detectors = new OpenDetectors();
  // Loaded once for all recordings: not what a recording costs.
  await detectors.for(mode);
  let detectMs = 0;
  const beforeMs = machineBusyMs();
  const { answers } = await blurred(footage, {
    ffmpegPath,
    rules: { cover: "faces", plates: false, mode },
    detectors: (wanted) => detectors.for(wanted),
    onDetected: (tookMs) => {
      detectMs += tookMs;
    },
  });
  const cpuMs = machineBusyMs() - beforeMs;
  const looked = answers.reduce((sum, { framesLooked }) => sum + framesLooked, 0);
  if (answers.some(({ outcome }) => outcome !== "blurred")) throw new Error("it did not blur");
  return {
    cpuMs: Math.round((cpuMs / looked) * 10) / 10,
    detectMs: detectMs / looked,
    looked,
  };
}

/** The time of a sandbox's inside is lost to whoever waits for its outside, which ends first. */
function machineBusyMs(): number {
  return os
    .cpus()
    .reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0);
}
