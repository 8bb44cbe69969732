import { Decrypter } from "age-encryption";
import { readFile } from "node:fs/promises";
import os from "node:os";
import { attempt, type Attempt } from "./attempt.ts";
import { addIdentities, noCandidates, tryCandidates } from "./candidates.ts";
import type { Lock } from "./lock.ts";

/** Key folders that are sealed by a passphrase: what guessing one comes to. */

const SEALED_BEGINNING = /^age-encryption\.org\/v1\n-> scrypt \S+ (\d+)\n/;
/** Age files are told by their beginning; a key folder's is far smaller. */
const BEGINNING_BYTES = 200;
const FILES_MAX = 4;
/** The first that anybody would try. With a longer list it is the list that is measured. */
const GUESSES = ["password", "doorward", "123456", "12345678", "letmein", "camera"] as const;
/** 2^16 takes a third of a second on a small computer; above 2^18 a guess is not worth it here. */
const LOG_N_MAX = 18;

export function isPassphraseFile(start: Uint8Array): boolean {
  return workFactorOf(start) !== null;
}

function workFactorOf(start: Uint8Array): number | null {
  const text = Buffer.from(start.subarray(0, BEGINNING_BYTES)).toString("latin1");
  const found = SEALED_BEGINNING.exec(text)?.[1];
  return found === undefined ? null : Number(found);
}

/** Tries a short list on each file, and says what a guess costs whoever has a longer one. */
export async function tryPassphrases(files: readonly string[], lock: Lock): Promise<Attempt> {
  const name = "key folders sealed by a passphrase, with a short list of passphrases";
  if (files.length === 0) return attempt(name, 0, "none: no such folder in those homes");
  const guesses = [...new Set([...GUESSES, os.hostname(), os.userInfo().username])];
  const candidates = noCandidates();
  let tried = 0;
  const startedAtMs = performance.now();
  for (const file of files.slice(0, FILES_MAX)) {
    const sealed = await readFile(file).catch(() => null);
    if (sealed === null || (workFactorOf(sealed) ?? LOG_N_MAX + 1) > LOG_N_MAX) continue;
    for (const guess of guesses) {
      tried += 1;
      const opened = await openWithPassphrase(sealed, guess);
      if (opened === null) continue;
      addIdentities(candidates, Buffer.from(opened).toString("latin1"));
      break;
    }
  }
  const milliseconds = tried === 0 ? 0 : (performance.now() - startedAtMs) / tried;
  const left = files.length - Math.min(files.length, FILES_MAX);
  return attempt(
    name,
    await tryCandidates(candidates, lock),
    `${files.length - left} of ${files.length} files, ${tried} guesses of ${Math.round(milliseconds)} ms each`,
  );
}

async function openWithPassphrase(sealed: Uint8Array, guess: string): Promise<Uint8Array | null> {
  const decrypter = new Decrypter();
  decrypter.addPassphrase(guess);
  try {
    return await decrypter.decrypt(sealed);
  } catch {
    // Not this one: that is the answer that is hoped for.
    return null;
  }
}
