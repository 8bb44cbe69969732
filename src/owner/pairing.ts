import { Decrypter, Encrypter } from "age-encryption";
import Type, { type Static } from "typebox";
import type { PairingReveal } from "../protocol/api.ts";
import { concatBytes, fromBase64, fromHex, sha256Hex, toBase64 } from "../protocol/bytes.ts";
import { canonicalJson, parseCanonicalJson } from "../protocol/canonical-json.ts";
import { checkShape } from "../protocol/check.ts";
import { HubError } from "../protocol/errors.ts";
import type { Passkey } from "../protocol/webauthn.ts";
import { fingerprintWords, PAIRING_WORDS } from "../protocol/words.ts";
import {
  DeviceBundleSchema,
  newLabel,
  randomHex,
  readersForRole,
  transferKeyOf,
  type DeviceBundle,
} from "./device-bundle.ts";
import { generateSigningKey, type ReaderKey, type SigningKey } from "./identity.ts";
import { SeenSchema, type Seen } from "./witness.ts";

/** A device on its way into the household. */
export interface Newcomer {
  readonly signingKey: SigningKey;
  readonly transfer: ReaderKey;
  readonly reveal: PairingReveal;
  /** Sent first: binds the device to its keys before it has seen the owner's nonce. */
  readonly commitment: string;
}

/** @param passkey - What will confirm this device's decisions, where it has one. */
export async function startPairing(label: string, passkey?: Passkey): Promise<Newcomer> {
  const signingKey = generateSigningKey();
  // Always post-quantum: what travels here opens everything the household will ever record.
  const transfer = await transferKeyOf(signingKey);
  const reveal: PairingReveal = {
    signingKey: toBase64(signingKey.publicKey),
    transferRecipient: transfer.recipient,
    label: newLabel(label),
    nonce: randomHex(32),
    ...(passkey ? { passkey } : {}),
  };
  return { signingKey, transfer, reveal, commitment: commitmentOf(reveal) };
}

export function commitmentOf(reveal: PairingReveal): string {
  return sha256Hex(canonicalJson(reveal));
}

/**
 * Three words that both screens show. They depend on both nonces, and each side fixed its own before
 * it saw the other's, so that whoever relays gets one guess in 2^33.
 */
export function pairingWords(reveal: PairingReveal, ownerNonce: string): string[] {
  const bytes = concatBytes(canonicalJson(reveal), fromHex(ownerNonce, "nonce"));
  return fingerprintWords("pairing", bytes, PAIRING_WORDS);
}

const PassedOnSchema = Type.Object(
  { bundle: Type.Omit(DeviceBundleSchema, ["signingSeed", "recovery"]), seen: SeenSchema },
  { additionalProperties: false },
);
type PassedOn = Static<typeof PassedOnSchema>;

/** The readers that go with the role, genesis and checkpoint, sealed to the newcomer's transfer key. */
export async function passOn(
  admitting: DeviceBundle,
  newcomer: { reveal: PairingReveal; person: string; role: DeviceBundle["role"] },
  seen: Seen,
): Promise<string> {
  const { signingSeed: _own, recovery: _sheet, earlier = [], ...common } = admitting;
  const content: PassedOn = {
    bundle: {
      ...common,
      person: newcomer.person,
      role: newcomer.role,
      label: newcomer.reveal.label.label,
      readers: readersForRole(admitting.readers, newcomer.role),
      ...(earlier.length === 0
        ? {}
        : { earlier: earlier.map((readers) => readersForRole(readers, newcomer.role)) }),
    },
    seen,
  };
  const encrypter = new Encrypter();
  encrypter.addRecipient(newcomer.reveal.transferRecipient);
  return toBase64(await encrypter.encrypt(canonicalJson(content)));
}

/** @throws HubError when the blob is not for this device. */
export async function receivePassedOn(
  newcomer: Newcomer,
  sealed: string,
): Promise<{ bundle: DeviceBundle; seen: Seen }> {
  const decrypter = new Decrypter();
  decrypter.addIdentity(newcomer.transfer.identity);
  let content: Uint8Array;
  try {
    content = await decrypter.decrypt(fromBase64(sealed, "sealed"));
  } catch (cause) {
    throw new HubError("NO_READER", "Cannot join: what arrived is not for this device", { cause });
  }
  const { bundle, seen } = checkShape(
    PassedOnSchema,
    parseCanonicalJson(content, "pairing"),
    "pairing",
  );
  return {
    bundle: { ...bundle, signingSeed: toBase64(newcomer.signingKey.secret) },
    seen,
  };
}
