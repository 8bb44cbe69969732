import Type from "typebox";
import { amountsGranted } from "../protocol/amounts.ts";
import {
  VerifiedApproval,
  VerifiedProposal,
  VerifiedRefusal,
  type DecisionContext,
} from "../protocol/approval.ts";
import { checkShape } from "../protocol/check.ts";
import { claimedOutcome } from "../protocol/decision.ts";
import { openEnvelope, PAYLOAD_TYPES, type EnvelopeSignature } from "../protocol/envelope.ts";
import { HubError } from "../protocol/errors.ts";
import type { PersonId, RequestId, Sha256Hex } from "../protocol/ids.ts";
import { verifyKeyring } from "../protocol/keyring.ts";
import { AVAILABLE_DEFAULT_MS } from "../protocol/limits.ts";
import { forgetFreed, isOver, lapseDue, revoke, withdraw, type EndingsOptions } from "./endings.ts";
import { noProposal, ProposalStore, type StoredProposal } from "./proposals.ts";
import type { StoredRequest } from "./request-rows.ts";
import { requireSignersInForce } from "./signers.ts";
import { advance, isReleased } from "./states.ts";

export interface DecisionsOptions extends EndingsOptions {
  /** Every statement of the chain, to look back at the keyring an older decision was made under. */
  readonly keyringStatements: () => readonly unknown[];
  readonly findFile: DecisionContext["findFile"];
  readonly knowsCheckpoint: DecisionContext["knowsCheckpoint"];
}

/** An approval that waits for owners, as the hub knows it. */
export interface OpenProposal extends StoredProposal {
  /** Another keyring is in force since: nobody can sign it any more, and another may take its place. */
  readonly isStale: boolean;
}

/** Takes signed decisions and hands out approvals. There is no other way to change an outcome. */
export interface Decisions {
  /**
   * @throws DecisionRefused, HubError NOT_OPEN when the request is decided, expired or gone.
   */
  decide(id: RequestId, envelope: unknown): StoredRequest;
  /**
   * Takes an approval that fewer persons have signed than the policy asks for. It lies beside the
   * open request and releases nothing; where enough have signed already, it is a decision.
   *
   * @throws DecisionRefused, HubError NOT_OPEN, PROPOSAL_STANDS while another one can be signed.
   */
  propose(id: RequestId, envelope: unknown): StoredRequest;
  /**
   * Adds one signature to the bytes that were proposed. With the last one it is a decision.
   *
   * @throws DecisionRefused, HubError NOT_OPEN, NO_PROPOSAL.
   */
  cosign(id: RequestId, decisionSha256: Sha256Hex, signature: EnvelopeSignature): StoredRequest;
  /** @throws HubError NO_PROPOSAL, NOT_ALLOWED where somebody else made it. */
  withdrawProposal(id: RequestId, by: PersonId): void;
  proposalOf(id: RequestId): OpenProposal | null;
  /** @throws RevocationRefused, HubError NOT_OPEN. */
  revoke(id: RequestId, envelope: unknown): StoredRequest;
  /** Whoever asked takes it back. False where nothing was open. */
  withdraw(id: RequestId): boolean;
  /**
   * How much longer an approval waits for a veto; null where it does not. By the time the hub runs:
   * no setting of a clock makes it shorter.
   */
  leavesInMs(request: StoredRequest): number | null;
  /**
   * Makes ready what was approved and waits for nothing any more, whether a veto window is over or a
   * crash came in between, and ends what nobody may fetch any more.
   *
   * @returns Requests that could not be released, because a recording or a signer's device is gone;
   * they stay approved, and the owner is told, once.
   */
  settle(): { readonly request: RequestId; readonly isNew: boolean }[];
  /** What the last {@link settle} could not release. */
  stuck(): readonly RequestId[];
  /**
   * The approval behind a request that may be fetched, verified again from its stored envelope; null
   * for every other request.
   */
  approvalOf(request: StoredRequest): VerifiedApproval | null;
  /** Records that the bundle is being fetched, before the first byte goes out (invariant 8). */
  recordAccess(request: StoredRequest): void;
}

