import { sha256 } from "@noble/hashes/sha2.js";
import { wordlist } from "@scure/bip39/wordlists/english.js";
import { concatBytes, utf8Bytes } from "./bytes.ts";

const BITS_PER_WORD = 11;

/** Words that a person compares by eye for a key (recipient, authority): 88 bits. */
export const FINGERPRINT_WORDS = 8;
/** Words compared after a commit-then-reveal exchange, where a forger has a single try: 33 bits. */
export const PAIRING_WORDS = 3;

/**
 * The first `count` words of SHA-256 over a label and `bytes`, eleven bits a word, from the BIP 39
 * English list (2048 words that differ in their first four letters).
 */
export function fingerprintWords(label: string, bytes: Uint8Array, count: number): string[] {
  const digest = sha256(concatBytes(utf8Bytes(`doorward words ${label}\0`), bytes));
  const words: string[] = [];
  for (let index = 0; index < count; index += 1) {
    words.push(wordlist[bitsAt(digest, index * BITS_PER_WORD)] ?? "");
  }
  return words;
}

/** The eight words by which an owner recognises who will be able to open what leaves. */
export function recipientWords(recipient: string): string[] {
  return fingerprintWords("recipient", utf8Bytes(recipient), FINGERPRINT_WORDS);
}

/** The eight words by which owners who did not pair with a device recognise whom they let in. */
export function signingKeyWords(publicKey: Uint8Array): string[] {
  return fingerprintWords("signing key", publicKey, FINGERPRINT_WORDS);
}

function bitsAt(bytes: Uint8Array, firstBit: number): number {
  let value = 0;
  for (let bit = firstBit; bit < firstBit + BITS_PER_WORD; bit += 1) {
    const byte = bytes[bit >> 3] ?? 0;
    value = (value << 1) | ((byte >> (7 - (bit & 7))) & 1);
  }
  return value;
}
