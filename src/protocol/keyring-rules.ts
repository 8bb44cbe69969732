import { parseRecipient } from "./age-header.ts";
import { fromBase64 } from "./bytes.ts";
import { deviceIdOf, isSigningKey } from "./envelope.ts";
import { isPasskey } from "./webauthn.ts";
import { parsePersonId, type PersonId } from "./ids.ts";
import {
  isOwner,
  KeyringRefused,
  type DeviceRecord,
  type Keyring,
  type KeyringDevice,
  type Policy,
  type Readers,
} from "./keyring-schema.ts";

export function invalidChange(message: string): KeyringRefused {
  return new KeyringRefused("KEYRING_INVALID_CHANGE", `Cannot accept keyring change: ${message}`);
}

/** A policy that no set of owners could meet would lock the household out for ever. */
export function requireReachable(keyring: Keyring, policy: Policy): Policy {
  const owners = new Set<PersonId>();
  for (const device of keyring.devices.values())
    if (!device.removed && isOwner(keyring, device)) owners.add(device.person);
  if (owners.size < Math.max(policy.exportSigners, policy.keyringSigners))
    throw invalidChange(`${owners.size} owners could never meet the policy`);
  return policy;
}

/** Four different recipients of one kind, to which the recorder can seal. */
export function requireReaders(readers: Readers): Readers {
  const texts = [readers.originals, readers.blurred, readers.owners, readers.recovery];
  for (const text of texts)
    if (parseRecipient(text).kind !== readers.kind)
      throw invalidChange(`a reader is not of kind ${readers.kind}`);
  if (new Set(texts).size !== texts.length) throw invalidChange("two readers are the same key");
  return readers;
}

/**
 * Readers for what is recorded from now on: none of the three that devices hold stays, or whoever
 * was removed would read on. The sheet's own reader changes with the sheet alone, so that it always
 * opens what is recorded.
 */
export function requireRotated({ readers: before }: Keyring, readers: Readers): Readers {
  if (readers.kind !== before.kind) throw invalidChange("the kind of keys cannot change");
  requireReaders(readers);
  if (readers.recovery !== before.recovery)
    throw invalidChange("the recovery reader changes with a new sheet only");
  const old = new Set([before.originals, before.blurred, before.owners]);
  for (const reader of [readers.originals, readers.blurred, readers.owners])
    if (old.has(reader)) throw invalidChange("a reader is one of those in force");
  return readers;
}

/** A device or sheet whose key could sign nothing might be the last that a household has. */
export function requireSigningKey(text: string): Uint8Array {
  const signingKey = fromBase64(text, "signing key");
  if (!isSigningKey(signingKey)) throw invalidChange("a signing key is none");
  return signingKey;
}

/** @throws KeyringRefused for a key that signs nothing, MalformedInput for a transfer key that is none. */
export function newDevice(person: string, record: DeviceRecord): KeyringDevice {
  const signingKey = requireSigningKey(record.signingKey);
  // Who cannot be sealed to would keep the household from ever passing on new readers.
  if (record.transfer !== undefined && parseRecipient(record.transfer).kind !== "pq")
    throw invalidChange("a transfer key is not post-quantum");
  if (record.passkey !== undefined && !isPasskey(record.passkey))
    throw invalidChange("a passkey is none");
  return { id: deviceIdOf(signingKey), person: parsePersonId(person), record, removed: false };
}
