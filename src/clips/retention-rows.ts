import type BetterSqlite3 from "better-sqlite3";
import { parseClipId, type ClipId } from "../protocol/ids.ts";
import type { RetentionClass } from "./retention-plan.ts";

/** Rows behind retention, and the hub's own count of time. */

export interface RetentionRow {
  readonly sequence: number;
  readonly clip: string;
  readonly class: RetentionClass;
  readonly counted_ms: number;
  readonly size_bytes: number;
  readonly goes_counted_ms: number | null;
  readonly until_counted_ms: number | null;
}

interface HoldRow {
  readonly until_ms: number;
  readonly until_counted_ms: number;
}

/** Held by an owner, or for a request: whichever lasts longer. */
const SELECT_ROW = `
  SELECT clip_retention.*, nullif(max(
    coalesce((SELECT until_counted_ms FROM clip_holds WHERE clip = clip_retention.clip), -1),
    coalesce((SELECT max(until_counted_ms) FROM request_hold_clips
              WHERE clip = clip_retention.clip), -1)), -1) AS until_counted_ms
  FROM clip_retention`;

const LONGEST_HOLD = `
  SELECT until_ms, until_counted_ms FROM (
    SELECT * FROM clip_holds UNION ALL
    SELECT clip, until_ms, until_counted_ms FROM request_hold_clips
  ) WHERE clip = ? ORDER BY until_counted_ms DESC LIMIT 1`;

/** Clips that have ended since, and torn files that no clip's row accounts for. */
const TAKE_IN = `
  INSERT INTO clip_retention (clip, class, counted_ms, size_bytes)
  SELECT clip, class, ?,
    (SELECT coalesce(sum(size_bytes), 0) FROM clip_files WHERE clip_files.clip = found.clip) +
    (SELECT coalesce(sum(size_bytes), 0) FROM torn_files WHERE torn_files.clip = found.clip)
  FROM (
    SELECT id AS clip, iif(kind = 'bell', 'bell', 'motion') AS class, sequence FROM clips
    WHERE sequence >= ? AND state <> 'recording'
    UNION ALL
    SELECT DISTINCT clip, 'motion', 0 FROM torn_files
    WHERE NOT EXISTS (SELECT 1 FROM clips WHERE id = torn_files.clip)
  ) AS found
  WHERE NOT EXISTS (SELECT 1 FROM clip_retention WHERE clip_retention.clip = found.clip)
  ORDER BY sequence`;

