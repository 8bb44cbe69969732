import type { ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import { forkWithoutCore } from "../base/fork.ts";
import { whenGone } from "../base/forked-end.ts";
import { HubError } from "../protocol/errors.ts";
import type { G711Law } from "../protocol/g711.ts";
import { readFromTalk, type FromTalk, type TalkEnd, type ToTalk } from "./messages.ts";

const ENTRY = fileURLToPath(new URL("../talk-main.ts", import.meta.url));
/** Until the camera takes sound, however it answers. */
const OPENING_MAX_MS = 10_000;
/** Besides what is still said. */
const ENDING_MAX_MS = 2_000;
const BYTES_A_MS = 8;
/** It holds a second or so of sound, or one reply. */
const MEMORY_MB = 64;

export interface TalkProcessOptions {
  /** Replaced in tests by one that says what it likes. */
  readonly entry?: string;
  readonly opening: Omit<Extract<ToTalk, { type: "open" }>, "type">;
}

/** What a camera said that takes sound now. */
export type Opened = Omit<Extract<FromTalk, { type: "opened" }>, "type">;

/**
 * One conversation's process, which inherits nothing of the hub's and is gone afterwards: the hub
 * parses no byte of a camera (invariant 12).
 */
export class TalkProcess implements AsyncDisposable {
  /** Rejects with a HubError that has the code of what is wrong with the camera. */
  readonly opened: Promise<Opened>;
  /** Never rejects: a process that dies is an end with a problem. */
  readonly ended: Promise<TalkEnd>;
  readonly #child: ChildProcess;
  readonly #queueBytesMax: number;
  readonly #opening: PromiseWithResolvers<Opened> = Promise.withResolvers();
  readonly #end: PromiseWithResolvers<TalkEnd> = Promise.withResolvers();
  readonly #gone: Promise<unknown>;
  #isEnding = false;
  #kill: NodeJS.Timeout;

  private constructor({ entry, opening }: TalkProcessOptions) {
    this.opened = this.#opening.promise;
    // Whoever began it may have left before it failed.
    this.opened.catch(() => undefined);
    this.ended = this.#end.promise;
    this.#queueBytesMax = opening.queueBytesMax;
    const child = forkWithoutCore(entry ?? ENTRY, {
      env: {},
      execArgv: [`--max-old-space-size=${MEMORY_MB}`],
      stdio: ["ignore", "ignore", "ignore", "ipc"],
    });
    this.#child = child;
    this.#gone = whenGone(child);
    this.#kill = setTimeout(() => this.#giveUp(), OPENING_MAX_MS);
    child.on("message", (value: unknown) => this.#take(value));
    void this.#gone.then(() => this.#fail("TALK_FAILED", "Cannot talk: its process ended"));
    // Over its pipe, not in its arguments: those show in the list of processes.
    this.#send({ type: "open", ...opening });
  }

  static start(options: TalkProcessOptions): TalkProcess {
    return new TalkProcess(options);
  }

  get pid(): number | null {
    return this.#child.pid ?? null;
  }

  sound(law: G711Law, bytes: Uint8Array): void {
    if (this.#isEnding) return;
    this.#send({ type: "sound", law, bytes: Buffer.from(bytes).toString("base64") });
  }

  /** Lets it say what waits, and then tell the camera; resolves when it is gone. */
  async end(): Promise<void> {
    if (!this.#isEnding) {
      this.#isEnding = true;
      this.#send({ type: "end" });
      clearTimeout(this.#kill);
      const waitMs = ENDING_MAX_MS + this.#queueBytesMax / BYTES_A_MS;
      this.#kill = setTimeout(() => this.#child.kill("SIGKILL"), waitMs);
    }
    await this.#gone;
    clearTimeout(this.#kill);
  }

  /** Without saying what waits. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isEnding = true;
    clearTimeout(this.#kill);
    // Its pipe is what it lives by: it says good-bye to the camera and ends.
    if (this.#child.connected) this.#child.disconnect();
    this.#kill = setTimeout(() => this.#child.kill("SIGKILL"), ENDING_MAX_MS);
    await this.#gone;
    clearTimeout(this.#kill);
  }

  #take(value: unknown): void {
    let message: FromTalk;
    try {
      message = readFromTalk(value);
    } catch (error) {
      if (!(error instanceof HubError)) throw error;
      this.#fail("TALK_FAILED", "Cannot talk: its process said what nobody understands");
      return;
    }
    if (message.type === "opened") {
      clearTimeout(this.#kill);
      const { law, stream } = message;
      this.#opening.resolve({ law, stream });
      return;
    }
    const { type: _, ...end } = message;
    if (end.problem) this.#opening.reject(new HubError(end.problem.code, end.problem.message));
    this.#settle(end);
  }

  /** A camera that hangs: it is left alone, in as due form as it lets us. */
  #giveUp(): void {
    this.#opening.reject(new HubError("SILENT", SILENT));
    this.#settle(endOf({ code: "SILENT", message: SILENT }));
    if (this.#child.connected) this.#child.disconnect();
  }

  #fail(code: string, message: string): void {
    this.#opening.reject(new HubError(code, message));
    this.#settle(endOf(this.#isEnding ? null : { code, message }));
    this.#child.kill("SIGKILL");
  }

  #settle(end: TalkEnd): void {
    clearTimeout(this.#kill);
    // Where it ended before it was open, and nobody had anything to complain of.
    this.#opening.reject(new HubError("TALK_ENDED", "Nothing was said: it was ended before"));
    this.#end.resolve(end);
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#kill = setTimeout(() => this.#child.kill("SIGKILL"), ENDING_MAX_MS);
    this.#kill.unref();
  }

  #send(message: ToTalk): void {
    if (this.#child.connected) this.#child.send(message, () => undefined);
  }
}

function endOf(problem: TalkEnd["problem"]): TalkEnd {
  return { problem, packets: 0, lostPackets: 0, droppedBytes: 0 };
}

const SILENT = "Cannot talk: the camera did not take sound within 10 s";
