import { createHash, generateKeyPairSync, randomBytes, sign, type KeyObject } from "node:crypto";
import { base64urlnopad } from "@scure/base";
import { concatBytes, toBase64, utf8Bytes } from "../../src/protocol/bytes.ts";
import type { WebAuthnAssertion } from "../../src/protocol/envelope.ts";
import type { Passkey } from "../../src/protocol/webauthn.ts";

/** What a dishonest or broken authenticator, browser or page would say instead. */
export interface AssertionChanges {
  readonly challenge?: Uint8Array;
  readonly origin?: string;
  readonly relyingPartyId?: string;
  readonly type?: string;
  readonly crossOrigin?: boolean;
  /** 0x01 user present, 0x04 user verified. */
  readonly flags?: number;
  readonly credentialId?: string;
  /** Replaces the text of clientDataJSON as a whole. */
  readonly clientData?: string;
  /** Bytes cut from the end of authenticatorData before it is signed. */
  readonly cut?: number;
}

export interface TestAuthenticator {
  readonly passkey: Passkey;
  assert(challenge: Uint8Array, changes?: AssertionChanges): WebAuthnAssertion;
}

/** A passkey made with node:crypto: none of the code that verifies it. */
export function createAuthenticator(
  algorithm: Passkey["algorithm"],
  required = true,
  page: Partial<Pick<Passkey, "origin" | "relyingPartyId">> = {},
): TestAuthenticator {
  const { publicKey, privateKey } =
    algorithm === "ES256"
      ? generateKeyPairSync("ec", { namedCurve: "P-256" })
      : generateKeyPairSync("ed25519");
  const passkey: Passkey = {
    credentialId: toBase64(new Uint8Array(randomBytes(32))),
    algorithm,
    publicKey: toBase64(rawPublicKey(publicKey)),
    relyingPartyId: "localhost",
    origin: "http://localhost:8080",
    ...page,
    required,
  };
  return {
    passkey,
    assert: (challenge, changes = {}) => makeAssertion(passkey, privateKey, challenge, changes),
  };
}

function rawPublicKey(publicKey: KeyObject): Uint8Array {
  const { x = "", y } = publicKey.export({ format: "jwk" });
  const coordinates = [x, ...(y === undefined ? [] : [y])].map((part) =>
    base64urlnopad.decode(part),
  );
  return concatBytes(...(y === undefined ? [] : [Uint8Array.of(4)]), ...coordinates);
}

function makeAssertion(
  passkey: Passkey,
  privateKey: KeyObject,
  challenge: Uint8Array,
  changes: AssertionChanges,
): WebAuthnAssertion {
  const clientData = utf8Bytes(
    changes.clientData ??
      JSON.stringify({
        type: changes.type ?? "webauthn.get",
        challenge: base64urlnopad.encode(changes.challenge ?? challenge),
        origin: changes.origin ?? passkey.origin,
        crossOrigin: changes.crossOrigin ?? false,
      }),
  );
  const whole = concatBytes(
    sha256(utf8Bytes(changes.relyingPartyId ?? passkey.relyingPartyId)),
    Uint8Array.of(changes.flags ?? 0x05),
    // The signature counter: passkeys that are synchronised leave it at 0.
    new Uint8Array(4),
  );
  const authenticatorData = whole.subarray(0, whole.length - (changes.cut ?? 0));
  const message = concatBytes(authenticatorData, sha256(clientData));
  const algorithm = passkey.algorithm === "ES256" ? "sha256" : null;
  return {
    credentialId: changes.credentialId ?? passkey.credentialId,
    authenticatorData: toBase64(authenticatorData),
    clientDataJSON: toBase64(clientData),
    signature: toBase64(new Uint8Array(sign(algorithm, message, privateKey))),
  };
}

function sha256(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash("sha256").update(bytes).digest());
}
