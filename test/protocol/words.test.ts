import { createHash } from "node:crypto";
import { wordlist } from "@scure/bip39/wordlists/english.js";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  FINGERPRINT_WORDS,
  fingerprintWords,
  recipientWords,
  signingKeyWords,
} from "../../src/protocol/words.ts";

/** The definition in other words: the digest as one string of bits, eleven for each word. */
function naiveWords(label: string, bytes: Uint8Array, count: number): string[] {
  const digest = createHash("sha256").update(`doorward words ${label}\0`).update(bytes).digest();
  const bits = [...digest].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  return Array.from(
    { length: count },
    (_, index) => wordlist[Number.parseInt(bits.slice(index * 11, index * 11 + 11), 2)] ?? "",
  );
}

test("words are eleven bits each of the labelled SHA-256", () => {
  fc.assert(
    fc.property(
      fc.string(),
      fc.uint8Array(),
      fc.integer({ min: 1, max: 16 }),
      (label, key, count) => {
        expect(fingerprintWords(label, key, count)).toEqual(naiveWords(label, key, count));
      },
    ),
  );
});

test("a recipient has eight words, other ones for another recipient and for another use", () => {
  const words = recipientWords("age1one");
  expect(words).toHaveLength(FINGERPRINT_WORDS);
  expect(words.every((word) => wordlist.includes(word))).toBe(true);
  expect(recipientWords("age1one")).toEqual(words);
  expect(recipientWords("age1onf")).not.toEqual(words);
  const bytes = new TextEncoder().encode("age1one");
  expect(fingerprintWords("pairing", bytes, 8)).not.toEqual(words);
});

test("a signing key has eight words of its own", () => {
  const key = new Uint8Array(32).fill(7);
  expect(signingKeyWords(key)).toEqual(naiveWords("signing key", key, FINGERPRINT_WORDS));
});

test("a label and what follows it cannot be shifted into each other", () => {
  const bytes = (text: string) => new TextEncoder().encode(text);
  expect(fingerprintWords("a", bytes("b"), 8)).not.toEqual(fingerprintWords("ab", bytes(""), 8));
});

test("the list has 2048 words that differ in their first four letters", () => {
  expect(new Set(wordlist.map((word) => word.slice(0, 4))).size).toBe(2_048);
});
