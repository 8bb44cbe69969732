import { readFileSync } from "node:fs";
import { p256 } from "@noble/curves/nist.js";
import { expect, test } from "vitest";
import { sharedPath } from "../support/requirements.ts";

interface Group {
  readonly publicKey: { readonly uncompressed: string };
  readonly tests: readonly {
    readonly tcId: number;
    readonly msg: string;
    readonly sig: string;
    readonly result: "valid" | "invalid" | "acceptable";
  }[];
}

const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, "hex"));

/** As `webauthn.ts` calls it: for passkeys of the ES256 kind. */
function verifies(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
  try {
    return p256.verify(signature, message, publicKey, { format: "der", lowS: false });
  } catch {
    return false;
  }
}

test("ECDSA P-256 with SHA-256 accepts and refuses what Wycheproof says, all of it", () => {
  const file = sharedPath("vectors/wycheproof/ecdsa_secp256r1_sha256_test.json");
  if (file === null) return console.warn("skipped: the published vectors are not here");
  const { testGroups } = JSON.parse(readFileSync(file, "utf8")) as { testGroups: Group[] };
  let tried = 0;
  for (const { publicKey, tests } of testGroups)
    for (const { tcId, msg, sig, result } of tests) {
      tried += 1;
      const holds = verifies(bytes(sig), bytes(msg), bytes(publicKey.uncompressed));
      expect({ tcId, holds }).toEqual({ tcId, holds: result === "valid" });
    }
  expect(tried).toBeGreaterThan(200);
});
