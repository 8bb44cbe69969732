import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { setTimeout } from "node:timers/promises";
import { systemClock } from "../src/base/clock.ts";
import { findFfmpeg, findOnPath } from "../src/base/ffmpeg.ts";
import { GreyFrames } from "../src/vision/frames.ts";
import { MotionDetector } from "../src/vision/motion.ts";
import { eventsIn, fragmentsFromFfmpeg, type FoundEvent } from "../test/vision/footage.ts";
import {
  labelledFootage,
  score,
  type LabelledFootage,
  type Score,
} from "../test/vision/labelled.ts";
import { sharedPath } from "../test/support/requirements.ts";
import {
  sceneGround,
  SCENE_FRAMES_PER_SECOND,
  SCENE_HEIGHT,
  SCENE_WIDTH,
} from "../test/vision/scene-ground.ts";
import { fragmentsOfScene, madeScenes } from "../test/vision/scenes.ts";
import type { Figure } from "./figure.ts";
import { percentile } from "../test/support/percentile.ts";

const SUB_STREAM = "640x360 H.264 at 15 fps and 500 kbit/s";
const CPU_SECONDS = 20;
/** Clock ticks a second of /proc/PID/stat on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** Motion on labelled footage, ours and Debian's `motion`, and what it costs. */
export async function motionFigures(): Promise<readonly Figure[]> {
  const figures = await onsetFigures();
  const footage = labelledFootage();
  if (footage === null) {
    console.error("Cannot measure motion on real footage: it is not on this machine");
    return [...figures, ...(await processorFigures(null))];
  }
  const scored = [];
  for (const item of footage) {
    const fragments = await fragmentsFromFfmpeg(["-i", item.file]);
    const lengthSeconds = (fragments.at(-1)?.decodeTimeMs ?? 0) / 1000;
    const events = await eventsIn(fragments);
    scored.push({ item, lengthSeconds, events, ...score(events, item.ranges, lengthSeconds) });
  }
  figures.push(...summary("", `the detector at its default settings on ${SUB_STREAM}`, scored));
  figures.push(...(await processorFigures(scored[0]?.item ?? null)));
  const rivals = await rivalScores(
    scored.map(({ item, lengthSeconds }) => ({ item, lengthSeconds })),
  );
  return rivals === null
    ? figures
    : [...figures, ...summary("rival.", "Debian's motion, default settings", rivals)];
}

/**
 * The same on scenes that were made from the footage by known transformations: light, weather, a
 * camera that shakes, somebody who stands still. Both see the same encoded files.
 */
