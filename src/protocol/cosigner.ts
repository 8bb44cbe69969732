import { sha256Hex } from "./bytes.ts";
import { deviceIdOf } from "./envelope.ts";
import type { NoteKey } from "./signed-note.ts";

/** The ledger's name, in checkpoints and wherever a household is named: half its key's SHA-256. */
export function originOf(ledgerKey: Uint8Array): string {
  return `doorward/${sha256Hex(ledgerKey).slice(0, 32)}`;
}

/** The key under which a household's device cosigns this ledger's checkpoints. */
export function cosignerKey(origin: string, signingKey: Uint8Array): NoteKey {
  return {
    name: `${origin}/device/${deviceIdOf(signingKey).slice(0, 32)}`,
    type: "cosignature/v1",
    publicKey: signingKey,
  };
}
