import { fromBase64, fromHex, sha256Hex } from "./bytes.ts";
import { checkShape } from "./check.ts";
import { openEnvelope, PAYLOAD_TYPES, verifyEnvelopeSignature } from "./envelope.ts";
import { parseDeviceId, type PersonId, type Sha256Hex } from "./ids.ts";
import { applyChange } from "./keyring-changes.ts";
import { isOwner, KeyringRefused, KeyringStatementSchema, type Keyring } from "./keyring-schema.ts";
import { LIMITS } from "./limits.ts";
import { isConfirmed } from "./webauthn.ts";

export {
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

/**
 * Appends one signed statement.
 *
 * @param keyring - What the chain says so far; null before genesis.
 * @throws KeyringRefused when the statement does not follow or is not signed by enough owners in
 * force *before* it; MalformedInput when it cannot be read.
 */
export function extendKeyring(keyring: Keyring | null, value: unknown): Keyring {
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
  // Genesis is signed by the device it founds; everything else by owners who were there before.
  const authority = keyring ?? next;
  const signers = new Set<PersonId>();
  for (const signature of envelope.signatures) {
    const device = authority.devices.get(parseDeviceId(signature.keyid));
    const signingKey = device && fromBase64(device.record.signingKey, "signingKey");
    if (!device || device.removed || !signingKey || !isOwner(authority, device))
      throw new KeyringRefused(
        "KEYRING_BAD_SIGNATURE",
        `Cannot accept keyring statement ${statement.epoch}: signed by no owner in force`,
      );
    if (!verifyEnvelopeSignature(envelope, payload, signature, signingKey))
      throw new KeyringRefused(
        "KEYRING_BAD_SIGNATURE",
        `Cannot accept keyring statement ${statement.epoch}: a signature does not verify`,
      );
    // At genesis the passkey is made known by the very statement: it confirms what comes after.
    const { passkey } = device.record;
    if (keyring && !isConfirmed(passkey, signature.assertion, fromHex(head, "head")))
      throw new KeyringRefused(
        "KEYRING_NOT_CONFIRMED",
        `Cannot accept keyring statement ${statement.epoch}: the passkey did not confirm it`,
      );
    signers.add(device.person);
  }
  if (signers.size < authority.policy.keyringSigners)
    throw new KeyringRefused(
      "KEYRING_NOT_ENOUGH_OWNERS",
      `Cannot accept keyring statement ${statement.epoch}: ${signers.size} of ${authority.policy.keyringSigners} owners signed`,
    );
  return next;
}