export function prepareRetentionStatements(database: BetterSqlite3.Database) {
  return {
    count: database
      .prepare<[], number>("SELECT counted_ms FROM retention_count WHERE id = 1")
      .pluck(),
    keepCount: database.prepare<[number]>(
      `INSERT INTO retention_count (id, counted_ms) VALUES (1, ?)
       ON CONFLICT (id) DO UPDATE SET counted_ms = excluded.counted_ms`,
    ),
    takenInBelow: database
      .prepare<[], number>("SELECT taken_in_below FROM retention_count WHERE id = 1")
      .pluck(),
    keepTakenIn: database.prepare<[number]>("UPDATE retention_count SET taken_in_below = ?"),
    /** Every clip below this sequence has ended. */
    endedBelow: database
      .prepare<[], number>(
        `SELECT coalesce(
           (SELECT min(sequence) FROM clips WHERE state = 'recording'),
           (SELECT max(sequence) + 1 FROM clips), 0)`,
      )
      .pluck(),
    takeIn: database.prepare<[number, number]>(TAKE_IN),
    going: database.prepare<[], RetentionRow>(
      `${SELECT_ROW} WHERE goes_counted_ms IS NOT NULL ORDER BY sequence LIMIT 1000`,
    ),
    oldest: database.prepare<[RetentionClass, number], RetentionRow>(
      `${SELECT_ROW} WHERE class = ? ORDER BY sequence LIMIT ?`,
    ),
    row: database.prepare<[ClipId], RetentionRow>(`${SELECT_ROW} WHERE clip_retention.clip = ?`),
    used: database.prepare<[], number>("SELECT size_bytes FROM clip_retention_used").pluck(),
    recordedSince: database.prepare<
      [number],
      { readonly bytes: number; readonly first: number | null }
    >(
      `SELECT coalesce(sum(size_bytes), 0) AS bytes, min(counted_ms) AS first
       FROM clip_retention WHERE counted_ms >= ?`,
    ),
    setGoes: database.prepare<[number | null, ClipId]>(
      "UPDATE clip_retention SET goes_counted_ms = ? WHERE clip = ?",
    ),
    hold: database.prepare<[ClipId], HoldRow>("SELECT * FROM clip_holds WHERE clip = ?"),
    longestHold: database.prepare<[ClipId], HoldRow>(LONGEST_HOLD),
    holds: database.prepare<[], number>("SELECT count(*) FROM clip_holds").pluck(),
    setHold: database.prepare<[ClipId, number, number]>(
      "INSERT OR REPLACE INTO clip_holds (clip, until_ms, until_counted_ms) VALUES (?, ?, ?)",
    ),
    dropHold: database.prepare<[ClipId]>("DELETE FROM clip_holds WHERE clip = ?"),
    lapse: database.prepare<[number]>("DELETE FROM clip_holds WHERE until_counted_ms <= ?"),
    insertDeletion: database.prepare<[ClipId, number]>(
      "INSERT INTO clip_deletions (clip, entry_index) VALUES (?, ?)",
    ),
    setFilesGone: database.prepare<[ClipId]>(
      "UPDATE clip_deletions SET files_gone = 1 WHERE clip = ?",
    ),
    unfinished: database
      .prepare<[], string>("SELECT clip FROM clip_deletions WHERE files_gone = 0 ORDER BY clip")
      .pluck(),
    forget: [
      ...["clip_files", "torn_files", "clip_holds", "request_hold_clips", "clip_retention"],
      ...["clip_copies", "clip_copy_files"],
    ].map((table) => database.prepare<[ClipId]>(`DELETE FROM ${table} WHERE clip = ?`)),
    forgetClip: database.prepare<[ClipId]>("DELETE FROM clips WHERE id = ?"),
  };
}

export type RetentionStatements = ReturnType<typeof prepareRetentionStatements>;

export interface ClipMarks {
  /** UTC, as an owner said; null where it is not held. */
  readonly heldUntilMs: number | null;
  /** How much longer an owner's deletion can be undone; null where there is none. */
  readonly goesInMs: number | null;
}

/** @param countedMs - Where the hub's own count of time stands. */
export function readMarks(
  statements: RetentionStatements,
  clip: ClipId,
  countedMs: number,
): ClipMarks {
  const goesAtMs = statements.row.get(clip)?.goes_counted_ms ?? null;
  const hold = statements.longestHold.get(clip);
  const isHeld = hold !== undefined && hold.until_counted_ms > countedMs;
  return {
    heldUntilMs: isHeld ? hold.until_ms : null,
    goesInMs: goesAtMs === null ? null : Math.max(0, goesAtMs - countedMs),
  };
}

/** Removes every row of a clip; what is left is its deletion. */
export function forgetRows(statements: RetentionStatements, clip: ClipId): void {
  for (const statement of statements.forget) statement.run(clip);
  statements.forgetClip.run(clip);
}

/** Clips whose deletion was entered and whose files may still be there. */
export function unfinishedDeletions(statements: RetentionStatements): readonly ClipId[] {
  return statements.unfinished.all().map(parseClipId);
}

/**
 * Milliseconds that this hub has run, as the monotonic clock has it. Wall clocks are set back, stand
 * in 1970 after a start, or run eleven years ahead: none of that makes a clip older. The time for
 * which a hub was off does not count, so clips stay that much longer.
 */
export interface RetentionCount {
  nowMs(): number;
  /** Writes it down, for the next start. */
  keep(): void;
}

export function openRetentionCount(
  statements: RetentionStatements,
  monotonicMs: () => number,
): RetentionCount {
  const startMs = (statements.count.get() ?? 0) - monotonicMs();
  const nowMs = (): number => Math.floor(startMs + monotonicMs());
  return {
    nowMs,
    keep: () => {
      statements.keepCount.run(nowMs());
    },
  };
}
