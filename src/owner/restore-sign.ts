import { randomHex } from "./device-bundle.ts";
import type { Envelope, EnvelopeSigner } from "../protocol/envelope.ts";
import { PAYLOAD_TYPES } from "../protocol/envelope.ts";
import type { Keyring } from "../protocol/keyring.ts";
import { signOwnerStatement } from "../protocol/owner-statement.ts";
import type { Restoration } from "../protocol/restoration.ts";

/**
 * Signs that a ledger goes on from a copy, for who restores it: an owner's device, or the recovery
 * sheet.
 */
export async function signRestoration(
  keyring: Keyring,
  copied: Pick<Restoration, "size" | "root" | "copiedToMs">,
  signer: EnvelopeSigner,
  nowMs: number,
): Promise<Envelope> {
  const restoration: Restoration = {
    v: 1,
    origin: keyring.origin,
    keyringEpoch: keyring.epoch,
    keyringHead: keyring.head,
    atMs: nowMs,
    ...copied,
    nonce: randomHex(16),
  };
  return signOwnerStatement(PAYLOAD_TYPES.restoration, restoration, signer);
}
