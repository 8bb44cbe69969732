import { p256 } from "@noble/curves/nist.js";
import { sha256 } from "@noble/hashes/sha2.js";
import Type, { type Static } from "typebox";
import { base64urlnopad } from "@scure/base";
import { concatBytes, equalBytes, fromBase64, utf8Bytes } from "./bytes.ts";
import { parseJson } from "./canonical-json.ts";
import { verifyEd25519, type WebAuthnAssertion } from "./envelope.ts";

/** A passkey as the keyring records it (WebAuthn level 3). */
export const PasskeySchema = Type.Object(
  {
    /** Base64 of the credential id. */
    credentialId: Type.String({ maxLength: 1_400 }),
    algorithm: Type.Union([Type.Literal("ES256"), Type.Literal("EdDSA")]),
    /** Base64: uncompressed P-256 point (65 bytes) or raw Ed25519 key (32 bytes). */
    publicKey: Type.String({ maxLength: 100 }),
    relyingPartyId: Type.String({ maxLength: 253 }),
    origin: Type.String({ maxLength: 300 }),
    /** When true, a decision of this device without an assertion is refused. */
    required: Type.Boolean(),
  },
  { additionalProperties: false },
);
export type Passkey = Static<typeof PasskeySchema>;

const FLAG_USER_PRESENT = 0x01;
const FLAG_USER_VERIFIED = 0x04;

/**
 * Whether a passkey's parts are what they say: one that could never assert anything, and is required,
 * would lock its device out.
 *
 * @throws MalformedInput for what is no base64.
 */
export function isPasskey({ algorithm, credentialId, publicKey }: Passkey): boolean {
  const key = fromBase64(publicKey, "passkey");
  const isKey = algorithm === "EdDSA" ? key.length === 32 : key.length === 65 && key[0] === 0x04;
  return isKey && fromBase64(credentialId, "credentialId").length > 0;
}

/**
 * True when `assertion` was made by `passkey`, for exactly `challenge`, at its own origin and
 * relying party, with the user present and verified (WebAuthn level 3, section 7.2).
 */
export function verifyAssertion(
  assertion: WebAuthnAssertion,
  passkey: Passkey,
  challenge: Uint8Array,
): boolean {
  if (assertion.credentialId !== passkey.credentialId) return false;
  const authenticatorData = fromBase64(assertion.authenticatorData, "authenticatorData");
  const clientDataBytes = fromBase64(assertion.clientDataJSON, "clientDataJSON");
  return (
    clientDataMatches(clientDataBytes, passkey, challenge) &&
    authenticatorDataMatches(authenticatorData, passkey) &&
    signatureMatches(
      fromBase64(assertion.signature, "assertion signature"),
      concatBytes(authenticatorData, sha256(clientDataBytes)),
      passkey,
    )
  );
}

/**
 * Whether a device has confirmed what it signs as its keyring record asks: by its passkey where that
 * is required, and never by an assertion that does not hold.
 */
export function isConfirmed(
  passkey: Passkey | undefined,
  assertion: WebAuthnAssertion | undefined,
  challenge: Uint8Array,
): boolean {
  if (!assertion) return passkey?.required !== true;
  return passkey !== undefined && verifyAssertion(assertion, passkey, challenge);
}

function clientDataMatches(bytes: Uint8Array, passkey: Passkey, challenge: Uint8Array): boolean {
  const clientData = parseJson(bytes, "clientDataJSON");
  if (typeof clientData !== "object" || clientData === null || Array.isArray(clientData))
    return false;
  const members = clientData as { readonly [key: string]: unknown };
  return (
    members["type"] === "webauthn.get" &&
    members["challenge"] === base64urlnopad.encode(challenge) &&
    members["origin"] === passkey.origin &&
    members["crossOrigin"] !== true
  );
}

function authenticatorDataMatches(data: Uint8Array, passkey: Passkey): boolean {
  const flags = data[32] ?? 0;
  return (
    data.length >= 37 &&
    equalBytes(data.subarray(0, 32), sha256(utf8Bytes(passkey.relyingPartyId))) &&
    (flags & FLAG_USER_PRESENT) !== 0 &&
    (flags & FLAG_USER_VERIFIED) !== 0
  );
}

function signatureMatches(signature: Uint8Array, message: Uint8Array, passkey: Passkey): boolean {
  const publicKey = fromBase64(passkey.publicKey, "passkey");
  switch (passkey.algorithm) {
    case "EdDSA":
      return verifyEd25519(signature, message, publicKey);
    case "ES256":
      try {
        // Authenticators do not normalise s, so a high s is not an error here.
        return p256.verify(signature, message, publicKey, { format: "der", lowS: false });
      } catch {
        // Not a DER signature or not a point: as invalid as any other.
        return false;
      }
  }
}
