import { execFile, spawn, type ChildProcess } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { setTimeout } from "node:timers/promises";
import { promisify } from "node:util";
import { findOnPath } from "../src/base/ffmpeg.ts";
import { INGEST_NODE_FLAGS } from "../src/ingest/process.ts";
import type { CameraSettings } from "../src/settings/cameras.ts";
import { noisyFullHd, startRtspServer, type RtspServer } from "../test/support/rtsp-server.ts";
import { busyDoor, olderCodec, quietDoor, quietDoorFullHd } from "./door-media.ts";
import type { Figure } from "./figure.ts";
import type { PipelineResult, PipelineTask } from "./pipeline-client.ts";
import { coreShares, usageOf, type TreeUsage } from "./process-usage.ts";

const CLIENT = path.join(import.meta.dirname, "pipeline-client.ts");
const USER = { username: "bench", password: "bench" };
const MEASURE_MS = 40_000;
/** The quiet door is still from its 45th second on; before that two visitors have been seen. */
const QUIET_AFTER_MS = 55_000;
const BUSY_AFTER_MS = 15_000;
const MEBIBYTE = 1024 * 1024;

const run = promisify(execFile);

interface Scene {
  readonly name: string;
  readonly what: string;
  readonly main: string;
  /** Null: the main stream is looked at. */
  readonly sub: string | null;
  /** Instead of both: a file that has to be encoded. */
  readonly file?: () => string;
  readonly warmUpMs: number;
  readonly counts: readonly number[];
  readonly rival: string | null;
}

const NOISY = "noisy 1080p15 at 4 Mbit/s";
const SCENES: readonly Scene[] = [
  {
    name: "camera.cpu.moving",
    what: `${NOISY}, sub stream 640x360 in which something moves all the time`,
    ...{ main: "noisy", sub: "busy", warmUpMs: BUSY_AFTER_MS, counts: [1, 16] },
    rival: "rival.motion.cpu",
  },
  {
    name: "camera.cpu.still",
    what: `${NOISY}, sub stream 640x360 of a still scene after two visits, key frame every 2 s`,
    ...{ main: "noisy", sub: "quiet", warmUpMs: QUIET_AFTER_MS, counts: [1, 16] },
    rival: "rival.motion.cpu.still",
  },
  {
    name: "camera.cpu.main_only",
    what: `${NOISY} (constant bit rate), no sub stream: all of it is decoded`,
    ...{ main: "noisy", sub: null, warmUpMs: BUSY_AFTER_MS, counts: [1] },
    rival: "rival.motion.cpu.main_only",
  },
  {
    name: "camera.cpu.main_only.still",
    what: "1080p15 of a still scene after two visits, constant quality, no sub stream",
    ...{ main: "quiet-main", sub: null, warmUpMs: QUIET_AFTER_MS, counts: [1] },
    rival: "rival.motion.cpu.main_only.still",
  },
  {
    name: "camera.cpu.transcoded",
    what: "MPEG-4 part 2, noisy 1080p15 at 8 Mbit/s from a file, encoded to H.264 and looked at",
    ...{ main: "", sub: null, file: olderCodec, warmUpMs: BUSY_AFTER_MS, counts: [1], rival: null },
  },
];

/**
 * What whole cameras cost, with Debian's `motion` at the same time on the same streams: each
 * connection plays the same file from its beginning.
 *
 * @param only - Name of the one scene to measure.
 */
export async function pipelineFigures(only?: string): Promise<Figure[]> {
  await using server = await startRtspServer({
    ...USER,
    media: noisyFullHd(),
    mounts: {
      noisy: noisyFullHd(),
      busy: busyDoor(),
      quiet: quietDoor(),
      "quiet-main": quietDoorFullHd(),
    },
  });
  const motion = await findOnPath("motion");
  if (motion === null) console.error("Cannot compare with Debian's motion: it is not installed");
  const figures: Figure[] = [];
  for (const scene of SCENES.filter(({ name }) => only === undefined || name === only)) {
    for (const count of scene.counts) {
      const isBeside = motion !== null && count === 1 && scene.rival !== null;
      const loadBefore = os.loadavg()[0] ?? 0;
      const [ours, theirs] = await Promise.all([
        runPipelines(scene, count, server),
        isBeside ? runRival(motion, scene, server) : null,
      ]);
      const load = `load ${loadBefore.toFixed(1)} before`;
      figures.push(...ourFigures(scene, count, ours, load));
      if (theirs !== null && scene.rival !== null)
        figures.push(...rivalFigures(scene, scene.rival, theirs, ours, load));
    }
  }
  return figures;
}

