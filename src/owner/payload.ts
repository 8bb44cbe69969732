import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { concatBytes, utf8Bytes } from "../protocol/bytes.ts";

/** The payload of an age file: 16 bytes of nonce, then chunks of the STREAM construction. */

const CHUNK_BYTES = 64 * 1024;
const TAG_BYTES = 16;
const NONCE_BYTES = 16;
const SEALED_CHUNK_BYTES = CHUNK_BYTES + TAG_BYTES;

export interface OpenedChunk {
  readonly plaintext: Uint8Array;
  /** The chunk is marked as the last one. */
  readonly isFinal: boolean;
}

/**
 * Opens chunk after chunk for as long as they authenticate.
 *
 * @param payload - All bytes after the header's final newline, or what is left of them.
 */
export function* openChunks(fileKey: Uint8Array, payload: Uint8Array): Generator<OpenedChunk> {
  const nonce = payload.subarray(0, NONCE_BYTES);
  const sealed = payload.subarray(NONCE_BYTES);
  const payloadKey = hkdf(sha256, fileKey, nonce, utf8Bytes("payload"), 32);
  try {
    for (let start = 0; start < sealed.length; start += SEALED_CHUNK_BYTES) {
      const index = start / SEALED_CHUNK_BYTES;
      const chunk = sealed.subarray(start, start + SEALED_CHUNK_BYTES);
      const isLast = start + chunk.length >= sealed.length;
      const middle = openChunk(payloadKey, index, false, chunk);
      const plaintext = middle ?? (isLast ? openChunk(payloadKey, index, true, chunk) : null);
      if (!plaintext) return;
      yield { plaintext, isFinal: middle === null };
    }
  } finally {
    payloadKey.fill(0);
  }
}

/**
 * Opens a whole payload: every chunk authenticates, the last is marked as such, and nothing follows
 * it. Only a payload of nothing has an empty chunk.
 *
 * @returns The plaintext, or null where any of that is not so.
 */
export function openPayload(fileKey: Uint8Array, payload: Uint8Array): Uint8Array | null {
  const parts: Uint8Array[] = [];
  for (const { plaintext, isFinal } of openChunks(fileKey, payload)) {
    if (plaintext.length === 0 && parts.length > 0) return null;
    parts.push(plaintext);
    // A chunk is taken for the last only where the payload ends.
    if (isFinal) return concatBytes(...parts);
  }
  return null;
}

/**
 * True when `fileKey` is the key of this payload. Its first chunk is enough: nobody can make one
 * that authenticates under another key that he does not have.
 */
export function isKeyOfPayload(fileKey: Uint8Array, payload: Uint8Array): boolean {
  for (const _chunk of openChunks(fileKey, payload)) return true;
  return false;
}

function openChunk(
  key: Uint8Array,
  index: number,
  isFinal: boolean,
  chunk: Uint8Array,
): Uint8Array | null {
  const nonce = new Uint8Array(12);
  // An 11-byte big-endian counter, then 1 for the last chunk.
  new DataView(nonce.buffer).setUint32(7, index);
  nonce[11] = isFinal ? 1 : 0;
  try {
    return chacha20poly1305(key, nonce).decrypt(chunk);
  } catch {
    // Not this key or nonce, or damaged: the caller tells which.
    return null;
  }
}
