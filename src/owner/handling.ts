import type { RequestSummary } from "../protocol/api.ts";
import type { HandlingAnswer } from "../protocol/api-handling.ts";
import type { Envelope, EnvelopeSigner } from "../protocol/envelope.ts";
import { PAYLOAD_TYPES } from "../protocol/envelope.ts";
import { HubError } from "../protocol/errors.ts";
import {
  AssuranceSchema,
  nextPreservations,
  PreservationSchema,
  type Assurance,
  type AssuranceLevel,
  type Preservation,
  type PreservationAction,
} from "../protocol/handling.ts";
import { parseDeviceId, type DeviceId } from "../protocol/ids.ts";
import type { Keyring } from "../protocol/keyring.ts";
import { LIMITS } from "../protocol/limits.ts";
import { signOwnerStatement, verifyOwnerStatement } from "../protocol/owner-statement.ts";

/** What owners have stated about a request, each verified on this device. */
export interface Handling {
  readonly assurances: readonly (Assurance & { readonly device: DeviceId })[];
  readonly preservations: readonly (Preservation & { readonly device: DeviceId })[];
  readonly document: HandlingAnswer["document"];
}

/**
 * Reads what the hub gives out about a request.
 *
 * @throws HubError STATEMENT_REFUSED where one is not an owner's, is about another request, or is
 * missing from the row.
 */
export function readHandling(
  answer: HandlingAnswer,
  request: Pick<RequestSummary, "record" | "recordSha256">,
  keyring: Keyring,
): Handling {
  const about = { origin: keyring.origin, request, keyring };
  return {
    assurances: answer.assurances.map((envelope, index) =>
      requireAbout(about, index, {
        ...verifyOwnerStatement(envelope, {
          ...{ payloadType: PAYLOAD_TYPES.assurance, schema: AssuranceSchema, what: "assurance" },
          ...{ keyring, when: "then" },
        }),
      }),
    ),
    preservations: answer.preservations.map((envelope, index) =>
      requireAbout(about, index, {
        ...verifyOwnerStatement(envelope, {
          ...{ payloadType: PAYLOAD_TYPES.hold, schema: PreservationSchema, what: "hold" },
          ...{ keyring, when: "then" },
        }),
      }),
    ),
    document: answer.document,
  };
}

function requireAbout<Statement extends Assurance | Preservation>(
  about: {
    readonly origin: string;
    readonly request: Pick<RequestSummary, "record" | "recordSha256">;
  },
  index: number,
  { statement, device }: { readonly statement: Statement; readonly device: string },
): Statement & { readonly device: DeviceId } {
  const isAbout =
    statement.origin === about.origin &&
    statement.request === about.request.record.request &&
    statement.requestSha256 === about.request.recordSha256 &&
    statement.number === index;
  if (!isAbout)
    throw new HubError("STATEMENT_REFUSED", "Cannot show statement: it is about something else");
  return { ...statement, device: parseDeviceId(device) };
}

interface Ground {
  readonly keyring: Keyring;
  readonly request: Pick<RequestSummary, "record" | "recordSha256">;
  readonly nowMs: number;
}

function commonOf({ keyring, request, nowMs }: Ground, number: number) {
  return {
    v: 1 as const,
    origin: keyring.origin,
    request: request.record.request,
    requestSha256: request.recordSha256,
    number,
    atMs: nowMs,
    keyringHead: keyring.head,
  };
}

/** States how sure the owner is of who asks. */
export function signAssurance(
  ground: Ground,
  before: Handling,
  level: AssuranceLevel,
  signer: EnvelopeSigner,
): Promise<Envelope> {
  const statement: Assurance = { ...commonOf(ground, before.assurances.length), level };
  return signOwnerStatement(PAYLOAD_TYPES.assurance, statement, signer);
}

/**
 * Keeps recordings from deletion for a request, once more, or no longer.
 *
 * @param clips - What a first hold keeps; a renewal keeps the same.
 * @throws HubError PRESERVATION_OVER, NOTHING_TO_HOLD, TOO_MANY_CLIPS.
 */
export async function signPreservation(
  ground: Ground,
  before: Handling,
  what: {
    readonly action: PreservationAction;
    readonly forMs: number;
    readonly clips: readonly string[];
  },
  signer: EnvelopeSigner,
): Promise<Envelope> {
  const last = before.preservations.at(-1) ?? null;
  const { action, forMs } = what;
  if (!nextPreservations(last, ground.nowMs).includes(action))
    throw new HubError(
      "PRESERVATION_OVER",
      "Cannot hold: a request's recordings are held once, and renewed once while that lasts",
    );
  const clips = action === "end" ? [] : action === "renew" ? (last?.clips ?? []) : what.clips;
  if (action !== "end" && clips.length === 0)
    throw new HubError("NOTHING_TO_HOLD", "Cannot hold: there is no recording from that time");
  if (clips.length > LIMITS.clipsPerPreservation)
    throw new HubError("TOO_MANY_CLIPS", "Cannot hold: more than 1,000 recordings are from then");
  const statement: Preservation = {
    ...commonOf(ground, before.preservations.length),
    action,
    untilMs: action === "end" ? ground.nowMs : ground.nowMs + forMs,
    clips: [...clips],
  };
  return signOwnerStatement(PAYLOAD_TYPES.hold, statement, signer);
}
