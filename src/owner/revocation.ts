import type { RequestSummary } from "../protocol/api.ts";
import { canonicalJson } from "../protocol/canonical-json.ts";
import {
  PAYLOAD_TYPES,
  signEnvelope,
  type Envelope,
  type EnvelopeSigner,
} from "../protocol/envelope.ts";
import { HubError } from "../protocol/errors.ts";
import type { Keyring } from "../protocol/keyring.ts";
import { revocationChallenge, type Revocation } from "../protocol/revocation.ts";

/**
 * Takes an approval back: one owner's signature. What was fetched stays fetched.
 *
 * @throws HubError NOT_OPEN where nothing was approved, or it has ended already.
 */
export async function signRevocation(
  keyring: Keyring,
  { record, decisionSha256, state }: RequestSummary,
  nowMs: number,
  signer: EnvelopeSigner,
): Promise<Envelope> {
  if (decisionSha256 === undefined || !["approved", "packaged", "accessed"].includes(state))
    throw new HubError("NOT_OPEN", "Cannot take back: there is no approval in force");
  const revocation: Revocation = {
    v: 1,
    origin: keyring.origin,
    request: record.request,
    decisionSha256,
    keyringEpoch: keyring.epoch,
    keyringHead: keyring.head,
    atMs: nowMs,
  };
  const challenge = revocationChallenge(canonicalJson(revocation));
  return signEnvelope(PAYLOAD_TYPES.revocation, revocation, signer, challenge);
}
