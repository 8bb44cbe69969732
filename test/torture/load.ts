import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import https from "node:https";
import os from "node:os";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fillForm } from "../../src/owner/requests.ts";
import { parseClipId } from "../../src/protocol/ids.ts";
import { readSettings } from "../../src/settings/settings.ts";
import { openLive, type LiveSocket } from "../support/live-socket.ts";
import { projectRoot } from "../support/requirements.ts";
import { RTSP_SERVER_COMMANDS, startRtspServer } from "../support/rtsp-server.ts";
import { makeForm, requestDocument } from "../support/test-consent.ts";
import { startTestHub, type TestHub } from "../support/test-hub.ts";
import { until, type TortureGroup, type TortureResult } from "./frame.ts";
import { percentile } from "../support/percentile.ts";

const ATTACKER = path.join(projectRoot, "bench/lan-attacker.ts");
const INTAKE = path.join(projectRoot, "test/torture/load-intake.ts");
const ATTACKERS = 8;
const OWNER_EVERY_MS = 100;
const OWNER_P99_MAX_MS = 200;
const NOTICES_MAX = 5;
/** Entries that are not about a recording: log-ins leave none, and a request leaves one. */
const OTHER_ENTRIES_MAX = 20;
/** Between two segments of a clip: one picture at 15 a second, and then some. */
const GAP_MAX_MS = 1_000;

export interface LoadSize {
  readonly cameras: number;
  readonly viewers: number;
  readonly logInsPerSecond: number;
  readonly intakePosts: number;
  readonly durationMs: number;
}

export const FULL_LOAD: LoadSize = {
  ...{ cameras: 16, viewers: 10, logInsPerSecond: 1_000, intakePosts: 10_000, durationMs: 60_000 },
};
export const SHORT_LOAD: LoadSize = {
  ...{ cameras: 2, viewers: 3, logInsPerSecond: 200, intakePosts: 500, durationMs: 8_000 },
};

export interface Load {
  readonly ownerMs: readonly number[];
  /** Of the answers to the owner, those that were not 200. */
  readonly ownerRefused: number;
  readonly attempts: Readonly<Record<string, number>>;
  readonly intake: Readonly<Record<string, number>>;
  readonly clips: number;
  readonly segments: number;
  /** Segments that are not there: gaps in a clip, torn clips, and restarts of the recorder. */
  readonly lost: readonly string[];
  readonly viewersPlaying: number;
  readonly notices: number;
  /** Appended meanwhile, beside those of recordings. */
  readonly otherEntries: number;
}

/** A hub with cameras and viewers, while others log in, claim and post as fast as they may. */
export async function loadHub(
  size: LoadSize,
  {
    directory,
    say,
    signal,
  }: { directory: string; say: (line: string) => void; signal: AbortSignal },
): Promise<Load> {
  await using stack = new AsyncDisposableStack();
  const camera = stack.use(await startRtspServer());
  const hub = stack.use(await startHub(directory, size.cameras, camera));
  const form = JSON.stringify(await fillForm(await makeForm(hub), requestDocument()));
  const { services } = hub.hub;
  await until("every camera", () => streaming(hub) === size.cameras, { limitMs: 180_000, signal });
  const viewers = await openViewers(hub, size, stack);
  await until("a recording", () => services.clips.list().clips.length > 0, {
    ...{ limitMs: 180_000, signal },
  });
  const before = { ledger: services.ledger.size(), restarts: hub.hub.ingest.restarts };
  say(`${size.cameras} cameras and ${size.viewers} viewers; others begin`);
  const attackers = startAttackers(portOf(hub), size.logInsPerSecond, stack);
  const intake = run([INTAKE, services.intakeUrl() ?? "", String(size.intakePosts)], stack, form);
  const owner = await ownersCalls(hub, size.durationMs, signal);
  const posted = JSON.parse(await intake) as Record<string, number>;
  for (const { child } of attackers) child.kill("SIGTERM");
  const attempts = await Promise.all(attackers.map(({ said }) => said));
  const played = viewers.filter(({ fragments }) => fragments.length > 0).length;
  await until("a whole segment", () => segmentsOf(hub) > 0, { limitMs: 60_000, signal });
  return {
    ...{ ownerMs: owner.tookMs, ownerRefused: owner.refused },
    attempts: sumOf(attempts.map(countsOf)),
    ...{ intake: posted, clips: services.clips.list().clips.length, segments: segmentsOf(hub) },
    lost: lostOf(hub, before.restarts),
    viewersPlaying: played,
    notices: (await noticesOf(hub)).filter(({ kind }) => kind === "request").length,
    otherEntries: othersSince(hub, before.ledger),
  };
}

