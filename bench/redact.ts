import type { Page } from "playwright-core";
import { coveredShare } from "../test/support/covered-faces.ts";
import { labelledClip, segmentsOf } from "../test/support/labelled-faces.ts";
import { runRedactor, startRedactPage, type RedactRun } from "../test/support/redact-page.ts";
import type { Figure } from "./figure.ts";

const LABELLED = ["walking.mp4", "head-pose.mp4"];
const SIZES = ["640x360", "1920x1080"];
const SECONDS = 5;
const RATE = 15;

/** Blurring in a real browser: how much of what a person labelled is covered, and how long it takes. */
export async function redactFigures(): Promise<Figure[]> {
  return [...(await coveredFigures()), ...(await timeFigures())];
}

/** `cpuMs` is of all processes of the browser. */
async function redact(
  segments: readonly Uint8Array[],
): Promise<RedactRun & { readonly cpuMs: number }> {
  await using blur = await startRedactPage({ segments });
  const before = await cpuSeconds(blur.page);
  const run = await runRedactor(blur.page);
  if (run.error !== null) throw new Error(`Cannot measure: ${run.error}`);
  return { ...run, cpuMs: ((await cpuSeconds(blur.page)) - before) * 1_000 };
}

async function cpuSeconds(page: Page): Promise<number> {
  const session = await page.context().browser()?.newBrowserCDPSession();
  const { processInfo } = (await session?.send("SystemInfo.getProcessInfo")) ?? { processInfo: [] };
  await session?.detach();
  return processInfo.reduce((sum, { cpuTime }) => sum + cpuTime, 0);
}

async function coveredFigures(): Promise<Figure[]> {
  let [faces, covered, tracks, tracksCovered] = [0, 0, 0, 0];
  for (const name of LABELLED) {
    const clip = labelledClip(name);
    if (!clip) {
      console.error("Not measured: redact.covered, the labelled footage is not here");
      return [];
    }
    const found = coveredShare(clip, (await redact(clip.segments)).tracks);
    const here = clip.tracks.reduce((sum, track) => sum + Object.keys(track.frames).length, 0);
    faces += here;
    covered += Math.round(found.share * here);
    tracks += clip.tracks.length;
    tracksCovered += found.tracksCovered;
  }
  const context = `${covered} of ${faces} labelled faces in ${LABELLED.join(", ")}; ${tracksCovered} of ${tracks} tracks covered in every frame`;
  return [{ name: "redact.covered", value: covered / faces, unit: "share", context }];
}

async function timeFigures(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const size of SIZES) {
    const source = `testsrc2=size=${size}:rate=${RATE}:duration=${SECONDS}`;
    const run = await redact(segmentsOf(["-f", "lavfi", "-i", source], RATE * 2));
    const wall = (run.lookMs + run.makeMs) / run.frameCount;
    const context = `CPU time of the browser, ${run.frameCount} frames of ${size}, fetching the detector included; by the clock ${round(wall)}, of it looking ${round(run.lookMs / run.frameCount)} and making ${round(run.makeMs / run.frameCount)}`;
    const value = round(run.cpuMs / run.frameCount);
    figures.push({ name: "redact.ms_per_frame", value, unit: "ms", context });
  }
  return figures;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
