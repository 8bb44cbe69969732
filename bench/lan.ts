import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import https from "node:https";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { readSettings } from "../src/settings/settings.ts";
import { temporaryFolder } from "../test/support/temporary.ts";
import { startTestHub, type TestHub } from "../test/support/test-hub.ts";
import type { Figure } from "./figure.ts";
import { percentile } from "../test/support/percentile.ts";

const ATTACKER = fileURLToPath(new URL("lan-attacker.ts", import.meta.url));
const ATTACKERS = 8;
const PER_SECOND = 1_000;
const RUN_MS = 15_000;
const QUIET_MS = 5_000;
const OWNER_EVERY_MS = 50;
/** Of the owner's calls, each that comes over a new connection. */
const NEW_CONNECTION_EVERY = 20;

/** What became of an attacker's attempts. */
interface Attempts {
  readonly asked: number;
  readonly answered: number;
  readonly refused: number;
  readonly cut: number;
}

/**
 * How long an owner's calls take while others on the local network log in and claim a thousand times
 * a second: from eight addresses, over connections of their own, begun anew as they are ended.
 */
export async function lanFigures(): Promise<Figure[]> {
  await using folder = temporaryFolder();
  writeFileSync(path.join(folder.path, "doorward.yaml"), "listen: { lan: true }\n");
  const environment = { DOORWARD_PORT: "0" };
  const settings = await readSettings(folder.path, null, environment);
  await using hub = await startTestHub({
    ...{ dataDirectory: folder.path, settings, environment, nowMs: "system" },
    lan: { addresses: () => ["127.0.0.1"], mdns: false },
  });
  const quiet = await measured(hub, QUIET_MS);
  const attackers = startAttackers(portOf(hub));
  const counts = attackers.map(async ({ stdout }) => {
    let text = "";
    for await (const part of stdout) text += String(part);
    return JSON.parse(text.replace("ready\n", "")) as Attempts;
  });
  await Promise.all(attackers.map(({ stdout }) => once(stdout, "data")));
  const busy = await measured(hub, RUN_MS);
  for (const attacker of attackers) attacker.kill("SIGTERM");
  return figuresOf(quiet, busy, await Promise.all(counts));
}

/** At the lowest priority: real ones have a machine of their own, and take nothing of the hub's. */
function startAttackers(port: number) {
  return Array.from({ length: ATTACKERS }, (_, index) => {
    const rate = String(PER_SECOND / ATTACKERS);
    const args = [ATTACKER, String(port), `127.0.1.${index + 1}`, rate];
    const attacker = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    if (attacker.pid !== undefined)
      os.setPriority(attacker.pid, os.constants.priority.PRIORITY_LOW);
    return attacker;
  });
}

/** Of the owner's calls, and what this process, hub and owner, used of a core. */
interface Measured {
  readonly tookMs: readonly number[];
  readonly forMs: number;
  readonly cpuMs: number;
}

async function measured(hub: TestHub, forMs: number): Promise<Measured> {
  const before = process.cpuUsage();
  const beganMs = performance.now();
  const tookMs = await ownersCalls(hub, forMs);
  const { user, system } = process.cpuUsage(before);
  return { tookMs, forMs: performance.now() - beganMs, cpuMs: (user + system) / 1_000 };
}

function figuresOf(quiet: Measured, busy: Measured, done: readonly Attempts[]): Figure[] {
  const total = (of: (each: Attempts) => number): number =>
    done.reduce((sum, each) => sum + of(each), 0);
  const perSecond = (of: (each: Attempts) => number): number =>
    Math.round((total(of) * 1_000) / busy.forMs);
  const attempts = total(({ answered, refused, cut }) => answered + refused + cut);
  const usedMs = busy.cpuMs - (quiet.cpuMs * busy.forMs) / quiet.forMs;
  const offered = [
    `${ATTACKERS} addresses offered ${perSecond(({ asked }) => asked)} log-ins and claims a second:`,
    `${perSecond(({ answered }) => answered)} answered, ${perSecond(({ refused }) => refused)} refused`,
    `by 429, ${perSecond(({ cut }) => cut)} cut without a byte; attackers in 8 processes of this`,
    `machine at nice 19, load ${(os.loadavg()[0] ?? 0).toFixed(1)} on ${os.availableParallelism()} cores`,
  ].join(" ");
  const calls = [
    `${busy.tookMs.length} calls of an owner for the timeline over HTTPS, one every`,
    `${OWNER_EVERY_MS} ms, each ${NEW_CONNECTION_EVERY}th over a new connection, from the hub's own`,
    `process; alone ${percentile(quiet.tookMs, 0.99).toFixed(0)} ms;`,
  ].join(" ");
  return [
    {
      ...{ name: "lan.abuse.owner_p99_ms", value: percentile(busy.tookMs, 0.99), unit: "ms" },
      context: `${calls} ${offered}`,
    },
    {
      ...{ name: "lan.abuse.cpu_per_attempt_us", value: (usedMs * 1_000) / attempts, unit: "us" },
      context: `of the hub's process, less what it used while nobody attacked; ${offered}`,
    },
    {
      ...{ name: "lan.abuse.cpu_share", value: usedMs / busy.forMs, unit: "of a core" },
      context: `the same; ${offered}`,
    },
  ];
}

/** How long each took, from the asking to the last byte. */
async function ownersCalls(hub: TestHub, forMs: number): Promise<number[]> {
  const agent = new https.Agent({ keepAlive: true, maxSockets: 4 });
  const took: number[] = [];
  const calls: Promise<void>[] = [];
  for (const untilMs = performance.now() + forMs; performance.now() < untilMs;) {
    const isNew = calls.length % NEW_CONNECTION_EVERY === NEW_CONNECTION_EVERY - 1;
    calls.push(ownersCall(hub, isNew ? false : agent).then((ms) => void took.push(ms)));
    await new Promise((resolve) => setTimeout(resolve, OWNER_EVERY_MS));
  }
  await Promise.all(calls);
  agent.destroy();
  return took;
}

async function ownersCall(hub: TestHub, agent: https.Agent | false): Promise<number> {
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
  if (response.statusCode !== 200) throw new Error(`the owner was refused: ${response.statusCode}`);
  return performance.now() - beganMs;
}

function portOf({ hub }: TestHub): number {
  return Number(new URL(hub.services.lan.state().origin ?? "").port);
}
