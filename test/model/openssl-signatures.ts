import { createPrivateKey, createPublicKey, sign, verify } from "node:crypto";
import * as noble from "../../node_modules/@noble/curves/ed25519.js";

// Ed25519 by OpenSSL, fifty times faster than in JavaScript: what a model run spends its time on
// would otherwise be curve arithmetic. That signatures are checked strictly has tests of its own.

const PKCS8_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");
const SPKI_PREFIX = Buffer.from("302a300506032b6570032100", "hex");
const publicKeys = new Map<string, ReturnType<typeof createPublicKey>>();

function publicKeyOf(raw: Uint8Array): ReturnType<typeof createPublicKey> {
  const name = Buffer.from(raw).toString("hex");
  const known = publicKeys.get(name);
  if (known) return known;
  const key = createPublicKey({
    key: Buffer.concat([SPKI_PREFIX, raw]),
    format: "der",
    type: "spki",
  });
  publicKeys.set(name, key);
  return key;
}

class TrustedPoint {
  static fromBytes(): TrustedPoint {
    return new TrustedPoint();
  }
  /** Every key in a model run was made in it. */
  isSmallOrder(): boolean {
    return false;
  }
}

export const ed25519 = {
  ...noble.ed25519,
  Point: TrustedPoint,
  sign: (message: Uint8Array, seed: Uint8Array): Uint8Array => {
    const key = Buffer.concat([PKCS8_PREFIX, seed]);
    const privateKey = createPrivateKey({ key, format: "der", type: "pkcs8" });
    return new Uint8Array(sign(null, message, privateKey));
  },
  verify: (signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean =>
    verify(null, message, publicKeyOf(publicKey), signature),
};
export const { x25519 } = noble;
