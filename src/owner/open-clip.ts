import { Decrypter } from "age-encryption";
import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { requireAgeHeader } from "../protocol/age-header.ts";
import { concatBytes, toHex, utf8Bytes } from "../protocol/bytes.ts";
import { HubError } from "../protocol/errors.ts";
import { openFileKey } from "./release.ts";

/**
 * Opens a whole sealed file.
 *
 * @param payloadSha256 - What the ledger says of the payload; checked before anything is opened.
 * @throws HubError FILE_ALTERED when it is not what was recorded, NO_READER when no key fits.
 */
export async function openSealedFile(
  file: Uint8Array,
  identities: readonly string[],
  payloadSha256: string | null,
): Promise<Uint8Array> {
  const { payloadOffset } = requireAgeHeader(file);
  if (payloadSha256 !== null && toHex(sha256(file.subarray(payloadOffset))) !== payloadSha256)
    throw new HubError("FILE_ALTERED", "Cannot open file: it is not what was recorded");
  // Told apart from damage, so that "not your key" is said as such.
  const fileKey = await openFileKey(file, identities);
  fileKey.fill(0);
  const decrypter = new Decrypter();
  for (const identity of identities) decrypter.addIdentity(identity);
  try {
    return await decrypter.decrypt(file);
  } catch (cause) {
    throw new HubError("FILE_ALTERED", "Cannot open file: it does not authenticate", { cause });
  }
}

const CHUNK_BYTES = 64 * 1024;
const TAG_BYTES = 16;
const NONCE_BYTES = 16;

/**
 * Opens what authenticates of a file that was never finished: whole chunks of the STREAM
 * construction (age specification), up to the first that does not verify.
 *
 * @returns The plaintext so far, which may be empty, and whether the file had its end after all.
 */
export async function openTornFile(
  file: Uint8Array,
  identities: readonly string[],
): Promise<{ plaintext: Uint8Array; isWhole: boolean }> {
  const { payloadOffset } = requireAgeHeader(file);
  const fileKey = await openFileKey(file, identities);
  const nonce = file.subarray(payloadOffset, payloadOffset + NONCE_BYTES);
  const payloadKey = hkdf(sha256, fileKey, nonce, utf8Bytes("payload"), 32);
  fileKey.fill(0);
  const parts: Uint8Array[] = [];
  const sealed = file.subarray(payloadOffset + NONCE_BYTES);
  let isWhole = false;
  for (let index = 0; index * (CHUNK_BYTES + TAG_BYTES) < sealed.length; index += 1) {
    const start = index * (CHUNK_BYTES + TAG_BYTES);
    const chunk = sealed.subarray(start, start + CHUNK_BYTES + TAG_BYTES);
    const isLast = start + chunk.length >= sealed.length;
    const middle = openChunk(payloadKey, index, false, chunk);
    const opened = middle ?? (isLast ? openChunk(payloadKey, index, true, chunk) : null);
    if (!opened) break;
    isWhole = middle === null;
    parts.push(opened);
  }
  payloadKey.fill(0);
  return { plaintext: concatBytes(...parts), isWhole };
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
    // Not this nonce, or damaged: the caller tells which.
    return null;
  }
}
