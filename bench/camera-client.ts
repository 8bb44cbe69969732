import { systemClock } from "../src/base/clock.ts";
import { FragmentRing } from "../src/camera/ring.ts";
import { CameraStream } from "../src/camera/stream.ts";
import type { Fragment } from "../src/protocol/fragment.ts";
import { parseCameraId, type CameraId } from "../src/protocol/ids.ts";

/** Takes the fragments of one camera, beside its ring: for instance one that seals them. */
export type FragmentSink = AsyncDisposable & { take(fragment: Fragment): void };

/** What a module named as sink exports as `createSink`. */
export type CreateSink = (camera: CameraId) => Promise<FragmentSink>;

/** How a client process is told what to do, as JSON in its first argument. */
export interface ClientTask {
  readonly urls: readonly string[];
  readonly username: string;
  readonly password: string;
  readonly warmUpMs: number;
  readonly measureMs: number;
  /** URL of a module that exports {@link CreateSink} as `createSink`. */
  readonly sinkModule: string | null;
}

/** What it prints as its last line. */
export interface ClientResult {
  /** Per camera; 1 is one whole core. */
  readonly coreShare: number;
  readonly idleBytes: number;
  readonly residentBytes: number;
  readonly ringBytes: number;
  readonly measuredMs: number;
  readonly mediaBytes: number;
  readonly firstFragmentMs: readonly number[];
}

async function measure(task: ClientTask): Promise<ClientResult> {
  const createSink =
    task.sinkModule === null
      ? null
      : ((await import(task.sinkModule)) as { createSink: CreateSink }).createSink;
  await new Promise((resolve) => setTimeout(resolve, 500));
  const idleBytes = process.memoryUsage.rss();
  await using open = new AsyncDisposableStack();
  const rings: FragmentRing[] = [];
  const firstFragmentMs: number[] = [];
  let mediaBytes = 0;
  for (const [index, url] of task.urls.entries()) {
    const camera = parseCameraId(`camera-${index}`);
    const ring = new FragmentRing();
    rings.push(ring);
    const sink = createSink === null ? null : open.use(await createSink(camera));
    const startedMs = performance.now();
    let isFirst = true;
    const onFragment = (fragment: Fragment): void => {
      if (isFirst) firstFragmentMs.push(performance.now() - startedMs);
      isFirst = false;
      ring.push(fragment);
      sink?.take(fragment);
      mediaBytes += fragment.bytes.length;
    };
    const { username, password } = task;
    const source = { kind: "rtsp", url, username, password, audio: false } as const;
    const onStatus = (): void => undefined;
    open.use(
      CameraStream.start({
        camera,
        role: "main",
        source,
        clock: systemClock,
        onFragment,
        onStatus,
      }),
    );
  }
  await new Promise((resolve) => setTimeout(resolve, task.warmUpMs));
  const startedMs = performance.now();
  const before = process.cpuUsage();
  mediaBytes = 0;
  await new Promise((resolve) => setTimeout(resolve, task.measureMs));
  const used = process.cpuUsage(before);
  const tookMs = performance.now() - startedMs;
  return {
    coreShare: (used.user + used.system) / 1000 / tookMs / task.urls.length,
    idleBytes,
    residentBytes: process.memoryUsage.rss(),
    ringBytes: rings.reduce((sum, ring) => sum + ring.sizeBytes, 0),
    measuredMs: tookMs,
    mediaBytes,
    firstFragmentMs,
  };
}

if (import.meta.main) {
  const task = JSON.parse(process.argv[2] ?? "") as ClientTask;
  console.log(JSON.stringify(await measure(task)));
}
