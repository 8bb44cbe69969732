import Type, { type Static } from "typebox";
import { EnvelopeSchema, EnvelopeSignatureSchema } from "./envelope.ts";
import { LIMITS } from "./limits.ts";

/** Bodies and answers about deciding together, and about the end of an approval. */
const hex = (length: number) =>
  Type.String({ pattern: `^[0-9a-f]{${length}}$`, minLength: length, maxLength: length });
const timeMs = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const closed = { additionalProperties: false } as const;

/** An approval that waits for owners: what the hub says of it, before a device has checked it. */
export const ProposalSummary = Type.Object(
  {
    decisionSha256: hex(64),
    /** Devices that have signed, and the person who did so first. */
    signers: Type.Array(hex(64), { maxItems: LIMITS.signaturesPerEnvelope }),
    by: hex(32),
    needed: Type.Integer({ minimum: 1, maximum: 100 }),
    madeAtMs: timeMs,
    /** The keyring has changed since: nobody can sign it any more. */
    isStale: Type.Boolean(),
  },
  closed,
);
export type ProposalSummary = Static<typeof ProposalSummary>;

export const ProposalAnswer = Type.Object({ decision: EnvelopeSchema }, closed);
/** One more signature over the bytes that were proposed. */
export const CosignBody = Type.Object(
  { decisionSha256: hex(64), signature: EnvelopeSignatureSchema },
  closed,
);
export const RevocationBody = Type.Object({ revocation: EnvelopeSchema }, closed);
