import type BetterSqlite3 from "better-sqlite3";
import { inTransaction } from "../base/database.ts";

const HOUR_MS = 3_600_000;
const HOURS_KEPT = 24;
/** Written this often: a power cut loses no more of the count. */
const WRITE_EVERY_MS = 600_000;
/** A machine that slept, or was stopped, watched nobody meanwhile. */
const STEP_MAX_MS = 60_000;

/** Of the last 24 hours, as far as this hub ran in them and the camera was on. */
export interface CameraGaps {
  readonly watchedMs: number;
  /** Without a picture. */
  readonly gapMs: number;
}

interface GapRow extends CameraGaps {
  readonly camera: string;
  readonly hour: number;
}

export interface GapCountOptions {
  readonly database: BetterSqlite3.Database;
  readonly nowMs: () => number;
  /** Only ever runs forward. */
  readonly upMs: () => number;
}

/** How a camera stands: without pictures only where it should have some. */
export type Watched = "pictures" | "gap" | "off";

/** Counts for how long each camera showed nothing, in the last 24 hours and over restarts. */
export class GapCount {
  readonly #options: GapCountOptions;
  /** By `camera hour`. */
  readonly #hours = new Map<string, { watchedMs: number; gapMs: number }>();
  readonly #unwritten = new Set<string>();
  readonly #stands = new Map<string, { as: Watched; upMs: number }>();
  #writtenUpMs: number;

  constructor(options: GapCountOptions) {
    this.#options = options;
    this.#writtenUpMs = options.upMs();
    const rows = options.database
      .prepare<[], GapRow>(
        `SELECT camera, hour, watched_ms AS watchedMs, gap_ms AS gapMs FROM camera_gaps
         ORDER BY hour DESC LIMIT 1000`,
      )
      .all();
    for (const { camera, hour, watchedMs, gapMs } of rows)
      this.#hours.set(`${camera} ${hour}`, { watchedMs, gapMs });
  }

  /** Counts what has passed since the camera was last spoken of, as it stood then. */
  note(camera: string, as: Watched): void {
    const upMs = this.#options.upMs();
    const before = this.#stands.get(camera);
    this.#stands.set(camera, { as, upMs });
    if (!before || before.as === "off") return;
    const passedMs = Math.min(STEP_MAX_MS, Math.max(0, Math.round(upMs - before.upMs)));
    if (passedMs === 0) return;
    const key = `${camera} ${this.#hour()}`;
    const sum = this.#hours.get(key) ?? { watchedMs: 0, gapMs: 0 };
    sum.watchedMs += passedMs;
    if (before.as === "gap") sum.gapMs += passedMs;
    this.#hours.set(key, sum);
    this.#unwritten.add(key);
  }

  of(camera: string): CameraGaps {
    const hour = this.#hour();
    let [watchedMs, gapMs] = [0, 0];
    for (let back = 0; back < HOURS_KEPT; back += 1) {
      const sum = this.#hours.get(`${camera} ${hour - back}`);
      watchedMs += sum?.watchedMs ?? 0;
      gapMs += sum?.gapMs ?? 0;
    }
    return { watchedMs, gapMs };
  }

  /** Nothing stays of cameras that are not configured any more. */
  keepOnly(cameras: readonly string[]): void {
    for (const camera of this.#stands.keys())
      if (!cameras.includes(camera)) this.#stands.delete(camera);
    for (const key of this.#hours.keys())
      if (!cameras.includes(key.split(" ")[0] ?? "")) this.#forget(key);
  }

  /** Writes it down now and then. */
  tick(): void {
    const upMs = this.#options.upMs();
    if (upMs - this.#writtenUpMs < WRITE_EVERY_MS) return;
    this.#writtenUpMs = upMs;
    this.keep();
  }

  /** Writes it down: also at the end of the hub. */
  keep(): void {
    const hour = this.#hour();
    for (const key of this.#hours.keys()) {
      const of = Number(key.split(" ")[1]);
      // A clock that was ahead leaves hours behind that have not come yet.
      if (of <= hour - HOURS_KEPT || of > hour + 1) this.#forget(key);
    }
    if (this.#unwritten.size === 0) return;
    const { database } = this.#options;
    inTransaction(database, () => {
      const put = database.prepare<[string, number, number, number]>(
        `INSERT OR REPLACE INTO camera_gaps (camera, hour, watched_ms, gap_ms) VALUES (?, ?, ?, ?)`,
      );
      const drop = database.prepare<[string, number]>(
        "DELETE FROM camera_gaps WHERE camera = ? AND hour = ?",
      );
      for (const key of this.#unwritten) {
        const [camera = "", of] = key.split(" ");
        const sum = this.#hours.get(key);
        if (sum) put.run(camera, Number(of), sum.watchedMs, sum.gapMs);
        else drop.run(camera, Number(of));
      }
    });
    this.#unwritten.clear();
  }

  #forget(key: string): void {
    this.#hours.delete(key);
    this.#unwritten.add(key);
  }

  #hour(): number {
    return Math.max(0, Math.floor(this.#options.nowMs() / HOUR_MS));
  }
}