export function createDecisions(options: DecisionsOptions): Decisions {
  const proposals = new ProposalStore(options.database);
  const all: AllOptions = { ...options, proposals };
  let failed: readonly RequestId[] = [];
  return {
    decide: (id, envelope) => decide(all, id, envelope),
    propose: (id, envelope) => propose(all, id, envelope),
    cosign: (id, decisionSha256, signature) => cosign(all, id, decisionSha256, signature),
    withdrawProposal: (id, by) => withdrawProposal(all, id, by),
    proposalOf: (id) => proposalOf(all, id),
    revoke: (id, envelope) => {
      revoke(options, id, envelope);
      return reread(options, id);
    },
    withdraw: (id) => withdraw(options, id),
    leavesInMs: (request) => leavesInMs(options, request),
    settle: () => {
      const earlier = failed;
      failed = settle(options);
      return failed.map((request) => ({ request, isNew: !earlier.includes(request) }));
    },
    stuck: () => failed,
    approvalOf: (request) =>
      isReleased(request.state) && !isOver(options, request)
        ? verifyStored(options, request)
        : null,
    recordAccess: (request) => recordAccess(options, request),
  };
}

interface AllOptions extends DecisionsOptions {
  readonly proposals: ProposalStore;
}

function settle(options: DecisionsOptions): RequestId[] {
  lapseDue(options);
  const failed: RequestId[] = [];
  for (const request of options.requests.inState("approved")) {
    if ((leavesInMs(options, request) ?? 0) > 0) continue;
    try {
      const approval = requireSignersInForce(verifyStored(options, request), options.keyring());
      writeRelease(options, request, approval);
    } catch (error) {
      if (!(error instanceof HubError)) throw error;
      failed.push(request.id);
    }
  }
  return failed;
}

function leavesInMs({ countedMs }: DecisionsOptions, request: StoredRequest): number | null {
  const { state, leavesCountedMs } = request;
  if (state !== "approved" || leavesCountedMs === null) return null;
  return Math.max(0, leavesCountedMs - countedMs());
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
    nonce: options.requests.openNonce(request),
    nowMs: options.nowMs(),
    findFile: options.findFile,
    knowsCheckpoint: options.knowsCheckpoint,
  };
}

function requireOpen(options: DecisionsOptions, id: RequestId): StoredRequest {
  const request = options.requests.get(id);
  if (!request || options.requests.isTimeOver(request))
    throw new HubError("NOT_OPEN", "Cannot decide: there is no open request of this id");
  if (!advance(request.state, "approve"))
    throw new HubError("NOT_OPEN", `Cannot decide: the request is ${request.state}`);
  return request;
}

function decide(options: AllOptions, id: RequestId, envelope: unknown): StoredRequest {
  const request = requireOpen(options, id);
  const context = contextOf(options, request);
  const verified =
    claimedOutcome(envelope) === "refused"
      ? VerifiedRefusal.verify(envelope, context)
      : VerifiedApproval.verify(envelope, context);
  return conclude(options, request, verified, null);
}

function conclude(
  options: AllOptions,
  request: StoredRequest,
  verified: VerifiedApproval | VerifiedRefusal,
  proposal: StoredProposal | null,
): StoredRequest {
  const { id } = request;
  // What was proposed in vain holds release headers, too.
  const isInVain = proposal === null && options.proposals.get(id) !== null;
  const event = verified instanceof VerifiedApproval ? "approve" : "refuse";
  commitDecision(options, request, event, verified, proposal);
  if (isInVain) forgetFreed(options.database, [id]);
  const decided = reread(options, id);
  if (verified instanceof VerifiedApproval && (leavesInMs(options, decided) ?? 0) === 0)
    writeRelease(options, decided, verified);
  return reread(options, id);
}

function proposalOf({ proposals, keyring }: AllOptions, id: RequestId): OpenProposal | null {
  const proposal = proposals.get(id);
  return proposal && { ...proposal, isStale: proposal.keyringHead !== keyring().head };
}

