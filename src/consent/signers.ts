import type { VerifiedApproval } from "../protocol/approval.ts";
import { HubError } from "../protocol/errors.ts";
import { roleOfDevice, type Keyring } from "../protocol/keyring.ts";

/**
 * An approval that has not left yet may have been signed by a phone that was stolen since. It leaves
 * only while every device that signed it is an owner's in force.
 *
 * @param keyring - The one in force now, not the one that the approval was signed under.
 * @throws HubError SIGNER_GONE.
 */
export function requireSignersInForce(
  approval: VerifiedApproval,
  keyring: Keyring,
): VerifiedApproval {
  if (approval.signers.some((device) => roleOfDevice(keyring, device) !== "owner"))
    throw new HubError(
      "SIGNER_GONE",
      "Cannot release: a device that signed the approval is no longer in force; take the approval back",
    );
  return approval;
}
