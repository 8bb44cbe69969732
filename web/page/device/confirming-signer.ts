import { deviceOfBundle, signingKeyOf } from "../../../src/owner/device-bundle.ts";
import { envelopeSigner } from "../../../src/owner/identity.ts";
import type { EnvelopeSigner } from "../../../src/protocol/envelope.ts";
import { HubError } from "../../../src/protocol/errors.ts";
import type { Keyring } from "../../../src/protocol/keyring.ts";
import type { OwnerDevice } from "./owner-device.ts";
import type { VaultContext } from "./vault-worker.ts";

/**
 * The passkey that the keyring records for this device, or null where it has none.
 *
 * @throws HubError PASSKEY_ELSEWHERE where it belongs to another address than this page's.
 */
export function passkeyOf({ bundle }: OwnerDevice, keyring: Keyring): string | null {
  const passkey = keyring.devices.get(deviceOfBundle(bundle))?.record.passkey;
  if (!passkey) return null;
  if (passkey.origin === location.origin) return passkey.credentialId;
  if (!passkey.required) return null;
  throw new HubError(
    "PASSKEY_ELSEWHERE",
    `Cannot sign here: this device's passkey belongs to ${passkey.origin}`,
  );
}

/** Signs with this device's key, and has its passkey confirm where the keyring knows one. */
export async function confirmingSigner(
  { device, assert }: VaultContext,
  keyring: Keyring,
): Promise<EnvelopeSigner> {
  const signer = envelopeSigner(signingKeyOf(device.bundle));
  const credentialId = passkeyOf(device, keyring);
  return credentialId === null
    ? signer
    : { ...signer, assert: async (challenge) => assert(credentialId, challenge) };
}
