import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, rm } from "node:fs/promises";
import path from "node:path";
import { createInterface } from "node:readline";
import { projectRoot } from "../support/requirements.ts";
import { openCuttableDisk } from "../support/power-cut.ts";
import { lookAfter, type Aftermath } from "./aftermath.ts";
import { until, type TortureGroup, type TortureResult, type TortureRun } from "./frame.ts";
import { NOTHING_ACKNOWLEDGED, startHouse, type Acknowledged } from "./house.ts";

const DISK_MEBIBYTES = 320;
const START_LIMIT_MS = 5_000;
const OPEN_SEGMENT_MS = 8_000;
/** Above so much of the film the oldest recordings go: deletions are cut short, too. */
const SPACE_FRAMES = 1_500;
/** As the `doorward` command has it. */
const COMPILED = path.join(projectRoot, "node_modules/.cache/doorward");

/** What was left by one cut. */
export interface Cut extends Aftermath {
  /** Of a hub in a process of its own, until it says where it is; null where none was started. */
  readonly processStartMs: number | null;
}

export interface PowerCuts {
  /** `disk`: what the disk had been given; `kill`: what the system had, which a cut would lose. */
  readonly way: "disk" | "kill";
  readonly cuts: readonly Cut[];
}

export interface PowerOptions {
  readonly directory: string;
  readonly cuts: number;
  /** How many times as fast as a camera the film runs. */
  readonly pace: number;
  readonly frameBytes: number;
  /** After each so many cuts the hub is started as a process, too. */
  readonly processEach: number;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Cuts the power of a house at work, again and again, and looks at what each cut leaves. */
export async function cutPower(options: PowerOptions): Promise<PowerCuts> {
  const disk = await openCuttableDisk(path.join(options.directory, "disks"), DISK_MEBIBYTES);
  if (disk) {
    await using cuttable = disk;
    return { way: "disk", cuts: await cutDisk(cuttable, options) };
  }
  options.say("no disk of its own may be mounted here: processes are killed instead");
  return { way: "kill", cuts: await killHouses(options) };
}

async function cutDisk(
  disk: NonNullable<Awaited<ReturnType<typeof openCuttableDisk>>>,
  options: PowerOptions,
): Promise<Cut[]> {
  const { directory, pace, frameBytes, signal } = options;
  const ownerFile = path.join(directory, "owner.json");
  const dataDirectory = path.join(disk.folder, "data");
  const spaceBytes = SPACE_FRAMES * frameBytes;
  await using house = await startHouse({ dataDirectory, ownerFile, pace, frameBytes, spaceBytes });
  const cuts: Cut[] = [];
  for (let number = 1; number <= options.cuts; number += 1) {
    signal.throwIfAborted();
    const before = house.acknowledged();
    const due = before.size + moreEntries(number);
    await until("something new", () => house.acknowledged().size > due, { signal });
    // Acknowledged before the cut begins, and so before any moment that it could be taken for.
    const known = house.acknowledged();
    await using left = await disk.cut();
    if (!house.isRunning()) throw new Error("the house ended while its disk was copied");
    house.holdStill();
    const data = path.join(left.folder, "data");
    cuts.push(await lookAtCut(data, ownerFile, known, number, options));
    house.goOn();
  }
  return cuts;
}

/** Not as many each time: a cut is to come in the middle of each thing that is done. */
function moreEntries(number: number): number {
  return 1 + ((number * 7) % 20);
}

async function killHouses(options: PowerOptions): Promise<Cut[]> {
  const { directory, pace, frameBytes, signal } = options;
  const ownerFile = path.join(directory, "owner.json");
  const dataDirectory = path.join(directory, "data");
  const spaceBytes = SPACE_FRAMES * frameBytes;
  const cuts: Cut[] = [];
  let known = NOTHING_ACKNOWLEDGED;
  for (let number = 1; number <= options.cuts; number += 1) {
    {
      await using house = await startHouse({
        dataDirectory,
        ownerFile,
        pace,
        frameBytes,
        spaceBytes,
      });
      // A house that has just begun has said nothing yet: what counts is what was there before.
      const due = known.size + moreEntries(number);
      await until("something new", () => house.acknowledged().size > due, { signal });
      known = house.acknowledged();
      await house.kill();
    }
    const data = path.join(directory, "left", "data");
    await rm(data, { recursive: true, force: true });
    await cp(dataDirectory, data, { recursive: true });
    cuts.push(await lookAtCut(data, ownerFile, known, number, options));
  }
  return cuts;
}

async function lookAtCut(
  dataDirectory: string,
  ownerFile: string,
  known: Acknowledged,
  number: number,
  { processEach, say }: PowerOptions,
): Promise<Cut> {
  const isProcess = number % processEach === 0;
  const processStartMs = isProcess ? await startOfProcess(dataDirectory) : null;
  const after = await lookAfter(dataDirectory, ownerFile, known);
  const cut = { ...after, processStartMs };
  const started = Math.round(processStartMs ?? after.startMs);
  say(
    `cut ${number}: ${known.size} entries acknowledged, ${after.entries} there, ${after.lostMs} ms of film open, started in ${started} ms${after.findings.map((each) => `; ${each}`).join("")}`,
  );
  return cut;
}

/** From nothing until `npm start` would say where the hub is. */
async function startOfProcess(dataDirectory: string): Promise<number> {
  const beganAtMs = performance.now();
  const hub = spawn(
    process.execPath,
    [path.join(projectRoot, "src/main.ts"), "--data", dataDirectory, "--port", "0", "--json"],
    { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, NODE_COMPILE_CACHE: COMPILED } },
  );
  const exited = once(hub, "close");
  let said = "";
  hub.stderr.on("data", (chunk) => {
    said = `${said}${String(chunk)}`.slice(-4_000);
  });
  try {
    for await (const _line of createInterface({ input: hub.stdout }))
      return performance.now() - beganAtMs;
    const [code, by] = (await exited) as [number | null, string | null];
    const how = by ?? `code ${code}`;
    throw new Error(`the hub did not start on what the cut had left, and ended by ${how}: ${said}`);
  } finally {
    hub.kill("SIGTERM");
    await exited;
  }
}

