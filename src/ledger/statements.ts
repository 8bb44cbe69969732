import type BetterSqlite3 from "better-sqlite3";
import { inTransaction } from "../base/database.ts";
import type { Envelope } from "../protocol/envelope.ts";
import { HubError } from "../protocol/errors.ts";
import type { Keyring } from "../protocol/keyring.ts";
import type { LedgerEntry } from "../protocol/ledger-entry.ts";
import { DECISION_LIFETIME_MS } from "../protocol/limits.ts";
import { verifyMonthlyStatement } from "../protocol/monthly-statement.ts";

export interface StatementsOptions {
  readonly database: BetterSqlite3.Database;
  readonly appendEntry: (entry: LedgerEntry) => number;
  readonly keyring: () => Keyring;
  readonly nowMs: () => number;
  readonly knowsCheckpoint: (size: number, root: string) => boolean;
}

export interface KeptStatement {
  readonly month: string;
  readonly index: number;
  readonly statement: Envelope;
}

const LIST_MAX = 2_000;

/** What owners say for a month. The hub only ever takes them in: it cannot sign one. */
export class Statements {
  readonly #options: StatementsOptions;

  constructor(options: StatementsOptions) {
    this.#options = options;
  }

  /**
   * @returns The index of its entry.
   * @throws HubError STATEMENT_REFUSED, STATEMENT_OLD, STATEMENT_KNOWN for a second one of a month.
   */
  take(value: unknown): number {
    const { database, appendEntry, keyring, nowMs, knowsCheckpoint } = this.#options;
    const { statement, sha256 } = verifyMonthlyStatement(value, keyring());
    const { month, atMs, checkpoint } = statement;
    if (Math.abs(nowMs() - atMs) > DECISION_LIFETIME_MS)
      throw new HubError("STATEMENT_OLD", "Cannot take statement: it was not signed just now");
    if (!knowsCheckpoint(checkpoint.size, checkpoint.root))
      throw new HubError("STATEMENT_REFUSED", "Cannot take statement: it has seen another ledger");
    return inTransaction(database, () => {
      const known = database.prepare("SELECT 1 FROM statements WHERE month = ?").get(month);
      if (known !== undefined)
        throw new HubError("STATEMENT_KNOWN", `Cannot take statement: ${month} has one`);
      const index = appendEntry({
        ...{ v: 1, kind: "statement", atMs: nowMs(), month, statementSha256: sha256 },
      });
      database
        .prepare("INSERT INTO statements (month, envelope, entry_index) VALUES (?, ?, ?)")
        .run(month, JSON.stringify(value), index);
      return index;
    });
  }

  /** Oldest month first. */
  list(): readonly KeptStatement[] {
    return this.#options.database
      .prepare<[number], { month: string; envelope: string; entry_index: number }>(
        "SELECT month, envelope, entry_index FROM statements ORDER BY month LIMIT ?",
      )
      .all(LIST_MAX)
      .map(({ month, envelope, entry_index: index }) => ({
        month,
        index,
        // Checked when it was taken in, and again by whoever reads it.
        statement: JSON.parse(envelope) as Envelope,
      }));
  }
}
