import type { LedgerEntryKind } from "../protocol/ledger-entry.ts";

/** Where a request stands. `approved` has a signed decision and no release yet. */
export type RequestState =
  | "received"
  | "held"
  | "approved"
  | "refused"
  | "expired"
  | "withdrawn"
  | "packaged"
  | "accessed"
  | "revoked"
  | "lapsed";

export type RequestEvent =
  | "hold"
  | "approve"
  | "refuse"
  | "expire"
  | "withdraw"
  | "package"
  | "access"
  | "revoke"
  | "lapse";

export interface Step {
  readonly state: RequestState;
  /** The ledger entry that must be committed before the state has any effect (invariant 8). */
  readonly entry: LedgerEntryKind;
}

/**
 * The one function that decides what may follow what. Pure; null = not allowed. It knows nothing of
 * who asks, how urgently or on what basis (invariant 7): there is no parameter for it.
 */
export function advance(state: RequestState, event: RequestEvent): Step | null {
  switch (state) {
    case "received":
    case "held":
      return advanceOpen(state, event);
    case "approved":
      if (event === "package") return { state: "packaged", entry: "release" };
      return advanceReleased(event);
    case "packaged":
    case "accessed":
      if (event === "access") return { state: "accessed", entry: "access" };
      return advanceReleased(event);
    case "refused":
    case "expired":
    case "withdrawn":
    case "revoked":
    case "lapsed":
      return null;
  }
}

function advanceOpen(state: "received" | "held", event: RequestEvent): Step | null {
  switch (event) {
    case "hold":
      return state === "received" ? { state: "held", entry: "hold" } : null;
    case "approve":
      return { state: "approved", entry: "decision" };
    case "refuse":
      return { state: "refused", entry: "decision" };
    case "expire":
      return { state: "expired", entry: "decision" };
    case "withdraw":
      return { state: "withdrawn", entry: "decision" };
    case "package":
    case "access":
    case "revoke":
    case "lapse":
      return null;
  }
}

function advanceReleased(event: RequestEvent): Step | null {
  if (event === "revoke") return { state: "revoked", entry: "revocation" };
  if (event === "lapse") return { state: "lapsed", entry: "revocation" };
  return null;
}

/** States in which a recipient may fetch what was signed for. */
export function isReleased(state: RequestState): boolean {
  return state === "packaged" || state === "accessed";
}
