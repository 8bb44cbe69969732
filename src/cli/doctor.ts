import { readFile } from "node:fs/promises";
import { findFfmpeg, findOnPath } from "../base/ffmpeg.ts";
import { sandboxState } from "../base/sandbox.ts";
import { HubError } from "../protocol/errors.ts";
import type { ExitCode } from "./exit.ts";
import { print, printJson, readOptions } from "./options.ts";

interface Finding {
  readonly what: string;
  readonly isGood: boolean;
  readonly detail: string;
}

/** What this machine has of what the hub needs, and what to do about what is missing. */
export async function doctor(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, { flags: ["json"] });
  const findings = [nodeVersion(), await ffmpeg(), await sandbox(), await swap(), await age()];
  if (options.flag("json")) printJson(findings);
  else
    for (const { what, isGood, detail } of findings)
      print(`${isGood ? "good   " : "LACKING"}  ${what}: ${detail}`);
  return findings.every(({ isGood }) => isGood) ? 0 : 3;
}

function nodeVersion(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const isGood = major === 24 ? minor >= 13 : major > 24;
  return { what: "Node", isGood, detail: `${process.version}, 24.13 or later is needed` };
}

async function ffmpeg(): Promise<Finding> {
  try {
    const { path, version } = await findFfmpeg();
    return { what: "ffmpeg", isGood: true, detail: `${version} at ${path}` };
  } catch (error) {
    if (!(error instanceof HubError)) throw error;
    return { what: "ffmpeg", isGood: false, detail: error.message };
  }
}

async function sandbox(): Promise<Finding> {
  const { inForce, reason } = await sandboxState();
  const todo = inForce ? "" : "; install bubblewrap (apt-get install bubblewrap)";
  return { what: "sandbox for decoders", isGood: inForce, detail: `${reason}${todo}` };
}

/** Swap counts as disk: pictures of the last seconds could be written there in the clear. */
async function swap(): Promise<Finding> {
  const table = await readFile("/proc/swaps", "utf8").catch(() => "");
  const count = table.trim().split("\n").length - 1;
  return count > 0
    ? { what: "swap", isGood: false, detail: "memory may be written to disk: swapoff -a" }
    : { what: "swap", isGood: true, detail: "off" };
}

async function age(): Promise<Finding> {
  const found = await findOnPath("age");
  const detail = found ?? "not installed; only needed to open files by hand";
  return { what: "age (optional)", isGood: true, detail };
}
