import type { ChildProcess } from "node:child_process";
import { forkWithoutCore } from "./fork.ts";
import { whenGone, type ProcessEnd } from "./forked-end.ts";
import { HubError } from "../protocol/errors.ts";

const RESTART_FIRST_MS = 200;
const RESTART_MAX_MS = 30_000;
const STABLE_MS = 30_000;
const STOP_TIMEOUT_MS = 10_000;

/** @typeParam To - What it is told. @typeParam From - What it says, once that was read. */
export interface SupervisedOptions<To extends object, From> {
  /** Path of the process's entry. */
  readonly entry: string;
  /** All that it gets of an environment: no secret of the hub is in it. */
  readonly environment: NodeJS.ProcessEnv;
  /** Options of Node itself, such as a limit on its memory. */
  readonly execArgv?: readonly string[];
  /** Pipes beside the one for messages, from file descriptor 4 on. */
  readonly pipes?: number;
  /** Called for every new process, before it is greeted. */
  readonly onSpawn?: (child: ChildProcess) => void;
  /** Sent to every new process, first. */
  readonly greet: () => readonly To[];
  /** How it is asked to end. */
  readonly stop: To;
  /** @throws HubError for what has no known shape: its sender is ended, and begun anew. */
  readonly read: (value: unknown) => From;
  readonly onMessage: (message: From) => void;
  readonly onMalformed: (reason: string) => void;
  /** The process is gone. The next one is started when this has settled what it was doing. */
  readonly onExit: (reason: string) => Promise<void>;
}

/**
 * A process of the hub that parses what strangers send, kept up: crash-only, started again with
 * back-off and jitter. It inherits no environment but what it is given.
 */
export class SupervisedProcess<To extends object, From> implements AsyncDisposable {
  readonly #options: SupervisedOptions<To, From>;
  #child: ChildProcess | null = null;
  #gone: Promise<ProcessEnd> | null = null;
  #restarts = 0;
  #failuresInARow = 0;
  #retry: NodeJS.Timeout | null = null;
  #isClosing = false;

  private constructor(options: SupervisedOptions<To, From>) {
    this.#options = options;
  }

  static start<To extends object, From>(
    options: SupervisedOptions<To, From>,
  ): SupervisedProcess<To, From> {
    const supervised = new SupervisedProcess(options);
    supervised.#spawn();
    return supervised;
  }

  get restarts(): number {
    return this.#restarts;
  }

  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  /** Whether `child` is the process of now, and not one that is gone. */
  isCurrent(child: ChildProcess): boolean {
    return this.#child === child;
  }

  send(message: To): void {
    // A process that has just died counts as connected until its end is noticed. Then the next one
    // is greeted with all there is to say; without a callback the failed write would end the hub.
    if (this.#child?.connected === true) this.#child.send(message, () => undefined);
  }

  /** Null for what has no known shape: its sender is ended, and begun anew. */
  believe<T>(child: ChildProcess, read: () => T): T | null {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof HubError)) throw error;
      this.#options.onMalformed(error.message);
      child.kill("SIGKILL");
      return null;
    }
  }

  #spawn(): void {
    const { read, greet, onSpawn, onMessage } = this.#options;
    const startedAtMs = performance.now();
    const child = this.#fork();
    this.#child = child;
    this.#gone = child === null ? Promise.resolve([null, null]) : whenHeard(child);
    void this.#gone.then((end) => this.#ended(startedAtMs, end));
    if (child?.pid === undefined) return;
    child.on("message", (value: unknown) => {
      const message = this.believe(child, () => read(value));
      if (message !== null) onMessage(message);
    });
    onSpawn?.(child);
    for (const message of greet()) this.send(message);
  }

  /** Null where the machine cannot start a process now, and says so at once. */
  #fork(): ChildProcess | null {
    const { entry, environment, execArgv = [], pipes = 0 } = this.#options;
    try {
      return forkWithoutCore(entry, {
        env: Object.fromEntries(
          Object.entries(environment).filter(([, value]) => value !== undefined),
        ),
        execArgv,
        stdio: ["ignore", "inherit", "inherit", "ipc", ...Array<"pipe">(pipes).fill("pipe")],
      });
    } catch {
      return null;
    }
  }

  #ended(startedAtMs: number, [code, signal]: ProcessEnd): void {
    this.#child = null;
    if (this.#isClosing) return;
    if (performance.now() - startedAtMs > STABLE_MS) this.#failuresInARow = 0;
    this.#failuresInARow += 1;
    this.#restarts += 1;
    const backOffMs = Math.min(RESTART_FIRST_MS * 2 ** (this.#failuresInARow - 1), RESTART_MAX_MS);
    // Rejects where the disk fails: the next process then settles what this one left.
    const settled = this.#options.onExit(
      signal ?? (code === null ? "it could not be started" : `exit code ${code}`),
    );
    void settled
      .catch((error: unknown) => this.#options.onMalformed(String(error)))
      .then(() => {
        if (this.#isClosing) return;
        this.#retry = setTimeout(() => this.#spawn(), backOffMs * (0.75 + Math.random() / 2));
      });
  }

  /** Lets it close what it is doing; after 10 s it is killed. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosing = true;
    if (this.#retry) clearTimeout(this.#retry);
    const child = this.#child;
    if (!child) return;
    this.send(this.#options.stop);
    const kill = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
    await this.#gone;
    clearTimeout(kill);
  }
}

/**
 * Its end, once everything that it said before has been heard: the exit can be known before the
 * last messages have been read, and among them may be that a recording is whole.
 */
async function whenHeard(child: ChildProcess): Promise<ProcessEnd> {
  const unheard = child.connected
    ? new Promise((resolve) => child.once("disconnect", resolve))
    : null;
  const end = await whenGone(child);
  await unheard;
  return end;
}
