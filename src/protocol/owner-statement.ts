import { sha256 } from "@noble/hashes/sha2.js";
import type { Static, TSchema } from "typebox";
import { fromBase64, sha256Hex } from "./bytes.ts";
import { canonicalJson } from "./canonical-json.ts";
import { checkShape } from "./check.ts";
import {
  openEnvelope,
  signEnvelope,
  verifyEnvelopeSignature,
  type Envelope,
  type EnvelopeSigner,
  type PayloadType,
} from "./envelope.ts";
import { HubError } from "./errors.ts";
import { parseDeviceId, type DeviceId, type Sha256Hex } from "./ids.ts";
import type { Keyring } from "./keyring.ts";
import { verifyAssertion } from "./webauthn.ts";

/** Statements that one owner alone may sign, since they let nothing leave the house. */

export interface OwnerStatement<Statement> {
  readonly statement: Statement;
  readonly device: DeviceId;
  /** Of the payload's bytes: what the ledger's entry carries. */
  readonly sha256: Sha256Hex;
}

/** Signs `value`, and has the device's passkey confirm its hash where the device has one. */
export async function signOwnerStatement(
  payloadType: PayloadType,
  value: Parameters<typeof canonicalJson>[0],
  signer: EnvelopeSigner,
): Promise<Envelope> {
  return signEnvelope(payloadType, value, signer, sha256(canonicalJson(value)));
}

/**
 * One signature, by a device of an owner; with its passkey's assertion over the payload's hash where
 * the keyring requires one.
 *
 * @param when - `now`: the device is in force. `then`: it may have been removed since.
 * @throws HubError STATEMENT_REFUSED, MalformedInput.
 */
export function verifyOwnerStatement<Schema extends TSchema>(
  value: unknown,
  options: {
    readonly payloadType: PayloadType;
    readonly schema: Schema;
    readonly what: string;
    readonly keyring: Keyring;
    readonly when: "now" | "then";
  },
): OwnerStatement<Static<Schema>> {
  const { payloadType, schema, what, keyring, when } = options;
  const { envelope, payload, content } = openEnvelope(value, payloadType, what);
  const statement = checkShape(schema, content, what);
  const [signature, second] = envelope.signatures;
  if (!signature || second) throw refused(what, "it must have one signature");
  const device = keyring.devices.get(parseDeviceId(signature.keyid));
  const isOwner = device !== undefined && keyring.persons.get(device.person) === "owner";
  if (!device || !isOwner || (device.removed && when === "now"))
    throw refused(what, "it is signed by a key that is no owner's in force");
  const signingKey = fromBase64(device.record.signingKey, "signingKey");
  if (!verifyEnvelopeSignature(envelope, payload, signature, signingKey))
    throw refused(what, "its signature does not verify");
  const { passkey } = device.record;
  if (passkey?.required === true && !signature.assertion)
    throw refused(what, "this device must confirm with its passkey");
  const { assertion } = signature;
  if (assertion && !(passkey && verifyAssertion(assertion, passkey, sha256(payload))))
    throw refused(what, "the passkey did not confirm this statement");
  return { statement, device: device.id, sha256: sha256Hex(payload) };
}

function refused(what: string, reason: string): HubError {
  return new HubError("STATEMENT_REFUSED", `Cannot accept ${what}: ${reason}`);
}
