import type { HubDatabase } from "../base/database.ts";
import { inTransaction } from "../base/database.ts";

export interface CopyPlaceRow {
  readonly place: string;
  readonly is_marked: number;
  readonly queued_from: number | null;
  readonly can_remove: number | null;
  readonly ledger_size: number;
  readonly state_sequence: number;
  readonly state_ledger_size: number;
  readonly state_statements: number;
  readonly state_at_ms: number | null;
  readonly others_sequence: number | null;
  readonly finished_at_ms: number | null;
  readonly looked_at_ms: number | null;
}

export interface CopyObjectRow {
  readonly sequence: number;
  readonly name: string;
  readonly clip: string | null;
  readonly file: string | null;
  readonly revision: number;
  readonly content: "whole" | "header" | "document" | "spool";
  readonly spool_from: number;
  readonly state: "waiting" | "there" | "going" | "stays";
  readonly size_bytes: number;
  readonly sha256: string | null;
  /** Of a state's index: ledger entries in that state. */
  readonly ledger_size: number | null;
}

export interface CopyCounts {
  readonly files: number;
  readonly bytes: number;
}

const QUEUE_BATCH = 500;
/** What is changed in one go, while the hub answers nobody. */
export const ROWS_BATCH = 5_000;
/** In the words of the index that has these few. */
const OF_FEW = "content <> 'whole' AND content";
const NAME = `'clips/' || strftime('%Y-%m', started_at_ms / 1000, 'unixepoch') || '/' || id || '/'`;
const RANGE = "sequence < @before AND sequence >= @from";

/** The queue of a copy in the hub's database. What is new queues itself, by triggers. */
export class CopyRows {
  readonly #database: HubDatabase;

  constructor(database: HubDatabase) {
    this.#database = database;
  }

  place(): CopyPlaceRow | null {
    return this.#get<CopyPlaceRow>("SELECT * FROM copy_place") ?? null;
  }

