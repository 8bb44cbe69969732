import Type from "typebox";
import type { HubDatabase } from "../base/database.ts";
import { amountsGranted } from "../protocol/amounts.ts";
import {
  VerifiedApproval,
  VerifiedRefusal,
  claimedOutcome,
  type DecisionContext,
} from "../protocol/approval.ts";
import { checkShape } from "../protocol/check.ts";
import { openEnvelope, PAYLOAD_TYPES } from "../protocol/envelope.ts";
import { HubError } from "../protocol/errors.ts";
import type { RequestId } from "../protocol/ids.ts";
import { verifyKeyring, type Keyring } from "../protocol/keyring.ts";
import type { LedgerEntry } from "../protocol/ledger-entry.ts";
import type { RequestStore, StoredRequest } from "./requests.ts";
import { advance, isReleased } from "./states.ts";

export interface DecisionsOptions {
  readonly database: HubDatabase;
  readonly requests: RequestStore;
  readonly appendEntry: (entry: LedgerEntry) => number;
  readonly keyring: () => Keyring;
  /** Every statement of the chain, to look back at the keyring an older decision was made under. */
  readonly keyringStatements: () => readonly unknown[];
  readonly findFile: DecisionContext["findFile"];
  readonly knowsCheckpoint: DecisionContext["knowsCheckpoint"];
  readonly nowMs: () => number;
}

/** Takes signed decisions and hands out approvals. There is no other way to change an outcome. */
export interface Decisions {
  /**
   * @throws DecisionRefused, HubError NOT_OPEN when the request is decided, expired or gone.
   */
  decide(id: RequestId, envelope: unknown): StoredRequest;
  /**
   * Finishes what a crash interrupted between a decision and its release.
   *
   * @returns Requests that could not be released, for instance because a recording is gone; they
   * stay approved, and the owner is told.
   */
  resume(): RequestId[];
  /**
   * The approval behind a request that may be fetched, verified again from its stored envelope; null
   * for every other request.
   */
  approvalOf(request: StoredRequest): VerifiedApproval | null;
  /** Records that the bundle is being fetched, before the first byte goes out (invariant 8). */
  recordAccess(request: StoredRequest): void;
}

export function createDecisions(options: DecisionsOptions): Decisions {
  const { requests } = options;
  return {
    decide: (id, envelope) => decide(options, id, envelope),
    resume: () => {
      const failed: RequestId[] = [];
      for (const request of requests.inState("approved"))
        try {
          writeRelease(options, request, verifyStored(options, request));
        } catch (error) {
          if (!(error instanceof HubError)) throw error;
          failed.push(request.id);
        }
      return failed;
    },
    approvalOf: (request) => (isReleased(request.state) ? verifyStored(options, request) : null),
    recordAccess: (request) => recordAccess(options, request),
  };
}

function contextOf(options: DecisionsOptions, request: StoredRequest): DecisionContext {
  return {
    keyring: options.keyring(),
    request: {
      id: request.id,
      sha256: request.recordSha256,
      recipient: request.record.asked.recipient ?? null,
      expiresAtMs: request.expiresAtMs,
    },
    nonce: request.nonceSpentAtMs === null ? request.nonce : null,
    nowMs: options.nowMs(),
    findFile: options.findFile,
    knowsCheckpoint: options.knowsCheckpoint,
  };
}

function decide(options: DecisionsOptions, id: RequestId, envelope: unknown): StoredRequest {
  const { requests } = options;
  const request = requests.get(id);
  const nowMs = options.nowMs();
  if (!request || request.expiresAtMs <= nowMs)
    throw new HubError("NOT_OPEN", "Cannot decide: there is no open request of this id");
  const event = claimedOutcome(envelope) === "refused" ? "refuse" : "approve";
  if (!advance(request.state, event))
    throw new HubError("NOT_OPEN", `Cannot decide: the request is ${request.state}`);
  const context = contextOf(options, request);
  const verified =
    event === "refuse"
      ? VerifiedRefusal.verify(envelope, context)
      : VerifiedApproval.verify(envelope, context);
  commitDecision(options, request, event, verified);
  const decided = reread(options, id);
  if (verified instanceof VerifiedApproval) writeRelease(options, decided, verified);
  return reread(options, id);
}

