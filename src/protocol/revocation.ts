import { sha256 } from "@noble/hashes/sha2.js";
import Type, { type Static } from "typebox";
import { sha256Hex } from "./bytes.ts";
import { checkShape } from "./check.ts";
import { openEnvelope, PAYLOAD_TYPES, type Envelope } from "./envelope.ts";
import { HubError, MalformedInput } from "./errors.ts";
import type { DeviceId, RequestId, Sha256Hex } from "./ids.ts";
import type { Keyring } from "./keyring.ts";
import { CLOCK_SKEW_MAX_MS, DECISION_LIFETIME_MS } from "./limits.ts";
import { OWNER_FAULTS, requireOneOwner } from "./one-owner.ts";

const hex = (length: number) =>
  Type.String({ pattern: `^[0-9a-f]{${length}}$`, minLength: length, maxLength: length });

/** Payload of a revocation's envelope: one owner takes back one approval. */
export const RevocationSchema = Type.Object(
  {
    v: Type.Literal(1),
    origin: Type.String({ maxLength: 200 }),
    request: hex(32),
    /** The approval that ends. It has one end, so a revocation is good once. */
    decisionSha256: hex(64),
    keyringEpoch: Type.Integer({ minimum: 0 }),
    keyringHead: hex(64),
    atMs: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
  },
  { additionalProperties: false },
);
export type Revocation = Static<typeof RevocationSchema>;

/** What a revocation is held against. */
export interface RevocationContext {
  readonly keyring: Keyring;
  readonly request: RequestId;
  readonly decisionSha256: Sha256Hex;
  readonly nowMs: number;
}

export class RevocationRefused extends HubError {
  override readonly name = "RevocationRefused";
  declare readonly code:
    | "REVOCATION_MALFORMED"
    | "REVOCATION_WRONG_ORIGIN"
    | "REVOCATION_WRONG_DECISION"
    | "REVOCATION_WRONG_KEYRING"
    | "REVOCATION_UNKNOWN_KEY"
    | "REVOCATION_BAD_SIGNATURE"
    | "REVOCATION_NOT_CONFIRMED"
    | "REVOCATION_NOT_NOW";
}

/** Proof that an owner in force took back this approval; only `verify` makes one. */
export class VerifiedRevocation {
  readonly envelope: Envelope;
  readonly revocation: Revocation;
  readonly revocationSha256: Sha256Hex;
  readonly #signer: DeviceId;

  private constructor(envelope: Envelope, payload: Uint8Array, signed: Revocation, by: DeviceId) {
    this.envelope = envelope;
    this.revocation = signed;
    this.revocationSha256 = sha256Hex(payload);
    this.#signer = by;
  }

  /**
   * One signature by any owner is enough, whatever it took to approve.
   *
   * @param value - The envelope as parsed JSON, from anywhere.
   * @throws RevocationRefused with the reason.
   */
  static verify(value: unknown, context: RevocationContext): VerifiedRevocation {
    try {
      const { envelope, payload, content } = openEnvelope(
        value,
        PAYLOAD_TYPES.revocation,
        "revocation",
      );
      const revocation = checkShape(RevocationSchema, content, "revocation");
      requireSame(revocation, context);
      const signer = requireOneOwner(
        { envelope, payload },
        { keyring: context.keyring, challenge: revocationChallenge(payload), when: "now" },
        (fault) => refuse(`REVOCATION_${fault}`, OWNER_FAULTS[fault]),
      );
      return new VerifiedRevocation(envelope, payload, revocation, signer);
    } catch (cause) {
      if (!(cause instanceof MalformedInput)) throw cause;
      throw new RevocationRefused("REVOCATION_MALFORMED", cause.message, { cause });
    }
  }

  get signer(): DeviceId {
    return this.#signer;
  }
}

function refuse(code: RevocationRefused["code"], reason: string): never {
  throw new RevocationRefused(code, `Cannot accept revocation: ${reason}`);
}

function requireSame(revocation: Revocation, context: RevocationContext): void {
  const { keyring, nowMs } = context;
  if (revocation.origin !== keyring.origin)
    refuse("REVOCATION_WRONG_ORIGIN", `it was made for ${revocation.origin}`);
  if (
    revocation.request !== context.request ||
    revocation.decisionSha256 !== context.decisionSha256
  )
    refuse("REVOCATION_WRONG_DECISION", "it takes back another approval");
  if (revocation.keyringHead !== keyring.head || revocation.keyringEpoch !== keyring.epoch)
    refuse("REVOCATION_WRONG_KEYRING", "the keyring has changed since; sign again");
  if (revocation.atMs > nowMs + CLOCK_SKEW_MAX_MS || nowMs > revocation.atMs + DECISION_LIFETIME_MS)
    refuse("REVOCATION_NOT_NOW", "it was not signed just now, or a clock is wrong");
}

/** SHA-256 over the canonical payload: what a passkey is asked to assert. */
export function revocationChallenge(payload: Uint8Array): Uint8Array {
  return sha256(payload);
}