function propose(options: AllOptions, id: RequestId, envelope: unknown): StoredRequest {
  const { database, proposals } = options;
  const request = requireOpen(options, id);
  const context = contextOf(options, request);
  const proposal = VerifiedProposal.verify(envelope, context);
  if (proposal.signers.length >= context.keyring.policy.exportSigners)
    return decide(options, id, envelope);
  const earlier = proposalOf(options, id);
  if (earlier && !earlier.isStale)
    throw new HubError(
      "PROPOSAL_STANDS",
      "Cannot propose: another proposal waits for signatures; sign that one, refuse, or have it taken back first",
    );
  const [signer] = proposal.signers;
  const person = signer && context.keyring.devices.get(signer)?.person;
  if (!person) throw new Error("a verified signature without its person");
  database.transaction(() => {
    proposals.remove(id);
    proposals.add(proposal, person, id, context.nowMs);
  })();
  if (earlier) forgetFreed(database, [id]);
  return reread(options, id);
}

function cosign(
  options: AllOptions,
  id: RequestId,
  decisionSha256: Sha256Hex,
  signature: EnvelopeSignature,
): StoredRequest {
  const request = requireOpen(options, id);
  const earlier = proposalOf(options, id);
  if (earlier?.decisionSha256 !== decisionSha256) throw noProposal();
  const context = { ...contextOf(options, request), nonce: earlier.nonce };
  const signatures = [...earlier.envelope.signatures, signature];
  const proposal = VerifiedProposal.verify({ ...earlier.envelope, signatures }, context);
  if (proposal.signers.length < context.keyring.policy.exportSigners) {
    options.database.transaction(() => options.proposals.replace(proposal, id))();
    return reread(options, id);
  }
  // Everything once more, and now with all that the policy asks for.
  return conclude(options, request, VerifiedApproval.verify(proposal.envelope, context), earlier);
}

function withdrawProposal(options: AllOptions, id: RequestId, by: PersonId): void {
  const proposal = proposalOf(options, id);
  if (!proposal) throw noProposal();
  if (proposal.person !== by)
    throw new HubError(
      "NOT_ALLOWED",
      "Cannot take the proposal back: somebody else made it; refuse the request instead",
    );
  options.proposals.remove(id);
  forgetFreed(options.database, [id]);
}

/** Nonce, ledger entry and state in one transaction: all of them, or none. */
function commitDecision(
  options: AllOptions,
  request: StoredRequest,
  event: "approve" | "refuse",
  verified: VerifiedApproval | VerifiedRefusal,
  proposal: StoredProposal | null,
): void {
  const { database, proposals } = options;
  const step = advance(request.state, event);
  if (!step) throw new Error("a state that was just checked has changed");
  const atMs = options.nowMs();
  const times = event === "approve" ? timesOf(options, verified, atMs) : null;
  database.transaction(() => {
    if (proposal) proposals.giveNonceBack(proposal);
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
           decided_at_ms = ?, decision_index = ?, nonce_spent_at_ms = ?,
           leaves_counted_ms = ?, lapses_counted_ms = ?, available_until_ms = ?
         WHERE id = ? AND state = ? AND nonce = ? AND nonce_spent_at_ms IS NULL
           AND nonce_expires_at_ms >= ? AND nonce_expires_counted_ms >= ?`,
      )
      .run(
        step.state,
        JSON.stringify(verified.envelope),
        verified.decisionSha256,
        verified.terms.outcome,
        atMs,
        decisionIndex,
        atMs,
        times?.leavesCountedMs,
        times?.lapsesCountedMs,
        times?.availableUntilMs,
        request.id,
        request.state,
        verified.terms.nonce,
        atMs,
        options.countedMs(),
      );
    // Thrown inside the transaction, so that the ledger entry goes with it.
    if (spent.changes !== 1)
      throw new HubError("NOT_OPEN", "Cannot decide: the nonce has expired; sign again");
  })();
}

/** Until when an owner may veto, and until when the recipient may fetch. */
function timesOf(
  { keyring, countedMs }: DecisionsOptions,
  { terms }: VerifiedApproval | VerifiedRefusal,
  atMs: number,
): { leavesCountedMs: number | null; lapsesCountedMs: number; availableUntilMs: number } {
  const { vetoWindowMs } = keyring().policy;
  const availableUntilMs = terms.availableUntilMs ?? atMs + vetoWindowMs + AVAILABLE_DEFAULT_MS;
  return {
    leavesCountedMs: vetoWindowMs === 0 ? null : countedMs() + vetoWindowMs,
    lapsesCountedMs: countedMs() + availableUntilMs - atMs,
    availableUntilMs,
  };
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
  const step = isOver(options, request) ? null : advance(request.state, "access");
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
