import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { HubInfo } from "../protocol/api.ts";
import { checkShape } from "../protocol/check.ts";
import { readRunningHub } from "../hub/running-hub.ts";
import type { ExitCode } from "./exit.ts";

const HUB_ENTRY = fileURLToPath(new URL("../main.ts", import.meta.url));
const ALIVE_TIMEOUT_MS = 5_000;

/** Runs the hub in a process of its own, which loads nothing of the command line. */
export async function hub(args: string[]): Promise<ExitCode> {
  if (args.includes("--alive")) return isAlive(args);
  const child = spawn(process.execPath, [HUB_ENTRY, ...args], { stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill(signal));
  const [code] = (await once(child, "exit")) as [number | null];
  return code === 0 || code === 2 || code === 3 ? code : 1;
}

/**
 * What containers and the installer ask: whether the hub of this data folder answers a request. It
 * is the answer that every page begins with, and says nothing of cameras or recordings.
 */
async function isAlive(args: string[]): Promise<ExitCode> {
  const options = { alive: { type: "boolean" }, data: { type: "string" } } as const;
  const { values } = parseArgs({ args, options, strict: true });
  const data = path.resolve(values.data ?? process.env["DOORWARD_DATA"] ?? "data");
  const running = await readRunningHub(data);
  if (!running) {
    process.stdout.write(`no hub runs on ${data}\n`);
    return 1;
  }
  try {
    const answer = await fetch(new URL("/api/hub", running.url), {
      redirect: "error",
      signal: AbortSignal.timeout(ALIVE_TIMEOUT_MS),
    });
    if (!answer.ok) throw new Error(`it answered ${answer.status}`);
    const { version } = checkShape(HubInfo, await answer.json(), "answer of the hub");
    process.stdout.write(`the hub answers: version ${version}\n`);
    return 0;
  } catch (error) {
    const why = error instanceof Error ? error.message : "no answer";
    process.stdout.write(`the hub at ${running.url} does not answer: ${why}\n`);
    return 1;
  }
}
