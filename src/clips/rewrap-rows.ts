import type BetterSqlite3 from "better-sqlite3";
import { parseClipId, type ClipId, type Sha256Hex } from "../protocol/ids.ts";
import type { NewHeader } from "./replace-headers.ts";

/** Rows behind recordings that are sealed anew. */

interface SealedBeforeRow {
  readonly sequence: number;
  readonly id: string;
  readonly started_at_ms: number;
  readonly epoch: number;
  readonly bytes: number;
  readonly blurred_bytes: number;
  readonly torn: number;
}

/** A clip whose headers were made under an older keyring. */
export interface ClipSealedBefore {
  readonly clip: ClipId;
  /** Cursor of the list. */
  readonly sequence: number;
  readonly startedAtMs: number;
  readonly epoch: number;
  readonly bytes: number;
  readonly blurredBytes: number;
  readonly torn: number;
}

/** As the index of it has it. */
const SEALED_FOR = "coalesce(rewrapped_epoch, keyring_epoch)";

/** Those that clips are sealed for: few, each found by a step in the index, however many clips. */
const EPOCHS = `
  WITH RECURSIVE epochs (epoch) AS (
    SELECT min(${SEALED_FOR}) FROM clips INDEXED BY clips_sealed_for WHERE entry_index IS NOT NULL
    UNION ALL
    SELECT (SELECT min(${SEALED_FOR}) FROM clips INDEXED BY clips_sealed_for
            WHERE entry_index IS NOT NULL AND ${SEALED_FOR} > epoch)
    FROM epochs WHERE epoch IS NOT NULL
  )
  SELECT epoch FROM epochs WHERE epoch < ?`;

export function prepareRewrapStatements(database: BetterSqlite3.Database) {
  const insertFile = database.prepare<[ClipId, string, Uint8Array]>(
    "INSERT OR REPLACE INTO rewrap_files (clip, name, header) VALUES (?, ?, ?)",
  );
  const epochs = database.prepare<[number], number>(EPOCHS).pluck();
  const ofEpoch = database
    .prepare<[number, number, number], number>(
      `SELECT sequence FROM clips INDEXED BY clips_sealed_for
       WHERE entry_index IS NOT NULL AND ${SEALED_FOR} = ? AND sequence < ?
       ORDER BY sequence DESC LIMIT ?`,
    )
    .pluck();
  const found = database.prepare<[string], SealedBeforeRow>(
    `SELECT sequence, id, started_at_ms, ${SEALED_FOR} AS epoch,
       (SELECT sum(size_bytes) FROM clip_files WHERE clip = id) AS bytes,
       (SELECT coalesce(sum(size_bytes), 0) FROM clip_files
        WHERE clip = id AND rendition = 'blurred') AS blurred_bytes,
       (SELECT count(*) FROM torn_files WHERE clip = id) AS torn
     FROM clips WHERE sequence IN (SELECT value FROM json_each(?)) ORDER BY sequence DESC`,
  );
  return {
    /** A statement and its headers, in the transaction that is open. */
    insert: (
      clip: ClipId,
      keyring: { readonly head: Sha256Hex; readonly epoch: number },
      entryIndex: number,
      statement: Uint8Array,
      files: readonly NewHeader[],
    ): void => {
      database
        .prepare("INSERT OR REPLACE INTO clip_rewraps VALUES (?, ?, ?, ?, ?)")
        .run(clip, keyring.head, keyring.epoch, entryIndex, statement);
      for (const { name, header } of files) insertFile.run(clip, name, header);
    },
    waiting: database.prepare<[ClipId], { readonly name: string; readonly header: Uint8Array }>(
      "SELECT name, header FROM rewrap_files WHERE clip = ? ORDER BY name",
    ),
    waitingClips: database
      .prepare<[], string>("SELECT DISTINCT clip FROM rewrap_files ORDER BY clip")
      .pluck(),
    done: database.prepare<[ClipId, string]>(
      "DELETE FROM rewrap_files WHERE clip = ? AND name = ?",
    ),
    /** Newest first: below a sequence, and sealed for readers of before an epoch. */
    sealedBefore: (before: number, beforeEpoch: number, limit: number): SealedBeforeRow[] => {
      const sequences = epochs
        .all(beforeEpoch)
        .flatMap((epoch) => ofEpoch.all(epoch, before, limit))
        .toSorted((left, right) => right - left)
        .slice(0, limit);
      return found.all(JSON.stringify(sequences));
    },
  };
}

export function sealedBeforeOf(row: SealedBeforeRow): ClipSealedBefore {
  return {
    clip: parseClipId(row.id),
    sequence: row.sequence,
    startedAtMs: row.started_at_ms,
    epoch: row.epoch,
    bytes: row.bytes,
    blurredBytes: row.blurred_bytes,
    torn: row.torn,
  };
}
