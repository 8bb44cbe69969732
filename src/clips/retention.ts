import type BetterSqlite3 from "better-sqlite3";
import { inTransaction } from "../base/database.ts";
import { HubError } from "../protocol/errors.ts";
import { parseClipId, type ClipId } from "../protocol/ids.ts";
import type { LedgerEntry } from "../protocol/ledger-entry.ts";
import { BALLAST_BYTES, createBallast, diskAt, type Ballast } from "./ballast.ts";
import { eraseClip, isDiskFull } from "./erase.ts";
import {
  planDeletions,
  planFromOldest,
  RETENTION_CLASSES,
  type DeletionReason,
  type PlannedDeletion,
  type RetentionClip,
  type RetentionRules,
} from "./retention-plan.ts";
import {
  forgetRows,
  openRetentionCount,
  prepareRetentionStatements,
  readMarks,
  unfinishedDeletions,
  type ClipMarks,
  type RetentionCount,
  type RetentionRow,
  type RetentionStatements,
} from "./retention-rows.ts";
import type { ClipStore, StoredClip } from "./store.ts";

export interface RetentionOptions {
  readonly database: BetterSqlite3.Database;
  readonly store: ClipStore;
  readonly dataDirectory: string;
  readonly clipsDirectory: string;
  /** Asked at every run: an owner may change them. */
  readonly rules: () => RetentionRules;
  /** Appends to the ledger, inside the transaction that is open, and returns the entry's index. */
  readonly appendEntry: (entry: LedgerEntry) => number;
  /** Clips of releases that somebody may still fetch. */
  readonly released: () => ReadonlySet<string>;
  /** UTC. For people and the ledger only: nothing goes because of it. */
  readonly nowMs: () => number;
  readonly log: (level: "info" | "warn", message: string) => void;
  /** Only ever runs forward. */
  readonly monotonicMs?: () => number;
  /** Below this much free space the oldest clips go. */
  readonly keepFreeBytes?: number;
  /** 0 = no ballast. */
  readonly ballastBytes?: number;
}

/** What the next day takes, and how the disk stands. */
export interface RetentionPreview {
  readonly rules: RetentionRules;
  readonly planned: readonly PlannedDeletion[];
  readonly usedBytes: number;
  readonly freeBytes: number;
  /** Until the disk is full at the rate of the last week; null where that cannot be said. */
  readonly daysLeft: number | null;
}

const DAY_MS = 24 * 3_600_000;
export const HOLD_MAX_MS = 90 * DAY_MS;
/** How long an owner's deletion can be undone. */
export const UNDO_MS = 10 * 60_000;
/** How far a preview looks ahead. */
const PREVIEW_MS = DAY_MS;
const RATE_WINDOW_MS = 7 * DAY_MS;
const RATE_KNOWN_AFTER_MS = 3_600_000;
const HOLDS_MAX = 1_000;
/** Looked at in one run, of each class; the next run goes on. */
const CANDIDATES_MAX = 2_000;
/** Free for what a run does not see coming; less on a disk of under 5 GiB. */
const KEEP_FREE_BYTES = 256 * 1024 * 1024;
/** Below this part of what should be free, the disk counts as full. */
const FULL_SHARE = 8;
const PREVIEWED_MAX = 10_000;

/**
 * Decides what goes and lets it go: ledger entry and rows in one transaction, then the files. Runs
 * in the hub's process, one run at a time, and one clip at a time in the store's turn.
 */
export class Retention implements AsyncDisposable {
  readonly #options: RetentionOptions;
  readonly #statements: RetentionStatements;
  readonly #count: RetentionCount;
  readonly #ballast: Ballast;
  readonly #ballastBytes: number;
  #takenInBelow: number;
  #tail: Promise<void> = Promise.resolve();
  #isWaiting = false;
  #isFull = false;
  #isStuck = false;

