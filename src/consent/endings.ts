import type BetterSqlite3 from "better-sqlite3";
import { cutOffLog } from "../base/cut-off-log.ts";
import type { HubDatabase } from "../base/database.ts";
import { endUpgradeBackups } from "../base/upgrade-backup.ts";
import { utf8Text } from "../protocol/bytes.ts";
import { canonicalJson } from "../protocol/canonical-json.ts";
import { checkShape } from "../protocol/check.ts";
import { NOTHING_GRANTED } from "../protocol/amounts.ts";
import { DecisionSchema } from "../protocol/decision.ts";
import { openEnvelope, PAYLOAD_TYPES } from "../protocol/envelope.ts";
import { HubError } from "../protocol/errors.ts";
import type { RequestId } from "../protocol/ids.ts";
import type { Keyring } from "../protocol/keyring.ts";
import type { LedgerEntry } from "../protocol/ledger-entry.ts";
import { VerifiedRevocation } from "../protocol/revocation.ts";
import { forgetBundle } from "./bundle.ts";
import type { StoredRequest } from "./request-rows.ts";
import type { RequestStore } from "./requests.ts";
import { advance } from "./states.ts";

export interface EndingsOptions {
  readonly database: HubDatabase;
  readonly requests: RequestStore;
  readonly appendEntry: (entry: LedgerEntry) => number;
  readonly keyring: () => Keyring;
  readonly nowMs: () => number;
  /** Milliseconds that the hub has run. */
  readonly countedMs: () => number;
  /** Whether what the clock calls over may be ended for good. */
  readonly isClockBelieved: () => boolean;
}

/**
 * Takes an approval back, before or after its bundle was made ready.
 *
 * @param value - The signed revocation as parsed JSON.
 * @throws RevocationRefused; HubError NOT_OPEN where there is no approval to take back.
 */
export function revoke(options: EndingsOptions, id: RequestId, value: unknown): void {
  const request = options.requests.get(id);
  if (!request || request.decisionSha256 === null || !advance(request.state, "revoke"))
    throw new HubError("NOT_OPEN", "Cannot take back: there is no approval in force");
  const verified = VerifiedRevocation.verify(value, {
    keyring: options.keyring(),
    request: id,
    decisionSha256: request.decisionSha256,
    nowMs: options.nowMs(),
  });
  endApproval(options, request, "revoke", verified);
}

/** Ends approvals whose time to be fetched is over. */
export function lapseDue(options: EndingsOptions): RequestId[] {
  const { requests, countedMs } = options;
  // A clock that is not believed closes, by {@link isOver}; it destroys nothing.
  const clocks = options.isClockBelieved() ? options : { countedMs, nowMs: () => 0 };
  const due = (["approved", "packaged", "accessed"] as const)
    .flatMap((state) => requests.inState(state))
    .filter((request) => isOver(clocks, request));
  for (const request of due) endApproval(options, request, "lapse", null);
  return due.map(({ id }) => id);
}

/**
 * By the wall clock, as the owners signed it, or by the time the hub has run since, whichever comes
 * first: a clock that is set back keeps nothing open.
 */
export function isOver(
  { nowMs, countedMs }: Pick<EndingsOptions, "nowMs" | "countedMs">,
  { availableUntilMs, lapsesCountedMs }: StoredRequest,
): boolean {
  return (
    (availableUntilMs !== null && availableUntilMs <= nowMs()) ||
    (lapsesCountedMs !== null && lapsesCountedMs <= countedMs())
  );
}

