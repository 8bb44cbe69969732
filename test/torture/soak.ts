import { readdirSync, readFileSync, statSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { startLiveHub, type LiveHub } from "../support/live-hub.ts";
import { RTSP_SERVER_COMMANDS, startRtspServer } from "../support/rtsp-server.ts";
import { Inspector, type HeapUse } from "./inspector.ts";
import { until, type TortureGroup, type TortureResult } from "./frame.ts";

const FULL_MS = 30 * 60_000;
const SHORT_MS = 60_000;
const HEAP_BYTES_PER_HOUR_MAX = 1024 * 1024;
/**
 * Rows, ledger entries and what an owner's visits leave do not grow with a camera's bit rate: five in
 * a hundred of what one of 4 Mbit/s sends, which is what the write ratio of 1.05 is asked at.
 */
const BESIDE_BYTES_PER_SECOND_MAX = 25_000;
const LOOKS = 30;
/** What is loaded once has been by then. */
const WARM_UP_MS = 5_000;
/** Below this nothing is known of a slope: what is loaded late is in it. */
const SLOPE_KNOWN_AFTER_MS = 20 * 60_000;

/** What the hub's processes hold at one moment. */
export interface Look {
  readonly atMs: number;
  /** Of the hub's own process. */
  readonly heap: HeapUse;
  readonly descriptors: number;
  readonly children: number;
}

export interface Soak {
  readonly looks: readonly Look[];
  /** Handed to the disk by all processes of the hub, and the size of the recordings among it. */
  readonly writtenBytes: number;
  readonly mediaBytes: number;
  readonly clips: number;
}

/**
 * A hub with one camera that records, looked at `looks` times within `durationMs`: heap of its own
 * process, descriptors and children of all of them, and what they wrote.
 */
export async function soak(options: {
  readonly durationMs: number;
  readonly looks: number;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}): Promise<Soak> {
  const { durationMs, looks: wanted, say, signal } = options;
  await using camera = await startRtspServer();
  await using hub = await startLiveHub({
    // Whatever else on this machine is looked at has the usual port.
    environment: { NODE_OPTIONS: "--inspect-port=0" },
    cameras: `cameras:\n  - id: front\n    main: ${camera.mainUrl}\n    sub: ${camera.subUrl}\n`,
  });
  await hub.claim("--classic");
  using inspector = await Inspector.open(hub.pid, signal);
  await until("a recording", async () => mediaBytes(hub) > 0, { limitMs: 120_000, signal });
  await visit(hub);
  await inspector.heapAfterCollection();
  await wait(WARM_UP_MS, undefined, { signal });
  const before = { media: mediaBytes(hub), written: await writtenBytes(hub) };
  const looks: Look[] = [];
  const beganMs = performance.now();
  for (let at = 0; at < wanted; at += 1) {
    await visit(hub);
    looks.push(await look(hub, inspector));
    const found = looks.at(-1);
    say(
      `${Math.round(((at + 1) / wanted) * 100)} %: heap ${found?.heap.dataBytes} bytes and ${found?.heap.codeBytes} of code, ${found?.descriptors} descriptors, ${found?.children} children`,
    );
    const nextMs = beganMs + ((at + 1) / wanted) * durationMs;
    await wait(Math.max(0, nextMs - performance.now()), undefined, { signal });
  }
  await until("more of it", () => mediaBytes(hub) > before.media, { limitMs: 120_000, signal });
  return {
    looks,
    writtenBytes: (await writtenBytes(hub)) - before.written,
    mediaBytes: mediaBytes(hub) - before.media,
    clips: (await hub.clips()).length,
  };
}

/** What an owner's page asks for when it is opened. */
async function visit(hub: LiveHub): Promise<void> {
  await hub.health();
  for (const { id } of (await hub.clips()).slice(0, 3)) await hub.clip(id);
}

async function look(hub: LiveHub, inspector: Inspector): Promise<Look> {
  const tree = await hub.tree();
  return {
    atMs: performance.now(),
    heap: await inspector.heapAfterCollection(),
    descriptors: tree.reduce((sum, pid) => sum + descriptorsOf(pid), 0),
    children: tree.length - 1,
  };
}

/** The inspector's own socket is among them, each time. */
function descriptorsOf(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    // It ended since it was listed.
    return 0;
  }
}

