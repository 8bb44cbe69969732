import Type from "typebox";
import type { StoredRequest } from "../consent/request-rows.ts";
import type * as Api from "../protocol/api.ts";
import { toBase64 } from "../protocol/bytes.ts";
import type { HubServices } from "./services.ts";

/** A request in a path. */
export const RequestParameter = Type.Object({
  id: Type.String({ pattern: "^[0-9a-f]{32}$", maxLength: 32 }),
});

/** A request as owners get it. */
export function summaryOf(request: StoredRequest, services: HubServices): Api.RequestSummary {
  const { decisionSha256, availableUntilMs, endedAtMs } = request;
  const isStuck = services.decisions.stuck().includes(request.id);
  const leavesInMs = isStuck ? null : services.decisions.leavesInMs(request);
  const proposal = proposalOf(request, services);
  return {
    record: request.record,
    recordSha256: request.recordSha256,
    state: request.state,
    outcome: request.outcome,
    decidedAtMs: request.decidedAtMs,
    personal: request.personal === null ? null : toBase64(request.personal),
    ...(decisionSha256 === null ? {} : { decisionSha256 }),
    ...(proposal ? { proposal } : {}),
    ...(leavesInMs === null ? {} : { leavesAtMs: services.nowMs() + leavesInMs }),
    ...(availableUntilMs === null ? {} : { availableUntilMs }),
    ...(endedAtMs === null ? {} : { endedAtMs }),
    ...(request.releaseIndex === null ? {} : { wasReleased: true as const }),
    ...(request.state === "accessed" ? { fetched: timesFetched(services, request) } : {}),
    statusUrl: services.statusUrl(request.statusToken),
  };
}

function proposalOf(
  { id }: StoredRequest,
  { decisions, household }: HubServices,
): Api.RequestSummary["proposal"] | null {
  const proposal = decisions.proposalOf(id);
  if (!proposal || !household.keyring) return null;
  return {
    decisionSha256: proposal.decisionSha256,
    signers: proposal.envelope.signatures.map(({ keyid }) => keyid),
    by: proposal.person,
    needed: household.keyring.policy.exportSigners,
    madeAtMs: proposal.madeAtMs,
    isStale: proposal.isStale,
  };
}

function timesFetched({ ledger }: HubServices, { id }: StoredRequest): number {
  return Math.max(1, ledger.entries({ kind: "access", subject: id }).length);
}
