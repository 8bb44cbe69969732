import os from "node:os";
import { setTimeout } from "node:timers/promises";
import { findFfmpeg } from "../src/base/ffmpeg.ts";
import { systemClock } from "../src/base/clock.ts";
import { maskFilter } from "../src/camera/transcode-filter.ts";
import { TranscodedStream } from "../src/camera/transcode.ts";
import type { Fragment } from "../src/protocol/fragment.ts";
import { parseCameraId } from "../src/protocol/ids.ts";
import type { Polygon } from "../src/protocol/picture-areas.ts";
import { cameraFragments } from "../test/support/camera-fragments.ts";
import { cachedMedia, noisyFullHd } from "../test/support/rtsp-server.ts";
import type { Figure } from "./figure.ts";
import { coreShares, usageOf } from "./process-usage.ts";
import { percentile } from "../test/support/percentile.ts";

/** A slanted roof and a window: 60 rectangles of the grid. */
const MASKS: readonly Polygon[] = [
  [
    [0, 0],
    [0.4, 0],
    [0, 0.5],
  ],
  [
    [0.7, 0.1],
    [0.9, 0.15],
    [0.9, 0.4],
    [0.7, 0.35],
  ],
];
/** Starting, and the first group of pictures. */
const WARM_UP_PICTURES = 45;

/** What painting masks into a camera's stream costs, and how much later it is seen. */
export async function transcodeFigures(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const { name, media } of [
    { name: "720p", media: noisyHd() },
    { name: "1080p", media: noisyFullHd() },
  ])
    figures.push(...(await figuresOf(name, cameraFragments(media))));
  return figures;
}

async function figuresOf(size: string, fragments: readonly Fragment[]): Promise<Figure[]> {
  const { path: ffmpegPath } = await findFfmpeg();
  const pushedAtMs = new Map<number, number>();
  const addedMs: number[] = [];
  const loadBefore = (os.loadavg()[0] ?? 0).toFixed(1);
  await using stream = TranscodedStream.open({
    ...{ camera: parseCameraId("bench"), ffmpegPath, filter: maskFilter(MASKS) },
    clock: systemClock,
    onFragment: ({ decodeTimeMs }) => {
      const pushed = pushedAtMs.get(Math.round(decodeTimeMs));
      if (pushed !== undefined) addedMs.push(performance.now() - pushed);
    },
    onChange: () => undefined,
  });
  const startMs = performance.now();
  let before = await usageOf(process.pid);
  for (const [index, fragment] of fragments.entries()) {
    await setTimeout(Math.max(0, startMs + fragment.decodeTimeMs - performance.now()));
    if (index === WARM_UP_PICTURES) {
      before = await usageOf(process.pid);
      addedMs.length = 0;
    }
    pushedAtMs.set(Math.round(fragment.decodeTimeMs), performance.now());
    stream.push(fragment);
  }
  const { own, children } = coreShares(before, await usageOf(process.pid));
  const at = (share: number): string => percentile(addedMs, share).toFixed(1);
  const what = `noisy ${size}15 at 4 Mbit/s with two masks, load ${loadBefore} before`;
  return [
    {
      name: `camera.cpu.masked.${size}`,
      value: Number(((own + children) * 100).toFixed(1)),
      unit: "% of a core per stream",
      context: `${what}; decoder and encoder ${(children * 100).toFixed(1)}, beside them ${(own * 100).toFixed(1)}`,
    },
    {
      name: `live.latency.masked.${size}.p95`,
      value: Number(at(0.95)),
      unit: "ms",
      context: `${what}; from the camera's fragment to the painted one, ${addedMs.length} pictures, median ${at(0.5)} ms, longest ${at(1)} ms`,
    },
  ];
}

/** As {@link noisyFullHd}, smaller. */
function noisyHd(): string {
  return cachedMedia("noisy-720p15", [
    ...["-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=15:duration=20"],
    ...["-vf", "noise=alls=24:allf=t", "-c:v", "libx264", "-preset", "ultrafast"],
    ...["-tune", "zerolatency", "-b:v", "4M", "-maxrate", "4M", "-bufsize", "2M"],
    ...["-g", "30", "-pix_fmt", "yuv420p"],
  ]);
}

if (import.meta.main)
  for (const figure of await transcodeFigures()) console.log(JSON.stringify(figure));
