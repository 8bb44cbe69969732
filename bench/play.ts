import { spawnSync } from "node:child_process";
import type { Page } from "playwright-core";
import type { Fragment, TrackInit } from "../src/protocol/fragment.ts";
import { readFragmentedMovie, splitInit } from "../src/owner/fragmented-movie.ts";
import { CAMERA, START_AT_MS } from "../test/clips/test-stream.ts";
import { insertEvents } from "../test/support/many-events.ts";
import { startPage, type TestPage } from "../test/support/page.ts";
import { recordClip } from "../test/support/test-clips.ts";
import type { Figure } from "./figure.ts";
import { percentile } from "../test/support/percentile.ts";

const SECONDS = 60;
const FRAMES_PER_SECOND = 15;
const MEGABITS = 4;
const OPENINGS = 10;
const SEEKS = 36;
const MILLION = 1_000_000;
const FRAMES = 300;

/** Watching recordings and going through a million of them, in Chromium on this machine. */
export async function playFigures(): Promise<Figure[]> {
  await using home = await startPage({ at: "#/nowhere" });
  const clip = await recordClip(home.hub.hub.services, home.hub.dataDirectory, noisyFragments());
  return [...(await clipFigures(home, clip)), ...(await timelineFigures(home))];
}

/** Noisy 1080p at 4 Mbit/s, one access unit a fragment, a key frame every two seconds. */
function noisyFragments(): Fragment[] {
  const source = `testsrc2=size=1920x1080:rate=${FRAMES_PER_SECOND}:duration=${SECONDS}`;
  const rate = `${MEGABITS}M`;
  const made = spawnSync(
    "ffmpeg",
    [
      ...["-v", "error", "-nostdin", "-f", "lavfi", "-i", source, "-vf", "noise=alls=12:allf=t"],
      ...["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-bf", "0"],
      ...["-g", String(2 * FRAMES_PER_SECOND), "-b:v", rate, "-maxrate", rate, "-bufsize", rate],
      ...["-movflags", "frag_every_frame+empty_moov+default_base_moof", "-f", "mp4", "pipe:1"],
    ],
    { maxBuffer: 256 * 1024 * 1024 },
  );
  if (made.status !== 0) throw new Error(`Cannot encode: ${made.stderr.toString()}`);
  const { codec, timescale, samples } = readFragmentedMovie(made.stdout);
  const { init, fragments } = splitInit(made.stdout);
  const track: TrackInit = {
    ...{ track: "video", codec, timescale, width: 1920, height: 1080, bytes: init },
  };
  const durationMs = 1_000 / FRAMES_PER_SECOND;
  return unitsOf(fragments).map((bytes, sequence) => ({
    ...{ camera: CAMERA, track: "video", sequence, durationMs, bytes, init: track },
    decodeTimeMs: sequence * durationMs,
    keyFrame: samples[sequence]?.isKey === true,
    wallClockMs: START_AT_MS + sequence * durationMs,
  }));
}

function unitsOf(fragments: Uint8Array): Uint8Array[] {
  const view = new DataView(fragments.buffer, fragments.byteOffset, fragments.length);
  const units: Uint8Array[] = [];
  let start = 0;
  for (let at = 0; at + 8 <= fragments.length;) {
    const isData = String.fromCharCode(...fragments.subarray(at + 4, at + 8)) === "mdat";
    at += view.getUint32(at);
    if (!isData) continue;
    units.push(fragments.subarray(start, at));
    start = at;
  }
  return units;
}

/** Runs in the browser: from the address to the first picture on the screen. */
const OPEN = (clip: string): string => `new Promise((resolve) => {
  const before = performance.now();
  location.hash = "#/event/${clip}";
  const look = () => {
    const video = document.querySelector("video");
    if (video && video.readyState >= 2) resolve(performance.now() - before);
    else setTimeout(look, 2);
  };
  setTimeout(look, 0);
})`;

const SEEK = (seconds: number): string => `new Promise((resolve) => {
  const video = document.querySelector("video");
  const before = performance.now();
  video.addEventListener("seeked", () => resolve(performance.now() - before), { once: true });
  video.currentTime = ${seconds};
})`;

