import { sha256 } from "@noble/hashes/sha2.js";
import type { Static, TSchema } from "typebox";
import { sha256Hex } from "./bytes.ts";
import { canonicalJson } from "./canonical-json.ts";
import { checkShape } from "./check.ts";
import {
  openEnvelope,
  signEnvelope,
  type Envelope,
  type EnvelopeSigner,
  type PayloadType,
} from "./envelope.ts";
import { HubError } from "./errors.ts";
import type { DeviceId, Sha256Hex } from "./ids.ts";
import type { Keyring } from "./keyring.ts";
import { OWNER_FAULTS, requireOneOwner } from "./one-owner.ts";

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
  const device = requireOneOwner(
    { envelope, payload },
    { keyring, challenge: sha256(payload), when },
    (fault) => {
      throw refused(what, OWNER_FAULTS[fault]);
    },
  );
  return { statement, device, sha256: sha256Hex(payload) };
}

function refused(what: string, reason: string): HubError {
  return new HubError("STATEMENT_REFUSED", `Cannot accept ${what}: ${reason}`);
}
