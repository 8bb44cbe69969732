import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { noisyFullHd, startRtspServer } from "../test/support/rtsp-server.ts";
import { INGEST_NODE_FLAGS } from "../src/ingest/process.ts";
import type { ClientResult, ClientTask } from "./camera-client.ts";
import type { Figure } from "./figure.ts";
import { percentile } from "../test/support/percentile.ts";

export interface CameraFigureOptions {
  /**
   * URL of a module that exports `createSink` ({@link file://./camera-client.ts}), measured in
   * addition: the client is a process of its own, so a function could not be handed to it.
   */
  readonly sinkModule?: string;
  readonly measureMs?: number;
}

const CLIENT = path.join(import.meta.dirname, "camera-client.ts");
const USER = { username: "bench", password: "bench" };
/** The ring is full after its ten seconds and two groups of pictures. */
const WARM_UP_MS = 15_000;
const CAMERAS = [1, 16];
const CONNECTIONS = 20;
const MEBIBYTE = 1024 * 1024;

const run = promisify(execFile);

/**
 * What receiving a camera costs: noisy 1080p15 at 4 Mbit/s from GStreamer's RTSP server, digest
 * authentication, measured in the client's process alone.
 */
export async function cameraFigures(options: CameraFigureOptions = {}): Promise<Figure[]> {
  await using server = await startRtspServer({ ...USER, media: noisyFullHd() });
  const task = (cameras: number, more: Partial<ClientTask>): ClientTask => ({
    ...USER,
    urls: Array.from({ length: cameras }, () => server.mainUrl),
    warmUpMs: WARM_UP_MS,
    measureMs: options.measureMs ?? 20_000,
    sinkModule: null,
    ...more,
  });
  const figures: Figure[] = [];
  for (const cameras of CAMERAS) {
    const result = await runClient(task(cameras, {}));
    figures.push(cpuFigure(cameras, result, "transport and ring"), memoryFigure(cameras, result));
  }
  const { sinkModule = new URL("./seal-sink.ts", import.meta.url).href } = options;
  for (const cameras of CAMERAS) {
    const result = await runClient(task(cameras, { sinkModule }));
    figures.push(cpuFigure(cameras, result, "transport, ring and seal"));
  }
  const connects: number[] = [];
  for (let connection = 0; connection < CONNECTIONS; connection += 1) {
    const result = await runClient(task(1, { warmUpMs: 1_000, measureMs: 1 }));
    connects.push(...result.firstFragmentMs);
  }
  figures.push(firstFragmentFigure(connects));
  return figures;
}

async function runClient(task: ClientTask): Promise<ClientResult> {
  const { stdout } = await run(process.execPath, [
    ...INGEST_NODE_FLAGS,
    CLIENT,
    JSON.stringify(task),
  ]);
  return JSON.parse(stdout) as ClientResult;
}

function cpuFigure(cameras: number, result: ClientResult, what: string): Figure {
  const megabits = ((result.mediaBytes * 8) / result.measuredMs / 1000 / cameras).toFixed(1);
  return {
    name: "camera.cpu.transport",
    value: Number((result.coreShare * 100).toFixed(2)),
    unit: "% of a core per camera",
    context: `${what}, ${cameras} x noisy 1080p15, ${megabits} Mbit/s each, client process only`,
  };
}

function memoryFigure(cameras: number, result: ClientResult): Figure {
  const mebibytes = (bytes: number): string => (bytes / MEBIBYTE).toFixed(1);
  const added = (result.residentBytes - result.idleBytes) / cameras;
  return {
    name: "camera.memory",
    value: Number((added / MEBIBYTE).toFixed(1)),
    unit: "MiB per camera",
    context:
      `${cameras} cameras, over the idle process; whole process ` +
      `${mebibytes(result.residentBytes)} MiB, rings ${mebibytes(result.ringBytes)} MiB`,
  };
}

function firstFragmentFigure(connects: readonly number[]): Figure {
  const at = (share: number): string => percentile(connects, share).toFixed(1);
  return {
    name: "camera.first_fragment",
    value: Number(at(0.5)),
    unit: "ms",
    context:
      `median of ${connects.length} connections to a server that starts with a key frame, ` +
      `p95 ${at(0.95)} ms, digest authentication`,
  };
}

if (import.meta.main)
  for (const figure of await cameraFigures()) console.log(JSON.stringify(figure));
