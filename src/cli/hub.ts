import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { ExitCode } from "./exit.ts";

const HUB_ENTRY = fileURLToPath(new URL("../main.ts", import.meta.url));

/** Runs the hub in a process of its own, which loads nothing of the command line. */
export async function hub(args: string[]): Promise<ExitCode> {
  const child = spawn(process.execPath, [HUB_ENTRY, ...args], { stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill(signal));
  const [code] = (await once(child, "exit")) as [number | null];
  return code === 0 || code === 2 || code === 3 ? code : 1;
}