/** Entry and state in one transaction; in the same one the hub's copy of the new headers goes. */
function endApproval(
  { database, appendEntry, nowMs }: EndingsOptions,
  { id, state, decision, decisionSha256 }: StoredRequest,
  event: "revoke" | "lapse",
  revocation: VerifiedRevocation | null,
): void {
  const step = advance(state, event);
  if (!step || decision === null || decisionSha256 === null)
    throw new Error(`request ${id} is ${state} and cannot ${event}`);
  const atMs = nowMs();
  database.transaction(() => {
    appendEntry({
      v: 2,
      kind: "revocation",
      atMs,
      request: id,
      decisionSha256,
      revocationSha256: revocation?.revocationSha256 ?? null,
    });
    const ended = database
      .prepare(
        `UPDATE requests SET state = ?, decision = NULL, ended_terms = ?, revocation = ?,
           ended_at_ms = ? WHERE id = ? AND state = ?`,
      )
      .run(
        step.state,
        termsOf(decision),
        revocation && JSON.stringify(revocation.envelope),
        atMs,
        id,
        state,
      );
    if (ended.changes !== 1) throw new Error(`request ${id} changed while it ended`);
  })();
  forgetBundle(decisionSha256);
  forgetFreed(database, [id]);
}

/**
 * What is deleted is overwritten in the database (`secure_delete`); the log of changes beside it
 * still has the old pages until it is written back, overwritten and cut off. A copy from before an upgrade in which
 * there are release headers of one of these requests ends with them.
 */
export function forgetFreed(database: HubDatabase, requests: readonly string[]): void {
  cutOffLog(database);
  if (database.memory) return;
  endUpgradeBackups(database.name, (copy) => requests.some((id) => hasHeaders(copy, id))).catch(
    () => undefined, // Out of the way already; overwritten at the next start.
  );
}

function hasHeaders(copy: BetterSqlite3.Database, id: string): boolean {
  const sql = `SELECT EXISTS (SELECT 1 FROM requests WHERE id = ? AND decision IS NOT NULL)
    OR EXISTS (SELECT 1 FROM proposals WHERE request = ?)`;
  return copy.prepare<[string, string], number>(sql).pluck().get(id, id) === 1;
}

function termsOf(decision: string): string {
  const { content } = openEnvelope(JSON.parse(decision), PAYLOAD_TYPES.decision, "decision");
  const { terms } = checkShape(DecisionSchema, content, "decision");
  return utf8Text(canonicalJson(terms), "terms");
}

/**
 * Closes an open request because whoever asked takes it back. Nothing is signed: nothing leaves.
 *
 * @returns False where there was nothing open to take back.
 */
export function withdraw(options: EndingsOptions, id: RequestId): boolean {
  const { database, requests, appendEntry, keyring, nowMs } = options;
  const request = requests.get(id);
  const step = request && advance(request.state, "withdraw");
  if (!request || !step || requests.isTimeOver(request)) return false;
  const atMs = nowMs();
  database.transaction(() => {
    const decisionIndex = appendEntry({
      v: 2,
      kind: "decision",
      atMs,
      request: id,
      outcome: "withdrawn",
      decisionSha256: null,
      keyringHead: keyring().head,
      ...NOTHING_GRANTED,
    });
    const ended = database
      .prepare(
        `UPDATE requests SET state = ?, outcome = 'withdrawn', nonce = NULL, decision_index = ?,
           ended_at_ms = ? WHERE id = ? AND state = ?`,
      )
      .run(step.state, decisionIndex, atMs, id, request.state);
    if (ended.changes !== 1) throw new Error(`request ${id} changed while it was withdrawn`);
  })();
  // A proposal that waited held release headers, too.
  forgetFreed(database, [id]);
  return true;
}

const WITHDRAWALS_MAX = 1_000;

/**
 * Withdrawals by whoever asked, through the address that he was given. They are only noted when they
 * come in, and done later: an answer that took as long as the work would tell an open request from
 * one that was refused (invariant 6).
 */
export interface Withdrawals {
  /** Notes it; the same for every token there is and is not. */
  note(statusToken: string): void;
  settle(): void;
}

export function createWithdrawals(options: EndingsOptions): Withdrawals {
  const noted = new Set<string>();
  return {
    note: (statusToken) => {
      if (noted.size < WITHDRAWALS_MAX) noted.add(statusToken);
    },
    settle: () => {
      for (const statusToken of noted) {
        noted.delete(statusToken);
        try {
          const request = options.requests.findByStatusToken(statusToken);
          if (request) withdraw(options, request.id);
        } catch (error) {
          // Behind the others, which must not wait for it.
          noted.add(statusToken);
          throw error;
        }
      }
    },
  };
}
