import { ed25519 } from "@noble/curves/ed25519.js";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { fromHex, utf8Bytes } from "../../src/protocol/bytes.ts";
import { verifyEd25519 } from "../../src/protocol/envelope.ts";
import { sharedPath } from "../support/requirements.ts";

const hexBytes = (text: string) => fromHex(text, "vector");

interface WycheproofFile {
  testGroups: {
    publicKey: { pk: string };
    tests: { tcId: number; msg: string; sig: string; result: "valid" | "invalid" }[];
  }[];
}

test("every Wycheproof signature is judged as published", () => {
  const file = sharedPath("vectors/wycheproof/ed25519_test.json");
  if (file === null) return console.warn("skipped: the published vectors are not here");
  const { testGroups } = JSON.parse(readFileSync(file, "utf8")) as WycheproofFile;
  let count = 0;
  for (const { publicKey, tests } of testGroups) {
    for (const { tcId, msg, sig, result } of tests) {
      const holds = verifyEd25519(hexBytes(sig), hexBytes(msg), hexBytes(publicKey.pk));
      expect(holds, `tcId ${tcId}`).toBe(result === "valid");
      count += 1;
    }
  }
  expect(count).toBeGreaterThan(50);
});

interface CctvVector {
  number: number;
  key: string;
  sig: string;
  msg: string;
  flags: string[] | null;
}

// Verifiers differ on purpose-made signatures that only the holder of a key can make. Ours takes
// the equation with cofactor of RFC 8032 section 5.1.7, and nothing that has two spellings: no
// point encoded otherwise than RFC 8032 says, no key of low order (it would fit any message).
// Components of low order beside a real key change nothing under the cofactor and are accepted.
const REFUSED_FLAGS = ["low_order_A", "non_canonical_A", "non_canonical_R"];

test("edge-case signatures are accepted exactly where our policy says so (CCTV)", () => {
  const file = sharedPath("vectors/cctv-ed25519/ed25519vectors.json");
  if (file === null) return console.warn("skipped: the published vectors are not here");
  const vectors = JSON.parse(readFileSync(file, "utf8")) as CctvVector[];
  let accepted = 0;
  for (const { number, key, sig, msg, flags } of vectors) {
    const policy = !(flags ?? []).some((flag) => REFUSED_FLAGS.includes(flag));
    const holds = verifyEd25519(hexBytes(sig), utf8Bytes(msg), hexBytes(key));
    expect(holds, `${number}: ${(flags ?? []).join(" ")}`).toBe(policy);
    if (holds) accepted += 1;
  }
  expect(accepted).toBeGreaterThan(50);
  expect(accepted).toBeLessThan(vectors.length / 2);
});

test("keys and signatures of another length, or off the curve, are simply not valid", () => {
  const secretKey = new Uint8Array(32).fill(1);
  const publicKey = ed25519.getPublicKey(secretKey);
  const message = utf8Bytes("message");
  const signature = ed25519.sign(message, secretKey);
  expect(verifyEd25519(signature, message, publicKey)).toBe(true);
  expect(verifyEd25519(signature.slice(1), message, publicKey)).toBe(false);
  expect(verifyEd25519(signature, message, publicKey.slice(1))).toBe(false);
  expect(verifyEd25519(signature, message, new Uint8Array(32).fill(2))).toBe(false);
  expect(verifyEd25519(new Uint8Array(64), message, publicKey)).toBe(false);
});