async function startHub(
  dataDirectory: string,
  cameras: number,
  { mainUrl, subUrl }: { mainUrl: string; subUrl: string },
): Promise<TestHub> {
  const entries = Array.from(
    { length: cameras },
    (_, index) => `  - { id: cam-${index}, name: C${index}, main: "${mainUrl}", sub: "${subUrl}" }`,
  );
  writeFileSync(
    path.join(dataDirectory, "doorward.yaml"),
    `listen: { lan: true }\noutside: { port: 0 }\nfaces: keep\nmotion: { objects: false }\ncameras:\n${entries.join("\n")}\n`,
  );
  const environment = { DOORWARD_PORT: "0" };
  const settings = await readSettings(dataDirectory, null, environment);
  return startTestHub({
    ...{ dataDirectory, settings, environment, nowMs: "system", outside: true },
    lan: { addresses: () => ["127.0.0.1"], mdns: false },
  });
}

function streaming({ hub }: TestHub): number {
  return hub.services.health().cameras.filter(({ main }) => main === "streaming").length;
}

async function openViewers(
  hub: TestHub,
  size: LoadSize,
  stack: AsyncDisposableStack,
): Promise<LiveSocket[]> {
  const sockets: LiveSocket[] = [];
  for (let index = 0; index < size.viewers; index += 1) {
    const camera = `cam-${index % size.cameras}`;
    sockets.push(stack.use(await openLive(hub.hub.url, camera, { token: hub.owner.token })));
  }
  return sockets;
}

/** At the lowest priority: real ones have a machine of their own, and take nothing of the hub's. */
function startAttackers(port: number, perSecond: number, stack: AsyncDisposableStack) {
  return Array.from({ length: ATTACKERS }, (_, index) => {
    const rate = String(perSecond / ATTACKERS);
    return start([ATTACKER, String(port), `127.0.1.${index + 1}`, rate], stack);
  });
}

function run(args: readonly string[], stack: AsyncDisposableStack, input: string): Promise<string> {
  const { child, said } = start(args, stack);
  child.stdin?.end(input);
  return said;
}

function start(
  args: readonly string[],
  stack: AsyncDisposableStack,
): { readonly child: ChildProcess; readonly said: Promise<string> } {
  const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
  if (child.pid !== undefined) os.setPriority(child.pid, os.constants.priority.PRIORITY_LOW);
  let text = "";
  child.stdout.on("data", (part) => (text += String(part)));
  const said = once(child, "close").then(() => text);
  stack.defer(async () => {
    child.kill("SIGKILL");
    await said;
  });
  return { child, said };
}

async function ownersCalls(hub: TestHub, forMs: number, signal: AbortSignal) {
  const agent = new https.Agent({ keepAlive: true, maxSockets: 4 });
  const tookMs: number[] = [];
  let refused = 0;
  const calls: Promise<void>[] = [];
  for (const untilMs = performance.now() + forMs; performance.now() < untilMs;) {
    calls.push(
      ownersCall(hub, agent).then(({ status, ms }) => {
        tookMs.push(ms);
        if (status !== 200) refused += 1;
      }),
    );
    await wait(OWNER_EVERY_MS, undefined, { signal });
  }
  await Promise.all(calls);
  agent.destroy();
  return { tookMs: tookMs.toSorted((left, right) => left - right), refused };
}

async function ownersCall(hub: TestHub, agent: https.Agent) {
  const beganMs = performance.now();
  const port = portOf(hub);
  const request = https.get({
    ...{ agent, host: "127.0.0.1", port, path: "/api/clips", servername: "doorward.local" },
    ...{ rejectUnauthorized: false, localAddress: "127.0.2.1" },
    headers: { host: `doorward.local:${port}`, authorization: `Bearer ${hub.owner.token}` },
  });
  const [response] = (await once(request, "response")) as [IncomingMessage];
  response.resume();
  await once(response, "end");
  return { status: response.statusCode, ms: performance.now() - beganMs };
}

function portOf({ hub }: TestHub): number {
  return Number(new URL(hub.services.lan.state().origin ?? "").port);
}

function segmentsOf({ hub }: TestHub): number {
  const { clips } = hub.services;
  return clips.list().clips.reduce((sum, { id }) => sum + clips.files(id).length, 0);
}

