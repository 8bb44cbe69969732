import { fromBase64 } from "./bytes.ts";
import { verifyEnvelopeSignature, type Envelope } from "./envelope.ts";
import { parseDeviceId, type DeviceId } from "./ids.ts";
import type { Keyring } from "./keyring.ts";
import { isConfirmed } from "./webauthn.ts";

/** Why an envelope is not signed by one owner. */
export type OwnerFault = "MALFORMED" | "UNKNOWN_KEY" | "BAD_SIGNATURE" | "NOT_CONFIRMED";

export const OWNER_FAULTS: Readonly<Record<OwnerFault, string>> = {
  MALFORMED: "it must have one signature",
  UNKNOWN_KEY: "it is signed by no owner in force",
  BAD_SIGNATURE: "its signature does not verify",
  NOT_CONFIRMED: "the passkey did not confirm it, which this device must",
};

/**
 * Who signed what one owner alone may sign: one signature, by a device of an owner, confirmed by its
 * passkey where the keyring requires one.
 *
 * @param signed - An opened envelope.
 * @param options.challenge - What the passkey is asked to assert.
 * @param options.when - `now`: the device is in force. `then`: it may have been removed since.
 * @param refuse - Throws the caller's own error.
 */
export function requireOneOwner(
  { envelope, payload }: { readonly envelope: Envelope; readonly payload: Uint8Array },
  options: {
    readonly keyring: Keyring;
    readonly challenge: Uint8Array;
    readonly when: "now" | "then";
  },
  refuse: (fault: OwnerFault) => never,
): DeviceId {
  const { keyring, challenge, when } = options;
  const [signature, second] = envelope.signatures;
  if (!signature || second) return refuse("MALFORMED");
  const device = keyring.devices.get(parseDeviceId(signature.keyid));
  if (!device || keyring.persons.get(device.person) !== "owner") return refuse("UNKNOWN_KEY");
  if (device.removed && when === "now") return refuse("UNKNOWN_KEY");
  const { signingKey, passkey } = device.record;
  if (!verifyEnvelopeSignature(envelope, payload, signature, fromBase64(signingKey, "signingKey")))
    return refuse("BAD_SIGNATURE");
  if (!isConfirmed(passkey, signature.assertion, challenge)) return refuse("NOT_CONFIRMED");
  return device.id;
}
