import { sha256 } from "@noble/hashes/sha2.js";
import Type, { type Static } from "typebox";
import { sha256Hex, toHex } from "./bytes.ts";
import { checkShape } from "./check.ts";
import { verifyCheckpoint, type VerifiedCheckpoint } from "./checkpoint.ts";
import {
  deviceIdOf,
  openEnvelope,
  PAYLOAD_TYPES,
  verifyEnvelopeSignature,
  type Envelope,
} from "./envelope.ts";
import { HubError } from "./errors.ts";
import type { DeviceId, Sha256Hex } from "./ids.ts";
import { roleOfDevice, verifyKeyring, type Keyring } from "./keyring.ts";
import { OWNER_FAULTS, requireOneOwner } from "./one-owner.ts";

/**
 * A ledger that goes on from a copy. Whoever restores signs for the state that the copy had, with
 * the recovery sheet or as an owner: a hub alone can make no such statement. Where a device has seen
 * more than that state, an owner signs that he knows it is gone.
 */

const hex = (length: number) =>
  Type.String({ pattern: `^[0-9a-f]{${length}}$`, minLength: length, maxLength: length });
const count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const size = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER });
const closed = { additionalProperties: false } as const;

/** The ledger's own note and its devices' lines, as it was when a device saw it. */
export const NOTE_CHARACTERS_MAX = 65_536;
export const RESTORATIONS_MAX = 64;
export const ACCEPTANCES_MAX = 200;

const signedAbout = {
  v: Type.Literal(1),
  origin: Type.String({ maxLength: 200 }),
  keyringEpoch: count,
  keyringHead: hex(64),
  /** By the signer's clock. */
  atMs: count,
};

export const RestorationSchema = Type.Object(
  {
    ...signedAbout,
    /** What the copy had of the ledger; the entry of this statement comes right after it. */
    size,
    root: hex(64),
    /** Time of the newest entry that the copy had. */
    copiedToMs: count,
    /** Random: two hubs that were restored from one copy are two. */
    nonce: hex(32),
  },
  closed,
);
export type Restoration = Static<typeof RestorationSchema>;

export const AcceptanceSchema = Type.Object(
  {
    ...signedAbout,
    /** SHA-256 of the restoration's payload. */
    restorationSha256: hex(64),
    /** Signed note that the signer's device saw before: of more entries than the copy had. */
    before: Type.String({ maxLength: NOTE_CHARACTERS_MAX }),
    /** Signed note that the restored hub showed; it goes on in this ledger. */
    now: Type.String({ maxLength: NOTE_CHARACTERS_MAX }),
    /** As many entries that the device itself had seen are shown to be unchanged; 0: none. */
    provenSize: count,
  },
  closed,
);
export type Acceptance = Static<typeof AcceptanceSchema>;

export interface VerifiedRestoration {
  readonly statement: Restoration;
  readonly sha256: Sha256Hex;
  /** Null: the recovery sheet. */
  readonly by: DeviceId | null;
  /** False where the device was removed since, or the sheet replaced. */
  readonly isInForce: boolean;
}

export interface VerifiedAcceptance {
  readonly statement: Acceptance;
  readonly sha256: Sha256Hex;
  readonly device: DeviceId;
  readonly before: VerifiedCheckpoint;
  readonly now: VerifiedCheckpoint;
}

/**
 * @param chain - Every keyring statement, verified by the caller as `keyring`.
 * @throws HubError RESTORATION_REFUSED, MalformedInput.
 */
export function verifyRestoration(
  value: unknown,
  { chain, keyring }: { readonly chain: readonly unknown[]; readonly keyring: Keyring },
): VerifiedRestoration {
  const { envelope, payload, content } = openEnvelope(
    value,
    PAYLOAD_TYPES.restoration,
    "restoration",
  );
  const statement = checkShape(RestorationSchema, content, "restoration");
  const then = keyringThen(statement, { chain, keyring }, "restoration");
  const digest = sha256Hex(payload);
  if (isSheet(envelope, payload, then))
    return {
      ...{ statement, sha256: digest, by: null },
      isInForce: toHex(keyring.recoveryKey) === toHex(then.recoveryKey),
    };
  const by = requireOneOwner(
    { envelope, payload },
    { keyring: then, challenge: sha256(payload), when: "now" },
    (fault) => {
      throw refused("restoration", OWNER_FAULTS[fault]);
    },
  );
  const isInForce = roleOfDevice(keyring, by) === "owner";
  return { statement, sha256: digest, by, isInForce };
}

/**
 * An acceptance of `restoration` by a device of an owner that is in force now.
 *
 * @throws HubError RESTORATION_REFUSED, CheckpointRefused, MalformedInput.
 */
export function verifyAcceptance(
  value: unknown,
  restoration: Pick<VerifiedRestoration, "statement" | "sha256">,
  known: { readonly chain: readonly unknown[]; readonly keyring: Keyring },
): VerifiedAcceptance {
  const { envelope, payload, content } = openEnvelope(
    value,
    PAYLOAD_TYPES.acceptance,
    "acceptance",
  );
  const statement = checkShape(AcceptanceSchema, content, "acceptance");
  const then = keyringThen(statement, known, "acceptance");
  const device = requireOneOwner(
    { envelope, payload },
    { keyring: then, challenge: sha256(payload), when: "now" },
    (fault) => {
      throw refused("acceptance", OWNER_FAULTS[fault]);
    },
  );
  // A phone that was stolen and removed since has nothing to accept, whatever it signed before.
  if (roleOfDevice(known.keyring, device) !== "owner")
    throw refused("acceptance", OWNER_FAULTS.UNKNOWN_KEY);
  if (statement.restorationSha256 !== restoration.sha256)
    throw refused("acceptance", "it is of another restoration");
  const { origin, ledgerKey: publicKey } = known.keyring;
  const before = verifyCheckpoint(statement.before, { origin, publicKey });
  const now = verifyCheckpoint(statement.now, { origin, publicKey });
  const copied = restoration.statement.size;
  if (before.size <= copied || now.size <= copied || statement.provenSize > copied)
    throw refused("acceptance", "its two states are not of before and after this restoration");
  return { statement, sha256: sha256Hex(payload), device, before, now };
}

/** The chain as it was when `statement` was signed. */
function keyringThen(
  { origin, keyringEpoch, keyringHead }: Pick<Restoration, keyof typeof signedAbout>,
  { chain, keyring }: { readonly chain: readonly unknown[]; readonly keyring: Keyring },
  what: string,
): Keyring {
  if (origin !== keyring.origin) throw refused(what, "it is of another ledger");
  if (keyringEpoch > keyring.epoch) throw refused(what, "it was signed under a later keyring");
  const then = verifyKeyring(chain.slice(0, keyringEpoch + 1), keyring.genesis);
  if (then.head !== keyringHead) throw refused(what, "it was signed under another keyring");
  return then;
}

/** The sheet signs keyring changes after a notice, and that something was restored with it. */
function isSheet(envelope: Envelope, payload: Uint8Array, { recoveryKey }: Keyring): boolean {
  const [signature, second] = envelope.signatures;
  if (!signature || second || signature.assertion) return false;
  return (
    signature.keyid === deviceIdOf(recoveryKey) &&
    verifyEnvelopeSignature(envelope, payload, signature, recoveryKey)
  );
}

function refused(what: string, reason: string): HubError {
  return new HubError("RESTORATION_REFUSED", `Cannot accept ${what}: ${reason}`);
}
