import { sha256 } from "@noble/hashes/sha2.js";
import { canonicalJson } from "../protocol/canonical-json.ts";
import {
  PAYLOAD_TYPES,
  signEnvelope,
  type Envelope,
  type EnvelopeSigner,
} from "../protocol/envelope.ts";
import { sha256Hex, fromBase64, toBase64 } from "../protocol/bytes.ts";
import type { HubInfo } from "../protocol/api.ts";
import type { Passkey } from "../protocol/webauthn.ts";
import type {
  Keyring,
  KeyringChange,
  KeyringStatement,
  Role,
  DeviceRecord,
} from "../protocol/keyring.ts";
import {
  deviceRecord,
  generateReaders,
  newLabel,
  randomHex,
  signingKeyOf,
  transferKeyOf,
  type DeviceBundle,
  type NewLabel,
} from "./device-bundle.ts";
import { envelopeSigner, generateSigningKey, type KeyKind } from "./identity.ts";
import { generateRecovery, type Recovery } from "./recovery.ts";

export interface FoundedHousehold {
  readonly bundle: DeviceBundle;
  readonly recovery: Recovery;
  readonly label: NewLabel;
  readonly statement: Envelope;
}

/** Makes every key of a new household on this device and signs its genesis. */
export async function foundHousehold(
  hub: HubInfo,
  options: {
    readonly kind: KeyKind;
    readonly label: string;
    readonly nowMs: number;
    /** Confirms this device's decisions from then on, where it has one. */
    readonly passkey?: Passkey;
  },
): Promise<FoundedHousehold> {
  const { kind, nowMs } = options;
  const signingKey = generateSigningKey();
  const readers = await generateReaders(kind);
  const recovery = await generateRecovery(kind);
  const label = newLabel(options.label);
  const person = randomHex(16);
  const statement: KeyringStatement = {
    v: 1,
    epoch: 0,
    previous: null,
    atMs: nowMs,
    change: {
      kind: "genesis",
      origin: hub.origin,
      ledgerKey: hub.ledgerKey,
      person,
      device: deviceRecord(signingKey.publicKey, label, {
        ...(options.passkey ? { passkey: options.passkey } : {}),
        transfer: (await transferKeyOf(signingKey)).recipient,
      }),
      readers: { kind, ...readers.recipients, recovery: recovery.reader.recipient },
      recoveryKey: toBase64(recovery.signingKey.publicKey),
      policy: { exportSigners: 1, keyringSigners: 1, vetoWindowMs: 0 },
    },
  };
  const envelope = await signEnvelope(PAYLOAD_TYPES.keyring, statement, envelopeSigner(signingKey));
  return {
    recovery,
    label,
    statement: envelope,
    bundle: {
      v: 1,
      kind,
      origin: hub.origin,
      genesis: sha256Hex(fromBase64(envelope.payload, "payload")),
      person,
      role: "owner",
      label: label.label,
      signingSeed: toBase64(signingKey.secret),
      readers: readers.held,
    },
  };
}

/**
 * Signs the next statement of the keyring.
 *
 * @param signer - An owner's; its passkey, where it has one, is asked to confirm. Or the sheet's.
 */
export async function signChange(
  signer: EnvelopeSigner,
  keyring: Keyring,
  change: KeyringChange,
  nowMs: number,
): Promise<Envelope> {
  const statement: KeyringStatement = {
    v: 1,
    epoch: keyring.epoch + 1,
    previous: keyring.head,
    atMs: nowMs,
    change,
  };
  return signEnvelope(PAYLOAD_TYPES.keyring, statement, signer, sha256(canonicalJson(statement)));
}

/** Signs the admission of a device to the household. */
export async function signAdmission(
  signer: EnvelopeSigner,
  keyring: Keyring,
  admitted: { person: string; role: Role; device: DeviceRecord },
  nowMs: number,
): Promise<Envelope> {
  return signChange(signer, keyring, { kind: "admit", ...admitted }, nowMs);
}

/** Signs a hub's log-in challenge: names the hub, so that no other server can use it. */
export async function signLogin(bundle: DeviceBundle, challenge: string): Promise<Envelope> {
  const signer = envelopeSigner(signingKeyOf(bundle));
  const statement = { v: 1, origin: bundle.origin, device: signer.device, challenge };
  return signEnvelope(PAYLOAD_TYPES.login, statement, signer);
}
