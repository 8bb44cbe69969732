import { sha256 } from "@noble/hashes/sha2.js";
import { randomBytes } from "@noble/hashes/utils.js";
import { entropyToMnemonic, mnemonicToEntropy } from "@scure/bip39";
import { wordlist } from "@scure/bip39/wordlists/english.js";
import { concatBytes, equalBytes } from "../protocol/bytes.ts";
import { MalformedInput } from "../protocol/errors.ts";
import type { KeyKind } from "./identity.ts";
import { parseRecoverySheet, recoverySheet } from "./recovery.ts";

/**
 * A recovery sheet in three parts, of which any two give it back and one says nothing: Shamir's
 * scheme (1979) over GF(256) with the polynomial x^8 + x^4 + x^3 + x + 1 (FIPS 197 section 4.2).
 */

export const PARTS = 3;
export const PART_WORDS = 30;

const SEED_BYTES = 32;
const SPLIT_BYTES = 4;
const CHECK_BYTES = 4;
const BITS_A_WORD = 11;
const CLASSIC = 0x80;
/** How many texts somebody may hand in: a sheet, or two of its parts. */
const TEXT_MAX_CHARACTERS = 20_000;

/** One part as its words carry it. */
interface Part {
  /** 1 to 3: where the line is looked at. */
  readonly number: number;
  readonly kind: KeyKind;
  /** Random, the same on the three parts of one split. */
  readonly split: Uint8Array;
  /** One byte for each of the seed's. */
  readonly share: Uint8Array;
}

/**
 * Splits a recovery sheet.
 *
 * @param sheet - Its text, as {@link parseRecoverySheet} reads it.
 * @param random - Replaced in tests that look at the distribution.
 * @returns Three texts to print, each with its number and thirty numbered words.
 * @throws MalformedInput where it is no recovery sheet.
 */
export async function splitSheet(
  sheet: string,
  random: (size: number) => Uint8Array = randomBytes,
): Promise<[string, string, string]> {
  const recovery = await parseRecoverySheet(sheet);
  const kind = recovery.reader.recipient.startsWith("age1pq1") ? "pq" : "x25519";
  const seed = mnemonicToEntropy(recovery.words.join(" "), wordlist);
  const slope = random(SEED_BYTES);
  const split = random(SPLIT_BYTES);
  const textOf = (number: number): string => {
    const share = seed.map((byte, index) => byte ^ multiply(slope[index] ?? 0, number));
    return partSheet({ number, kind, split, share });
  };
  const texts: [string, string, string] = [textOf(1), textOf(2), textOf(3)];
  for (const secret of [seed, slope]) secret.fill(0);
  return texts;
}

/**
 * The recovery sheet that two of its parts give, as text.
 *
 * @param texts - Two parts of one split; or the sheet itself, alone, which comes back as it is.
 * @throws MalformedInput where a word is wrong, both are the same part, or they belong to different
 * splits.
 */
export function combineSheets(texts: readonly string[]): string {
  const [first, second, ...more] = texts;
  if (first === undefined || more.length > 0) throw refused("expected the sheet, or two parts");
  if (second === undefined) {
    if (numberedWords(first).length !== PART_WORDS) return first;
    throw refused("this is one part of three, and alone it gives nothing; a second is needed");
  }
  const [one, other] = [parsePart(first), parsePart(second)];
  if (!equalBytes(one.split, other.split) || one.kind !== other.kind)
    throw refused("these two parts do not belong to the same sheet");
  if (one.number === other.number) throw refused(`part ${one.number} twice; another is needed`);
  const scale = invert(one.number ^ other.number);
  // The line through two points, read where x is 0; adding and subtracting are the same here.
  const seed = one.share.map((byte, index) =>
    multiply(multiply(byte, other.number) ^ multiply(other.share[index] ?? 0, one.number), scale),
  );
  const words = entropyToMnemonic(seed, wordlist).split(" ");
  seed.fill(0);
  return recoverySheet({ words }, one.kind);
}

/** Number of the part that a text is, 1 to 3. @throws MalformedInput where it is none. */
export function partNumber(text: string): number {
  return parsePart(text).number;
}

/** Every bit is gone through, whatever it is: no table, and no step that depends on a secret. */
function multiply(left: number, right: number): number {
  let product = 0;
  let shifted = left;
  for (let bit = 0; bit < 8; bit += 1) {
    product ^= shifted & -((right >> bit) & 1);
    shifted = ((shifted << 1) ^ (0x11b & -(shifted >> 7))) & 0xff;
  }
  return product;
}

