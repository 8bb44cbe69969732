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

  /**
   * Writes down what has passed; a crash loses what passed since.
   *
   * @returns For how long the notice has been pending while this hub ran; 0 where none is.
   */
  count({ pending }: Pick<Keyring, "pending">): number {
    const nowMs = this.#monotonicMs();
    const passedMs = Math.max(0, Math.floor(nowMs - this.#countedMs));
    if (!pending) {
      this.#countedMs = nowMs;
      return 0;
    }
    const row = this.#database
      .prepare<[string], { ran_ms: number }>("SELECT ran_ms FROM recovery_runs WHERE notice = ?")
      .get(pending.notice);
    // Before its first count a notice has no row: what passed until then is not its own.
    const ranMs = row ? row.ran_ms + passedMs : 0;
    this.#countedMs = row ? this.#countedMs + passedMs : nowMs;
    this.#database
      .prepare("INSERT OR REPLACE INTO recovery_runs (notice, ran_ms) VALUES (?, ?)")
      .run(pending.notice, ranMs);
    return ranMs;
  }
}
