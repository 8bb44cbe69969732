import { requireAgeHeader } from "../protocol/age-header.ts";
import { concatBytes } from "../protocol/bytes.ts";
import { HubError } from "../protocol/errors.ts";
import { digestHex } from "./digest.ts";
import { openChunks, openPayload } from "./payload.ts";
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
  const payload = file.subarray(requireAgeHeader(file).payloadOffset);
  if (payloadSha256 !== null && (await digestHex(payload)) !== payloadSha256)
    throw new HubError("FILE_ALTERED", "Cannot open file: it is not what was recorded");
  // Told apart from damage, so that "not your key" is said as such.
  const fileKey = await openFileKey(file, identities);
  try {
    const plaintext = openPayload(fileKey, payload);
    if (plaintext === null)
      throw new HubError("FILE_ALTERED", "Cannot open file: it does not authenticate");
    return plaintext;
  } finally {
    fileKey.fill(0);
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
