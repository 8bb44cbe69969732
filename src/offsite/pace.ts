import { setTimeout as sleep } from "node:timers/promises";

/** How many bytes a second leave, over all that is put, however many objects that are. */
export class Pace {
  readonly #bytesPerSecond: number | null;
  readonly #monotonicMs: () => number;
  readonly #sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** When what was taken so far is paid for. */
  #paidAtMs = 0;
  #sentBytes = 0;

  /** @param bytesPerSecond - Null: as fast as it goes. */
  constructor(
    bytesPerSecond: number | null,
    options: {
      readonly monotonicMs?: () => number;
      readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
    } = {},
  ) {
    this.#bytesPerSecond = bytesPerSecond;
    this.#monotonicMs = options.monotonicMs ?? (() => performance.now());
    this.#sleep = options.sleep ?? (async (ms, signal) => await sleep(ms, undefined, { signal }));
  }

  /** Bytes since it was made. */
  get sentBytes(): number {
    return this.#sentBytes;
  }

  /** Hands the parts on, none sooner than the rate allows. */
  async *pass(
    parts: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array, void, void> {
    for await (const part of parts) {
      signal.throwIfAborted();
      if (this.#bytesPerSecond !== null) {
        const nowMs = this.#monotonicMs();
        // What was not used in a pause is not caught up.
        this.#paidAtMs = Math.max(this.#paidAtMs, nowMs);
        const waitMs = this.#paidAtMs - nowMs;
        this.#paidAtMs += (part.length / this.#bytesPerSecond) * 1_000;
        if (waitMs > 0) await this.#sleep(waitMs, signal);
      }
      this.#sentBytes += part.length;
      yield part;
    }
  }
}
