import {
  readHandling,
  signAssurance,
  signPreservation,
  type Handling,
} from "../../src/owner/handling.ts";
import { envelopeSigner } from "../../src/owner/identity.ts";
import type { HandlingAnswer } from "../../src/protocol/api-handling.ts";
import type { RequestSummary } from "../../src/protocol/api.ts";
import type { Envelope } from "../../src/protocol/envelope.ts";
import type { AssuranceLevel, PreservationAction } from "../../src/protocol/handling.ts";
import type { Keyring } from "../../src/protocol/keyring.ts";
import { requireOk, type TestDevice, type TestHub } from "./test-hub.ts";

const DAY_MS = 24 * 3_600_000;

export function keyringOf(hub: TestHub): Keyring {
  const { keyring } = hub.hub.services.household;
  if (!keyring) throw new Error("nobody has claimed this hub");
  return keyring;
}

/** What the hub gives out about a request, unread. */
export async function handlingOf(hub: TestHub, request: RequestSummary): Promise<HandlingAnswer> {
  const url = `/api/requests/${request.record.request}/handling`;
  return requireOk(await hub.call("GET", url, { as: hub.owner })).json();
}

/** The same as an owner's device reads it. */
export async function handled(hub: TestHub, request: RequestSummary): Promise<Handling> {
  return readHandling(await handlingOf(hub, request), request, keyringOf(hub));
}

const groundOf = (hub: TestHub, request: RequestSummary) => ({
  keyring: keyringOf(hub),
  request,
  nowMs: hub.clock.nowMs,
});

export async function assurance(
  hub: TestHub,
  request: RequestSummary,
  level: AssuranceLevel,
  by: TestDevice = hub.owner,
): Promise<Envelope> {
  const before = await handled(hub, request);
  return signAssurance(groundOf(hub, request), before, level, envelopeSigner(by.key));
}

export async function preservation(
  hub: TestHub,
  request: RequestSummary,
  action: PreservationAction,
  changes: { forMs?: number; clips?: readonly string[] } = {},
): Promise<Envelope> {
  const { forMs = 30 * DAY_MS, clips = hub.clips.slice(0, 1) } = changes;
  const before = await handled(hub, request);
  const signer = envelopeSigner(hub.owner.key);
  return signPreservation(groundOf(hub, request), before, { action, forMs, clips }, signer);
}

export async function sendStatement(
  hub: TestHub,
  request: RequestSummary,
  what: "assurance" | "hold",
  statement: unknown,
) {
  const url = `/api/requests/${request.record.request}/${what}`;
  return hub.call("POST", url, { as: hub.owner, body: { statement } });
}

/** States how sure the founder is, and has the hub accept it. */
export async function assure(
  hub: TestHub,
  request: RequestSummary,
  level: AssuranceLevel,
): Promise<void> {
  const statement = await assurance(hub, request, level);
  requireOk(await sendStatement(hub, request, "assurance", statement));
}
