import { bech32 } from "@scure/base";
import { isReaderSeed, opensWithFileKey, opensWithIdentity, type Lock } from "./lock.ts";

/** Finds in any bytes whatever could be a key, and tries it on real sealed files. */

const IDENTITY = /AGE-SECRET-KEY-(?:PQ-)?1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}/g;
const HEX = /[0-9a-fA-F]{32,}/g;
const BASE64_32_BYTES = /[A-Za-z0-9+/_-]{43}/g;
const IDENTITIES_MAX = 1_000;
const SEEDS_MAX = 20_000;
const FILE_KEYS_MAX = 50_000;
/** A longer run of digits is a blob: a key at its beginning is tried, not at every place. */
const HEX_RUN_MAX = 4_096;
/** A key of 16 random bytes has fewer different values than this once in two thousand. */
const DISTINCT_VALUES_MIN = 13;
const PRINTABLE_MAX = 12;
const FILE_KEY_BYTES = 16;
const SEED_BYTES = 32;

export interface Candidates {
  /** Age identities, written as such. */
  readonly identities: Set<string>;
  /** Hex of 32 bytes taken for the secret of a reader. */
  readonly seeds: Set<string>;
  /** Hex of 16 bytes taken for a file key. */
  readonly fileKeys: Set<string>;
  /** How many there were beyond what is tried. */
  leftOut: number;
}

export function noCandidates(): Candidates {
  return { identities: new Set(), seeds: new Set(), fileKeys: new Set(), leftOut: 0 };
}

/** Everything in `bytes` that is written as a key, or could be one in hex or base64. */
export function addWritten(candidates: Candidates, bytes: Uint8Array): void {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
  addIdentities(candidates, text);
  for (const [run] of text.matchAll(HEX)) {
    const hex = run.slice(0, HEX_RUN_MAX).toLowerCase();
    for (let at = 0; at + FILE_KEY_BYTES * 2 <= hex.length; at += 2) {
      // Inside a hash, no other key begins; in a longer run one may begin at any byte.
      if (hex.length === SEED_BYTES * 2 && at > 0) break;
      if (hex.length !== SEED_BYTES * 2) addFileKey(candidates, hex.slice(at, at + 32));
      if (at + SEED_BYTES * 2 <= hex.length) addSeed(candidates, hex.slice(at, at + 64));
    }
  }
  for (const [encoded] of text.matchAll(BASE64_32_BYTES)) {
    const seed = Buffer.from(encoded, encoded.includes("-") ? "base64url" : "base64");
    if (seed.length === SEED_BYTES) addSeed(candidates, seed.toString("hex"));
  }
}

/** Written identities only, also in the two bytes a character that browsers store text in. */
export function addIdentities(candidates: Candidates, text: string): void {
  const spellings = text.includes("A\0G\0E\0-\0") ? [text, text.replaceAll("\0", "")] : [text];
  for (const spelling of spellings)
    for (const [identity] of spelling.matchAll(IDENTITY))
      addLimited(candidates, candidates.identities, IDENTITIES_MAX, identity);
}

/** Every place in `bytes` whose 16 or 32 bytes look random, at steps of `step`. */
export function addRaw(candidates: Candidates, bytes: Uint8Array, step: number): void {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at + FILE_KEY_BYTES <= buffer.length; at += step) {
    if (!looksRandom(buffer.subarray(at, at + FILE_KEY_BYTES))) continue;
    addFileKey(candidates, buffer.toString("hex", at, at + FILE_KEY_BYTES));
    const end = at + SEED_BYTES;
    if (end <= buffer.length && looksRandom(buffer.subarray(at + FILE_KEY_BYTES, end)))
      addSeed(candidates, buffer.toString("hex", at, end));
  }
}

function addSeed(candidates: Candidates, seed: string): void {
  addLimited(candidates, candidates.seeds, SEEDS_MAX, seed);
}

function addFileKey(candidates: Candidates, key: string): void {
  addLimited(candidates, candidates.fileKeys, FILE_KEYS_MAX, key);
}

function addLimited(candidates: Candidates, set: Set<string>, limit: number, one: string): void {
  if (set.size < limit) set.add(one);
  else if (!set.has(one)) candidates.leftOut += 1;
}

/** How many recordings open with one of the candidates. */
export async function tryCandidates(candidates: Candidates, lock: Lock): Promise<number> {
  const identities = new Set(candidates.identities);
  for (const hex of candidates.seeds) {
    const seed = Buffer.from(hex, "hex");
    if (!isReaderSeed(lock, seed)) continue;
    for (const prefix of ["AGE-SECRET-KEY-", "AGE-SECRET-KEY-PQ-"] as const)
      identities.add(bech32.encodeFromBytes(prefix, seed).toUpperCase());
  }
  let opened = 0;
  for (const identity of identities)
    opened = Math.max(opened, await opensWithIdentity(lock, identity));
  for (const hex of candidates.fileKeys) opened += opensWithFileKey(lock, Buffer.from(hex, "hex"));
  return Math.min(opened, lock.headers.length);
}

/** For a report: how many were tried, and how many were not. */
export function triedText({ identities, seeds, fileKeys, leftOut }: Candidates): string {
  const tried = identities.size + seeds.size + fileKeys.size;
  return `${tried} tried as keys${leftOut === 0 ? "" : `, ${leftOut} more not tried`}`;
}

/** Pointers and text are the bulk of memory: few different bytes, or all of them printable. */
export function looksRandom(bytes: Uint8Array): boolean {
  let printable = 0;
  let distinct = 0;
  const seen = new Uint8Array(32);
  for (const byte of bytes) {
    if (byte >= 0x20 && byte < 0x7f) printable += 1;
    const index = byte >> 3;
    const bit = 1 << (byte & 7);
    if (((seen[index] ?? 0) & bit) === 0) distinct += 1;
    seen[index] = (seen[index] ?? 0) | bit;
  }
  return distinct >= DISTINCT_VALUES_MIN && printable <= PRINTABLE_MAX;
}
