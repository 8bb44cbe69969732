import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { createInterface } from "node:readline";

export interface HouseOptions {
  readonly dataDirectory: string;
  /** Where the owner's keys are kept: not on the disk that is tried. */
  readonly ownerFile: string;
  /** How many times as fast as a camera the film runs. */
  readonly pace: number;
  readonly frameBytes: number;
  readonly clipSeconds: number;
  /** Between two things that owners do. */
  readonly turnMs: number;
  /** Above it the oldest recordings go. */
  readonly spaceBytes: number;
  /** Command within which the hub's process runs, as `strace` and what it is told. */
  readonly hubWithin: readonly string[];
  readonly recorderWithin: readonly string[];
}

/** What the house says, each of it once it is acknowledged. */
export type HouseMessage =
  | { readonly type: "ready" }
  | { readonly type: "ledger"; readonly size: number; readonly root: string }
  | { readonly type: "file"; readonly clip: string; readonly name: string }
  | { readonly type: "clip"; readonly clip: string }
  | { readonly type: "decision"; readonly request: string; readonly state: string }
  | { readonly type: "pushed"; readonly atMs: number }
  | { readonly type: "trouble"; readonly what: string }
  | { readonly type: "recorder-ended"; readonly how: string };

export function readHouseOptions(text: string): HouseOptions {
  return JSON.parse(text) as HouseOptions;
}

/** What was acknowledged up to a moment. */
export interface Acknowledged {
  readonly size: number;
  /** Of the first `size` entries. */
  readonly root: string;
  /** `<clip>/<name>` of whole files. */
  readonly files: readonly string[];
  readonly clips: readonly string[];
  readonly decisions: ReadonlyMap<string, string>;
  /** End of the last picture that the recorder was given, on the film's clock. */
  readonly pushedMs: number;
  readonly troubles: readonly string[];
}

export const NOTHING_ACKNOWLEDGED: Acknowledged = {
  ...{ size: 0, root: "", files: [], clips: [], decisions: new Map(), pushedMs: 0, troubles: [] },
};

/** A hub with its recorder at work, in processes of their own. Leaving the scope kills them. */
export interface House extends AsyncDisposable {
  readonly pid: number;
  readonly acknowledged: () => Acknowledged;
  readonly isRunning: () => boolean;
  readonly hasRecorderEnded: () => boolean;
  /** Holds all of it still until {@link goOn}: what is looked at meanwhile has the machine. */
  holdStill(): void;
  goOn(): void;
  /** As a power cut does it: the hub, its recorder, everything, at once. */
  kill(): Promise<void>;
}

const CHILD = path.join(import.meta.dirname, "house-child.ts");
export const HOUSE_DEFAULT = {
  ...{ pace: 8, frameBytes: 12_000, clipSeconds: 13, turnMs: 15, spaceBytes: 24 * 1024 * 1024 },
  ...{ hubWithin: [], recorderWithin: [] },
} as const;

/** @throws Error where it ends before it is ready, with what it wrote. */
export async function startHouse(
  options: Pick<HouseOptions, "dataDirectory" | "ownerFile"> & Partial<HouseOptions>,
): Promise<House> {
  const whole: HouseOptions = { ...HOUSE_DEFAULT, ...options };
  const [command, ...args] = within(whole.hubWithin);
  // A group of its own: whatever it starts goes with it.
  const child = spawn(command, [...args, CHILD, JSON.stringify(whole)], {
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const seen = new Seen();
  const exited = once(child, "exit");
  let said = "";
  child.stderr.on("data", (chunk) => {
    said = `${said}${String(chunk)}`.slice(-2_000);
  });
  const ready = new Promise<void>((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      const message = JSON.parse(line) as HouseMessage;
      if (message.type === "ready") resolve();
      seen.take(message);
    });
    void exited.then(() => reject(new Error(`the house ended before it was ready: ${said}`)));
  });
  const kill = async (): Promise<void> => {
    signalGroup(child, "SIGKILL");
    await exited;
  };
  try {
    await ready;
  } catch (error) {
    await kill();
    throw error;
  }
  return {
    pid: child.pid ?? 0,
    acknowledged: () => seen.acknowledged(),
    isRunning: () => child.exitCode === null && child.signalCode === null,
    hasRecorderEnded: () => seen.hasRecorderEnded,
    holdStill: () => signalGroup(child, "SIGSTOP"),
    goOn: () => signalGroup(child, "SIGCONT"),
    kill,
    [Symbol.asyncDispose]: kill,
  };
}

/** Node, within another command where one is named. */
export function within(outer: readonly string[]): readonly [string, ...string[]] {
  const [command, ...args] = outer;
  return command === undefined ? [process.execPath] : [command, ...args, process.execPath];
}

function signalGroup(child: ChildProcess, signal: "SIGKILL" | "SIGSTOP" | "SIGCONT"): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, signal);
  } catch {
    // It is gone already.
  }
}

class Seen {
  #size = 0;
  #root = "";
  #pushedMs = 0;
  hasRecorderEnded = false;
  readonly #files: string[] = [];
  readonly #clips: string[] = [];
  readonly #troubles: string[] = [];
  readonly #decisions = new Map<string, string>();

  take(message: HouseMessage): void {
    switch (message.type) {
      case "ready":
        return;
      case "ledger":
        this.#size = message.size;
        this.#root = message.root;
        return;
      case "file":
        this.#files.push(`${message.clip}/${message.name}`);
        return;
      case "clip":
        this.#clips.push(message.clip);
        return;
      case "decision":
        this.#decisions.set(message.request, message.state);
        return;
      case "pushed":
        this.#pushedMs = message.atMs;
        return;
      case "trouble":
        this.#troubles.push(message.what);
        return;
      case "recorder-ended":
        this.hasRecorderEnded = true;
    }
  }

  acknowledged(): Acknowledged {
    return {
      ...{ size: this.#size, root: this.#root, pushedMs: this.#pushedMs },
      ...{ files: [...this.#files], clips: [...this.#clips], troubles: [...this.#troubles] },
      decisions: new Map(this.#decisions),
    };
  }
}
