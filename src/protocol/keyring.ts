import { fromBase64, fromHex, sha256Hex } from "./bytes.ts";
import { checkShape } from "./check.ts";
import {
  deviceIdOf,
  openEnvelope,
  PAYLOAD_TYPES,
  verifyEnvelopeSignature,
  type Envelope,
} from "./envelope.ts";
import { parseDeviceId, type PersonId, type Sha256Hex } from "./ids.ts";
import { applyChange } from "./keyring-changes.ts";
import {
  isOwner,
  KeyringRefused,
  KeyringStatementSchema,
  type Keyring,
  type KeyringStatement,
  type Readers,
} from "./keyring-schema.ts";
import { LIMITS } from "./limits.ts";
import { isConfirmed } from "./webauthn.ts";

export { isPromisedReaders } from "./keyring-changes.ts";
export { afterRecovery } from "./keyring-recovery.ts";
export {
  findDevice,
  KeyringRefused,
  KeyringStatementSchema,
  roleHasRight,
  roleOfDevice,
  RoleSchema,
  type DeviceRecord,
  type Keyring,
  type KeyringChange,
  type KeyringDevice,
  type KeyringStatement,
  type Policy,
  type Readers,
  type Right,
  type Role,
} from "./keyring-schema.ts";

/**
 * Checks a whole chain from genesis and returns what it says. The recorder, the hub, every device
 * and an outside verifier run this same function (invariant 9).
 *
 * @param expectedGenesis - SHA-256 of the genesis that the caller remembers, if it has seen one.
 * @throws KeyringRefused or MalformedInput.
 */
export function verifyKeyring(
  statements: readonly unknown[],
  expectedGenesis?: Sha256Hex,
): Keyring {
  if (statements.length > LIMITS.keyringStatements)
    throw new KeyringRefused("KEYRING_BROKEN_CHAIN", "Cannot accept keyring: too many statements");
  let keyring: Keyring | null = null;
  for (const statement of statements) keyring = extendKeyring(keyring, statement);
  if (!keyring)
    throw new KeyringRefused("KEYRING_BROKEN_CHAIN", "Cannot accept keyring: it has no statement");
  if (expectedGenesis !== undefined && keyring.genesis !== expectedGenesis)
    throw new KeyringRefused(
      "KEYRING_ROLLED_BACK",
      `Cannot accept keyring: genesis is ${keyring.genesis}, this device knows ${expectedGenesis}`,
    );
  return keyring;
}

/**
 * Every set of readers that was in force, newest first: what a device may have opened with, and what
 * it may still be handed.
 *
 * @throws KeyringRefused or MalformedInput, as {@link verifyKeyring}.
 */
export function readersInForce(statements: readonly unknown[]): Readers[] {
  const found: Readers[] = [];
  let keyring: Keyring | null = null;
  for (const statement of statements) {
    keyring = extendKeyring(keyring, statement);
    if (found[0] !== keyring.readers) found.unshift(keyring.readers);
  }
  return found;
}

/** A place in the chain: the statement at `epoch` has the SHA-256 `head`. */
export interface KeyringPosition {
  readonly epoch: number;
  readonly head: Sha256Hex;
}

/**
 * {@link verifyKeyring}, for somebody who has seen the chain before: it must still hold the
 * statement that was its last one then. Rolled back or replaced from there, it is refused.
 *
 * @throws KeyringRefused or MalformedInput.
 */
export function verifyKeyringSince(
  statements: readonly unknown[],
  seen: KeyringPosition | null,
): Keyring {
  const keyring = verifyKeyring(statements);
  if (seen === null) return keyring;
  const kept =
    seen.epoch <= keyring.epoch ? verifyKeyring(statements.slice(0, seen.epoch + 1)) : null;
  if (kept?.head !== seen.head)
    throw new KeyringRefused(
      "KEYRING_ROLLED_BACK",
      `Cannot accept keyring: it no longer holds statement ${seen.epoch} as it was`,
    );
  return keyring;
}

/** A statement that follows and whose signatures hold, and whether there are enough of them. */
export interface CheckedStatement {
  /** What the chain says once it is accepted. */
  readonly keyring: Keyring;
  readonly statement: KeyringStatement;
  /** SHA-256 of the payload. */
  readonly head: Sha256Hex;
  /** Different persons that signed; none where the recovery sheet did. */
  readonly signers: readonly PersonId[];
  readonly needed: number;
}

