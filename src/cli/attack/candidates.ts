import { hash } from "node:crypto";
import { bech32 } from "@scure/base";
import { openFileKey } from "../../owner/release.ts";
import type { AgeHeader } from "../../protocol/age-header.ts";
import { HubError } from "../../protocol/errors.ts";

/** Finds in any bytes whatever could be a key, and tries it on real sealed files. */

const IDENTITY = /AGE-SECRET-KEY-(?:PQ-)?1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}/g;
const HEX = /[0-9a-f]{64}|[0-9a-f]{32}/g;
const BASE64_32_BYTES = /[A-Za-z0-9+/]{43}=/g;
const CANDIDATES_MAX = 500;

export interface Candidates {
  /** Age identities: written as such, or any 32 bytes taken for the seed of one. */
  readonly identities: ReadonlySet<string>;
  /** Hex of 16 bytes taken for a file key. */
  readonly fileKeys: ReadonlySet<string>;
}

/** Everything in `bytes` that is written as a key, or could be one in hex or base64. */
export function writtenCandidates(bytes: Uint8Array): Candidates {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
  const identities = new Set<string>();
  const fileKeys = new Set<string>();
  for (const [identity] of text.matchAll(IDENTITY)) identities.add(identity);
  for (const [hex] of text.matchAll(HEX)) {
    if (fileKeys.size + identities.size >= CANDIDATES_MAX) break;
    if (hex.length === 32) fileKeys.add(hex);
    else addSeed(identities, Buffer.from(hex, "hex"));
  }
  for (const [encoded] of text.matchAll(BASE64_32_BYTES)) {
    if (fileKeys.size + identities.size >= CANDIDATES_MAX) break;
    addSeed(identities, Buffer.from(encoded, "base64"));
  }
  return { identities, fileKeys };
}

/** Any 32 bytes are an X25519 secret and a post-quantum seed. */
export function addSeed(identities: Set<string>, seed: Uint8Array): void {
  for (const prefix of ["AGE-SECRET-KEY-", "AGE-SECRET-KEY-PQ-"] as const)
    identities.add(bech32.encodeFromBytes(prefix, seed).toUpperCase());
}

/** How many of `headers` open with one of the candidates. */
export async function tryCandidates(
  candidates: Candidates,
  headers: readonly AgeHeader[],
): Promise<number> {
  let opened = 0;
  for (const header of headers)
    if (
      (await opensWithIdentity(header, candidates.identities)) ||
      [...candidates.fileKeys].some((key) => isFileKey(header, Buffer.from(key, "hex")))
    )
      opened += 1;
  return opened;
}

async function opensWithIdentity(
  header: AgeHeader,
  identities: ReadonlySet<string>,
): Promise<boolean> {
  const type = header.stanzas[0]?.args[0];
  const wantsHybrid = type === "mlkem768x25519";
  for (const identity of identities) {
    if (identity.startsWith("AGE-SECRET-KEY-PQ-1") !== wantsHybrid) continue;
    try {
      await openFileKey(header.headerBytes, [identity]);
      return true;
    } catch (error) {
      // Not this key: that is the answer that is hoped for.
      if (!(error instanceof HubError)) throw error;
    }
  }
  return false;
}

const BLOCK_BYTES = 64;
const HKDF_NO_SALT = new Uint8Array(32);
const HKDF_HEADER_INFO = Buffer.from("header\x01", "latin1");

/** The header's own MAC tells whether 16 bytes are its file key (age specification). */
export function isFileKey(header: AgeHeader, key: Uint8Array): boolean {
  // HKDF-SHA256 by hand (RFC 5869), on plain hashes: tens of thousands of candidates are tried, and
  // a key object for each would take most of the time.
  const pseudorandomKey = hmacSha256(HKDF_NO_SALT, key);
  const macKey = hmacSha256(pseudorandomKey, HKDF_HEADER_INFO);
  return hmacSha256(macKey, header.macInput).equals(header.mac);
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