async function writtenBytes(hub: LiveHub): Promise<number> {
  let bytes = 0;
  for (const pid of await hub.tree())
    bytes += Number(/^write_bytes: (\d+)/m.exec(ioOf(pid))?.[1] ?? 0);
  return bytes;
}

function ioOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/io`, "utf8");
  } catch {
    return "";
  }
}

/** With what is being written, which is on the disk as much as the rest. */
function mediaBytes({ clipsDirectory }: LiveHub): number {
  let bytes = 0;
  for (const entry of readdirSync(clipsDirectory, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) bytes += sizeOf(path.join(entry.parentPath, entry.name));
  return bytes;
}

/** By either of the names that it has while it is looked up. */
function sizeOf(file: string): number {
  const found = statSync(file, { throwIfNoEntry: false });
  return (
    found?.size ?? statSync(file.replace(/\.partial$/, ""), { throwIfNoEntry: false })?.size ?? 0
  );
}

/** Of the line through all points that is nearest to them. */
export function slopePerHour(points: readonly { readonly atMs: number; readonly value: number }[]) {
  const mean = (of: (point: (typeof points)[number]) => number): number =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [atMs, value] = [mean((point) => point.atMs), mean((point) => point.value)];
  const above = points.reduce((sum, point) => sum + (point.atMs - atMs) * (point.value - value), 0);
  const below = points.reduce((sum, point) => sum + (point.atMs - atMs) ** 2, 0);
  return below === 0 ? 0 : (above / below) * 3_600_000;
}

export function soakResults(found: Soak): TortureResult[] {
  const { looks, writtenBytes: written, mediaBytes: media, clips } = found;
  const spanMs = (looks.at(-1)?.atMs ?? 0) - (looks[0]?.atMs ?? 0);
  // The first third is what a start warms up.
  const late = looks.slice(Math.floor(looks.length / 3));
  const slope = slopePerHour(late.map(({ atMs, heap }) => ({ atMs, value: heap.dataBytes })));
  const isSlopeKnown = spanMs >= SLOPE_KNOWN_AFTER_MS;
  const grown = (of: (each: Look) => number): number => {
    const half = Math.floor(looks.length / 2);
    return Math.max(...looks.slice(half).map(of)) - Math.max(...looks.slice(0, half).map(of));
  };
  const descriptors = grown((each) => each.descriptors);
  const children = grown((each) => each.children);
  const ratio = media === 0 ? Number.POSITIVE_INFINITY : written / media;
  const beside = media === 0 ? ratio : ((written - media) / spanMs) * 1_000;
  const context = `${Math.round(spanMs / 1_000)} s, one camera, ${clips} clips, ${looks.length} looks, load ${(os.loadavg()[0] ?? 0).toFixed(1)} on ${os.availableParallelism()} cores`;
  const figure = (name: string, value: number, unit: string) => ({ name, value, unit, context });
  return [
    {
      name: "soak.heap",
      holds: !isSlopeKnown || slope < HEAP_BYTES_PER_HOUR_MAX,
      detail: isSlopeKnown
        ? `the heap grows by ${Math.round(slope)} bytes an hour`
        : "too short to say how the heap grows: see --full",
      figures: [
        figure("soak.heap_slope", Math.round(slope), "bytes/h"),
        figure("soak.code_bytes", looks.at(-1)?.heap.codeBytes ?? 0, "bytes"),
      ],
    },
    {
      name: "soak.descriptors",
      holds: descriptors <= 0 && children <= 0,
      detail: `the most in the second half less the most in the first: ${descriptors} descriptors, ${children} children`,
      figures: [figure("soak.descriptors", looks.at(-1)?.descriptors ?? 0, "descriptors")],
    },
    {
      name: "soak.written",
      holds: !isSlopeKnown || beside <= BESIDE_BYTES_PER_SECOND_MAX,
      detail: `${written} bytes written for ${media} bytes of recordings, so ${Math.round(beside)} a second beside them`,
      figures: [
        figure("soak.write_ratio", Number(ratio.toFixed(4)), ""),
        figure("soak.beside_bytes_per_second", Math.round(beside), "bytes/s"),
      ],
    },
  ];
}

export const group: TortureGroup = {
  name: "soak",
  promise:
    "A hub that runs and runs needs no more memory, descriptors or processes, and writes what it records",
  needs: [...RTSP_SERVER_COMMANDS],
  run: async ({ isFull, say, signal }) =>
    soakResults(await soak({ durationMs: isFull ? FULL_MS : SHORT_MS, looks: LOOKS, say, signal })),
};