/**
 * Appends one signed statement.
 *
 * @param keyring - What the chain says so far; null before genesis.
 * @throws KeyringRefused when the statement does not follow or is not signed by enough owners in
 * force *before* it; MalformedInput when it cannot be read.
 */
export function extendKeyring(keyring: Keyring | null, value: unknown): Keyring {
  const { keyring: next, statement, signers, needed } = checkStatement(keyring, value);
  if (signers.length < needed)
    throw new KeyringRefused(
      "KEYRING_NOT_ENOUGH_OWNERS",
      `Cannot accept keyring statement ${statement.epoch}: ${signers.length} of ${needed} owners signed`,
    );
  return next;
}

/**
 * As {@link extendKeyring}, for a statement that is still on its way from owner to owner: everything
 * is checked but the number of those who signed.
 */
export function checkStatement(keyring: Keyring | null, value: unknown): CheckedStatement {
  const { envelope, payload, content } = openEnvelope(value, PAYLOAD_TYPES.keyring, "keyring");
  const statement = checkShape(KeyringStatementSchema, content, "keyring statement");
  const head = sha256Hex(payload);
  if (statement.epoch !== (keyring ? keyring.epoch + 1 : 0))
    throw new KeyringRefused(
      "KEYRING_BROKEN_CHAIN",
      `Cannot accept keyring statement: epoch ${statement.epoch} does not follow`,
    );
  if (statement.previous !== (keyring ? keyring.head : null))
    throw new KeyringRefused(
      "KEYRING_BROKEN_CHAIN",
      `Cannot accept keyring statement ${statement.epoch}: it does not name the one before`,
    );
  const next = applyChange(keyring, statement, head);
  const signed = { envelope, payload, statement, head };
  const checked = { keyring: next, statement, head };
  const { kind } = statement.change;
  if (keyring && (kind === "recovery_notice" || kind === "recovery_complete")) {
    requireSheet(keyring, signed);
    return { ...checked, signers: [], needed: 0 };
  }
  // Genesis is signed by the device it founds; everything else by owners who were there before.
  const signers = verifiedOwners(keyring ?? next, signed);
  // Whom a sheet in the wrong hands would rob must be able to say no alone.
  const needed = kind === "recovery_objection" ? 1 : (keyring ?? next).policy.keyringSigners;
  return { ...checked, signers: [...signers], needed };
}

interface SignedStatement {
  readonly envelope: Envelope;
  readonly payload: Uint8Array;
  readonly statement: KeyringStatement;
  readonly head: Sha256Hex;
}

function badSignature({ statement }: SignedStatement, reason: string): KeyringRefused {
  return new KeyringRefused(
    "KEYRING_BAD_SIGNATURE",
    `Cannot accept keyring statement ${statement.epoch}: ${reason}`,
  );
}

/** Signed by the sheet in force, and by nobody beside it. */
function requireSheet({ recoveryKey }: Keyring, signed: SignedStatement): void {
  const { envelope, payload } = signed;
  const [signature, extra] = envelope.signatures;
  if (!signature || extra || signature.assertion || signature.keyid !== deviceIdOf(recoveryKey))
    throw badSignature(signed, "not signed by the recovery sheet in force");
  if (!verifyEnvelopeSignature(envelope, payload, signature, recoveryKey))
    throw badSignature(signed, "a signature does not verify");
}

function verifiedOwners(authority: Keyring, signed: SignedStatement): Set<PersonId> {
  const { envelope, payload, statement, head } = signed;
  const signers = new Set<PersonId>();
  for (const signature of envelope.signatures) {
    const device = authority.devices.get(parseDeviceId(signature.keyid));
    const signingKey = device && fromBase64(device.record.signingKey, "signingKey");
    if (!device || device.removed || !signingKey || !isOwner(authority, device))
      throw badSignature(signed, "signed by no owner in force");
    if (!verifyEnvelopeSignature(envelope, payload, signature, signingKey))
      throw badSignature(signed, "a signature does not verify");
    // At genesis the passkey is made known by the very statement: it confirms what comes after.
    const { passkey } = device.record;
    if (statement.epoch > 0 && !isConfirmed(passkey, signature.assertion, fromHex(head, "head")))
      throw new KeyringRefused(
        "KEYRING_NOT_CONFIRMED",
        `Cannot accept keyring statement ${statement.epoch}: the passkey did not confirm it`,
      );
    signers.add(device.person);
  }
  return signers;
}