/** The power 254: the inverse of everything but 0. */
function invert(value: number): number {
  let power = 1;
  for (let count = 0; count < 254; count += 1) power = multiply(power, value);
  return power;
}

function encodePart({ number, kind, split, share }: Part): Uint8Array {
  const first = number | (kind === "x25519" ? CLASSIC : 0);
  const content = concatBytes(Uint8Array.of(first), split, share);
  return concatBytes(content, checkOf(content));
}

function checkOf(content: Uint8Array): Uint8Array {
  return sha256(content).subarray(0, CHECK_BYTES);
}

function partSheet(part: Part): string {
  const words = toWords(encodePart(part));
  const cells = words.map((word, index) => `${String(index + 1).padStart(2)} ${word}`.padEnd(14));
  const rows = Array.from({ length: PART_WORDS / 3 }, (_, row) =>
    cells
      .slice(row * 3, row * 3 + 3)
      .join("")
      .trimEnd(),
  );
  return [
    `DOORWARD RECOVERY SHEET, PART ${part.number} OF ${PARTS}`,
    "",
    "Any two of the three parts give the recovery sheet, which opens everything that this",
    "household has recorded. One part alone opens nothing and says nothing about it.",
    "Print it, keep each part with somebody else or somewhere else, then delete the file.",
    "",
    ...rows,
    "",
  ].join("\n");
}

/** @throws MalformedInput with field `part`. */
function parsePart(text: string): Part {
  const bytes = fromWords(numberedWords(text));
  const content = bytes.subarray(0, -CHECK_BYTES);
  const first = content[0] ?? 0;
  const number = first & ~CLASSIC;
  if (!equalBytes(checkOf(content), bytes.subarray(-CHECK_BYTES)) || number < 1 || number > PARTS)
    throw refused("a word is wrong or in the wrong place");
  return {
    number,
    kind: (first & CLASSIC) === 0 ? "pq" : "x25519",
    split: content.subarray(1, 1 + SPLIT_BYTES),
    share: content.subarray(1 + SPLIT_BYTES),
  };
}

/** Words with a number before them, by number; a number that comes twice counts twice. */
function numberedWords(text: string): string[] {
  if (text.length > TEXT_MAX_CHARACTERS) throw refused("it is far longer than a sheet");
  return [...text.toLowerCase().matchAll(/(?:^|\s)(\d{1,2})[.)]?[ \t]+([a-z]{3,8})(?=\s|$)/g)]
    .map(([, number, word]) => ({ number: Number(number), word: word ?? "" }))
    .filter(({ number }, index, all) => {
      if (number < 1 || all.findIndex((one) => one.number === number) !== index)
        throw refused(`word ${number} is there twice`);
      return true;
    })
    .sort((left, right) => left.number - right.number)
    .map(({ word }) => word);
}

/** Bits of the bytes, then zeros to the end of the last word; eleven a word, as in BIP 39. */
function toWords(bytes: Uint8Array): string[] {
  return Array.from({ length: PART_WORDS }, (_, word) => {
    let index = 0;
    for (let bit = word * BITS_A_WORD; bit < (word + 1) * BITS_A_WORD; bit += 1)
      index = (index << 1) | (((bytes[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1);
    return wordlist[index] ?? "";
  });
}

function fromWords(words: readonly string[]): Uint8Array {
  if (words.length !== PART_WORDS)
    throw refused(
      words.length === 24
        ? "this is a whole sheet; alone it is enough"
        : `found ${words.length} of ${PART_WORDS} numbered words`,
    );
  const bytes = new Uint8Array(1 + SPLIT_BYTES + SEED_BYTES + CHECK_BYTES);
  words.forEach((word, position) => {
    const index = wordlist.indexOf(word);
    if (index < 0) throw refused(`word ${position + 1} is not in the list`);
    for (let bit = 0; bit < BITS_A_WORD; bit += 1) {
      if (((index >> (BITS_A_WORD - 1 - bit)) & 1) === 0) continue;
      const at = position * BITS_A_WORD + bit;
      if (at >> 3 >= bytes.length) throw refused("a word is wrong or in the wrong place");
      bytes[at >> 3] = (bytes[at >> 3] ?? 0) | (1 << (7 - (at & 7)));
    }
  });
  return bytes;
}

function refused(found: string): MalformedInput {
  return new MalformedInput("part", `Cannot read recovery sheet: ${found}`);
}
