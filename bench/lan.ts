import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import https from "node:https";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { readSettings } from "../src/settings.ts";
import { temporaryFolder } from "../test/support/temporary.ts";
import { startTestHub, type TestHub } from "../test/support/test-hub.ts";
import type { Figure } from "./figure.ts";

const ATTACKER = fileURLToPath(new URL("lan-attacker.ts", import.meta.url));
const ATTACKERS = 8;
const PER_SECOND = 1_000;
const RUN_MS = 15_000;
const OWNER_EVERY_MS = 50;

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
  const quiet = percentile(await ownersCalls(hub, 3_000), 0.99);
  const port = portOf(hub);
  const attackers = Array.from({ length: ATTACKERS }, (_, index) =>
    spawn(
      process.execPath,
      [ATTACKER, String(port), `127.0.1.${index + 1}`, String(PER_SECOND / ATTACKERS)],
      { stdio: ["ignore", "pipe", "inherit"] },
    ),
  );
  const counts = attackers.map(async ({ stdout }) => {
    let text = "";
    for await (const part of stdout) text += String(part);
    return JSON.parse(text.replace("ready\n", "")) as { asked: number; answered: number };
  });
  await Promise.all(attackers.map(({ stdout }) => once(stdout, "data")));
  const took = await ownersCalls(hub, RUN_MS);
  for (const attacker of attackers) attacker.kill("SIGTERM");
  const done = await Promise.all(counts);
  const asked = done.reduce((sum, each) => sum + each.asked, 0);
  const answered = done.reduce((sum, each) => sum + each.answered, 0);
  const context = [
    `${took.length} calls of an owner for the timeline over HTTPS, one every ${OWNER_EVERY_MS} ms`,
    `while ${ATTACKERS} addresses asked ${Math.round((asked * 1_000) / RUN_MS)} times a second`,
    `(${Math.round((answered * 1_000) / RUN_MS)} answered); alone ${quiet.toFixed(0)} ms;`,
    "attackers on the same machine",
  ].join(" ");
  return [{ name: "lan.abuse.owner_p99_ms", value: percentile(took, 0.99), unit: "ms", context }];
}

/** How long each took, from the asking to the last byte. */
async function ownersCalls(hub: TestHub, forMs: number): Promise<number[]> {
  const agent = new https.Agent({ keepAlive: true, maxSockets: 4 });
  const took: number[] = [];
  const calls: Promise<void>[] = [];
  for (const untilMs = performance.now() + forMs; performance.now() < untilMs;) {
    calls.push(ownersCall(hub, agent).then((ms) => void took.push(ms)));
    await new Promise((resolve) => setTimeout(resolve, OWNER_EVERY_MS));
  }
  await Promise.all(calls);
  agent.destroy();
  return took;
}

async function ownersCall(hub: TestHub, agent: https.Agent): Promise<number> {
  const beganMs = performance.now();
  const port = portOf(hub);
  const request = https.get({
    ...{ agent, host: "127.0.0.1", port, path: "/api/clips", servername: "doorward.local" },
    ...{ rejectUnauthorized: false, localAddress: "127.0.2.1" },
    headers: { host: `doorward.local:${port}`, authorization: `Bearer ${hub.owner.token}` },
  });
  const [response] = (await once(request, "response")) as [import("node:http").IncomingMessage];
  response.resume();
  await once(response, "end");
  if (response.statusCode !== 200) throw new Error(`the owner was refused: ${response.statusCode}`);
  return performance.now() - beganMs;
}

function portOf({ hub }: TestHub): number {
  return Number(new URL(hub.services.lan.state().origin ?? "").port);
}

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
