import { HubError } from "../protocol/errors.ts";

const IDLE_MS = 60_000;
/** While somebody away from home may be deciding. */
const WAITING_MS = 15_000;
const BACK_OFF_MAX_MS = 15 * 60_000;

interface CourierOptions {
  /** @throws Error for whatever stood in its way. */
  readonly turn: () => Promise<void>;
  readonly isWaiting: () => boolean;
  /** Told when it begins to fail, and null when it goes again. */
  readonly onTrouble: (trouble: string | null) => void;
}

/** Goes to the mailbox and back, by itself, for as long as there is one. */
export class Courier implements AsyncDisposable {
  readonly #options: CourierOptions;
  #timer: NodeJS.Timeout | null = null;
  #running: Promise<void> = Promise.resolve();
  #isRunning = false;
  #isWoken = false;
  #isOver = false;
  #failures = 0;

  constructor(options: CourierOptions) {
    this.#options = options;
  }

  /** Something is new: not after the next pause. Where the way is barred, the pause stays. */
  wake(): void {
    if (this.#isOver) return;
    this.#isWoken = true;
    if (!this.#isRunning && this.#failures === 0) this.#go(0);
  }

  /** One turn of its own, after one that is under way. */
  async now(): Promise<void> {
    if (this.#isOver) return;
    this.#running = this.#running.then(() => this.#turn());
    await this.#running;
  }

  start(): void {
    this.#go(0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    if (this.#timer) clearTimeout(this.#timer);
    await this.#running;
  }

  #go(afterMs: number): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = null;
      if (this.#isRunning || this.#isOver) return;
      this.#running = this.#turn();
    }, afterMs);
    this.#timer.unref();
  }

  async #turn(): Promise<void> {
    this.#isRunning = true;
    this.#isWoken = false;
    try {
      await this.#options.turn();
      if (this.#failures > 0) this.#options.onTrouble(null);
      this.#failures = 0;
    } catch (error) {
      this.#failures += 1;
      const words = error instanceof HubError ? error.message : "Cannot use the mailbox";
      this.#options.onTrouble(words);
    } finally {
      this.#isRunning = false;
    }
    if (!this.#isOver) this.#go(this.#pauseMs());
  }

  #pauseMs(): number {
    // Not all hubs of a carrier at the same moment after it was away.
    const jitter = 0.75 + Math.random() / 2;
    if (this.#failures > 0)
      return Math.min(BACK_OFF_MAX_MS, IDLE_MS * 2 ** (this.#failures - 1)) * jitter;
    if (this.#isWoken) return 0;
    return (this.#options.isWaiting() ? WAITING_MS : IDLE_MS) * jitter;
  }
}
