import { describe, expect, test } from "vitest";
import { deviceRecord, newLabel, randomHex, signingKeyOf } from "../../src/owner/device-bundle.ts";
import { foundHousehold, signAdmission } from "../../src/owner/household.ts";
import { envelopeSigner, generateSigningKey } from "../../src/owner/identity.ts";
import { toBase64 } from "../../src/protocol/bytes.ts";
import { originOf } from "../../src/protocol/cosigner.ts";
import type { Envelope, EnvelopeSigner } from "../../src/protocol/envelope.ts";
import { extendKeyring, verifyKeyring } from "../../src/protocol/keyring.ts";
import { createAuthenticator } from "../support/authenticator.ts";

const NOW_MS = Date.UTC(2026, 10, 22);
const NOT_CONFIRMED = { code: "KEYRING_NOT_CONFIRMED" };
const authenticator = createAuthenticator("ES256");

/** A household whose founder's device must confirm with its passkey. */
async function founded() {
  const ledgerKey = generateSigningKey().publicKey;
  const hub = {
    ...{ name: "Home", version: "0", claimed: false, genesis: null },
    ...{ origin: originOf(ledgerKey), ledgerKey: toBase64(ledgerKey) },
  };
  const { bundle, statement } = await foundHousehold(hub, {
    ...{ kind: "x25519", label: "phone", nowMs: NOW_MS },
    passkey: authenticator.passkey,
  });
  const keyring = verifyKeyring([statement]);
  const key = envelopeSigner(signingKeyOf(bundle));
  const admit = (signer: EnvelopeSigner): Promise<Envelope> =>
    signAdmission(
      signer,
      keyring,
      {
        ...{ person: randomHex(16), role: "owner" },
        device: deviceRecord(generateSigningKey().publicKey, newLabel("another")),
      },
      NOW_MS,
    );
  return { keyring, key, admit };
}

describe("a device with a passkey, after it has founded the household", () => {
  test("changes the keyring with its confirmation of exactly this statement", async () => {
    const { keyring, key, admit } = await founded();
    const statement = await admit({
      ...key,
      assert: async (challenge) => authenticator.assert(challenge),
    });
    expect(extendKeyring(keyring, statement).epoch).toBe(1);
  });

  test("not without: whoever has the signing key alone lets nobody in", async () => {
    const { keyring, key, admit } = await founded();
    const statement = await admit(key);
    expect(() => extendKeyring(keyring, statement)).toThrow(expect.objectContaining(NOT_CONFIRMED));
  });

  test("not with a confirmation of something else, or of somebody else's", async () => {
    const { keyring, key, admit } = await founded();
    const other = createAuthenticator("ES256");
    for (const assert of [
      async () => authenticator.assert(new Uint8Array(32)),
      async (challenge: Uint8Array) => other.assert(challenge),
      async (challenge: Uint8Array) => authenticator.assert(challenge, { flags: 0x01 }),
    ]) {
      const statement = await admit({ ...key, assert });
      expect(() => extendKeyring(keyring, statement)).toThrow(
        expect.objectContaining(NOT_CONFIRMED),
      );
    }
  });
});
