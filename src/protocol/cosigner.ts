import { deviceIdOf } from "./envelope.ts";
import type { NoteKey } from "./signed-note.ts";

/** The key under which a household's device cosigns this ledger's checkpoints. */
export function cosignerKey(origin: string, signingKey: Uint8Array): NoteKey {
  return {
    name: `${origin}/device/${deviceIdOf(signingKey).slice(0, 32)}`,
    type: "cosignature/v1",
    publicKey: signingKey,
  };
}
