import { existsSync } from "node:fs";
import { spawnSync } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const projectRoot = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const sharedRoot = path.resolve(projectRoot, "../shared");

/**
 * Path of third-party material that is not shipped with the project (published vectors, labelled
 * footage), or null where it is not there. A test that gets null says what it skipped.
 */
export function sharedPath(relative: string): string | null {
  const full = path.join(sharedRoot, relative);
  return existsSync(full) ? full : null;
}

const cache = new Map<string, boolean>();

/** True where `command` can be started. */
export function hasCommand(command: string): boolean {
  let known = cache.get(command);
  if (known === undefined) {
    known = spawnSync("sh", ["-c", `command -v "$1"`, "sh", command]).status === 0;
    cache.set(command, known);
  }
  return known;
}

/**
 * For `test.skipIf(...)`: true when a command is missing, with the reason printed. Where
 * `DOORWARD_STRICT=1` (continuous integration, as root on Debian 12) nothing may be skipped for
 * such a reason, so it is an error there.
 */
export function missingCommands(...commands: string[]): boolean {
  const missing = commands.filter((command) => !hasCommand(command));
  if (missing.length === 0) return false;
  const message = `this machine lacks ${missing.join(", ")}`;
  if (process.env["DOORWARD_STRICT"] === "1") throw new Error(`Cannot run the tests: ${message}`);
  console.warn(`skipped: ${message}`);
  return true;
}
