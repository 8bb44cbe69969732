import type BetterSqlite3 from "better-sqlite3";
import type { LedgerEntry } from "../protocol/ledger-entry.ts";
import type { StoredClip } from "./clip-rows.ts";

export interface ClipStoreOptions {
  readonly database: BetterSqlite3.Database;
  /** `data/clips`. */
  readonly clipsDirectory: string;
  /** Appends to the ledger, inside the transaction that is open, and returns the entry's index. */
  readonly appendEntry: (entry: LedgerEntry) => number;
  /** UTC. */
  readonly nowMs: () => number;
}

export interface ClipsQuery {
  /** `next` of the page before. */
  readonly before?: number;
  /** 1 to 500; by default 100. */
  readonly limit?: number;
}

export interface ClipsPage {
  /** Newest first. */
  readonly clips: readonly StoredClip[];
  readonly next: number | null;
}

export const CLIPS_PAGE_MAX = 500;
