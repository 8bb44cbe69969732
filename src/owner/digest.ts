import { sha256Hex, toHex } from "../protocol/bytes.ts";
import { parseSha256Hex, type Sha256Hex } from "../protocol/ids.ts";

/**
 * SHA-256 (FIPS 180-4) of a whole file, as 64 lower-case hex digits: by the platform, which is many
 * times as fast as JavaScript, where it has it. A page without TLS has not.
 */
export async function digestHex(bytes: Uint8Array): Promise<Sha256Hex> {
  const { subtle }: { readonly subtle?: typeof crypto.subtle } = crypto;
  if (subtle === undefined) return sha256Hex(bytes);
  // What is hashed here never lies in memory that another thread could change meanwhile.
  const digest = await subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>);
  return parseSha256Hex(toHex(new Uint8Array(digest)));
}
