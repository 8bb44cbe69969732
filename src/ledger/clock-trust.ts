import type { HubDatabase } from "../base/database.ts";
import { dayOf, isPlausible } from "../base/plausible-clock.ts";

const DAY_MS = 86_400_000;
/** A clock that is further ahead of what this hub has counted is wrong, or the hub was off as long. */
export const AHEAD_MAX_MS = 366 * DAY_MS;
/** While it runs, the hub counts by itself: what sets a clock ahead by more is wrong. */
export const AHEAD_RUNNING_MAX_MS = 3 * DAY_MS;
/** A board without a clock of its own gets the time a while after its start. */
export const START_MS = 3_600_000;
/** One that is further behind was lost: nothing sets a clock back by that much to correct it. */
export const BEHIND_MAX_MS = DAY_MS;
/** After so much running time what the clock says is so, since nobody has set it. */
export const BELIEVED_AFTER_MS = 7 * DAY_MS;
/** What a count and a clock drift apart is taken over when it is worth a row. */
const DRIFT_MS = 60_000;
/** What a hub that is off for a night adds to a clock is no move of it. */
const MOVED_MS = DAY_MS;

export interface ClockTrustOptions {
  readonly database: HubDatabase;
  /** UTC, may jump. */
  readonly nowMs: () => number;
  /** How long the hub has run in its life; only ever runs forward. */
  readonly countedMs: () => number;
  readonly log: (level: "info" | "warn", message: string) => void;
}

export interface ClockTrouble {
  readonly code: "CLOCK_WRONG";
  readonly message: string;
}

interface Row {
  readonly wall_ms: number;
  readonly counted_ms: number;
  readonly doubted_counted_ms: number | null;
  /** How far ahead of what was counted the clock was that is doubted. */
  readonly doubted_ahead_ms: number | null;
}

/**
 * Whether the clock on the wall is believed. What it calls over is closed either way; only while it
 * is believed does that end anything for good.
 */
export class ClockTrust {
  readonly #options: ClockTrustOptions;
  readonly #startedCountedMs: number;
  #isSaid = false;

  constructor(options: ClockTrustOptions) {
    this.#options = options;
    this.#startedCountedMs = options.countedMs();
  }

  /** To be called every few seconds, and before anything is ended. */
  look(): void {
    const trouble = this.#look();
    if (trouble !== null && !this.#isSaid) this.#options.log("warn", trouble);
    if (trouble === null && this.#isSaid)
      this.#options.log("info", `The clock is believed again: ${this.#shown()}.`);
    this.#isSaid = trouble !== null;
  }

  /** What the wall's clock alone calls over may be ended for good. Reads only. */
  isBelieved(): boolean {
    return this.#troubleNow(this.#row()) === null;
  }

  trouble(): ClockTrouble | null {
    const message = this.#troubleNow(this.#row());
    return message === null ? null : { code: "CLOCK_WRONG", message };
  }

  #look(): string | null {
    const { nowMs, countedMs } = this.#options;
    const row = this.#row();
    const trouble = this.#troubleNow(row);
    if (trouble === null) this.#believe(row);
    // A clock that stands nowhere is not believed by waiting.
    else if (row !== null && isPlausible(nowMs()) && !this.#isDoubted(row)) {
      const doubted_ahead_ms = Math.floor(this.#aheadMs(row));
      this.#write({ ...row, doubted_counted_ms: countedMs(), doubted_ahead_ms });
    }
    return trouble;
  }

  /** Null where it is believed. */
  #troubleNow(row: Row | null): string | null {
    const { nowMs, countedMs } = this.#options;
    const wallMs = nowMs();
    if (!isPlausible(wallMs))
      return this.#say("cannot be right. Until it is set nothing that is asked for is taken in");
    if (row === null) return null;
    const aheadMs = this.#aheadMs(row);
    const isStarting = countedMs() - this.#startedCountedMs < START_MS;
    const aheadMaxMs = isStarting ? AHEAD_MAX_MS : AHEAD_RUNNING_MAX_MS;
    if (aheadMs <= aheadMaxMs && aheadMs >= -BEHIND_MAX_MS) return null;
    const doubtedSinceMs = (this.#isDoubted(row) ? row.doubted_counted_ms : null) ?? countedMs();
    if (countedMs() - doubtedSinceMs >= BELIEVED_AFTER_MS) return null;
    if (aheadMs < 0) return this.#say("was set back by more than a day");
    const by = aheadMs > AHEAD_MAX_MS ? "a year" : "three days";
    return this.#say(`is more than ${by} ahead of what this hub has counted`);
  }

  #aheadMs(row: Row): number {
    return this.#options.nowMs() - expectedMs(row, this.#options.countedMs());
  }

  /** Whether it is this clock that is doubted already: one that was moved again is another. */
  #isDoubted(row: Row): boolean {
    const { doubted_counted_ms, doubted_ahead_ms } = row;
    if (doubted_counted_ms === null || doubted_ahead_ms === null) return false;
    return Math.abs(this.#aheadMs(row) - doubted_ahead_ms) < MOVED_MS;
  }

  #say(what: string): string {
    return `This machine's clock says ${this.#shown()}, which ${what}. Set it, or let it get network time; recordings go on, and nothing is deleted by it.`;
  }

  #shown(): string {
    return dayOf(this.#options.nowMs());
  }

  #believe(row: Row | null): void {
    const { nowMs, countedMs } = this.#options;
    const [wall_ms, counted_ms] = [Math.floor(nowMs()), countedMs()];
    const isKept =
      row !== null &&
      row.doubted_counted_ms === null &&
      Math.abs(wall_ms - expectedMs(row, counted_ms)) < DRIFT_MS;
    if (!isKept)
      this.#write({ wall_ms, counted_ms, doubted_counted_ms: null, doubted_ahead_ms: null });
  }

  #row(): Row | null {
    return (
      this.#options.database
        .prepare<[], Row>(
          `SELECT wall_ms, counted_ms, doubted_counted_ms, doubted_ahead_ms
           FROM clock_trust WHERE id = 1`,
        )
        .get() ?? null
    );
  }

  #write({ wall_ms, counted_ms, doubted_counted_ms, doubted_ahead_ms }: Row): void {
    this.#options.database
      .prepare(
        `INSERT OR REPLACE INTO clock_trust (id, wall_ms, counted_ms, doubted_counted_ms, doubted_ahead_ms)
         VALUES (1, ?, ?, ?, ?)`,
      )
      .run(wall_ms, counted_ms, doubted_counted_ms, doubted_ahead_ms);
  }
}

function expectedMs({ wall_ms, counted_ms }: Row, countedMs: number): number {
  return wall_ms + countedMs - counted_ms;
}
