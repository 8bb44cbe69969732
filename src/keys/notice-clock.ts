import type { HubDatabase } from "../base/database.ts";
import type { Keyring } from "../protocol/keyring.ts";

/**
 * How long this hub has run since the recovery notice that is pending: counted by the monotonic
 * clock and kept in the database, so that neither a wall clock that jumps nor a restart shortens the
 * time in which owners may object. What the hub was off does not count.
 */
export class NoticeClock {
  readonly #database: HubDatabase;
  readonly #monotonicMs: () => number;
  #countedMs: number;

  constructor(database: HubDatabase, monotonicMs: () => number) {
    this.#database = database;
    this.#monotonicMs = monotonicMs;
    this.#countedMs = monotonicMs();
  }

  /** Begins with a new notice, ends with none; inside the transaction that accepts the statement. */
  follow(keyring: Pick<Keyring, "pending">): void {
    this.#database
      .prepare("DELETE FROM recovery_runs WHERE notice <> ?")
      .run(keyring.pending?.notice ?? "");
    this.count(keyring);
  }

  /** @returns For how long the notice has been pending while this hub ran; 0 where none is. */
  ranMs({ pending }: Pick<Keyring, "pending">): number {
    return (pending && this.#ranMs(pending.notice, this.#passedMs(this.#monotonicMs()))) ?? 0;
  }

  /** Writes down what has passed; a crash loses what passed since. */
  count({ pending }: Pick<Keyring, "pending">): void {
    const nowMs = this.#monotonicMs();
    if (!pending) {
      this.#countedMs = nowMs;
      return;
    }
    const passedMs = this.#passedMs(nowMs);
    const ranMs = this.#ranMs(pending.notice, passedMs);
    this.#countedMs = ranMs === null ? nowMs : this.#countedMs + passedMs;
    this.#database
      .prepare("INSERT OR REPLACE INTO recovery_runs (notice, ran_ms) VALUES (?, ?)")
      .run(pending.notice, ranMs ?? 0);
  }

  #passedMs(nowMs: number): number {
    return Math.max(0, Math.floor(nowMs - this.#countedMs));
  }

  /** Null before the notice's first count: what passed until then is not its own. */
  #ranMs(notice: string, passedMs: number): number | null {
    const row = this.#database
      .prepare<[string], { ran_ms: number }>("SELECT ran_ms FROM recovery_runs WHERE notice = ?")
      .get(notice);
    return row ? row.ran_ms + passedMs : null;
  }
}
