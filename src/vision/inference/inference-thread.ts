import { Worker } from "node:worker_threads";
import type { PictureSize } from "../../blur/boxes.ts";
import type { ColourPicture } from "../../blur/planes.ts";
import { detectorFailed } from "./detector-failed.ts";
import type { Find, Scope } from "./finder.ts";
import { NUMBERS_PER_FIND, type FromThread, type ThreadStart } from "./inference-messages.ts";

/** A picture takes a fraction of a second even on a small machine; after this nothing more comes. */
const RUN_TIMEOUT_MS = 10_000;
const START_TIMEOUT_MS = 30_000;
/** A detector that is kept open for later must not keep the last picture that it saw. */
const FORGET_AFTER_MS = 30_000;
/** As many as a decoder hands over: 16.8 million pixels. */
const PIXELS_MAX = 4096 * 4096;
/** What may wait for the one that is looked at. */
const WAITING_MAX = 64;
const BLACK_PART_SIDE = 16;

export interface ThreadLimits {
  readonly entry: URL;
  readonly runTimeoutMs: number;
  readonly startTimeoutMs: number;
  readonly forgetAfterMs: number;
}

export const THREAD_LIMITS: ThreadLimits = {
  entry: new URL("./inference-worker.ts", import.meta.url),
  runTimeoutMs: RUN_TIMEOUT_MS,
  startTimeoutMs: START_TIMEOUT_MS,
  forgetAfterMs: FORGET_AFTER_MS,
};

interface Waiting {
  readonly number: number | null;
  readonly resolve: (finds: unknown) => void;
  readonly reject: (reason: Error) => void;
}

/**
 * A thread with networks in it. One that did not answer in time, or died, never answers again: its
 * process has to be ended, since a run of the runtime cannot be stopped.
 */
export class InferenceThread implements AsyncDisposable {
  readonly #worker: Worker;
  readonly #limits: ThreadLimits;
  #memory = new Uint8Array(new SharedArrayBuffer(0));
  #size: PictureSize = { width: 0, height: 0 };
  #turn: Promise<unknown> = Promise.resolve();
  #inTurn = 0;
  #number = 0;
  #waiting: Waiting | null = null;
  #broken: Error | null = null;
  readonly #idle: NodeJS.Timeout;

  private constructor(start: ThreadStart, limits: ThreadLimits) {
    this.#limits = limits;
    this.#worker = new Worker(limits.entry, { workerData: start, env: {}, execArgv: [] });
    this.#idle = setTimeout(() => this.#forget(), limits.forgetAfterMs).unref();
    this.#worker.on("message", (message: FromThread) => this.#take(message));
    this.#worker.on("error", (cause: unknown) =>
      this.#break(detectorFailed(cause instanceof Error ? cause.message : "unknown", cause)),
    );
    this.#worker.on("exit", () => this.#break(detectorFailed("its thread has ended")));
  }

  /** @throws HubError `DETECTOR_FAILED` where a model is missing or altered, or does not run here. */
  static async start(start: ThreadStart, limits = THREAD_LIMITS): Promise<InferenceThread> {
    const thread = new InferenceThread(start, limits);
    try {
      await thread.#answer(null, limits.startTimeoutMs);
      return thread;
    } catch (cause) {
      await thread[Symbol.asyncDispose]();
      throw cause;
    }
  }

  /**
   * Pictures are looked at one after the other. The picture's bytes must not change before this
   * settles.
   *
   * @throws HubError `DETECTOR_FAILED`: then nothing may be made of the picture.
   */
  find(picture: ColourPicture, scope: Scope = "whole"): Promise<Find[]> {
    if (this.#inTurn >= WAITING_MAX)
      return Promise.reject(detectorFailed(`${WAITING_MAX} pictures are waiting already`));
    this.#inTurn += 1;
    const turn = this.#turn
      .then(() => this.#look(picture, scope))
      .finally(() => (this.#inTurn -= 1));
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#idle);
    const isStuck = this.#waiting !== null;
    this.#break(detectorFailed("its thread has ended"));
    this.#memory.fill(0);
    const ended = this.#worker.terminate();
    // A run of the runtime cannot be stopped, and would be waited for as long as it takes.
    if (!isStuck) await ended;
  }

  async #look({ width, height, bytes }: ColourPicture, scope: Scope): Promise<Find[]> {
    if (this.#broken) throw this.#broken;
    if (!isSize(width) || !isSize(height) || width * height > PIXELS_MAX)
      throw detectorFailed(`a size of ${width} x ${height}`);
    if (bytes.length !== 3 * width * height)
      throw detectorFailed(`${bytes.length} bytes for ${width} x ${height} pixels`);
    if (scope === "part" && width !== height) throw detectorFailed("a part that is not square");
    if (this.#memory.length < bytes.length) {
      this.#memory.fill(0);
      this.#memory = new Uint8Array(new SharedArrayBuffer(bytes.length));
    }
    this.#memory.set(bytes);
    this.#memory.fill(0, bytes.length);
    if (scope === "whole") this.#size = { width, height };
    this.#idle.refresh();
    const number = (this.#number += 1);
    const shared = this.#memory.subarray(0, bytes.length);
    this.#worker.postMessage({ number, width, height, bytes: shared, scope });
    return findsOf(await this.#answer(number, this.#limits.runTimeoutMs));
  }

  /** Looks at a black picture of the last one's size, and a black part: what the networks had is gone. */
  #forget(): void {
    const { width, height } = this.#size;
    if (this.#inTurn > 0 || width === 0 || this.#memory.every((value) => value === 0)) return;
    // One that cannot be looked at has broken the thread, which every later call says.
    const [whole, side] = [new Uint8Array(3 * width * height), BLACK_PART_SIDE];
    this.find({ width, height, bytes: whole }).catch(() => undefined);
    const part = { width: side, height: side, bytes: new Uint8Array(3 * side * side) };
    this.find(part, "part").catch(() => undefined);
  }

  async #answer(number: number | null, timeoutMs: number): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#waiting = { number, resolve, reject };
    const timer = setTimeout(() => {
      this.#break(detectorFailed(`no answer within ${timeoutMs} ms`));
      void this.#worker.terminate();
    }, timeoutMs);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
    }
  }

  #take(message: FromThread): void {
    const waiting = this.#waiting;
    const number = message.type === "ready" ? null : message.number;
    if (!waiting || number !== waiting.number) return;
    this.#waiting = null;
    if (message.type === "failed") waiting.reject(detectorFailed(reasonOf(message.message)));
    else waiting.resolve(message.type === "found" ? message.finds : null);
  }

  #break(reason: Error): void {
    this.#broken ??= reason;
    this.#waiting?.reject(this.#broken);
    this.#waiting = null;
  }
}

/** Without what an error of the other thread says before it already. */
function reasonOf(message: string): string {
  return message.replace(/^Cannot look at a picture: /, "");
}

function isSize(length: number): boolean {
  return Number.isInteger(length) && length > 0;
}

function findsOf(numbers: unknown): Find[] {
  if (
    !(numbers instanceof Float64Array) ||
    numbers.length % NUMBERS_PER_FIND !== 0 ||
    !numbers.every(Number.isFinite)
  )
    throw detectorFailed("its thread answered with no boxes");
  return Array.from({ length: numbers.length / NUMBERS_PER_FIND }, (_, index): Find => {
    const [x = 0, y = 0, width = 0, height = 0, score = 0, kind = 0] = numbers.subarray(
      index * NUMBERS_PER_FIND,
      (index + 1) * NUMBERS_PER_FIND,
    );
    return [x, y, width, height, score, kind];
  });
}
