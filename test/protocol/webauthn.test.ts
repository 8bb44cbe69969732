import { createHash, createPublicKey, verify } from "node:crypto";
import { base64urlnopad } from "@scure/base";
import { describe, expect, test } from "vitest";
import { fromBase64, toBase64, utf8Bytes } from "../../src/protocol/bytes.ts";
import type { WebAuthnAssertion } from "../../src/protocol/envelope.ts";
import { verifyAssertion } from "../../src/protocol/webauthn.ts";
import { createAuthenticator, type AssertionChanges } from "../support/authenticator.ts";

const challenge = new Uint8Array(32).map((_, index) => index);

describe.each(["ES256", "EdDSA"] as const)("a passkey of kind %s", (algorithm) => {
  const authenticator = createAuthenticator(algorithm);
  const { passkey } = authenticator;
  const accepts = (changes: AssertionChanges): boolean =>
    verifyAssertion(authenticator.assert(challenge, changes), passkey, challenge);

  test("confirms the terms it was shown", () => {
    expect(accepts({})).toBe(true);
  });

  const wrong: [string, AssertionChanges][] = [
    ["other terms", { challenge: new Uint8Array(32) }],
    ["a challenge cut short", { challenge: challenge.slice(0, 31) }],
    ["another origin", { origin: "http://localhost:8081" }],
    ["an origin that only begins alike", { origin: "http://localhost:8080.evil.example" }],
    ["another relying party", { relyingPartyId: "example.org" }],
    ["a registration instead of an assertion", { type: "webauthn.create" }],
    ["a page inside another site's", { crossOrigin: true }],
    ["a user who was not verified", { flags: 0x01 }],
    ["a user who was not present", { flags: 0x04 }],
    ["no user at all", { flags: 0 }],
    ["another credential", { credentialId: toBase64(new Uint8Array(32)) }],
    ["authenticator data that is cut short", { cut: 1 }],
    ["client data that is a list", { clientData: "[]" }],
    ["client data that is null", { clientData: "null" }],
    ["client data without members", { clientData: "{}" }],
  ];
  test.each(wrong)("does not confirm with %s", (_what, changes) => {
    expect(accepts(changes)).toBe(false);
  });

  test("does not confirm with the signature of another key, or with any changed byte", () => {
    const stranger = createAuthenticator(algorithm);
    const forged = stranger.assert(challenge, { credentialId: passkey.credentialId });
    expect(verifyAssertion(forged, passkey, challenge)).toBe(false);
    const good = authenticator.assert(challenge);
    const fields = ["authenticatorData", "clientDataJSON", "signature"] as const;
    for (const field of fields) {
      const bytes = fromBase64(good[field], field);
      for (let index = 0; index < bytes.length; index += 1) {
        const changed = Uint8Array.from(bytes);
        changed[index] = (changed[index] ?? 0) ^ 0x01;
        const assertion = { ...good, [field]: toBase64(changed) } as WebAuthnAssertion;
        expect(
          outcome(() => verifyAssertion(assertion, passkey, challenge)),
          field,
        ).toBe(false);
      }
    }
  });

  test("signs what node:crypto verifies too, so that both sides of this test are not one mistake", () => {
    const assertion = authenticator.assert(challenge);
    const raw = fromBase64(passkey.publicKey, "key");
    const coordinate = (from: number, to: number) => base64urlnopad.encode(raw.slice(from, to));
    const jwk =
      algorithm === "ES256"
        ? { kty: "EC", crv: "P-256", x: coordinate(1, 33), y: coordinate(33, 65) }
        : { kty: "OKP", crv: "Ed25519", x: coordinate(0, 32) };
    const clientHash = createHash("sha256")
      .update(fromBase64(assertion.clientDataJSON, "client data"))
      .digest();
    const message = Buffer.concat([
      fromBase64(assertion.authenticatorData, "authenticator data"),
      clientHash,
    ]);
    const key = createPublicKey({ key: jwk, format: "jwk" });
    const signature = fromBase64(assertion.signature, "signature");
    const digest = algorithm === "ES256" ? "sha256" : null;
    expect(verify(digest, message, key, signature)).toBe(true);
  });
});

test("client data with members in any order and white space is taken as browsers send it", () => {
  const authenticator = createAuthenticator("ES256");
  const { passkey } = authenticator;
  const clientData = `{ "origin" : "${passkey.origin}", "other_keys_can_be_added_here": "do not compare clientDataJSON against a template", "challenge":"${base64urlnopad.encode(challenge)}", "type":"webauthn.get" }`;
  expect(verifyAssertion(authenticator.assert(challenge, { clientData }), passkey, challenge)).toBe(
    true,
  );
});

test("a key of one kind is not taken for one of the other", () => {
  const [es256, edDsa] = [createAuthenticator("ES256"), createAuthenticator("EdDSA")];
  const assertion = es256.assert(challenge);
  const mistaken = { ...es256.passkey, algorithm: "EdDSA" as const };
  expect(verifyAssertion(assertion, mistaken, challenge)).toBe(false);
  const swapped = { ...edDsa.passkey, algorithm: "ES256" as const };
  expect(verifyAssertion(edDsa.assert(challenge), swapped, challenge)).toBe(false);
});

/** False for a refusal, true for a confirmation; base64 or JSON that cannot be read counts as no. */
function outcome(work: () => boolean): boolean {
  try {
    return work();
  } catch (error) {
    if (error instanceof Error && error.name === "MalformedInput") return false;
    throw error;
  }
}

test("client data that is no JSON at all is malformed, not a crash", () => {
  const authenticator = createAuthenticator("EdDSA");
  const assertion = authenticator.assert(challenge, { clientData: "{" });
  expect(() => verifyAssertion(assertion, authenticator.passkey, challenge)).toThrow(/not JSON/);
  expect(utf8Bytes("{")).toHaveLength(1);
});
