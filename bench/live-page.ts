import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import type { CDPSession, Page } from "playwright-core";
import type { LiveStreams } from "../src/http/live-streams.ts";
import { readLiveFragment } from "../src/protocol/live-frame.ts";
import type { CameraSettings } from "../src/settings/cameras.ts";
import { startPage, type TestPage } from "../test/support/page.ts";
import { noisyFullHd, startRtspServer } from "../test/support/rtsp-server.ts";
import type { Figure } from "./figure.ts";
import { percentile } from "../test/support/percentile.ts";

export interface LivePageOptions {
  /** For each of the four ways in which the latency is measured. */
  readonly measureMs?: number;
}

const MEASURE_MS = 20_000;
const WARM_UP_MS = 4_000;
const OPENINGS = 10;
const SLOWER = 4;
/** Twenty minutes of them. */
const WALL_CLOCKS_KEPT = 20_000;
const SOURCE =
  "1080p15, noisy, 4 Mbit/s, over RTSP; headless Chromium, drawn and decoded in software";

/** One picture on the screen; milliseconds since 1970, both processes on one machine. */
interface Painted {
  readonly atMs: number;
  readonly saidMs: number | null;
  readonly wallClockMs: number;
}

/**
 * What a person gets of the live picture in a browser: how soon the first one is there, and how
 * late each is, from a real camera's stream through the whole hub.
 */
export async function livePageFigures(options: LivePageOptions = {}): Promise<Figure[]> {
  const { measureMs = MEASURE_MS } = options;
  await using server = await startRtspServer({ media: noisyFullHd(), shared: true });
  const camera: CameraSettings = {
    ...{ id: "front", name: "Front door", source: "rtsp", main: server.mainUrl, sub: null },
    ...{ audio: false, faces: "keep", allowBasic: false, username: null, password: null },
  };
  await using home = await startPage({
    at: "#/ledger",
    hub: { settings: { cameras: [camera] } },
  });
  const { page } = home;
  const arrivals = watchArrivals(home.hub.hub.services.live);
  await page.addInitScript(COLLECT);
  const figures = await openings(home);
  const cdp = await home.context.newCDPSession(page);
  const plan: readonly ("webcodecs" | "mse")[] = ["webcodecs", "mse"];
  for (const player of plan) {
    if (player === "mse") await page.addInitScript("delete globalThis.VideoDecoder");
    for (const rate of [1, SLOWER])
      figures.push(await latency(home, { player, rate, measureMs, cdp, arrivals }));
  }
  return figures;
}

/** When each picture came to the hub's process, by its wall clock. */
function watchArrivals(live: LiveStreams): ReadonlyMap<number, number> {
  const arrivals = new Map<number, number>();
  const take = live.take.bind(live);
  live.take = (picture) => {
    if (picture.kind === "fragment" && picture.track === "video") {
      if (arrivals.size > WALL_CLOCKS_KEPT) arrivals.clear();
      arrivals.set(readLiveFragment(picture.frame).wallClockMs, now());
    }
    take(picture);
  };
  return arrivals;
}

function now(): number {
  return performance.timeOrigin + performance.now();
}

async function openings({ page, url }: TestPage): Promise<Figure[]> {
  const within: number[] = [];
  const cold: number[] = [];
  await page.reload();
  for (let opening = 0; opening < OPENINGS; opening += 1) {
    await goTo(page, url, "#/ledger");
    within.push(await firstPicture(page, `location.hash = "#/live"`));
    await page.reload();
    cold.push(
      await page.evaluate<number>(`${FIRST}.then(({ atMs }) => atMs - performance.timeOrigin)`),
    );
  }
  return [
    spread("live.first_picture_ms", within, "from the tap on Live to the first picture drawn"),
    spread("live.first_picture_loading_ms", cold, "the same from the loading of the whole page"),
  ].flat();
}

