import { fromBase64 } from "./bytes.ts";
import { verifyCosignature, type VerifiedCheckpoint } from "./checkpoint.ts";
import { cosignerKey } from "./cosigner.ts";
import { MalformedInput } from "./errors.ts";
import { roleOfDevice, type Keyring } from "./keyring.ts";
import { findSignature } from "./signed-note.ts";

/**
 * That every signature line but the ledger's own is a cosignature of a device in the keyring.
 *
 * @throws MalformedInput naming the first that is not.
 */
export function requireKnownCosigners(checkpoint: VerifiedCheckpoint, keyring: Keyring): void {
  const known = [...keyring.devices.values()].map((device) =>
    cosignerKey(keyring.origin, fromBase64(device.record.signingKey, "signingKey")),
  );
  const own = findSignature(checkpoint.note, {
    name: keyring.origin,
    type: "ed25519",
    publicKey: keyring.ledgerKey,
  });
  for (const signature of checkpoint.note.signatures) {
    // The ledger's own was verified. Another line under its name is no witness, so it must not count.
    if (signature === own) continue;
    const holds = known.some(
      (key) => verifyCosignature(checkpoint.note.text, signature, key) !== null,
    );
    if (!holds)
      throw new MalformedInput(
        "checkpoint",
        `Cannot accept checkpoint: the signature of ${signature.name} does not hold`,
      );
  }
}

/** How many of the cosignatures are an owner's; any other device may sign as well. */
export function ownerWitnesses(checkpoint: VerifiedCheckpoint, keyring: Keyring): number {
  const owners = [...keyring.devices.values()].filter(
    ({ id }) => roleOfDevice(keyring, id) === "owner",
  );
  const names = new Set(
    owners.map(
      ({ record }) => cosignerKey(keyring.origin, fromBase64(record.signingKey, "signingKey")).name,
    ),
  );
  return checkpoint.note.signatures.filter(({ name }) => names.has(name)).length;
}
