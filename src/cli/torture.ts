import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { HubError } from "../protocol/errors.ts";
import type { ExitCode } from "./exit.ts";

const TORTURE_ENTRY = fileURLToPath(new URL("../../test/torture/main.ts", import.meta.url));

/**
 * Cuts the power, fills the disk and breaks writes under a hub of its own, in a temporary folder.
 * Exit 0: all holds; 1: something does not; 3: it could not look everywhere.
 */
export async function torture(args: string[]): Promise<ExitCode> {
  if (!existsSync(TORTURE_ENTRY))
    throw new HubError(
      "CANNOT_LOOK",
      "Cannot torture: the tests are no part of this installation; run it from a clone of the project",
    );
  const child = spawn(process.execPath, [TORTURE_ENTRY, ...args], { stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill(signal));
  const [code] = (await once(child, "exit")) as [number | null];
  return code === 0 || code === 2 || code === 3 ? code : 1;
}
