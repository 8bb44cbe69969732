import { fromBase64, toBase64 } from "../../../src/protocol/bytes.ts";
import type { WebAuthnAssertion } from "../../../src/protocol/envelope.ts";
import type { Passkey } from "../../../src/protocol/webauthn.ts";

/**
 * Passkeys of this device (WebAuthn level 3). One does two things: its PRF extension derives the
 * secret that this device's keys are sealed with, and its assertions confirm what is signed.
 */
const PRF_SALT = new TextEncoder().encode("doorward device bundle v1");
const ALGORITHMS = { [-7]: "ES256", [-8]: "EdDSA" } as const;
const TIMEOUT_MS = 120_000;

export interface NewPasskey {
  readonly passkey: Passkey;
  /** 32 bytes that only this passkey, here, with its user present, derives again. */
  readonly secret: Uint8Array;
}

/** A passkey belongs to a name: an address as 192.168.1.5 can have none. */
export function canUsePasskeys(): boolean {
  return "PublicKeyCredential" in globalThis && !/^[\d.]+$|^\[/.test(location.hostname);
}

/**
 * Makes a passkey.
 *
 * @returns null where the browser or the authenticator cannot derive a secret, or the person said
 * no: then the keys are sealed by the browser alone.
 */
export async function createPasskey(label: string): Promise<NewPasskey | null> {
  if (!canUsePasskeys()) return null;
  const created = await orNull(
    navigator.credentials.create({
      publicKey: {
        rp: { id: location.hostname, name: "Doorward" },
        user: { id: random(16), name: label, displayName: label },
        // Nobody but the keyring relies on it, and that takes the key itself: no attestation.
        challenge: random(32),
        pubKeyCredParams: [
          { type: "public-key", alg: -7 },
          { type: "public-key", alg: -8 },
        ],
        authenticatorSelection: { residentKey: "preferred", userVerification: "required" },
        extensions: { prf: { eval: { first: PRF_SALT } } },
        timeout: TIMEOUT_MS,
      },
    }),
  );
  if (!(created instanceof PublicKeyCredential)) return null;
  const { response } = created;
  const { prf } = created.getClientExtensionResults();
  if (!(response instanceof AuthenticatorAttestationResponse) || prf?.enabled !== true) return null;
  const credentialId = toBase64(new Uint8Array(created.rawId));
  const algorithm = response.getPublicKeyAlgorithm();
  const spki = response.getPublicKey();
  if ((algorithm !== -7 && algorithm !== -8) || !spki) return null;
  const first = prf.results?.first;
  const secret = first ? bytesOf(first) : await passkeySecret(credentialId);
  if (!secret) return null;
  return {
    secret,
    passkey: {
      credentialId,
      algorithm: ALGORITHMS[algorithm],
      // The key itself is the end of the structure (RFC 5480, RFC 8410).
      publicKey: toBase64(new Uint8Array(spki).slice(algorithm === -7 ? -65 : -32)),
      relyingPartyId: location.hostname,
      origin: location.origin,
      required: true,
    },
  };
}

/** The secret this device's keys are sealed with; null when the person said no. */
export async function passkeySecret(credentialId: string): Promise<Uint8Array | null> {
  const found = await orNull(
    navigator.credentials.get({
      publicKey: {
        ...request(credentialId, random(32)),
        extensions: { prf: { eval: { first: PRF_SALT } } },
      },
    }),
  );
  if (!(found instanceof PublicKeyCredential)) return null;
  const first = found.getClientExtensionResults().prf?.results?.first;
  return first ? bytesOf(first) : null;
}

/** Has the person confirm exactly this challenge; null when he did not. */
export async function assertWithPasskey(
  credentialId: string,
  challenge: Uint8Array,
): Promise<WebAuthnAssertion | null> {
  const found = await orNull(
    navigator.credentials.get({ publicKey: request(credentialId, new Uint8Array(challenge)) }),
  );
  if (!(found instanceof PublicKeyCredential)) return null;
  const { response } = found;
  if (!(response instanceof AuthenticatorAssertionResponse)) return null;
  const base64 = (buffer: ArrayBuffer): string => toBase64(new Uint8Array(buffer));
  return {
    credentialId,
    authenticatorData: base64(response.authenticatorData),
    clientDataJSON: base64(response.clientDataJSON),
    signature: base64(response.signature),
  };
}

function request(
  credentialId: string,
  challenge: Uint8Array<ArrayBuffer>,
): PublicKeyCredentialRequestOptions {
  return {
    rpId: location.hostname,
    challenge,
    allowCredentials: [
      { type: "public-key", id: new Uint8Array(fromBase64(credentialId, "passkey")) },
    ],
    userVerification: "required",
    timeout: TIMEOUT_MS,
  };
}

/** A person who says no, or an authenticator that cannot, is an answer and no failure. */
async function orNull(asked: Promise<Credential | null>): Promise<Credential | null> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof DOMException) return null;
    throw error;
  }
}

function random(length: number): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(length));
}

function bytesOf(source: BufferSource): Uint8Array {
  return ArrayBuffer.isView(source)
    ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength).slice()
    : new Uint8Array(source).slice();
}