async function clipFigures({ page, url }: TestPage, clip: string): Promise<Figure[]> {
  const openings: number[] = [];
  for (let opening = 0; opening < OPENINGS; opening += 1) {
    await page.goto(`${url}/#/nowhere`);
    await page.locator("video").waitFor({ state: "detached" });
    openings.push(await page.evaluate<number>(OPEN(clip)));
  }
  await page.evaluate("document.querySelector('video').pause()");
  const seeks: number[] = [];
  for (let seek = 0; seek < SEEKS; seek += 1) {
    // To and fro over the whole clip, never where it was just before.
    const seconds = ((seek * 23.7) % (SECONDS - 2)) + 0.5;
    seeks.push(await page.evaluate<number>(SEEK(seconds)));
    await page.waitForTimeout(150);
  }
  const what = `${SECONDS} s of noisy 1080p15 at ${MEGABITS} Mbit/s, x25519 keys`;
  return [
    {
      ...{ name: "play.first_frame.p95", value: rounded(percentile(openings, 0.95)), unit: "ms" },
      context:
        `of ${OPENINGS} openings, proof in the ledger included; median ` +
        `${rounded(percentile(openings, 0.5))} ms, first ${rounded(openings[0] ?? 0)} ms; ${what}`,
    },
    {
      ...{ name: "play.seek.p95", value: rounded(percentile(seeks, 0.95)), unit: "ms" },
      context: `of ${SEEKS} seeks, median ${rounded(percentile(seeks, 0.5))} ms; ${what}`,
    },
    await speedFigure(page, what),
  ];
}

/** Seconds of the clip in a second, asked for eight. */
async function speedFigure(page: Page, what: string): Promise<Figure> {
  const reached = await page.evaluate<number>(`(async () => {
    const video = document.querySelector("video");
    video.currentTime = 0.5;
    await new Promise((resolve) => video.addEventListener("seeked", resolve, { once: true }));
    video.playbackRate = 8;
    await video.play();
    const [before, from] = [performance.now(), video.currentTime];
    await new Promise((resolve) => {
      const look = () => (video.currentTime > ${SECONDS - 10} || performance.now() - before > 30000)
        ? resolve() : setTimeout(look, 10);
      look();
    });
    return (video.currentTime - from) / ((performance.now() - before) / 1000);
  })()`);
  return {
    ...{ name: "play.speed", value: rounded(reached), unit: "x" },
    context: `what playing at 8x came to, decoded by the processor; ${what}`,
  };
}

async function timelineFigures({ hub, page, url, context }: TestPage): Promise<Figure[]> {
  insertEvents(hub, { count: MILLION, days: 365, newestAtMs: Date.now() - 3_600_000 });
  await page.goto(`${url}/#/events`);
  await page.locator(".list li a[href]").first().waitFor();
  const session = await context.newCDPSession(page);
  const figures: Figure[] = [];
  for (const slower of [1, 4]) {
    await session.send("Emulation.setCPUThrottlingRate", { rate: slower });
    const took = await page.evaluate<number[]>(SCROLL);
    const name = `timeline.frame_ms${slower === 1 ? "" : `.slower${slower}`}`;
    const what =
      `${FRAMES} frames of a scripted scroll through a million events` +
      `${slower === 1 ? "" : `, processor slowed down ${slower} times`}; ` +
      `median ${rounded(percentile(took, 0.5))} ms, longest ${rounded(percentile(took, 1))} ms`;
    for (const part of [0.95, 0.99])
      figures.push({
        ...{ name: `${name}.p${part * 100}`, value: rounded(percentile(took, part)), unit: "ms" },
        context: what,
      });
  }
  return figures;
}

/** Runs in the browser: slowly, then a screen and more with each frame. */
const SCROLL = `new Promise((resolve) => {
  const list = document.querySelector(".list");
  const took = [];
  let before = performance.now();
  const step = (now) => {
    took.push(now - before);
    before = now;
    list.scrollTop += took.length < ${FRAMES * 0.7} ? 40 : 1500;
    if (took.length <= ${FRAMES}) requestAnimationFrame(step);
    else resolve(took.slice(1));
  };
  requestAnimationFrame(step);
})`;

function rounded(value: number): number {
  return Number(value.toFixed(1));
}

if (import.meta.main) for (const figure of await playFigures()) console.log(JSON.stringify(figure));
