import { Decrypter } from "age-encryption";
import { sha256 } from "@noble/hashes/sha2.js";
import { requireAgeHeader } from "../protocol/age-header.ts";
import { concatBytes, toHex } from "../protocol/bytes.ts";
import { HubError } from "../protocol/errors.ts";
import { openChunks } from "./payload.ts";
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
  const parts: Uint8Array[] = [];
  let isWhole = false;
  try {
    for (const { plaintext, isFinal } of openChunks(fileKey, file.subarray(payloadOffset))) {
      parts.push(plaintext);
      isWhole = isFinal;
    }
  } finally {
    fileKey.fill(0);
  }
  return { plaintext: concatBytes(...parts), isWhole };
}
