import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import type { LiveStreams } from "../src/http/live-streams.ts";
import { IngestProcess } from "../src/ingest/process.ts";
import type { CameraSettings } from "../src/settings/cameras.ts";
import { FRONT } from "../test/support/test-live.ts";
import { startTestHub } from "../test/support/test-hub.ts";
import type { Figure } from "./figure.ts";
import type { LiveTask } from "./live-client.ts";
import { percentile } from "../test/support/percentile.ts";

const SOURCE = path.join(import.meta.dirname, "live-source.ts");
const CLIENT = path.join(import.meta.dirname, "live-client.ts");
const VIEWERS = [1, 16];
const WARM_UP_MS = 3_000;
const MEASURE_MS = 12_000;

const run = promisify(execFile);

/** Nobody answers there: the pictures come from {@link file://./live-source.ts}. */
const CAMERA: CameraSettings = {
  ...{ id: FRONT, name: FRONT, source: "rtsp", main: "rtsp://127.0.0.1:1/main", sub: null },
  ...{ audio: false, faces: "keep", allowBasic: false, username: null, password: null },
};

/**
 * What the hub adds to a live picture: from the push into the ring of the ingest process, through
 * its pipe, the hub and a socket, to a viewer's process. Three processes, one machine.
 */
export async function liveFigures(): Promise<Figure[]> {
  await using hub = await startTestHub({ nowMs: "system", settings: { cameras: [CAMERA] } });
  const { live } = hub.hub.services;
  await using source = IngestProcess.start({
    entry: SOURCE,
    greet: () => [],
    onMessage: () => undefined,
    onPicture: (picture) => live.take(picture),
    onMalformed: (reason) => console.error(reason),
    onExit: async () => {},
  });
  using _asking = askAlso(source, live);
  const figures: Figure[] = [];
  for (const viewers of VIEWERS) {
    const { token } = hub.owner;
    const task: LiveTask = {
      ...{ url: hub.hub.url, token, viewers },
      ...{ warmUpMs: WARM_UP_MS, measureMs: MEASURE_MS },
    };
    const { stdout } = await run(process.execPath, [CLIENT, JSON.stringify(task)]);
    figures.push(figureOf(viewers, JSON.parse(stdout) as number[]));
  }
  return figures;
}

/** The hub asks its own ingest process for what somebody looks at; this one is to hear it too. */
function askAlso(source: IngestProcess, live: LiveStreams): Disposable {
  let on = false;
  const timer = setInterval(() => {
    if (live.watches.length > 0 === on) return;
    on = !on;
    source.send({ type: "watch", camera: FRONT, stream: "main", on });
  }, 20);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

function figureOf(viewers: number, addedMs: readonly number[]): Figure {
  const at = (share: number): string => percentile(addedMs, share).toFixed(2);
  return {
    name: "live.hub_added_ms.p95",
    value: Number(at(0.95)),
    unit: "ms",
    context:
      `push in the ingest process to receipt, viewers: ${viewers}, 1080p15 at 4 Mbit/s, ` +
      `${addedMs.length} pictures, median ${at(0.5)} ms, longest ${at(1)} ms`,
  };
}

if (import.meta.main) for (const figure of await liveFigures()) console.log(JSON.stringify(figure));
