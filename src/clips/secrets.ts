import { createHmac, randomFillSync } from "node:crypto";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/**
 * Handling of file-key material so that nothing of it stays behind (invariant 2): secrets live in
 * buffers with memory of their own, never in strings, and are overwritten after use.
 */

/** Zeroed bytes with memory of their own. */
export function allocateSecret(sizeBytes: number): Uint8Array {
  // A typed array of 64 bytes or fewer made in the short way has its bytes inside the engine's
  // heap, where the garbage collector moves them and leaves the old copy.
  return new Uint8Array(new ArrayBuffer(sizeBytes));
}

export function randomSecret(sizeBytes: number): Uint8Array {
  const secret = allocateSecret(sizeBytes);
  randomFillSync(secret);
  return secret;
}

/** Joins secrets; the parts stay as they are. */
export function joinSecrets(...parts: readonly Uint8Array[]): Uint8Array {
  const joined = allocateSecret(parts.reduce((sizeBytes, part) => sizeBytes + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

/** Overwrites secrets with zeroes. */
export function wipe(...secrets: readonly Uint8Array[]): void {
  for (const secret of secrets) secret.fill(0);
}

/** HMAC-SHA256 (RFC 2104). The caller wipes the result where it is a secret. */
export function hmacSha256(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  const hmac = createHmac("sha256", key);
  for (const part of parts) hmac.update(part);
  return hmac.digest();
}

const FIRST_BLOCK = Uint8Array.of(1);

/**
 * HKDF-SHA256 (RFC 5869) for at most 32 bytes. Built on HMAC, since `hkdfSync` puts the input key
 * into a key object that waits for the garbage collector.
 */
export function hkdfSha256(
  input: { readonly key: Uint8Array; readonly salt: Uint8Array; readonly info: Uint8Array },
  sizeBytes = 32,
): Uint8Array {
  const pseudoRandomKey = hmacSha256(input.salt, input.key);
  const output = hmacSha256(pseudoRandomKey, input.info, FIRST_BLOCK);
  wipe(pseudoRandomKey);
  if (sizeBytes === output.length) return output;
  const cut = joinSecrets(output.subarray(0, sizeBytes));
  wipe(output);
  return cut;
}

type CollectYoung = (options: { type: "minor" }) => void;
let collectYoung: CollectYoung | null = null;

/**
 * Collects the engine's young objects, and with them the key objects just used: `node:crypto` has
 * no other way to free (and so to overwrite) the private half of an X25519 key pair.
 *
 * Call it from outside the function that held the key object; takes about 0.1 ms.
 */
export function releaseKeyObjects(): void {
  if (collectYoung === null) {
    setFlagsFromString("--expose-gc");
    collectYoung = runInNewContext("gc") as CollectYoung;
  }
  collectYoung({ type: "minor" });
}