export async function motionSceneFigures(): Promise<readonly Figure[]> {
  const media = sharedPath("media");
  if (media === null) {
    console.error("Cannot measure motion on made scenes: the footage is not on this machine");
    return [];
  }
  const folder = await mkdtemp(path.join(os.tmpdir(), "doorward-bench-scenes-"));
  try {
    const scored: Scored[] = [];
    for (const made of madeScenes(await sceneGround(media), media)) {
      const { name, ranges, lengthSeconds } = made;
      const fragments = await fragmentsOfScene(made);
      const file = path.join(folder, `${name}.mp4`);
      const init = fragments[0]?.init.bytes ?? new Uint8Array(0);
      await writeFile(file, Buffer.concat([init, ...fragments.map(({ bytes }) => bytes)]));
      const events = await eventsIn(fragments);
      const item = { name, file, ranges };
      scored.push({ item, lengthSeconds, events, ...score(events, ranges, lengthSeconds) });
    }
    const size = `${SCENE_WIDTH}x${SCENE_HEIGHT} at ${SCENE_FRAMES_PER_SECOND} fps`;
    const what = `scenes made by known transformations, ${size}`;
    const figures = summary("scenes.", `default settings; ${what}`, scored);
    const rivals = await rivalScores(scored);
    if (rivals === null) return figures;
    return [...figures, ...summary("rival.scenes.", `Debian's motion, default; ${what}`, rivals)];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface Scored extends Score {
  readonly item: LabelledFootage;
  readonly lengthSeconds: number;
  readonly events: readonly FoundEvent[];
}

function summary(prefix: string, what: string, scored: readonly Scored[]): Figure[] {
  const sum = (part: (one: Scored) => number) => scored.reduce((all, one) => all + part(one), 0);
  const each = (part: (one: Scored) => string) =>
    scored.map((one) => `${one.item.name} ${part(one)}`).join(", ");
  const hours = sum(({ lengthSeconds }) => lengthSeconds) / 3600;
  const onsets = scored.flatMap(({ onsetsMs }) => onsetsMs);
  const rule = "an event must be open within 3 s of the labelled beginning (labels +-0.7 s)";
  return [
    {
      name: `${prefix}motion.recall`,
      value: rounded(sum(({ found }) => found) / sum(({ ranges }) => ranges), 3),
      unit: "share",
      context: `${what}; ${rule}; ${each(({ found, ranges }) => `${found}/${ranges}`)}`,
    },
    {
      name: `${prefix}motion.false_starts_per_hour`,
      value: rounded(sum(({ falseStarts }) => falseStarts) / hours, 1),
      unit: "1/h",
      context: [
        `${what}; in ${(hours * 60).toFixed(1)} minutes`,
        each(({ falseStarts }) => String(falseStarts)),
      ].join("; "),
    },
    {
      name: `${prefix}motion.unlabelled_seconds`,
      value: rounded(
        sum(({ unlabelledSeconds }) => unlabelledSeconds),
        1,
      ),
      unit: "s",
      context: [
        `${what}; inside events, outside labels`,
        each(({ unlabelledSeconds }) => unlabelledSeconds.toFixed(1)),
      ].join("; "),
    },
    {
      name: `${prefix}event.onset.labelled.p95`,
      value: rounded(percentile(onsets, 0.95), 0),
      unit: "ms",
      context: [
        `${what}; labelled beginning (+-700 ms) to the start of the event`,
        each(({ onsetsMs }) => onsetsMs.map(Math.round).join("/") || "none"),
      ].join("; "),
    },
  ];
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

const PASSERS = 24;
const PASSER_EVERY_S = 9.07;

/** Onset where the moment of appearing is known to the frame: a box that enters from the side. */
async function onsetFigures(): Promise<Figure[]> {
  const lengthSeconds = Math.ceil((PASSERS + 1) * PASSER_EVERY_S);
  const entersAt = (index: number) => 6 + index * PASSER_EVERY_S;
  const since = `mod(t-6\\,${PASSER_EVERY_S})`;
  const graph = [
    `color=gray:s=640x360:r=15:d=${lengthSeconds},noise=alls=10:allf=t[wall]`,
    `color=0x303030:s=60x150:r=15:d=${lengthSeconds}[box]`,
    `[wall][box]overlay=x='-60+${since}*150':y=150:enable='gte(t,6)'`,
  ].join(";");
  const events = await eventsIn(await fragmentsFromFfmpeg(["-f", "lavfi", "-i", graph]));
  const delays = Array.from({ length: PASSERS }, (_, index) => {
    const event = events.find(({ said }) => said > entersAt(index) - 0.1);
    return ((event?.said ?? Infinity) - entersAt(index)) * 1000;
  });
  return [
    {
      name: "event.onset.p95",
      value: Math.round(percentile(delays, 0.95)),
      unit: "ms",
      context:
        `from the moment at which a figure-sized box begins to enter at walking pace, to the time ` +
        `stamp of the picture that started the event; ${PASSERS} of them on ${SUB_STREAM}; ` +
        `the picture itself is there 2 to 4 ms later; ` +
        `median ${Math.round(percentile(delays, 0.5))} ms`,
    },
  ];
}

/** Processor time of the decoder child and of the detector, at the pace of a camera. */
async function processorFigures(item: LabelledFootage | null): Promise<Figure[]> {
  const moving = item ? ["-stream_loop", "-1", "-i", item.file] : ["-f", "lavfi", "-i", "testsrc2"];
  const fragments = await fragmentsFromFfmpeg(["-t", String(CPU_SECONDS + 4), ...moving]);
  const detector = new MotionDetector();
  await using frames = GreyFrames.open({
    ffmpegPath: (await findFfmpeg()).path,
    clock: systemClock,
    onFrame: (frame) => void detector.push(frame),
  });
  const startedMs = performance.now();
  let before = { own: 0, child: 0, atMs: 0 };
  for (const fragment of fragments) {
    await setTimeout(Math.max(0, startedMs + fragment.decodeTimeMs - performance.now()));
    frames.push(fragment);
    // The first seconds belong to starting up.
    if (before.atMs === 0 && fragment.decodeTimeMs > 3_000) before = await usage(frames);
  }
  const after = await usage(frames);
  const share = (part: "own" | "child") =>
    (after[part] - before[part]) / (after.atMs - before.atMs);
  const memory = await residentBytes(frames.decoderPid);
  const shown = item?.name ?? "test pattern";
  const context = `one camera, ${SUB_STREAM}, ${shown} for ${CPU_SECONDS} s at its own pace`;
  return [
    {
      name: "camera.cpu.motion",
      value: rounded(share("own") + share("child"), 4),
      unit: "share of one core",
      context: [
        `${context}; decoder child ${share("child").toFixed(4)}`,
        `this process ${share("own").toFixed(4)} with feeding and timers`,
      ].join(", "),
    },
    {
      name: "camera.memory.decoder",
      value: Math.round(memory / 1024 / 1024),
      unit: "MiB",
      context: `${context}; resident, the sandbox included`,
    },
  ];
}

async function usage(frames: GreyFrames): Promise<{ own: number; child: number; atMs: number }> {
  const { user, system } = process.cpuUsage();
  let ticks = 0;
  for (const pid of await processTree(frames.decoderPid)) {
    const fields = (await readFile(`/proc/${pid}/stat`, "utf8")).split(") ")[1]?.split(" ") ?? [];
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  const child = (ticks / TICKS_PER_SECOND) * 1000;
  return { own: (user + system) / 1000, child, atMs: performance.now() };
}

async function residentBytes(root: number | null): Promise<number> {
  let sum = 0;
  for (const pid of await processTree(root)) {
    const status = await readFile(`/proc/${pid}/status`, "utf8");
    sum += Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024;
  }
  return sum;
}

async function processTree(root: number | null): Promise<number[]> {
  if (root === null) return [];
  const children = await readFile(`/proc/${root}/task/${root}/children`, "utf8");
  const below = await Promise.all(
    children.trim().split(" ").filter(Boolean).map(Number).map(processTree),
  );
  return [root, ...below.flat()];
}

type Playable = Pick<Scored, "item" | "lengthSeconds">;

/**
 * The same footage through Debian's `motion`, all files at once, since it plays them at their own
 * pace. Null where it is not installed.
 */
async function rivalScores(footage: readonly Playable[]): Promise<Scored[] | null> {
  const motion = await findOnPath("motion");
  if (motion === null) {
    console.error("Cannot compare with Debian's motion: it is not installed");
    return null;
  }
  const folder = await mkdtemp(path.join(os.tmpdir(), "doorward-bench-motion-"));
  try {
    const watched = await Promise.all(
      footage.map((playable, index) =>
        watchRival(motion, path.join(folder, String(index)), playable),
      ),
    );
    return footage.map(({ item, lengthSeconds }, index) => {
      const events = watched[index] ?? [];
      return { item, lengthSeconds, events, ...score(events, item.ranges, lengthSeconds) };
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function watchRival(
  motion: string,
  base: string,
  { item, lengthSeconds }: Playable,
): Promise<FoundEvent[]> {
  const substream = `${base}.mp4`;
  await runToEnd("ffmpeg", [
    ...["-v", "error", "-i", item.file, "-an", "-vf", "fps=15,scale=640:360,setsar=1"],
    ...["-c:v", "libx264", "-preset", "veryfast", "-b:v", "500k", "-pix_fmt", "yuv420p", substream],
  ]);
  const log = `${base}.log`;
  const settings = [
    ...["daemon off", "webcontrol_port 0", "picture_output off", "movie_output off"],
    ...[`netcam_url file://${substream}`, "width 640", "height 360", "framerate 15"],
    `on_event_start sh ${base}.sh start`,
    `on_event_end sh ${base}.sh end`,
  ];
  await writeFile(`${base}.conf`, settings.join("\n"));
  // In a file of its own: motion takes percent signs in a command for itself.
  await writeFile(`${base}.sh`, `echo "$1 $(date +%s%3N)" >> ${log}\n`);
  const startedAtMs = Date.now();
  const child = spawn(motion, ["-n", "-c", `${base}.conf`], { stdio: "ignore" });
  await setTimeout(lengthSeconds * 1000);
  child.kill("SIGKILL");
  const lines = (await readFile(log, "utf8").catch(() => "")).trim().split("\n").filter(Boolean);
  const events: FoundEvent[] = [];
  for (const line of lines) {
    const [what, atMs] = line.split(" ");
    const seconds = (Number(atMs) - startedAtMs) / 1000;
    const open = events.at(-1);
    if (what === "start") events.push({ onset: seconds, said: seconds, end: Infinity });
    else if (open) events.splice(-1, 1, { ...open, end: seconds });
  }
  return events;
}

async function runToEnd(command: string, parameters: readonly string[]): Promise<void> {
  const child = spawn(command, parameters, { stdio: "ignore" });
  const code = await new Promise((resolve) => child.once("close", resolve));
  if (code !== 0) throw new Error(`Cannot prepare footage: ${command} ended with ${String(code)}`);
}
