import Type, { type Static } from "typebox";
import { checkShape } from "./check.ts";
import { openEnvelope, PAYLOAD_TYPES } from "./envelope.ts";
import { HubError } from "./errors.ts";
import type { RequestId, Sha256Hex } from "./ids.ts";
import type { Keyring } from "./keyring.ts";
import { LIMITS } from "./limits.ts";
import { verifyOwnerStatement, type OwnerStatement } from "./owner-statement.ts";

/**
 * What an owner does about a request besides deciding: how sure he is of who asks (assurance), and
 * keeping what it seeks from deletion (preservation). Both are signed statements in a row of their
 * own for each request. Neither lets anything leave, and neither is read by what decides.
 */

const hex = (length: number) =>
  Type.String({ pattern: `^[0-9a-f]{${length}}$`, minLength: length, maxLength: length });
const timeMs = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const closed = { additionalProperties: false } as const;

/**
 * `called_back`: on a number that the owner found himself. `met`: in person. `known_key`: the eight
 * words of the requester's key were compared before, or came by another way.
 */
export const ASSURANCE_LEVELS = ["none", "called_back", "met", "known_key"] as const;
export type AssuranceLevel = (typeof ASSURANCE_LEVELS)[number];
const AssuranceLevelSchema = Type.Union(
  ASSURANCE_LEVELS.map((level) => Type.Literal(level)),
) as unknown as Type.TUnsafe<AssuranceLevel>;

const aboutRequest = {
  v: Type.Literal(1),
  /** Origin of the ledger. */
  origin: Type.String({ maxLength: 200 }),
  request: hex(32),
  requestSha256: hex(64),
  /** How many statements of this type there were on this request: none can be replayed. */
  number: Type.Integer({ minimum: 0, maximum: LIMITS.statementsPerRequest - 1 }),
  /** By the signer's clock. */
  atMs: timeMs,
  keyringHead: hex(64),
};

export const AssuranceSchema = Type.Object(
  { ...aboutRequest, level: AssuranceLevelSchema },
  closed,
);
export type Assurance = Static<typeof AssuranceSchema>;

export const PRESERVATION_MAX_MS = 90 * 24 * 3_600_000;
export const PRESERVATION_ACTIONS = ["hold", "renew", "end"] as const;
export type PreservationAction = (typeof PRESERVATION_ACTIONS)[number];

export const PreservationSchema = Type.Object(
  {
    ...aboutRequest,
    action: Type.Union([Type.Literal("hold"), Type.Literal("renew"), Type.Literal("end")]),
    /** Until when nothing deletes the clips; `atMs` where the hold ends. */
    untilMs: timeMs,
    /** What is held; the same clips in a renewal, none where the hold ends. */
    clips: Type.Array(hex(32), { maxItems: LIMITS.clipsPerPreservation, uniqueItems: true }),
  },
  closed,
);
export type Preservation = Static<typeof PreservationSchema>;

export interface StatementContext {
  readonly keyring: Keyring;
  readonly request: { readonly id: RequestId; readonly sha256: Sha256Hex };
  /** Statements of this type on this request so far, oldest first. */
  readonly count: number;
  readonly nowMs: number;
}

/** How far a signer's clock may be from the hub's. */
const CLOCK_SKEW_MAX_MS = 15 * 60_000;

/** @throws HubError STATEMENT_REFUSED, STATEMENT_OLD, MalformedInput. */
export function verifyAssurance(
  value: unknown,
  context: StatementContext,
): OwnerStatement<Assurance> {
  const found = verifyOwnerStatement(value, {
    ...{ payloadType: PAYLOAD_TYPES.assurance, schema: AssuranceSchema, what: "assurance" },
    ...{ keyring: context.keyring, when: "now" },
  });
  requireFits(found.statement, context);
  return found;
}

/**
 * @param before - The last statement on this request, null where there is none.
 * @throws HubError STATEMENT_REFUSED, STATEMENT_OLD, PRESERVATION_OVER, MalformedInput.
 */
export function verifyPreservation(
  value: unknown,
  context: StatementContext,
  before: Preservation | null,
): OwnerStatement<Preservation> {
  const found = verifyOwnerStatement(value, {
    ...{ payloadType: PAYLOAD_TYPES.hold, schema: PreservationSchema, what: "hold" },
    ...{ keyring: context.keyring, when: "now" },
  });
  requireFits(found.statement, context);
  requireFollows(found.statement, before, context.nowMs);
  return found;
}

/** The statement of an envelope that was verified when it was accepted. */
export function readAcceptedPreservation(value: unknown): Preservation {
  return checkShape(
    PreservationSchema,
    openEnvelope(value, PAYLOAD_TYPES.hold, "hold").content,
    "hold",
  );
}

/** What an owner may do next; pure, and the same for the hub, the command line and the page. */
export function nextPreservations(
  before: Pick<Preservation, "action" | "untilMs"> | null,
  nowMs: number,
): readonly PreservationAction[] {
  if (before === null) return ["hold"];
  if (before.action === "end" || before.untilMs <= nowMs) return [];
  return before.action === "hold" ? ["renew", "end"] : ["end"];
}

function requireFits(
  statement: Pick<
    Assurance,
    "origin" | "request" | "requestSha256" | "number" | "atMs" | "keyringHead"
  >,
  { keyring, request, count, nowMs }: StatementContext,
): void {
  const isOther =
    statement.origin !== keyring.origin ||
    statement.request !== request.id ||
    statement.requestSha256 !== request.sha256;
  if (isOther)
    throw new HubError("STATEMENT_REFUSED", "Cannot accept statement: it is about another request");
  const isOld =
    statement.number !== count ||
    statement.keyringHead !== keyring.head ||
    Math.abs(statement.atMs - nowMs) > CLOCK_SKEW_MAX_MS;
  if (isOld)
    throw new HubError(
      "STATEMENT_OLD",
      "Cannot accept statement: something has changed since it was made; look again and sign again",
    );
}

function requireFollows(statement: Preservation, before: Preservation | null, nowMs: number): void {
  const { action, untilMs, atMs, clips } = statement;
  if (!nextPreservations(before, nowMs).includes(action))
    throw new HubError(
      "PRESERVATION_OVER",
      "Cannot hold: a request's recordings are held once, and renewed once while that lasts",
    );
  const forMs = untilMs - nowMs;
  if (action === "end") {
    if (untilMs !== atMs || clips.length > 0)
      throw new HubError("STATEMENT_REFUSED", "Cannot end hold: an end names no time and no clips");
    return;
  }
  if (forMs <= 0 || forMs > PRESERVATION_MAX_MS)
    throw new HubError(
      "HOLD_OUT_OF_RANGE",
      "Cannot hold: until when must be ahead, and at most 90 days",
    );
  const isSame = before === null || before.clips.join() === clips.join();
  if (clips.length === 0 || !isSame)
    throw new HubError(
      "STATEMENT_REFUSED",
      "Cannot hold: it names no recordings, or a renewal names others than the hold",
    );
}
