import { StatementList, StatementTaken } from "../protocol/api-statements.ts";
import { fromBase64, sha256Hex } from "../protocol/bytes.ts";
import { checkShape } from "../protocol/check.ts";
import { PAYLOAD_TYPES, type Envelope, type EnvelopeSigner } from "../protocol/envelope.ts";
import { HubError } from "../protocol/errors.ts";
import type { LedgerEntryOf } from "../protocol/ledger-entry.ts";
import {
  MonthlyStatementSchema,
  verifyMonthlyStatement,
  type MonthlyStatement,
} from "../protocol/monthly-statement.ts";
import { monthOf, statementText } from "../protocol/statement-text.ts";
import { signOwnerStatement } from "../protocol/owner-statement.ts";
import type { FollowedHub, HubClient } from "./hub-client.ts";

/** What an owner says for a month: fixed words, and a sentence of his own if he wants. */
export type Said = Pick<MonthlyStatement, "month" | "language" | "ownWords">;

/**
 * Signs the statement for a month and has it entered. Only ever called by a person's hand.
 *
 * @returns The index of its entry; the receipt of that entry is the statement as a file.
 * @throws HubError STATEMENT_REFUSED, MalformedInput.
 */
export async function makeStatement(
  { client, keyring, seen }: FollowedHub,
  said: Said,
  signer: EnvelopeSigner,
  nowMs: number,
): Promise<number> {
  const { size, root } = seen;
  const statement: MonthlyStatement = {
    v: 1,
    origin: keyring.origin,
    ...said,
    text: statementText(said),
    checkpoint: { size, root },
    keyringEpoch: keyring.epoch,
    keyringHead: keyring.head,
    atMs: nowMs,
  };
  const sound = checkShape(MonthlyStatementSchema, statement, "statement");
  const envelope = await signOwnerStatement(PAYLOAD_TYPES.statement, sound, signer);
  verifyMonthlyStatement(envelope, keyring);
  const { index } = await client.post("/api/statements", { statement: envelope }, StatementTaken);
  return index;
}

/** What the hub keeps of the statement that an entry names. @throws HubError STATEMENT_MISSING. */
export async function fetchStatement(
  client: Pick<HubClient, "get">,
  entry: LedgerEntryOf<"statement">,
): Promise<Envelope> {
  const list = await client.get("/api/statements", StatementList);
  const found = list.find(
    ({ statement }) =>
      sha256Hex(fromBase64(statement.payload, "statement")) === entry.statementSha256,
  );
  if (!found)
    throw new HubError(
      "STATEMENT_MISSING",
      `Cannot find statement: the ledger has one for ${entry.month}, and the hub does not show it`,
    );
  return found.statement;
}

/** Months without a statement, once a household has begun to make them. */
export interface OwedMonths {
  /** The month before this one, while it has none. */
  readonly due: string | null;
  /** Older months, between the first statement and the one that is due. */
  readonly missing: readonly string[];
}

/** @param months - Of the ledger's statements; with none, nothing is ever owed. */
export function owedMonths(months: readonly string[], nowMs: number): OwedMonths {
  const [first] = months.toSorted();
  if (first === undefined) return { due: null, missing: [] };
  const made = new Set(months);
  const last = monthBefore(monthOf(nowMs));
  const missing: string[] = [];
  for (let month = first; month < last; month = monthAfter(month))
    if (!made.has(month)) missing.push(month);
  return { due: first <= last && !made.has(last) ? last : null, missing };
}

function monthAfter(month: string): string {
  return shifted(month, 1);
}

function monthBefore(month: string): string {
  return shifted(month, -1);
}

function shifted(month: string, by: number): string {
  const [year = 0, ordinal = 1] = month.split("-").map(Number);
  return monthOf(Date.UTC(year, ordinal - 1 + by, 1));
}