async function runPipelines(
  { main, sub, file, warmUpMs }: Scene,
  count: number,
  server: RtspServer,
): Promise<PipelineResult> {
  const cameras = Array.from({ length: count }, (_, index): CameraSettings => {
    const id = `camera-${index + 1}`;
    const common = { id, name: id, audio: false, faces: "keep" } as const;
    if (file) return { ...common, source: "ffmpeg", input: file() };
    const streams = { main: server.url(main), sub: sub === null ? null : server.url(sub) };
    return {
      ...{ ...common, source: "rtsp", ...streams },
      ...{ ...USER, allowBasic: false },
    };
  });
  const task: PipelineTask = { cameras, warmUpMs, measureMs: MEASURE_MS };
  const { stdout } = await run(process.execPath, [
    ...INGEST_NODE_FLAGS,
    CLIENT,
    JSON.stringify(task),
  ]);
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as PipelineResult;
}

interface RivalResult {
  readonly before: TreeUsage;
  readonly after: TreeUsage;
}

async function runRival(
  motion: string,
  { main, sub, warmUpMs }: Scene,
  server: RtspServer,
): Promise<RivalResult> {
  const folder = await mkdtemp(path.join(os.tmpdir(), "doorward-bench-rival-"));
  const looked = sub ?? main;
  const size = sub === null ? ["width 1920", "height 1080"] : ["width 640", "height 360"];
  const settings = [
    ...["daemon off", "webcontrol_port 0", "picture_output off", `target_dir ${folder}`],
    ...[`netcam_url ${server.url(looked)}`, `netcam_userpass ${USER.username}:${USER.password}`],
    // As it is set up for little work: the main stream is kept as it comes, the sub stream looked at.
    ...(sub === null ? [] : [`netcam_high_url ${server.url(main)}`]),
    ...[...size, "framerate 15", "movie_output on", "movie_passthrough on"],
  ];
  const file = path.join(folder, "motion.conf");
  await writeFile(file, settings.join("\n"));
  const child: ChildProcess = spawn(motion, ["-n", "-c", file], { stdio: "ignore" });
  const ended = new Promise((resolve) => child.once("close", resolve));
  try {
    await setTimeout(warmUpMs);
    const before = await usageOf(child.pid ?? 0);
    await setTimeout(MEASURE_MS);
    return { before, after: await usageOf(child.pid ?? 0) };
  } finally {
    child.kill("SIGKILL");
    await ended;
    await rm(folder, { recursive: true, force: true });
  }
}

function ourFigures(
  { name, what, file }: Scene,
  count: number,
  { before, after, clipsStarted, troubles }: PipelineResult,
  load: string,
): Figure[] {
  const shares = coreShares(before, after);
  const percent = (share: number): string => ((share / count) * 100).toFixed(2);
  const mebibytes = (bytes: number): number => Number((bytes / count / MEBIBYTE).toFixed(1));
  const plural = count === 1 ? "" : "s";
  const problem = troubles.length === 0 ? "" : `; ${troubles.length} troubles: ${troubles[0]}`;
  return [
    {
      name,
      value: Number(percent(shares.own + shares.children)),
      unit: "% of a core per camera",
      context:
        `${count} camera${plural}: ${what}; ingest ${percent(shares.own)}, ` +
        `${file ? "encoder and decoder" : "decoders"} ${percent(shares.children)}; ${clipsStarted} recordings began meanwhile; ` +
        `${load}${problem}`,
    },
    {
      name: name.replace("cpu", "memory"),
      value: mebibytes(after.ownBytes),
      unit: "MiB per camera",
      context:
        `${count} camera${plural}: ${what}; whole process, Node included; decoders beside it ` +
        `${mebibytes(after.childrenBytes)} MiB, of which shared pages counted once ` +
        `${mebibytes(after.childrenProportionalBytes)}`,
    },
  ];
}

function rivalFigures(
  { name, what }: Scene,
  rival: string,
  theirs: RivalResult,
  ours: PipelineResult,
  load: string,
): Figure[] {
  const { own, children } = coreShares(theirs.before, theirs.after);
  const us = coreShares(ours.before, ours.after);
  const total = own + children;
  return [
    {
      name: rival,
      value: Number((total * 100).toFixed(2)),
      unit: "% of a core",
      context: `Debian's motion, movie_passthrough, beside ${name}: ${what}; ${load}`,
    },
    {
      name: `${name}.ratio`,
      value: Number(((us.own + us.children) / total).toFixed(3)),
      unit: "of what motion takes",
      context: `${name} with one camera over ${rival}, both at the same time`,
    },
  ];
}

if (import.meta.main)
  for (const figure of await pipelineFigures(process.argv[2])) console.log(JSON.stringify(figure));
