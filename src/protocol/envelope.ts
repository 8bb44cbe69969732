import { ed25519 } from "@noble/curves/ed25519.js";
import Type, { type Static } from "typebox";
import { concatBytes, fromBase64, toBase64, utf8Bytes, sha256Hex } from "./bytes.ts";
import { canonicalJson, parseCanonicalJson, type Json } from "./canonical-json.ts";
import { checkShape } from "./check.ts";
import { parseDeviceId, type DeviceId } from "./ids.ts";
import { LIMITS } from "./limits.ts";

/**
 * A DSSE envelope (secure-systems-lab/dsse v1) whose payload is canonical JSON, with one addition:
 * a signature may carry a WebAuthn assertion, which it then covers.
 */
export type Envelope = Static<typeof EnvelopeSchema>;
export type EnvelopeSignature = Static<typeof EnvelopeSignatureSchema>;
export type WebAuthnAssertion = Static<typeof AssertionSchema>;

const base64Text = (maxLength: number) => Type.String({ maxLength });

export const AssertionSchema = Type.Object(
  {
    credentialId: base64Text(1_400),
    authenticatorData: base64Text(1_400),
    clientDataJSON: base64Text(LIMITS.assertionBytes),
    signature: base64Text(1_024),
  },
  { additionalProperties: false },
);

export const EnvelopeSignatureSchema = Type.Object(
  {
    /** Device id: SHA-256 of the raw Ed25519 public key. */
    keyid: Type.String({ minLength: 64, maxLength: 64 }),
    /** Base64 of 64 bytes. */
    sig: Type.String({ minLength: 88, maxLength: 88 }),
    assertion: Type.Optional(AssertionSchema),
  },
  { additionalProperties: false },
);

export const EnvelopeSchema = Type.Object(
  {
    payloadType: Type.String({ maxLength: 100 }),
    payload: Type.String({ maxLength: LIMITS.envelopePayloadCharacters }),
    signatures: Type.Array(EnvelopeSignatureSchema, {
      minItems: 1,
      maxItems: LIMITS.signaturesPerEnvelope,
    }),
  },
  { additionalProperties: false },
);

/** What is signed is never ambiguous: each kind of statement has its own type. */
export const PAYLOAD_TYPES = {
  keyring: "application/vnd.doorward.keyring+json",
  decision: "application/vnd.doorward.decision+json",
  revocation: "application/vnd.doorward.revocation+json",
  assurance: "application/vnd.doorward.assurance+json",
  hold: "application/vnd.doorward.hold+json",
  rewrap: "application/vnd.doorward.rewrap+json",
  login: "application/vnd.doorward.login+json",
  report: "application/vnd.doorward.report+json",
  statement: "application/vnd.doorward.statement+json",
  share: "application/vnd.doorward.share+json",
  restoration: "application/vnd.doorward.restoration+json",
  acceptance: "application/vnd.doorward.acceptance+json",
} as const;
export type PayloadType = (typeof PAYLOAD_TYPES)[keyof typeof PAYLOAD_TYPES];

/** Device id of a raw Ed25519 public key of 32 bytes. */
export function deviceIdOf(signingKey: Uint8Array): DeviceId {
  return parseDeviceId(sha256Hex(signingKey));
}

/**
 * The bytes that a device signs: DSSE's pre-authentication encoding of type and payload, and, where
 * the signature carries an assertion, that assertion's canonical JSON as a third element.
 */
export function signedBytes(
  payloadType: string,
  payload: Uint8Array,
  assertion?: WebAuthnAssertion,
): Uint8Array {
  const parts = [utf8Bytes(payloadType), payload];
  if (assertion) parts.push(canonicalJson(assertion));
  const encoded: Uint8Array[] = [utf8Bytes("DSSEv1")];
  for (const part of parts) encoded.push(utf8Bytes(` ${part.length} `), part);
  return concatBytes(...encoded);
}

/** Whoever holds a device's signing key; the key itself stays with its owner. */
export interface EnvelopeSigner {
  readonly device: DeviceId;
  sign(message: Uint8Array): Promise<Uint8Array>;
  /** Asks the passkey for an assertion over a 32-byte challenge, where the device has one. */
  assert?(challenge: Uint8Array): Promise<WebAuthnAssertion>;
}

/** Makes an envelope with one signature. `challenge` is passed to the signer's passkey, if it has one. */
export async function signEnvelope(
  payloadType: PayloadType,
  value: Json,
  signer: EnvelopeSigner,
  challenge?: Uint8Array,
): Promise<Envelope> {
  const payload = canonicalJson(value);
  const assertion = challenge && signer.assert ? await signer.assert(challenge) : undefined;
  const signature = await signer.sign(signedBytes(payloadType, payload, assertion));
  return {
    payloadType,
    payload: toBase64(payload),
    signatures: [
      { keyid: signer.device, sig: toBase64(signature), ...(assertion ? { assertion } : {}) },
    ],
  };
}

/**
 * Reads the outside of an envelope and its payload; verifies no signature.
 *
 * @throws MalformedInput when it is not an envelope of the wanted type over canonical JSON.
 */
export function openEnvelope(
  value: unknown,
  payloadType: PayloadType,
  what: string,
): { envelope: Envelope; payload: Uint8Array; content: Json } {
  const envelope = checkShape(EnvelopeSchema, value, what);
  if (envelope.payloadType !== payloadType) {
    // Own message rather than a schema's: a log-in passed off as a decision should be seen as such.
    checkShape(Type.Object({ payloadType: Type.Literal(payloadType) }), envelope, what);
  }
  const payload = fromBase64(envelope.payload, `${what} payload`);
  return { envelope, payload, content: parseCanonicalJson(payload, `${what} payload`) };
}

/** True when `signature` was made by `signingKey` over this payload (RFC 8032, strict: no ZIP 215). */
export function verifyEnvelopeSignature(
  envelope: Envelope,
  payload: Uint8Array,
  signature: EnvelopeSignature,
  signingKey: Uint8Array,
): boolean {
  const message = signedBytes(envelope.payloadType, payload, signature.assertion);
  return verifyEd25519(fromBase64(signature.sig, "signature"), message, signingKey);
}

/** Whether anything could ever verify under this key: a point of the curve, and not of small order. */
export function isSigningKey(publicKey: Uint8Array): boolean {
  try {
    return publicKey.length === 32 && !ed25519.Point.fromBytes(publicKey).isSmallOrder();
  } catch {
    return false;
  }
}

/** Strict Ed25519 (RFC 8032 section 5.1.7); a malformed key or signature is simply not valid. */
export function verifyEd25519(
  signature: Uint8Array,
  message: Uint8Array,
  publicKey: Uint8Array,
): boolean {
  if (signature.length !== 64 || publicKey.length !== 32) return false;
  try {
    // Without ZIP 215 the library also refuses keys of small order, whose signature fits anything.
    return ed25519.verify(signature, message, publicKey, { zip215: false });
  } catch {
    // The library throws for points that are not on the curve: as invalid as any other.
    return false;
  }
}
