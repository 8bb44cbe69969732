import { readFileSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { openKeys } from "../../src/cli/keys-directory.ts";
import { signingKeyOf, type DeviceBundle } from "../../src/owner/device-bundle.ts";
import { signLogin } from "../../src/owner/household.ts";
import { startLiveHub, type LiveHub } from "../support/live-hub.ts";
import { FILLED_DAYS, listUrls } from "./events-lists.ts";
import { fillStore, type FilledStore } from "./events-store.ts";
import type { TortureGroup, TortureResult } from "./frame.ts";
import { percentile } from "../support/percentile.ts";

const FULL_CLIPS = 1_000_000;
const SHORT_CLIPS = 20_000;
const LIST_P99_MAX_MS = 100;
const START_MAX_MS = 10_000;
/** Of /proc/PID/stat, on every Linux that Node runs on. */
const TICK_MS = 10;

const REQUEST = {
  ...{ kind: "police_voluntary", urgency: "normal", requester: { name: "A", contact: "b" } },
  ...{ legalBasis: { basis: "none" }, narrative: "c", purpose: "d" },
  sought: {
    ...{ cameras: "unspecified", from: "2026-11-20T00:00:00Z", to: "2026-11-20T01:00:00Z" },
    ...{ tracks: ["video"], clearFaces: false },
  },
};

/** One list, asked for again and again. */
export interface ListFound {
  readonly url: string;
  readonly status: number;
  readonly bytes: number;
  readonly tookMs: readonly number[];
  /** Of the hub's own process, for each call. */
  readonly cpuMs: number;
}

export interface EventsFound {
  readonly filled: FilledStore;
  readonly startMs: number;
  readonly lists: readonly ListFound[];
}

/**
 * Every list of the hub, and each of its filters, as an owner asks for them over HTTP, in a hub of its
 * own with so many clips.
 */
export async function listEvents(options: {
  readonly clips: number;
  readonly calls: number;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}): Promise<EventsFound> {
  const { clips, calls, say, signal } = options;
  // Nobody answers there: cameras would take a share of what is measured.
  const cameras = "cameras:\n  - id: front\n    main: rtsp://127.0.0.1:9/main\n";
  // Whoever keeps so many has said so: nothing of them goes while they are listed.
  const retention = "retention: { motion: 9999d, bell: 9999d }\n";
  await using hub = await startLiveHub({ cameras: cameras + retention });
  await hub.claim("--classic");
  const file = path.join(hub.ownerDirectory, "request.json");
  writeFileSync(file, JSON.stringify(REQUEST));
  await hub.cli("owner", "request", "--keys", hub.keysDirectory, "--file", file);
  await hub.stop();
  say(`writing ${clips} clips`);
  const newestAtMs = Date.now() - 3_600_000;
  const filled = fillStore(hub.dataDirectory, { clips, newestAtMs, days: FILLED_DAYS });
  const beganMs = performance.now();
  await hub.restart();
  const startMs = performance.now() - beganMs;
  const token = await tokenOf(hub, (await openKeys(hub.keysDirectory)).bundle);
  const lists: ListFound[] = [];
  for (const url of listUrls(clips, newestAtMs)) {
    signal.throwIfAborted();
    lists.push(await ask(hub, url, token, calls));
  }
  return { filled, startMs, lists };
}

async function ask(hub: LiveHub, url: string, token: string, calls: number): Promise<ListFound> {
  const headers = { authorization: `Bearer ${token}` };
  const tookMs: number[] = [];
  let [status, bytes] = [0, 0];
  const before = cpuMs(hub.pid);
  for (let call = 0; call < calls; call += 1) {
    const beganMs = performance.now();
    const answer = await fetch(`${hub.url}${url}`, { headers });
    bytes = (await answer.arrayBuffer()).byteLength;
    // The hub paces some of them: those are asked as often as it lets one.
    if (answer.status === 429 && call > 0) break;
    tookMs.push(performance.now() - beganMs);
    status = answer.status;
  }
  const used = (cpuMs(hub.pid) - before) / tookMs.length;
  return { url, status, bytes, tookMs, cpuMs: used };
}

function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) * TICK_MS;
}

/** The command line's own client checks each answer, which is not what is measured. */
async function tokenOf(hub: LiveHub, bundle: DeviceBundle): Promise<string> {
  const post = async (url: string, body: unknown): Promise<Record<string, string>> => {
    const headers = { "content-type": "application/json" };
    const init = { method: "POST", headers, body: JSON.stringify(body) };
    return (await (await fetch(`${hub.url}${url}`, init)).json()) as Record<string, string>;
  };
  const { device } = signingKeyOf(bundle);
  const { challenge = "" } = await post("/api/session/challenge", { device });
  const { token = "" } = await post("/api/session", { login: await signLogin(bundle, challenge) });
  return token;
}

export function eventsResults({ filled, startMs, lists }: EventsFound): TortureResult[] {
  const p99Ms = (list: ListFound): number => percentile(list.tookMs, 0.99);
  const slowest = lists.toSorted((left, right) => p99Ms(right) - p99Ms(left));
  const hungriest = lists.toSorted((left, right) => right.cpuMs - left.cpuMs)[0];
  const p99 = slowest[0] ? p99Ms(slowest[0]) : Number.POSITIVE_INFINITY;
  const failed = lists.filter(({ status }) => status !== 200);
  const slow = slowest.filter((list) => p99Ms(list) >= LIST_P99_MAX_MS);
  const named = (list: ListFound): string => `${list.url} ${p99Ms(list).toFixed(0)} ms`;
  const context = `${lists.length} lists of a hub with ${filled.clips} clips, ${filled.entries} ledger entries, ${filled.requests} requests; load ${(os.loadavg()[0] ?? 0).toFixed(1)} on ${os.availableParallelism()} cores`;
  return [
    {
      name: "events.lists",
      holds: failed.length === 0 && slow.length === 0,
      detail:
        failed.length > 0
          ? `not answered: ${failed.map(({ url, status }) => `${url} ${status}`).join(", ")}`
          : slow.length > 0
            ? `slower than ${LIST_P99_MAX_MS} ms (p99): ${slow.slice(0, 8).map(named).join(", ")}`
            : `the slowest list: ${slowest[0] ? named(slowest[0]) : "none"} (p99)`,
      figures: [
        { name: "events.list_p99_ms", value: Math.round(p99), unit: "ms", context },
        {
          ...{ name: "events.list_cpu_ms", value: Math.round(hungriest?.cpuMs ?? 0), unit: "ms" },
          context: `of the hub's processor, a call, the most of all: ${hungriest?.url}; ${context}`,
        },
      ],
    },
    {
      name: "events.start",
      holds: startMs < START_MAX_MS,
      detail: `it answers ${Math.round(startMs)} ms after it was started`,
      figures: [{ name: "events.start_ms", value: Math.round(startMs), unit: "ms", context }],
    },
  ];
}

export const group: TortureGroup = {
  name: "events",
  promise: "A hub with a million clips answers every list at once, and starts as fast as another",
  needs: [],
  run: async ({ isFull, say, signal }) => {
    const [clips, calls] = isFull ? [FULL_CLIPS, 100] : [SHORT_CLIPS, 10];
    return eventsResults(await listEvents({ clips, calls, say, signal }));
  },
};