function lostOf({ hub }: TestHub, restartsBefore: number): string[] {
  const { clips } = hub.services;
  const lost = hub.ingest.restarts === restartsBefore ? [] : ["the recorder was started again"];
  for (const { id, state } of clips.list({ limit: 500 }).clips) {
    if (state === "torn") lost.push(`clip ${id} is torn`);
    const segments = clips
      .files(parseClipId(id))
      .filter(({ track, rendition }) => track === "video" && rendition === "original")
      .toSorted((left, right) => (left.segment ?? 0) - (right.segment ?? 0));
    segments.forEach(({ segment, fromMs }, index) => {
      const before = segments[index - 1];
      if (segment !== index) lost.push(`clip ${id} has no segment ${index}`);
      else if (before && fromMs - before.toMs > GAP_MAX_MS)
        lost.push(
          `clip ${id}: ${fromMs - before.toMs} ms between segments ${index - 1} and ${index}`,
        );
    });
  }
  return lost;
}

async function noticesOf(hub: TestHub): Promise<readonly { readonly kind: string }[]> {
  const answer = await hub.call("GET", "/api/notices", { as: hub.owner });
  return answer.json<{ notices: { kind: string }[] }>().notices;
}

function othersSince({ hub }: TestHub, size: number): number {
  const recordings = ["clip", "torn", "rendition"];
  let others = 0;
  for (let from = size; ;) {
    const page = hub.services.ledger.entries({ from });
    if (page.length === 0) return others;
    others += page.filter(({ entry }) => !recordings.includes(entry.kind)).length;
    from += page.length;
  }
}

/** Of an attacker, which says first that it is ready. */
function countsOf(text: string): Record<string, number> {
  return JSON.parse(text.replace("ready\n", "")) as Record<string, number>;
}

function sumOf(counts: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const each of counts)
    for (const [name, count] of Object.entries(each)) sum[name] = (sum[name] ?? 0) + count;
  return sum;
}

export function loadResults(found: Load, size: LoadSize): TortureResult[] {
  const p99 = percentile(found.ownerMs, 0.99);
  const perSecond = Math.round(((found.attempts["asked"] ?? 0) * 1_000) / size.durationMs);
  const load = `load ${(os.loadavg()[0] ?? 0).toFixed(1)} on ${os.availableParallelism()} cores`;
  const context = `${size.cameras} cameras, ${size.viewers} viewers, ${perSecond} log-ins and claims a second, ${size.intakePosts} posts (${JSON.stringify(found.intake)}), ${found.ownerMs.length} calls, all on one machine; ${load}`;
  return [
    {
      name: "load.owner",
      holds: p99 < OWNER_P99_MAX_MS && found.ownerRefused === 0,
      detail: `an owner waits ${p99.toFixed(0)} ms (p99), and is refused ${found.ownerRefused} times`,
      figures: [{ name: "load.owner_p99_ms", value: Math.round(p99), unit: "ms", context }],
    },
    {
      name: "load.recorded",
      holds: found.lost.length === 0 && found.segments > 0,
      detail:
        found.lost.slice(0, 5).join("; ") ||
        `${found.segments} segments of ${found.clips} clips, and none is lost`,
      figures: [{ name: "load.lost_segments", value: found.lost.length, unit: "", context }],
    },
    {
      name: "load.viewers",
      holds: found.viewersPlaying === size.viewers,
      detail: `${found.viewersPlaying} of ${size.viewers} viewers had pictures`,
    },
    {
      name: "load.notices",
      holds: found.notices <= NOTICES_MAX && found.notices > 0,
      detail: `${found.notices} notifications of requests`,
      figures: [{ name: "load.notices", value: found.notices, unit: "", context }],
    },
    {
      name: "load.ledger",
      holds: found.otherEntries <= OTHER_ENTRIES_MAX,
      detail: `${found.otherEntries} entries beside those of recordings`,
      figures: [{ name: "load.other_entries", value: found.otherEntries, unit: "", context }],
    },
  ];
}

export const group: TortureGroup = {
  name: "load",
  promise:
    "While others log in, claim and post as fast as they may, owners are answered and nothing is lost",
  needs: RTSP_SERVER_COMMANDS,
  run: async ({ isFull, say, signal, directory }) => {
    const size = isFull ? FULL_LOAD : SHORT_LOAD;
    return loadResults(await loadHub(size, { directory, say, signal }), size);
  },
};
