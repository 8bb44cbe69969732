// What the parts of set-up share. As in set-up.mjs: any Node from 18 on, nothing installed.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");

const LOCK_WAIT_MS = 600_000;

/** Two at a time (the hub and the command line on a fresh clone) would undo each other's work. */
export async function takeLock(lock, work) {
  const deadlineMs = Date.now() + LOCK_WAIT_MS;
  for (;;) {
    try {
      mkdirSync(lock);
      writeFileSync(path.join(lock, "pid"), String(process.pid));
      return true;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
    if (!isHeld(lock)) rmSync(lock, { recursive: true, force: true });
    else if (Date.now() > deadlineMs) {
      say(`Cannot ${work}: another set-up has held ${lock} for too long.`);
      return false;
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

function isHeld(lock) {
  try {
    process.kill(Number(readFileSync(path.join(lock, "pid"), "utf8")), 0);
    return true;
  } catch (error) {
    // Made a moment ago and not signed yet, or somebody else's process: held. Gone: not held.
    return error.code !== "ESRCH";
  }
}

export function sha256(data) {
  return createHash("sha256").update(data).digest("hex");
}

export function say(message) {
  process.stderr.write(`${message}\n`);
}