async function goTo(page: Page, url: string, fragment: string): Promise<void> {
  await page.goto(`${url}/${fragment}`);
  // What is left is taken down in the next frames.
  await sleep(300);
}

/** @returns milliseconds from `action` to the first picture. */
async function firstPicture(page: Page, action: string): Promise<number> {
  return page.evaluate<number>(`(() => {
    globalThis.painted = [];
    const startedMs = performance.timeOrigin + performance.now();
    ${action};
    return ${FIRST}.then(({ atMs }) => atMs - startedMs);
  })()`);
}

async function latency(
  { page, url }: TestPage,
  options: {
    readonly player: "webcodecs" | "mse";
    readonly rate: number;
    readonly measureMs: number;
    readonly cdp: CDPSession;
    readonly arrivals: ReadonlyMap<number, number>;
  },
): Promise<Figure> {
  const { player, rate, measureMs, cdp, arrivals } = options;
  await goTo(page, url, "#/live");
  await page.reload();
  await page.locator(`figure[data-player="${player}"][data-state="playing"]`).waitFor();
  await cdp.send("Emulation.setCPUThrottlingRate", { rate });
  await sleep(WARM_UP_MS);
  await page.evaluate("globalThis.painted = []");
  await sleep(measureMs);
  const painted = await page.evaluate<Painted[]>("globalThis.painted");
  await cdp.send("Emulation.setCPUThrottlingRate", { rate: 1 });
  const late: number[] = [];
  const said: number[] = [];
  for (const { atMs, saidMs, wallClockMs } of painted) {
    const arrivedMs = arrivals.get(wallClockMs);
    // The camera's clock may run ahead: a picture is not older than its arrival.
    if (arrivedMs !== undefined) late.push(atMs - Math.min(arrivedMs, wallClockMs));
    if (saidMs !== null && arrivedMs !== undefined)
      said.push(Math.abs(saidMs - (atMs - wallClockMs)));
  }
  const slow = rate === 1 ? "" : `; the page's main thread ${rate} times slower`;
  const expected = Math.round((measureMs / 1_000) * 15);
  return {
    name: `live.latency.${player}${rate === 1 ? "" : ".slow"}.p95`,
    value: round(percentile(late, 0.95)),
    unit: "ms",
    context:
      `camera's wall clock or arrival, whichever is earlier, to drawn; median ${round(percentile(late, 0.5))}, ` +
      `longest ${round(percentile(late, 1))} ms; ${painted.length} of about ${expected} pictures; ` +
      `what the page says of itself was off by at most ${round(percentile(said, 0.95))} ms (p95); ${SOURCE}${slow}`,
  };
}

function spread(name: string, values: readonly number[], what: string): Figure[] {
  return ([0.5, 0.95] as const).map((part) => ({
    name: `${name}.p${part * 100}`,
    value: round(percentile(values, part)),
    unit: "ms",
    context: `${what}; ${values.length} times; ${SOURCE}`,
  }));
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/** Runs in the browser before the page's own scripts. */
const COLLECT = `
  globalThis.painted = [];
  document.addEventListener("picture", ({ detail }) => {
    const atMs = performance.timeOrigin + performance.now();
    globalThis.painted.push({ atMs, saidMs: detail.latencyMs, wallClockMs: detail.wallClockMs });
  }, true);
`;
const FIRST = `new Promise((resolve) => {
  const look = () => globalThis.painted[0] ? resolve(globalThis.painted[0]) : setTimeout(look, 5);
  look();
})`;

if (import.meta.main) {
  const { values } = parseArgs({ options: { minutes: { type: "string" } } });
  const minutes = Number(values.minutes ?? MEASURE_MS / 60_000);
  if (!(minutes > 0 && minutes <= 60)) throw new Error("--minutes is a number from 0 to 60");
  for (const figure of await livePageFigures({ measureMs: minutes * 60_000 }))
    console.log(JSON.stringify(figure));
}