async function run({ isFull, say, directory, signal }: TortureRun): Promise<TortureResult[]> {
  const cuts = isFull ? 200 : 20;
  const begun = { directory, say, signal, cuts, processEach: isFull ? 10 : 5, frameBytes: 12_000 };
  // At a camera's own pace: what is lost is as long as it is.
  const { way, cuts: seen } = await cutPower({ ...begun, pace: isFull ? 4 : 1 });
  const lost = Math.max(...seen.map(({ lostEntries }) => lostEntries));
  const findings = seen.flatMap((cut) => cut.findings);
  const starts = seen.flatMap(({ processStartMs }) => processStartMs ?? []);
  const slowest = Math.round(Math.max(...starts));
  const open = Math.max(...seen.map(({ lostMs }) => lostMs));
  const context = `${cuts} cuts, by ${way === "disk" ? "copies of the disk" : "kill -9"}`;
  return [
    {
      name: "power.ledger",
      holds: lost === 0,
      detail: `${lost} acknowledged entries lost in ${context}`,
      figures: [{ name: "power.lost_entries", value: lost, unit: "entries", context }],
    },
    {
      name: "power.storage",
      holds: findings.length === 0,
      detail: findings[0] ?? `every promise of the disk holds after ${context}`,
    },
    {
      name: "power.footage",
      holds: open <= OPEN_SEGMENT_MS,
      detail: `at most ${open} ms of film were not yet in a listed file`,
      figures: [{ name: "power.open_ms", value: open, unit: "ms", context }],
    },
    {
      name: "power.start",
      holds: slowest < START_LIMIT_MS,
      detail: `the slowest of ${starts.length} starts took ${slowest} ms`,
      figures: [{ name: "power.start_ms", value: slowest, unit: "ms", context }],
    },
  ];
}

export const group: TortureGroup = {
  name: "power",
  promise:
    "a power cut loses no acknowledged entry of the ledger, and of the recordings the open segment at most",
  needs: [],
  run,
};
