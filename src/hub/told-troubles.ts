import type BetterSqlite3 from "better-sqlite3";

/** What owners were told is wrong: whether it goes on, and how long ago they heard. */
export interface ToldTrouble {
  readonly code: string;
  /** Empty where it is about none. */
  readonly camera: string;
  /** UTC. */
  readonly toldAtMs: number;
  /** Null while it goes on. */
  readonly overAtMs: number | null;
}

const ROWS_MAX = 200;

/** Rows of `told_troubles`. */
export class ToldTroubles {
  readonly #database: BetterSqlite3.Database;

  constructor(database: BetterSqlite3.Database) {
    this.#database = database;
  }

  all(): ToldTrouble[] {
    return this.#database
      .prepare<[], ToldTrouble>(
        `SELECT code, camera, told_at_ms AS toldAtMs, over_at_ms AS overAtMs FROM told_troubles
         ORDER BY told_at_ms DESC LIMIT ${ROWS_MAX}`,
      )
      .all();
  }

  put({ code, camera, toldAtMs, overAtMs }: ToldTrouble): void {
    this.#database
      .prepare<[string, string, number, number | null]>(
        `INSERT OR REPLACE INTO told_troubles (code, camera, told_at_ms, over_at_ms)
         VALUES (?, ?, ?, ?)`,
      )
      .run(code, camera, toldAtMs, overAtMs);
  }

  drop(code: string, camera: string): void {
    this.#database
      .prepare<[string, string]>("DELETE FROM told_troubles WHERE code = ? AND camera = ?")
      .run(code, camera);
  }
}
