import type BetterSqlite3 from "better-sqlite3";
import { inTransaction } from "../base/database.ts";
import { fromBase64, sha256Hex, toHex } from "../protocol/bytes.ts";
import type { Envelope } from "../protocol/envelope.ts";
import { HubError } from "../protocol/errors.ts";
import type { Keyring } from "../protocol/keyring.ts";
import type { LedgerEntry } from "../protocol/ledger-entry.ts";
import { DECISION_LIFETIME_MS } from "../protocol/limits.ts";
import {
  ACCEPTANCES_MAX,
  RESTORATIONS_MAX,
  verifyAcceptance,
  verifyRestoration,
} from "../protocol/restoration.ts";

export interface RestorationsOptions {
  readonly database: BetterSqlite3.Database;
  readonly appendEntry: (entry: LedgerEntry) => number;
  /** Every keyring statement, and what they say. */
  readonly chain: () => readonly unknown[];
  readonly keyring: () => Keyring;
  readonly nowMs: () => number;
  /** Entries so far, and the root over the first of them. */
  readonly size: () => number;
  readonly root: (size: number) => Uint8Array;
}

interface KeptSigned {
  readonly index: number;
  readonly statement: Envelope;
}

export interface KeptRestoration extends KeptSigned {
  readonly acceptances: readonly KeptSigned[];
}

/** Where this ledger went on from a copy, and who has accepted that. The hub can sign neither. */
export class Restorations {
  readonly #options: RestorationsOptions;

  constructor(options: RestorationsOptions) {
    this.#options = options;
  }

  /**
   * Enters that the ledger goes on here from a copy, for whoever restores.
   *
   * @returns The index of its entry.
   * @throws HubError RESTORATION_REFUSED when it is not of exactly this state.
   */
  enter(value: unknown): number {
    const { database, appendEntry, chain, keyring, nowMs } = this.#options;
    const found = verifyRestoration(value, { chain: chain(), keyring: keyring() });
    const { statement, sha256, by } = found;
    const isThis = statement.size === this.#options.size() && found.isInForce;
    if (!isThis || statement.root !== toHex(this.#options.root(statement.size)))
      throw refused("it was signed for another state of the ledger");
    return inTransaction(database, () => {
      const index = appendEntry({
        ...{ v: 1, kind: "restored", atMs: nowMs(), by },
        ...{ copiedToMs: statement.copiedToMs, statementSha256: sha256 },
      });
      database
        .prepare("INSERT INTO restorations (entry_index, envelope) VALUES (?, ?)")
        .run(index, JSON.stringify(value));
      return index;
    });
  }

  /**
   * Takes an owner's word that he knows what is gone.
   *
   * @returns The index of its entry; that of the first where the device has accepted before.
   * @throws HubError RESTORATION_REFUSED, STATEMENT_OLD.
   */
  accept(value: unknown): number {
    const { database, appendEntry, chain, keyring, nowMs } = this.#options;
    const { restored, acceptance } = this.#judge(value, {
      chain: chain(),
      keyring: keyring(),
    });
    const { statement, sha256, device, before, now } = acceptance;
    if (Math.abs(nowMs() - statement.atMs) > DECISION_LIFETIME_MS)
      throw new HubError("STATEMENT_OLD", "Cannot take acceptance: it was not signed just now");
    const isOurs =
      now.size <= this.#options.size() && toHex(this.#options.root(now.size)) === toHex(now.root);
    if (!isOurs) throw refused("it has seen another ledger");
    return inTransaction(database, () => {
      const known = database
        .prepare<[number, string], number>(
          "SELECT entry_index FROM restoration_acceptances WHERE restored_index = ? AND device = ?",
        )
        .pluck()
        .get(restored, device);
      if (known !== undefined) return known;
      const index = appendEntry({
        ...{ v: 1, kind: "acceptance", atMs: nowMs(), restored, device },
        ...{ seenSize: before.size, statementSha256: sha256 },
      });
      database
        .prepare(
          `INSERT INTO restoration_acceptances (entry_index, restored_index, device, envelope)
           VALUES (?, ?, ?, ?)`,
        )
        .run(index, restored, device, JSON.stringify(value));
      return index;
    });
  }

  /** Oldest first. */
  list(): readonly KeptRestoration[] {
    const acceptances = this.#options.database.prepare<[number, number], Row>(
      `SELECT entry_index, envelope FROM restoration_acceptances
       WHERE restored_index = ? ORDER BY entry_index LIMIT ?`,
    );
    return this.#restorations().map((row) => ({
      ...kept(row),
      acceptances: acceptances.all(row.entry_index, ACCEPTANCES_MAX).map(kept),
    }));
  }

  /** SHA-256 of what was signed, oldest first. Each device asks at every contact: no more is read. */
  hashes(): string[] {
    return this.#restorations().map((row) =>
      sha256Hex(fromBase64(kept(row).statement.payload, "payload")),
    );
  }

  #restorations(): Row[] {
    return this.#options.database
      .prepare<[number], Row>(
        `SELECT entry_index, envelope FROM (
           SELECT * FROM restorations ORDER BY entry_index DESC LIMIT ?
         ) ORDER BY entry_index`,
      )
      .all(RESTORATIONS_MAX);
  }

  #judge(value: unknown, known: { chain: readonly unknown[]; keyring: Keyring }) {
    let reason: unknown = refused("nothing was restored here");
    for (const { index, statement } of this.list()) {
      try {
        const restoration = verifyRestoration(statement, known);
        const acceptance = verifyAcceptance(value, restoration, known);
        return { restored: index, acceptance };
      } catch (error) {
        if (!(error instanceof HubError)) throw error;
        reason = error;
      }
    }
    throw reason;
  }
}

interface Row {
  readonly entry_index: number;
  readonly envelope: string;
}

/** Checked when it was taken in, and again by whoever reads it. */
function kept({ entry_index: index, envelope }: Row): KeptSigned {
  return { index, statement: JSON.parse(envelope) as Envelope };
}

function refused(reason: string): HubError {
  return new HubError("RESTORATION_REFUSED", `Cannot accept restoration: ${reason}`);
}