  private constructor(options: RetentionOptions) {
    this.#options = options;
    this.#statements = prepareRetentionStatements(options.database);
    this.#takenInBelow = this.#statements.takenInBelow.get() ?? 0;
    const monotonicMs = options.monotonicMs ?? (() => performance.now());
    this.#count = openRetentionCount(this.#statements, monotonicMs);
    this.#ballastBytes = options.ballastBytes ?? BALLAST_BYTES;
    this.#ballast = createBallast(options.dataDirectory, this.#ballastBytes);
  }

  static open(options: RetentionOptions): Retention {
    return new Retention(options);
  }

  /** Waits for the run that goes on, and for what the store is at. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isWaiting = true;
    await this.#tail;
    await this.#options.store.exclusively(async () => undefined);
  }

  /** Asks for a run soon; one that waits already is enough. Never rejects. */
  wake(): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    this.#tail = this.#tail.then(async () => {
      this.#isWaiting = false;
      try {
        await this.#run();
      } catch (error) {
        const found = error instanceof Error ? error.message : "unknown";
        this.#options.log("warn", `Cannot look after space: ${found}`);
      }
    });
  }

  /** One run, whether or not others wait. */
  async run(): Promise<void> {
    const turn = this.#tail.then(() => this.#run());
    this.#tail = turn.catch(() => undefined);
    await turn;
  }

  /** Removes what was entered as deleted and may still be on the disk: first thing at a start. */
  async finish(): Promise<void> {
    for (const clip of unfinishedDeletions(this.#statements)) await this.#erase(clip);
  }

  /**
   * Runs `work`, a transaction of the caller's, once more where the disk was full and the ballast
   * could be thrown overboard.
   */
  async withRoom<T>(work: () => T | Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      this.#sayFull();
      if (!(await this.#ballast.drop())) throw error;
      return await work();
    }
  }

  /** What an owner should read on the health screen. */
  warnings(): readonly { readonly code: string; readonly message: string }[] {
    if (this.#isStuck)
      return [
        {
          code: "DISK_STUCK",
          message:
            "The disk is full, and every recording is held or released: make room or let a hold go. Nothing new can be recorded.",
        },
      ];
    const message = "The disk is full: the oldest recordings that nobody holds go to make room.";
    return this.#isFull ? [{ code: "DISK_FULL", message }] : [];
  }

  marksOf(clip: ClipId): ClipMarks {
    return readMarks(this.#statements, clip, this.#count.nowMs());
  }

  /** Where the hub's own count of time stands: what holds go by. */
  countedMs(): number {
    return this.#count.nowMs();
  }

  /**
   * Keeps a clip from every deletion, or lets it go again where `untilMs` is null. Takes back an
   * owner's deletion that can still be undone.
   *
   * @param untilMs - UTC, at most 90 days ahead.
   * @throws HubError `NOT_FOUND`, `HOLD_OUT_OF_RANGE`, `TOO_MANY_HOLDS`.
   */
  hold(clip: ClipId, untilMs: number | null): void {
    this.#requireClip(clip);
    const atMs = this.#options.nowMs();
    const heldForMs = (untilMs ?? atMs) - atMs;
    if (untilMs !== null && (heldForMs <= 0 || heldForMs > HOLD_MAX_MS))
      throw new HubError(
        "HOLD_OUT_OF_RANGE",
        "Cannot hold clip: until when must be ahead, and at most 90 days",
      );
    const isKnown = this.#statements.hold.get(clip) !== undefined;
    if (untilMs === null && !isKnown) return;
    if (!isKnown && (this.#statements.holds.get() ?? 0) >= HOLDS_MAX)
      throw new HubError("TOO_MANY_HOLDS", `Cannot hold clip: ${HOLDS_MAX} are held`);
    inTransaction(this.#options.database, () => {
      // A hold until now is the end of a hold.
      this.#options.appendEntry({ v: 1, kind: "hold", atMs, clip, untilMs: untilMs ?? atMs });
      this.#statements.setGoes.run(null, clip);
      if (untilMs === null) this.#statements.dropHold.run(clip);
      else this.#statements.setHold.run(clip, untilMs, this.#count.nowMs() + heldForMs);
    });
  }

  /**
   * Marks a clip for deletion, which can be undone for ten minutes.
   *
   * @throws HubError `NOT_FOUND`, `CLIP_RECORDING`, `CLIP_HELD`, `CLIP_RELEASED`.
   */
  remove(clip: ClipId): void {
    const { state } = this.#requireClip(clip);
    if (state === "recording")
      throw new HubError("CLIP_RECORDING", "Cannot delete clip: it is being recorded");
    inTransaction(this.#options.database, () => {
      this.#takeIn();
      const row = this.#statements.row.get(clip);
      if (row === undefined) throw new Error(`clip ${clip} has ended and was not taken in`);
      const keep = this.#keepOf(row, this.#options.released());
      if (keep === "held")
        throw new HubError("CLIP_HELD", "Cannot delete clip: it is held; let the hold go first");
      if (keep !== null)
        throw new HubError("CLIP_RELEASED", "Cannot delete clip: somebody may still fetch it");
      if (row.goes_counted_ms === null)
        this.#statements.setGoes.run(this.#count.nowMs() + UNDO_MS, clip);
    });
  }

  /** @throws HubError `NOT_FOUND`, `CLIP_NOT_GOING`. */
  restore(clip: ClipId): void {
    this.#requireClip(clip);
    if (this.marksOf(clip).goesInMs === null)
      throw new HubError("CLIP_NOT_GOING", "Cannot restore clip: nobody has deleted it");
    this.#statements.setGoes.run(null, clip);
  }

  /** What goes within a day if nothing new comes, and how the disk stands. */
  async preview(): Promise<RetentionPreview> {
    const room = await this.#room();
    this.#takeIn();
    return {
      rules: this.#options.rules(),
      planned: this.#plan(room.missingBytes, PREVIEW_MS, PREVIEWED_MAX),
      usedBytes: this.#statements.used.get() ?? 0,
      freeBytes: room.freeBytes,
      daysLeft: this.#daysLeft(room.freeBytes),
    };
  }

  async #run(): Promise<void> {
    if ((await this.#room()).isFull) {
      this.#sayFull();
      await this.#ballast.drop();
    }
    await this.finish();
    this.#takenInBelow = await this.withRoom(() =>
      inTransaction(this.#options.database, () => {
        this.#statements.lapse.run(this.#count.nowMs());
        this.#count.keep();
        const below = this.#takeIn();
        this.#statements.keepTakenIn.run(below);
        return below;
      }),
    );
    const { missingBytes } = await this.#room();
    for (const planned of this.#plan(missingBytes, 0, CANDIDATES_MAX)) await this.#delete(planned);
    await this.#settle();
  }

  /** Puts the ballast back where there is room again, and says how it stands. */
  async #settle(): Promise<void> {
    const { missingBytes, isLoaded, isFull } = await this.#room();
    this.#isStuck = isFull;
    if (missingBytes > 0) return;
    if (!isLoaded && !(await this.#ballast.load())) return;
    if (this.#isFull) this.#options.log("info", "There is room on the disk again.");
    this.#isFull = false;
  }

  #sayFull(): void {
    if (!this.#isFull)
      this.#options.log(
        "warn",
        "THE DISK IS FULL. The oldest recordings that nobody holds go to make room; recording goes on by itself.",
      );
    this.#isFull = true;
  }

  async #room(): Promise<{
    freeBytes: number;
    missingBytes: number;
    isLoaded: boolean;
    isFull: boolean;
  }> {
    const { freeBytes, totalBytes } = await diskAt(this.#options.clipsDirectory);
    const isLoaded = this.#ballastBytes === 0 || (await this.#ballast.isLoaded());
    const keepFreeBytes =
      this.#options.keepFreeBytes ?? Math.min(KEEP_FREE_BYTES, Math.floor(totalBytes / 20));
    const wantedBytes = keepFreeBytes + (isLoaded ? 0 : this.#ballastBytes);
    return {
      freeBytes,
      missingBytes: Math.max(0, wantedBytes - freeBytes),
      isLoaded,
      isFull: freeBytes < keepFreeBytes / FULL_SHARE,
    };
  }

  /** Begins to count for clips that have ended; returns the sequence below which all have. */
  #takeIn(): number {
    const below = this.#statements.endedBelow.get() ?? 0;
    this.#statements.takeIn.run(this.#count.nowMs(), this.#takenInBelow);
    return below;
  }

  #plan(missingBytes: number, aheadMs: number, limit: number): readonly PlannedDeletion[] {
    const state = { usedBytes: this.#statements.used.get() ?? 0, rules: this.#options.rules() };
    return planFromOldest(limit, (count) => {
      const clips = this.#oldest(count, aheadMs);
      return { clips, planned: planDeletions({ clips, ...state, missingBytes }) };
    });
  }

  /** So many of each class, and what an owner has deleted. */
  #oldest(count: number, aheadMs: number): readonly RetentionClip[] {
    const { going, oldest } = this.#statements;
    const rows = new Map(
      [...going.all(), ...RETENTION_CLASSES.flatMap((name) => oldest.all(name, count))].map(
        (row) => [row.sequence, row],
      ),
    );
    const released = this.#options.released();
    const countedMs = this.#count.nowMs() + aheadMs;
    return [...rows.values()].map((row): RetentionClip => ({
      clip: parseClipId(row.clip),
      sequence: row.sequence,
      class: row.class,
      ageMs: countedMs - row.counted_ms,
      sizeBytes: row.size_bytes,
      keep: this.#keepOf(row, released),
      goesInMs: row.goes_counted_ms === null ? null : row.goes_counted_ms - countedMs,
    }));
  }

  #keepOf(row: RetentionRow, released: ReadonlySet<string>): RetentionClip["keep"] {
    if (row.until_counted_ms !== null && row.until_counted_ms > this.#count.nowMs()) return "held";
    return released.has(row.clip) ? "released" : null;
  }

  async #delete({ clip, reason }: PlannedDeletion): Promise<void> {
    // In the store's turn: it looks at folders and rows of a clip with pauses in between.
    await this.#options.store.exclusively(async () => {
      const isEntered = await this.withRoom(() => this.#enter(clip, reason));
      if (isEntered) await this.#erase(clip);
    });
  }

  /** Invariant 8: what comes after this only does what was entered. */
  #enter(clip: ClipId, reason: DeletionReason): boolean {
    return inTransaction(this.#options.database, () => {
      const row = this.#statements.row.get(clip);
      // An owner may have held, restored or released it since the plan was made.
      if (row === undefined || this.#keepOf(row, this.#options.released()) !== null) return false;
      if (reason === "owner" && row.goes_counted_ms === null) return false;
      const atMs = this.#options.nowMs();
      const entry = this.#options.appendEntry({ v: 1, kind: "deletion", atMs, clip, reason });
      this.#statements.insertDeletion.run(clip, entry);
      forgetRows(this.#statements, clip);
      return true;
    });
  }

  async #erase(clip: ClipId): Promise<void> {
    try {
      await eraseClip(this.#options.clipsDirectory, clip);
      this.#statements.setFilesGone.run(clip);
    } catch (error) {
      // Tried again in every run; its rows and its entry are as they should be.
      const found = error instanceof Error ? error.message : "unknown";
      this.#options.log("warn", `Cannot remove the files of deleted clip ${clip}: ${found}`);
    }
  }

  #requireClip(clip: ClipId): StoredClip {
    const stored = this.#options.store.get(clip);
    if (stored === null) throw new HubError("NOT_FOUND", "There is no clip of this id");
    return stored;
  }

  #daysLeft(freeBytes: number): number | null {
    const countedMs = this.#count.nowMs();
    const found = this.#statements.recordedSince.get(countedMs - RATE_WINDOW_MS);
    if (!found || found.first === null || found.bytes === 0) return null;
    const spanMs = countedMs - found.first;
    return spanMs < RATE_KNOWN_AFTER_MS ? null : (freeBytes / found.bytes) * (spanMs / DAY_MS);
  }
}
