import { existsSync } from "node:fs";
import { cp, readFile, rm } from "node:fs/promises";
import path from "node:path";
import { spawnSync } from "node:child_process";
import { openDatabase } from "../../src/base/database.ts";
import { lookAfter } from "./aftermath.ts";
import { CannotLook, until, type TortureGroup, type TortureResult } from "./frame.ts";
import { NOTHING_ACKNOWLEDGED, startHouse, type House } from "./house.ts";

/** One call of the system that fails, once or for a while. */
export interface Fault {
  readonly process: "hub" | "recorder";
  /** What SQLite calls for its pages, the recorder for its files. */
  readonly call: "pwrite64" | "fsync" | "writev" | "rename";
  readonly error: "EIO" | "ENOSPC";
  /** The first one that fails, from 1. */
  readonly nth: number;
  /** How many fail, one after the other. */
  readonly times: number;
}

export interface FaultSeen {
  readonly fault: Fault;
  /** False: so many of these calls were never made. */
  readonly wasReached: boolean;
  /** Acknowledged by a house that came to work; 0: it failed while the hub started. */
  readonly entries: number;
  readonly findings: readonly string[];
}

export interface FaultOptions {
  readonly directory: string;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Every kind of call that writes, in the process that makes it. */
export const CALLS: readonly Pick<Fault, "process" | "call">[] = [
  { process: "hub", call: "pwrite64" },
  { process: "hub", call: "fsync" },
  { process: "recorder", call: "writev" },
  { process: "recorder", call: "fsync" },
  { process: "recorder", call: "rename" },
];

const WORK = { pace: 20, frameBytes: 2_000, turnMs: 10, spaceBytes: 3_000_000 } as const;
/** After the fault so much more must come. */
const MORE_ENTRIES = 12;
const MORE_FILES = 4;
/** So many writes of the hub that recordings are among what they were for. */
export const LONG_TIMES = 60;
/** The one that is recorded now, and the one before, whose end may be on its way. */
const RECORDING_MAX = 2;
const LIMIT_MS = 90_000;

/** True where this user may break the calls of another process. */
export function mayBreakCalls(): boolean {
  const broken = ["-o", "/dev/null", "-e", "inject=rename:error=EIO:when=60000", "true"];
  return spawnSync("strace", broken, { stdio: "ignore" }).status === 0;
}

/** A house that has been claimed and has recorded, as each fault finds it. */
export async function prepareHouse({ directory, signal }: FaultOptions): Promise<void> {
  const dataDirectory = path.join(directory, "prepared");
  const ownerFile = path.join(directory, "owner.json");
  await using house = await startHouse({ dataDirectory, ownerFile, ...WORK });
  await until("a recording", () => house.acknowledged().clips.length > 0, { signal });
}

/** Lets one call fail under a house at work, and looks at what it makes of it, and leaves. */
export async function breakCall(fault: Fault, options: FaultOptions): Promise<FaultSeen> {
  const { directory, say, signal } = options;
  const dataDirectory = path.join(directory, "broken");
  const ownerFile = path.join(directory, "owner.json");
  const trace = path.join(directory, "calls.txt");
  await rm(dataDirectory, { recursive: true, force: true });
  await rm(trace, { force: true });
  await cp(path.join(directory, "prepared"), dataDirectory, { recursive: true });
  const within = straceOf(fault, trace);
  const findings: string[] = [];
  let known = NOTHING_ACKNOWLEDGED;
  try {
    const withins = fault.process === "hub" ? { hubWithin: within } : { recorderWithin: within };
    await using house = await startHouse({ dataDirectory, ownerFile, ...WORK, ...withins });
    await workOn(house, trace, signal);
    known = house.acknowledged();
    if (!house.isRunning()) findings.push("the hub ended");
    if (house.hasRecorderEnded()) findings.push("the recorder ended");
    // What only the hub's disk refused is listed once it takes it, and never given up.
    if (fault.process === "hub")
      findings.push(...known.troubles.filter((line) => line.startsWith("recording not listed: ")));
  } catch (error) {
    signal.throwIfAborted();
    // A hub that does not start on a disk that fails says so; what it leaves is what counts.
    if (!(await wasInjected(trace))) throw error;
    if (error instanceof Error && error.message.startsWith("Waited")) findings.push(error.message);
  }
  const wasReached = await wasInjected(trace);
  findings.push(...(await stillRecording(dataDirectory)));
  findings.push(...(await lookAfter(dataDirectory, ownerFile, known)).findings);
  say(
    `${nameOf(fault)}: ${wasReached ? `${known.size} entries` : "was never made"}${findings.map((each) => `; ${each}`).join("")}`,
  );
  return { fault, wasReached, entries: known.size, findings };
}

async function workOn(house: House, trace: string, signal: AbortSignal): Promise<void> {
  const start = house.acknowledged();
  let after: { size: number; files: number } | null = null;
  await until(
    "the house to go on after the fault",
    async () => {
      const { size, files } = house.acknowledged();
      if (!house.isRunning() || house.hasRecorderEnded()) return true;
      if (after === null && (await wasInjected(trace))) after = { size, files: files.length };
      const from = after ?? { size: start.size + 10 * MORE_ENTRIES, files: 10 * MORE_FILES };
      return size > from.size + MORE_ENTRIES && files.length > from.files + MORE_FILES;
    },
    { signal, limitMs: LIMIT_MS },
  );
}

async function wasInjected(trace: string): Promise<boolean> {
  return existsSync(trace) && (await readFile(trace, "utf8")).includes("(INJECTED)");
}

/** What nobody ends any more would never go, however old it becomes. */
async function stillRecording(dataDirectory: string): Promise<string[]> {
  await using database = openDatabase(path.join(dataDirectory, "doorward.db"), { readOnly: true });
  const count = database
    .prepare<[], number>("SELECT count(*) FROM clips WHERE state = 'recording'")
    .pluck()
    .get();
  return count !== undefined && count > RECORDING_MAX
    ? [`${count} clips were being recorded by one camera`]
    : [];
}

/** One thread for files: the system's calls then have one order, and `nth` one meaning. */
function straceOf({ call, error, nth, times }: Fault, trace: string): readonly string[] {
  const when = times === 1 ? String(nth) : `${nth}..${nth + times - 1}`;
  const inject = `inject=${call}:error=${error}:when=${when}`;
  return [
    ...["env", "UV_THREADPOOL_SIZE=1", "strace", "-f", "--seccomp-bpf", "-qq", "-o", trace],
    ...["-e", `trace=${call}`, "-e", inject, "--"],
  ];
}

function nameOf({ process, call, error, nth, times }: Fault): string {
  return `${error} at ${call} ${times === 1 ? nth : `${nth} to ${nth + times - 1}`} of the ${process}`;
}

/** Each call in turn: the given ones that fail, once and for a while, until so many are not made. */
export async function breakCalls(
  nths: readonly number[],
  options: FaultOptions,
): Promise<FaultSeen[]> {
  await prepareHouse(options);
  const seen: FaultSeen[] = [];
  for (const { process, call } of CALLS)
    for (const nth of nths) {
      // A disk that fails says so once; one that is full says so for a while.
      const one = { process, call, nth };
      const failing = await breakCall({ ...one, error: "EIO", times: 1 }, options);
      seen.push(failing);
      if (!failing.wasReached) break;
      if (call === "writev" || call === "pwrite64")
        seen.push(await breakCall({ ...one, error: "ENOSPC", times: 5 }, options));
      if (call === "pwrite64")
        seen.push(await breakCall({ ...one, error: "EIO", times: LONG_TIMES }, options));
    }
  return seen;
}

const SPREAD = [1, 40, 150] as const;
const EVERY = Array.from({ length: 60 }, (_, index) => index + 1);

export const group: TortureGroup = {
  name: "faults",
  promise:
    "a write or a sync that fails leaves no corrupt row, no file that claims to be whole, no decision without its entry",
  needs: ["strace"],
  run: async ({ isFull, say, directory, signal }): Promise<TortureResult[]> => {
    if (!mayBreakCalls()) throw new CannotLook("this user may not break calls of processes");
    const seen = await breakCalls(isFull ? EVERY : SPREAD, { directory, say, signal });
    const reached = seen.filter(({ wasReached }) => wasReached);
    const wrong = seen.filter(({ findings }) => findings.length > 0);
    const context = `${reached.length} faults in ${CALLS.length} kinds of calls`;
    return [
      {
        name: "faults.storage",
        holds: wrong.length === 0 && reached.length > 0,
        detail:
          wrong[0] === undefined
            ? `nothing wrong after ${context}`
            : `${nameOf(wrong[0].fault)}: ${wrong[0].findings.join("; ")}`,
        figures: [{ name: "faults.wrong", value: wrong.length, unit: "faults", context }],
      },
    ];
  },
};
