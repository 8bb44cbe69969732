import { createPrivateKey, createPublicKey, hash } from "node:crypto";
import { bech32 } from "@scure/base";
import { openFileKey } from "../../owner/release.ts";
import { parseRecipient, type AgeHeader } from "../../protocol/age-header.ts";
import { toHex } from "../../protocol/bytes.ts";
import { HubError } from "../../protocol/errors.ts";

/** What a key is tried on: headers of recordings, and the public halves of all readers there were. */
export interface Lock {
  /** Newest first. */
  readonly headers: readonly AgeHeader[];
  /** Hex of the X25519 key of each reader; a post-quantum one has such a key as well. */
  readonly readers: { readonly pq: ReadonlySet<string>; readonly x25519: ReadonlySet<string> };
}

const X25519_KEY_BYTES = 32;
const EXPANDED_BYTES = 96;
/** DER of a PKCS #8 X25519 key before its 32 bytes (RFC 8410 section 7). */
const X25519_PKCS8_PREFIX = Buffer.from("302e020100300506032b656e04220420", "hex");

/** @param recipients - `age1...` and `age1pq1...`. */
export function lockOf(headers: readonly AgeHeader[], recipients: Iterable<string>): Lock {
  const readers = { pq: new Set<string>(), x25519: new Set<string>() };
  for (const text of recipients) {
    const { kind, key } = parseRecipient(text);
    // ML-KEM-768 first, X25519 last (C2SP age, the hybrid recipient).
    readers[kind].add(toHex(key.subarray(-X25519_KEY_BYTES)));
  }
  return { headers, readers };
}

/** Whether 32 bytes are the secret of a reader: an X25519 key, or the seed of a post-quantum one. */
export function isReaderSeed({ readers }: Lock, seed: Uint8Array): boolean {
  if (seed.length !== X25519_KEY_BYTES) return false;
  if (readers.x25519.size > 0 && readers.x25519.has(publicKeyOf(seed))) return true;
  if (readers.pq.size === 0) return false;
  const expanded = hash("shake256", seed, {
    outputEncoding: "buffer",
    outputLength: EXPANDED_BYTES,
  });
  return readers.pq.has(publicKeyOf(expanded.subarray(-X25519_KEY_BYTES)));
}

/** Hex. */
function publicKeyOf(secret: Uint8Array): string {
  const privateKey = createPrivateKey({
    key: Buffer.concat([X25519_PKCS8_PREFIX, secret]),
    format: "der",
    type: "pkcs8",
  });
  const der = createPublicKey(privateKey).export({ format: "der", type: "spki" });
  return toHex(der.subarray(-X25519_KEY_BYTES));
}

/** How many recordings open with an age identity. */
export async function opensWithIdentity(lock: Lock, identity: string): Promise<number> {
  let opened = 0;
  // A reader's is tried on all, any other on the newest: there may be hundreds of either.
  const isReader = isReaderSeed(lock, bech32.decodeToBytes(identity).bytes);
  for (const { headerBytes } of isReader ? lock.headers : lock.headers.slice(0, 1))
    try {
      await openFileKey(headerBytes, [identity]);
      opened += 1;
    } catch (error) {
      // Not this key: that is the answer that is hoped for.
      if (!(error instanceof HubError)) throw error;
    }
  return opened;
}

const BLOCK_BYTES = 64;
const HKDF_NO_SALT = new Uint8Array(32);
const HKDF_HEADER_INFO = Buffer.from("header\x01", "latin1");

/** The key of the header's MAC, were `fileKey` its file key (age specification). */
export function macKeyOf(fileKey: Uint8Array): Buffer {
  // HKDF-SHA256 by hand (RFC 5869), on plain hashes: tens of thousands of candidates are tried, and
  // a key object for each would take most of the time.
  return hmacSha256(hmacSha256(HKDF_NO_SALT, fileKey), HKDF_HEADER_INFO);
}

/** How many recordings have `fileKey`. */
export function opensWithFileKey({ headers }: Lock, fileKey: Uint8Array): number {
  const macKey = macKeyOf(fileKey);
  return headers.filter((header) => hmacSha256(macKey, header.macInput).equals(header.mac)).length;
}

/** RFC 2104, for keys of at most one block. */
function hmacSha256(key: Uint8Array, message: Uint8Array): Buffer {
  const padded = Buffer.alloc(BLOCK_BYTES + message.length, 0x36);
  for (let at = 0; at < key.length; at += 1) padded[at] = (key[at] ?? 0) ^ 0x36;
  padded.set(message, BLOCK_BYTES);
  const inner = hash("sha256", padded, "buffer");
  const outer = Buffer.alloc(BLOCK_BYTES + inner.length, 0x5c);
  for (let at = 0; at < key.length; at += 1) outer[at] = (key[at] ?? 0) ^ 0x5c;
  outer.set(inner, BLOCK_BYTES);
  return hash("sha256", outer, "buffer");
}
