import type { Ledger } from "./ledger.ts";

/** How long the ledger is silent at the most while the hub runs: 24 entries a day, if no others. */
export const HEARTBEAT_MS = 3_600_000;
/** Less is what a time server corrects now and then. */
const JUMP_MS = 60_000;
/** A clock that jumps all the time fills no ledger; what it jumps meanwhile goes into the next. */
const JUMP_ENTRY_EVERY_MS = 600_000;

export interface LedgerClockOptions {
  readonly ledger: Pick<Ledger, "append" | "entry" | "size">;
  /** UTC, as entries are dated. */
  readonly nowMs: () => number;
  /** Counts on whatever is done to the clock; only its differences matter. */
  readonly monotonicMs: () => number;
}

/**
 * What the hub enters for time's sake: that it is still there, that it had been off, and that its
 * clock was moved. From the claim on: before it there is no ledger that anybody looks at.
 */
export class LedgerClock {
  readonly #options: LedgerClockOptions;
  #wallMs: number;
  #monotonicMs: number;
  #jumpEnteredMs = Number.NEGATIVE_INFINITY;

  constructor(options: LedgerClockOptions) {
    this.#options = options;
    this.#wallMs = options.nowMs();
    this.#monotonicMs = options.monotonicMs();
  }

  /** To be called at the start of the hub, before anything else is entered. */
  begin(): void {
    const nowMs = this.#options.nowMs();
    const newestMs = this.#newestMs();
    if (newestMs === null) return;
    if (nowMs < newestMs - JUMP_MS) this.#enterJump(nowMs - newestMs);
    else this.#beat(nowMs, true);
  }

  /** To be called every few seconds. */
  tick(): void {
    const { nowMs, monotonicMs } = this.#options;
    const [wallMs, countedMs] = [nowMs(), monotonicMs()];
    const jumpMs = Math.round(wallMs - this.#wallMs - (countedMs - this.#monotonicMs));
    const isEntered = countedMs - this.#jumpEnteredMs < JUMP_ENTRY_EVERY_MS;
    if (Math.abs(jumpMs) >= JUMP_MS) {
      if (isEntered || this.#newestMs() === null) return;
      this.#enterJump(jumpMs);
      this.#jumpEnteredMs = countedMs;
    }
    [this.#wallMs, this.#monotonicMs] = [wallMs, countedMs];
    this.#beat(wallMs, false);
  }

  #beat(atMs: number, first: boolean): void {
    const newestMs = this.#newestMs();
    if (newestMs === null || atMs - newestMs < HEARTBEAT_MS) return;
    const { ledger } = this.#options;
    ledger.append({ v: 1, kind: "heartbeat", atMs, everyMs: HEARTBEAT_MS, first });
  }

  #enterJump(jumpMs: number): void {
    const { ledger, nowMs } = this.#options;
    ledger.append({ v: 1, kind: "clock", atMs: nowMs(), jumpMs: Math.round(jumpMs) });
  }

  #newestMs(): number | null {
    const { ledger } = this.#options;
    return ledger.entry(ledger.size() - 1)?.entry.atMs ?? null;
  }
}
