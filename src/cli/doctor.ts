import { readFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { findFfmpeg, findOnPath } from "../base/ffmpeg.ts";
import { readMachine, textOf, type MachineState } from "../hub/health-machine.ts";
import { HubError } from "../protocol/errors.ts";
import { doctorData } from "./doctor-data.ts";
import { sandboxFinding } from "./doctor-unit.ts";
import type { ExitCode } from "./exit.ts";
import { print, printJson, readOptions } from "./options.ts";

/** What was found of one thing that the hub needs. */
export interface Finding {
  readonly what: string;
  /** False where the hub cannot do without, or where it keeps a promise from holding. */
  readonly isGood: boolean;
  /** Good enough to go on with, and better put right. */
  readonly isAdvice?: boolean;
  /** What was found, and what to do about it. */
  readonly detail: string;
}

const GIB = 1024 ** 3;
/** The page's blurring, decoders of two cameras, and the system beside them. */
const MEMORY_WANTED_BYTES = 1.5 * GIB;

/** What this machine has of what the hub needs, and what to do about what is missing. */
export async function doctor(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, { values: ["data"], flags: ["json"] });
  const data = options.text("data");
  const machine = await readMachine();
  const findings = [
    ...[nodeVersion(), await board(), memory()],
    ...[await ffmpeg(), await sandboxFinding(), await swap(), coreDumps(machine), clock(machine)],
    ...warmth(machine),
    ...(data === null ? [] : await doctorData(path.resolve(data))),
    await age(),
  ];
  if (options.flag("json")) printJson(findings);
  else for (const finding of findings) print(lineOf(finding));
  return findings.every(({ isGood }) => isGood) ? 0 : 3;
}

function lineOf({ what, isGood, isAdvice, detail }: Finding): string {
  const word = !isGood ? "LACKING" : isAdvice === true ? "better " : "good   ";
  return `${word}  ${what}: ${detail}`;
}

function nodeVersion(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const isGood = major === 24 ? minor >= 13 : major > 24;
  const isKnown = ["x64", "arm64"].includes(process.arch) && process.platform === "linux";
  const odd = isKnown
    ? ""
    : `; ${process.platform} ${process.arch} is not tried, Linux on x64 and arm64 is`;
  return {
    ...{ what: "Node", isGood, isAdvice: !isKnown },
    detail: `${process.version}, 24.13 or later is needed${odd}`,
  };
}

async function board(): Promise<Finding> {
  const model = await textOf("/proc/device-tree/model");
  const named = model ?? os.cpus()[0]?.model ?? "";
  const processors = `${os.availableParallelism()} processors`;
  return { what: "machine", isGood: true, detail: [named.slice(0, 80), processors].join(", ") };
}

function memory(): Finding {
  const bytes = os.totalmem();
  const isEnough = bytes >= MEMORY_WANTED_BYTES;
  const advice = isEnough ? "" : ": record from fewer cameras, and cover no faces (faces: keep)";
  return {
    ...{ what: "memory", isGood: true, isAdvice: !isEnough },
    detail: `${(bytes / GIB).toFixed(1)} GiB${advice}`,
  };
}

async function ffmpeg(): Promise<Finding> {
  try {
    const { path: file, version } = await findFfmpeg();
    return { what: "ffmpeg", isGood: true, detail: `${version} at ${file}` };
  } catch (error) {
    if (!(error instanceof HubError)) throw error;
    return { what: "ffmpeg", isGood: false, detail: error.message };
  }
}

/** Swap counts as disk: pictures of the last seconds could be written there in the clear. */
async function swap(): Promise<Finding> {
  const table = await readFile("/proc/swaps", "utf8").catch(() => "");
  const count = table.trim().split("\n").length - 1;
  return count > 0
    ? { what: "swap", isGood: false, detail: "memory may be written to disk: swapoff -a" }
    : { what: "swap", isGood: true, detail: "off" };
}

/** Of a shell's child: a unit or the hub itself may forbid what the machine allows. */
function coreDumps({ coreDumps: are }: MachineState): Finding {
  const what = "core dumps";
  switch (are) {
    case "off":
      return { what, isGood: true, detail: "off" };
    case "on":
      return {
        ...{ what, isGood: true, isAdvice: true },
        detail:
          "a crash of what is started here writes its memory to the disk: ulimit -c 0, or LimitCORE=0 in the unit",
      };
    case "piped":
      return {
        ...{ what, isGood: true, isAdvice: true },
        detail:
          "off by limit, but /proc/sys/kernel/core_pattern names a program that is asked first: sysctl kernel.core_pattern=core",
      };
    case null:
      return { what, isGood: true, isAdvice: true, detail: "this machine does not say" };
  }
}

function clock({ isClockSet }: MachineState): Finding {
  const what = "clock";
  const now = new Date().toISOString().slice(0, 16);
  if (isClockSet === true)
    return { what, isGood: true, detail: `set by a time server, ${now} UTC` };
  const todo =
    isClockSet === false
      ? "no time server has set it yet: look at timedatectl status, and at the way to the Internet"
      : "who sets it is not known here: see that it is right, by timedatectl set-ntp true or by hand";
  return {
    ...{ what, isGood: true, isAdvice: true },
    detail: `${now} UTC; ${todo}`,
  };
}

function warmth({ temperatureC, isPowerLow }: MachineState): Finding[] {
  const isHot = temperatureC !== null && temperatureC >= 80;
  return [
    ...(temperatureC === null
      ? []
      : [
          {
            ...{ what: "temperature", isGood: true, isAdvice: isHot },
            detail: `${temperatureC.toFixed(0)} °C${isHot ? ": it slows itself down; give it air" : ""}`,
          },
        ]),
    ...(isPowerLow === null
      ? []
      : [
          {
            ...{ what: "power supply", isGood: !isPowerLow },
            detail: isPowerLow
              ? "too weak: it may stop at any time; use the supply that its maker names"
              : "strong enough",
          },
        ]),
  ];
}

async function age(): Promise<Finding> {
  const found = await findOnPath("age");
  const detail = found ?? "not installed; only needed to open files by hand";
  return { what: "age (optional)", isGood: true, detail };
}
