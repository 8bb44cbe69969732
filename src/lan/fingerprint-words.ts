import { createHash } from "node:crypto";
import { FINGERPRINT_WORDS, fingerprintWords } from "../protocol/words.ts";

/** The eight words by which people compare an authority on two screens. */
export function authorityWords(certificateDer: Uint8Array): readonly string[] {
  return fingerprintWords("authority", certificateDer, FINGERPRINT_WORDS);
}

/** SHA-256 as systems show it where they list a certificate: `A1 B2 ...`, 32 octets. */
export function authorityFingerprint(certificateDer: Uint8Array): string {
  const hex = createHash("sha256").update(certificateDer).digest("hex").toUpperCase();
  return (hex.match(/../g) ?? []).join(" ");
}