/** Nonce, ledger entry and state in one transaction: all of them, or none. */
function commitDecision(
  options: DecisionsOptions,
  request: StoredRequest,
  event: "approve" | "refuse",
  verified: VerifiedApproval | VerifiedRefusal,
): void {
  const { database } = options;
  const step = advance(request.state, event);
  if (!step) throw new Error("a state that was just checked has changed");
  const atMs = options.nowMs();
  database.transaction(() => {
    const decisionIndex = options.appendEntry({
      v: 2,
      kind: "decision",
      atMs,
      request: request.id,
      outcome: verified.terms.outcome,
      decisionSha256: verified.decisionSha256,
      keyringHead: options.keyring().head,
      ...amountsGranted(verified.terms),
    });
    const spent = database
      .prepare(
        `UPDATE requests SET state = ?, decision = ?, decision_sha256 = ?, outcome = ?,
           decided_at_ms = ?, decision_index = ?, nonce_spent_at_ms = ?
         WHERE id = ? AND state = ? AND nonce = ? AND nonce_spent_at_ms IS NULL
           AND nonce_expires_at_ms >= ?`,
      )
      .run(
        step.state,
        JSON.stringify(verified.envelope),
        verified.decisionSha256,
        verified.terms.outcome,
        atMs,
        decisionIndex,
        atMs,
        request.id,
        request.state,
        verified.terms.nonce,
        atMs,
      );
    // Thrown inside the transaction, so that the ledger entry goes with it.
    if (spent.changes !== 1)
      throw new HubError("NOT_OPEN", "Cannot decide: the nonce has expired; sign again");
  })();
}

function writeRelease(
  options: DecisionsOptions,
  request: StoredRequest,
  approval: VerifiedApproval,
): void {
  const step = advance(request.state, "package");
  if (!step) throw new Error(`a request that is ${request.state} cannot be released`);
  options.database.transaction(() => {
    const releaseIndex = options.appendEntry({
      v: 1,
      kind: "release",
      atMs: options.nowMs(),
      request: request.id,
      decisionSha256: approval.decisionSha256,
      files: approval.files.length,
    });
    options.database
      .prepare("UPDATE requests SET state = ?, release_index = ? WHERE id = ? AND state = ?")
      .run(step.state, releaseIndex, request.id, request.state);
  })();
}

/** The state of the world when it was signed, not now: owners may have come and gone since. */
function verifyStored(options: DecisionsOptions, request: StoredRequest): VerifiedApproval {
  if (request.decision === null || request.decidedAtMs === null)
    throw new Error(`request ${request.id} is ${request.state} without a decision`);
  const envelope: unknown = JSON.parse(request.decision);
  const statements = options.keyringStatements();
  // The epoch is read before anything is verified, only to choose where to stop in the chain.
  const epoch = epochClaimed(envelope);
  return VerifiedApproval.verify(envelope, {
    ...contextOf(options, request),
    keyring: verifyKeyring(statements.slice(0, epoch + 1)),
    nonce: request.nonceSpentAtMs === null ? null : request.nonce,
    nowMs: request.decidedAtMs,
  });
}

const EpochClaimed = Type.Object({
  terms: Type.Object({ keyringEpoch: Type.Integer({ minimum: 0 }) }),
});

function epochClaimed(envelope: unknown): number {
  const { content } = openEnvelope(envelope, PAYLOAD_TYPES.decision, "decision");
  return checkShape(EpochClaimed, content, "decision").terms.keyringEpoch;
}

function recordAccess(options: DecisionsOptions, { id }: StoredRequest): void {
  // Read again: time has passed since the caller looked, and what was let go must stay let go.
  const request = reread(options, id);
  const step = advance(request.state, "access");
  if (!step || request.decisionSha256 === null)
    throw new HubError("NOT_OPEN", "Cannot hand out bundle: nothing was released");
  const { decisionSha256 } = request;
  options.database.transaction(() => {
    options.appendEntry({
      v: 1,
      kind: "access",
      atMs: options.nowMs(),
      request: request.id,
      decisionSha256,
    });
    options.database
      .prepare("UPDATE requests SET state = ? WHERE id = ?")
      .run(step.state, request.id);
  })();
}

function reread(options: DecisionsOptions, id: RequestId): StoredRequest {
  const request = options.requests.get(id);
  if (!request) throw new Error(`request ${id} vanished while it was decided`);
  return request;
}