  /**
   * Begins anew where the place is another, some rows at a time: what is there is found again when it
   * is put. Without a place nothing queues itself, so that a stop in the middle loses nothing.
   *
   * @returns False when it is settled.
   */
  settleSome(place: string | null): boolean {
    if (place !== null && this.place()?.place === place) return false;
    return inTransaction(this.#database, () => {
      this.#run("DELETE FROM copy_place");
      const deleted = this.#run(
        "DELETE FROM copy_objects WHERE sequence IN (SELECT sequence FROM copy_objects LIMIT ?)",
        ROWS_BATCH,
      );
      if (deleted === ROWS_BATCH) return true;
      if (place !== null) this.#run("INSERT INTO copy_place (id, place) VALUES (1, ?)", place);
      return false;
    });
  }

  set(values: Partial<Omit<CopyPlaceRow, "place">>): void {
    for (const [name, value] of Object.entries(values))
      this.#run(`UPDATE copy_place SET ${name} = ?`, value);
  }

  /** Queues some of the recordings of before the copy. @returns False when there are no more. */
  queueSome(): boolean {
    return inTransaction(this.#database, () => {
      const last = this.#get<{ last: number }>(
        "SELECT coalesce(max(sequence), 0) + 1 AS last FROM clips",
      );
      const before = this.place()?.queued_from ?? last?.last ?? 1;
      if (before <= 1) return false;
      const range = { before, from: Math.max(1, before - QUEUE_BATCH) };
      const into =
        "INSERT OR IGNORE INTO copy_objects (name, clip, file, revision, content, size_bytes)";
      this.#run(
        `${into} SELECT ${NAME} || iif(revision = 0, name,
             replace(name, '.age', '.' || revision || '.age')),
           id, name, revision, 'whole', size_bytes
         FROM (SELECT clips.*, name, size_bytes,
             max(coalesce(clip_files.entry_index, 0), coalesce(clip_rewraps.entry_index, 0)) AS revision
           FROM clips JOIN clip_files ON clip_files.clip = id
           LEFT JOIN clip_rewraps ON clip_rewraps.clip = id WHERE ${RANGE})`,
        range,
      );
      this.#run(
        `${into} SELECT ${NAME} || name, clip, name, 0, 'whole', size_bytes
         FROM clips JOIN torn_files ON clip = id WHERE ${RANGE} AND size_bytes > 0`,
        range,
      );
      this.set({ queued_from: range.from });
      return range.from > 1;
    });
  }

  /** Documents that came with requests: few, and looked for at each turn. */
  queueDocuments(): void {
    const name = "'documents/' || request || '.age'";
    inTransaction(this.#database, () => {
      this.#run(
        `INSERT OR IGNORE INTO copy_objects (name, file, content, size_bytes)
         SELECT ${name}, request || '.age', 'document', size_bytes FROM request_documents
         WHERE received_at_ms IS NOT NULL`,
      );
      this.#run(
        `UPDATE copy_objects SET state = 'going' WHERE ${OF_FEW} = 'document' AND state IN ('there', 'waiting')
           AND name NOT IN (SELECT ${name} FROM request_documents WHERE received_at_ms IS NOT NULL)`,
      );
    });
  }

  add(row: Omit<CopyObjectRow, "sequence" | "state" | "ledger_size">, ledgerSize?: number): void {
    this.#run(
      `INSERT OR IGNORE INTO copy_objects
         (name, clip, file, revision, content, spool_from, size_bytes, sha256, ledger_size)
       VALUES (@name, @clip, @file, @revision, @content, @spool_from, @size_bytes, @sha256, @ledger_size)`,
      { ...row, ledger_size: ledgerSize ?? null },
    );
  }

  /** Torn files that no trigger could queue: of a clip that has no row, whose month only its folder says. */
  unqueuedTorn(limit: number): readonly { clip: string; name: string; size_bytes: number }[] {
    return this.#all(
      `SELECT clip, name, size_bytes FROM torn_files WHERE size_bytes > 0 AND NOT EXISTS (
         SELECT 1 FROM copy_objects WHERE copy_objects.clip = torn_files.clip AND file = torn_files.name)
       LIMIT ?`,
      limit,
    );
  }

  /**
   * A new header is followed by its whole file, so that what it replaces may go.
   *
   * @param limit - One, where nobody knows yet whether the place lets objects go.
   * @returns How many were queued.
   */
  followHeaders(limit: number): number {
    return this.#run(
      `INSERT OR IGNORE INTO copy_objects (name, clip, file, revision, content)
       SELECT replace(name, '.header', '.age'), clip, file, revision, 'whole' FROM copy_objects AS header
       WHERE ${OF_FEW} = 'header' AND state = 'there' AND NOT EXISTS (
         SELECT 1 FROM copy_objects WHERE name = replace(header.name, '.header', '.age'))
       ORDER BY sequence LIMIT ?`,
      limit,
    );
  }

  /** Newest first; what the hub itself has sealed before all recordings. */
  waiting(before: number, isSpool: boolean, limit: number): readonly CopyObjectRow[] {
    return this.#all<CopyObjectRow>(
      `SELECT * FROM copy_objects WHERE state = 'waiting' AND sequence < ? AND (content = 'spool') = ?
       ORDER BY sequence DESC LIMIT ?`,
      ...[before, isSpool ? 1 : 0, limit],
    );
  }

  /** A state's index only when its parts are there: they were queued before it. */
  spool(after: number, limit: number): readonly CopyObjectRow[] {
    return this.#all<CopyObjectRow>(
      `SELECT * FROM copy_objects WHERE ${OF_FEW} = 'spool' AND state = 'waiting' AND sequence > ?
       ORDER BY sequence LIMIT ?`,
      ...[after, limit],
    );
  }

  going(after: number, limit: number): readonly CopyObjectRow[] {
    return this.#all<CopyObjectRow>(
      "SELECT * FROM copy_objects WHERE state = 'going' AND sequence > ? ORDER BY sequence LIMIT ?",
      ...[after, limit],
    );
  }

  /** Some that are there, anywhere in the list. */
  sample(limit: number): readonly CopyObjectRow[] {
    return this.#all<CopyObjectRow>(
      `SELECT * FROM copy_objects WHERE state = 'there' AND sequence >= (
         SELECT abs(random()) % (max(sequence) + 1) FROM copy_objects) ORDER BY sequence LIMIT ?`,
      limit,
    );
  }

  byName(name: string): CopyObjectRow | null {
    return this.#get<CopyObjectRow>("SELECT * FROM copy_objects WHERE name = ?", name) ?? null;
  }

  read(sequence: number, sizeBytes: number, sha256: string): void {
    this.#run(
      "UPDATE copy_objects SET size_bytes = ?, sha256 = ? WHERE sequence = ?",
      ...[sizeBytes, sha256, sequence],
    );
  }

  /** @returns False where it was let go meanwhile. */
  setThere(sequence: number): boolean {
    return (
      this.#run(
        "UPDATE copy_objects SET state = 'there' WHERE sequence = ? AND state = 'waiting'",
        sequence,
      ) === 1
    );
  }

  setState(sequence: number, state: CopyObjectRow["state"]): void {
    this.#run("UPDATE copy_objects SET state = ? WHERE sequence = ?", state, sequence);
  }

  drop(sequence: number): void {
    this.#run("DELETE FROM copy_objects WHERE sequence = ?", sequence);
  }

  /** What a newer object of the same file takes the place of. */
  supersede({ clip, file, revision, sequence }: CopyObjectRow): void {
    this.#run(
      `UPDATE copy_objects SET state = 'going'
       WHERE clip = ? AND file = ? AND revision <= ? AND sequence <> ?`,
      ...[clip, file, revision, sequence],
    );
  }

  letGoNamed(pattern: string): void {
    this.#run(
      "UPDATE copy_objects SET state = 'going' WHERE name GLOB ? AND state <> 'going'",
      pattern,
    );
  }

  /** Indexes of this installation's states, whatever has become of them. */
  states(writer: string): readonly CopyObjectRow[] {
    return this.#all<CopyObjectRow>(
      "SELECT * FROM copy_objects WHERE name GLOB ?",
      `state/*.${writer}/index.json`,
    );
  }

  /** What of an older state has not been put yet never is. */
  giveUpWaiting(pattern: string): void {
    this.#run("DELETE FROM copy_objects WHERE name GLOB ? AND state = 'waiting'", pattern);
  }

  /** Batches whose last entry is below `ledgerSize`: digits of a fixed length compare as text. */
  letBatchesGo(writer: string, ledgerSize: number): void {
    this.#run(
      `UPDATE copy_objects SET state = 'going' WHERE name GLOB ? AND state IN ('waiting', 'there')
         AND substr(name, 21, 12) < ?`,
      ...[`ledger/*.${writer}.age`, String(ledgerSize).padStart(12, "0")],
    );
  }

  /** Files beside the database that wait to be put. */
  spoolFiles(): readonly string[] {
    return this.#all<{ file: string }>(
      `SELECT DISTINCT file FROM copy_objects WHERE ${OF_FEW} = 'spool' AND state = 'waiting'`,
    ).map(({ file }) => file);
  }

  /** What the place would not remove is tried again, where the settings or the login changed. */
  tryStaying(): void {
    this.#run("UPDATE copy_objects SET state = 'going' WHERE state = 'stays'");
  }

  /** Those that are there, for a look at whether they are. */
  there(after: number): readonly Pick<CopyObjectRow, "sequence" | "content">[] {
    return this.#all(
      `SELECT sequence, content FROM copy_objects WHERE state = 'there' AND sequence > ?
       ORDER BY sequence LIMIT ?`,
      ...[after, ROWS_BATCH],
    );
  }

  /**
   * Of what a whole listing did not have: puts again what the hub has. What it had sealed itself
   * cannot be put again, and is forgotten.
   */
  lost(objects: readonly Pick<CopyObjectRow, "sequence" | "content">[]): void {
    inTransaction(this.#database, () => {
      for (const { sequence, content } of objects)
        if (content === "spool") this.drop(sequence);
        else this.setState(sequence, "waiting");
    });
  }

  /** Of the newest row; 0 where there is none. */
  lastSequence(): number {
    return (
      this.#get<{ last: number }>("SELECT coalesce(max(sequence), 0) AS last FROM copy_objects")
        ?.last ?? 0
    );
  }

  /** Whether anything up to this row is still to be put. */
  isWaiting(upTo: number): boolean {
    return (
      this.#get(
        "SELECT 1 FROM copy_objects WHERE state = 'waiting' AND sequence <= ? LIMIT 1",
        upTo,
      ) !== undefined
    );
  }

  counts(state: "waiting" | "there" | "going"): CopyCounts {
    return this.#counts("copy_objects WHERE state = ?", state);
  }

  /** What was deleted here, and what has an older header than here: both are still there. */
  stays(): CopyCounts {
    return this.#counts(
      `(SELECT sequence, size_bytes FROM copy_objects WHERE state = 'stays' UNION
        SELECT older.sequence, older.size_bytes FROM copy_objects AS newer
        JOIN copy_objects AS older ON older.clip = newer.clip AND older.file = newer.file
        WHERE newer.revision > 0 AND newer.state = 'there' AND older.revision < newer.revision
          AND older.clip IS NOT NULL AND older.state = 'there' AND older.content = 'whole')`,
    );
  }

  #counts(from: string, ...values: unknown[]): CopyCounts {
    const found = this.#get<CopyCounts>(
      `SELECT count(*) AS files, coalesce(sum(size_bytes), 0) AS bytes FROM ${from}`,
      ...values,
    );
    return found ?? { files: 0, bytes: 0 };
  }

  #run(sql: string, ...values: unknown[]): number {
    return this.#database.prepare(sql).run(...values).changes;
  }

  #get<Row>(sql: string, ...values: unknown[]): Row | undefined {
    return this.#database.prepare<unknown[], Row>(sql).get(...values);
  }

  #all<Row>(sql: string, ...values: unknown[]): Row[] {
    return this.#database.prepare<unknown[], Row>(sql).all(...values);
  }
}
