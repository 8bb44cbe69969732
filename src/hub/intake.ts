import { setTimeout as sleep } from "node:timers/promises";
import { isDiskFailure } from "../clips/erase.ts";
import type { Retention } from "../clips/retention.ts";
import type { ClipStore } from "../clips/store.ts";
import type { RecorderEvent } from "../protocol/clip.ts";

export interface RecorderIntakeOptions {
  readonly clips: Pick<ClipStore, "apply">;
  readonly retention: Pick<Retention, "withRoom" | "wake">;
  /** What else has to know of it once it is listed. */
  readonly onTaken: (event: RecorderEvent) => void;
  readonly log: (level: "info" | "warn", message: string) => void;
  /** Before a disk that refused is tried again. */
  readonly pauseMs?: number;
}

const PAUSE_MS = 1_000;
/** Some hours of what a recorder has to say that cannot write either. */
const WAITING_MAX = 10_000;

/**
 * Lists what the recorder says, in its order. What the disk refuses waits until it takes it: a
 * recording whose end was never listed would count as being recorded, and never go.
 */
export class RecorderIntake {
  readonly #options: RecorderIntakeOptions;
  #tail: Promise<void> = Promise.resolve();
  #waiting = 0;
  #hurry = new AbortController();

  constructor(options: RecorderIntakeOptions) {
    this.#options = options;
  }

  /** Never throws; what is refused for what it is, is logged. */
  take(event: RecorderEvent): void {
    if (this.#waiting >= WAITING_MAX) {
      this.#options.log("warn", `recording not listed: ${WAITING_MAX} reports wait for the disk`);
      return;
    }
    this.#waiting += 1;
    this.#tail = this.#tail.then(async () => {
      await this.#list(event);
      this.#waiting -= 1;
    });
  }

  /** Resolves when all so far is listed, or was tried once more and refused. */
  async flush(): Promise<void> {
    const before = this.#hurry;
    before.abort();
    await this.#tail;
    if (this.#hurry === before) this.#hurry = new AbortController();
  }

  async #list(event: RecorderEvent): Promise<void> {
    const { clips, retention, onTaken, log, pauseMs = PAUSE_MS } = this.#options;
    for (let tries = 1; ; tries += 1) {
      // Before the try: one that begins after a call of `flush` is the last.
      const { signal } = this.#hurry;
      const isLast = signal.aborted;
      try {
        await retention.withRoom(() => clips.apply(event));
        onTaken(event);
        return;
      } catch (error) {
        const found = error instanceof Error ? error.message : "?";
        if (isLast || !isDiskFailure(error)) {
          log("warn", `recording not listed: ${found}`);
          return;
        }
        if (tries === 1) log("warn", `recording not listed yet: ${found}; it is tried again`);
        retention.wake();
        await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
      }
    }
  }
}
