import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { randomBytes } from "@noble/hashes/utils.js";
import { entropyToMnemonic, mnemonicToEntropy } from "@scure/bip39";
import { wordlist } from "@scure/bip39/wordlists/english.js";
import { utf8Bytes } from "../protocol/bytes.ts";
import { MalformedInput } from "../protocol/errors.ts";
import {
  readerFromSeed,
  signingKeyFromSeed,
  type KeyKind,
  type ReaderKey,
  type SigningKey,
} from "./identity.ts";

/** What the recovery sheet gives back: opens every clip, and may sign keyring changes after a notice. */
export interface Recovery {
  readonly words: readonly string[];
  readonly reader: ReaderKey;
  readonly signingKey: SigningKey;
}

const WORD_COUNT = 24;

export async function generateRecovery(kind: KeyKind): Promise<Recovery> {
  return recoveryFromSeed(kind, randomBytes(32));
}

async function recoveryFromSeed(kind: KeyKind, seed: Uint8Array): Promise<Recovery> {
  const derive = (purpose: string): Uint8Array =>
    hkdf(sha256, seed, undefined, utf8Bytes(`doorward recovery v1 ${purpose}`), 32);
  return {
    words: entropyToMnemonic(seed, wordlist).split(" "),
    reader: await readerFromSeed(kind, derive(`reader ${kind}`)),
    signingKey: signingKeyFromSeed(derive("signing")),
  };
}

/** The sheet as text: to be printed and kept elsewhere than the hub. */
export function recoverySheet(recovery: Pick<Recovery, "words">, kind: KeyKind): string {
  const numbered = recovery.words.map((word, index) => `${String(index + 1).padStart(2)} ${word}`);
  const rows: string[] = [];
  for (let row = 0; row < WORD_COUNT / 4; row += 1)
    rows.push(
      numbered
        .slice(row * 4, row * 4 + 4)
        .map((cell) => cell.padEnd(14))
        .join("")
        .trimEnd(),
    );
  return [
    "DOORWARD RECOVERY SHEET",
    "",
    "Whoever holds these words can open everything this household has recorded.",
    "Print this sheet, keep it away from the hub, then delete the file.",
    "",
    `kind: ${kind}`,
    ...rows,
    "",
  ].join("\n");
}

/**
 * Reads a sheet as {@link recoverySheet} wrote it, or as somebody typed it in: only `kind:` and the
 * 24 words count.
 *
 * @throws MalformedInput when a word is missing, unknown, or the checksum does not fit.
 */
export async function parseRecoverySheet(text: string): Promise<Recovery> {
  const kindLine = /^kind:\s*(pq|x25519)\s*$/m.exec(text);
  const kind: KeyKind = kindLine?.[1] === "x25519" ? "x25519" : "pq";
  const words = [...text.matchAll(/(?:^|\s)(\d{1,2})[.)]?\s+([a-z]{3,8})(?=\s|$)/g)]
    .map(([, number, word]) => ({ number: Number(number), word: word ?? "" }))
    .sort((left, right) => left.number - right.number)
    .map(({ word }) => word);
  if (words.length !== WORD_COUNT)
    throw new MalformedInput(
      "recovery",
      `Cannot read recovery sheet: found ${words.length} of ${WORD_COUNT} numbered words`,
    );
  let seed: Uint8Array;
  try {
    seed = mnemonicToEntropy(words.join(" "), wordlist);
  } catch (cause) {
    throw new MalformedInput(
      "recovery",
      "Cannot read recovery sheet: a word is wrong or in the wrong place",
      { cause },
    );
  }
  return recoveryFromSeed(kind, seed);
}

/**
 * The words that somebody may mean who has typed this much; in this list four letters decide.
 *
 * @returns at most `max` words, the typed one first where it is a word itself.
 */
export function recoveryWordsLike(typed: string, max: number): string[] {
  const beginning = typed.trim().toLowerCase();
  if (beginning === "") return [];
  return wordlist.filter((word) => word.startsWith(beginning)).slice(0, max);
}
