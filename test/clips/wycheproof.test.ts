import {
  createCipheriv,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  encapsulate,
} from "node:crypto";
import { readFileSync } from "node:fs";
import { ml_kem768 } from "@noble/post-quantum/ml-kem.js";
import { expect, test } from "vitest";
import { hkdfSha256, hmacSha256 } from "../../src/clips/secrets.ts";
import { sharedPath } from "../support/requirements.ts";

/**
 * The published Wycheproof vectors for what the file writer calls. Where the writer has a function
 * of its own (HKDF, HMAC) that one is tested, else the call of `node:crypto` as the writer makes it.
 */

interface Vector {
  readonly tcId: number;
  readonly flags: readonly string[];
  readonly result: "valid" | "invalid" | "acceptable";
  readonly [member: string]: unknown;
}
interface Group {
  readonly type: string;
  readonly tests: readonly Vector[];
  readonly [member: string]: unknown;
}

function groups(name: string): readonly Group[] {
  const file = sharedPath(`vectors/wycheproof/${name}_test.json`);
  if (file === null) {
    console.warn(`skipped: no shared Wycheproof vectors for ${name}`);
    return [];
  }
  return (JSON.parse(readFileSync(file, "utf8")) as { testGroups: Group[] }).testGroups;
}

const bytes = (vector: Vector, member: string): Buffer =>
  Buffer.from(String(vector[member]), "hex");

test("HMAC-SHA256 gives the published tags", () => {
  for (const group of groups("hmac_sha256"))
    for (const vector of group.tests) {
      const tag = hmacSha256(bytes(vector, "key"), bytes(vector, "msg"));
      const wanted = bytes(vector, "tag");
      const matches = wanted.equals(tag.subarray(0, wanted.length));
      expect({ tcId: vector.tcId, matches }).toEqual({
        tcId: vector.tcId,
        matches: vector.result === "valid",
      });
    }
});

test("HKDF-SHA256 gives the published keys, up to the 32 bytes that it makes", () => {
  for (const group of groups("hkdf_sha256"))
    for (const vector of group.tests) {
      if (vector.result !== "valid") continue;
      const [key, salt, info] = [
        bytes(vector, "ikm"),
        bytes(vector, "salt"),
        bytes(vector, "info"),
      ];
      const sizeBytes = Math.min(32, Number(vector["size"]));
      const wanted = bytes(vector, "okm").subarray(0, sizeBytes);
      expect(wanted.equals(hkdfSha256({ key, salt, info }, sizeBytes))).toBe(true);
    }
});

test("ChaCha20-Poly1305 gives the published ciphertexts and tags", () => {
  for (const group of groups("chacha20_poly1305"))
    for (const vector of group.tests) {
      const nonce = bytes(vector, "iv");
      if (nonce.length !== 12 || vector.result === "acceptable") continue;
      const cipher = createCipheriv("chacha20-poly1305", bytes(vector, "key"), nonce, {
        authTagLength: 16,
      });
      const aad = bytes(vector, "aad");
      if (aad.length > 0) cipher.setAAD(aad, { plaintextLength: bytes(vector, "msg").length });
      const ciphertext = Buffer.concat([cipher.update(bytes(vector, "msg")), cipher.final()]);
      const matches =
        ciphertext.equals(bytes(vector, "ct")) && cipher.getAuthTag().equals(bytes(vector, "tag"));
      expect({ tcId: vector.tcId, matches }).toEqual({
        tcId: vector.tcId,
        matches: vector.result === "valid",
      });
    }
});

test("X25519 agrees on the published secrets and refuses an all-zero one", () => {
  for (const group of groups("x25519"))
    for (const vector of group.tests) {
      const privateKey = createPrivateKey({
        key: Buffer.concat([
          Buffer.from("302e020100300506032b656e04220420", "hex"),
          bytes(vector, "private"),
        ]),
        format: "der",
        type: "pkcs8",
      });
      const publicKey = createPublicKey({
        key: Buffer.concat([
          Buffer.from("302a300506032b656e032100", "hex"),
          bytes(vector, "public"),
        ]),
        format: "der",
        type: "spki",
      });
      const shared = bytes(vector, "shared");
      const agree = (): string => diffieHellman({ privateKey, publicKey }).toString("hex");
      if (shared.every((byte) => byte === 0)) expect(agree).toThrow();
      else expect(agree()).toBe(shared.toString("hex"));
    }
});

test("ML-KEM-768 encapsulates to the published keys, and their owner gets the same secret", () => {
  for (const group of groups("mlkem_768"))
    for (const vector of group.tests) {
      if (group.type !== "MLKEMTest" || vector.result !== "valid") continue;
      const key = createPublicKey({
        key: Buffer.concat([
          Buffer.from("308204b2300b0609608648016503040402038204a100", "hex"),
          bytes(vector, "ek"),
        ]),
        format: "der",
        type: "spki",
      });
      const { publicKey, secretKey } = ml_kem768.keygen(bytes(vector, "seed"));
      expect(bytes(vector, "ek").equals(publicKey)).toBe(true);
      // A secret of the published ciphertext, so that the judge is itself judged.
      const published = ml_kem768.decapsulate(bytes(vector, "c"), secretKey);
      expect(bytes(vector, "K").equals(published)).toBe(true);
      const { sharedKey, ciphertext } = encapsulate(key);
      expect(Buffer.from(ml_kem768.decapsulate(ciphertext, secretKey)).equals(sharedKey)).toBe(
        true,
      );
    }
});
