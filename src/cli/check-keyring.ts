import type BetterSqlite3 from "better-sqlite3";
import { parseRecipient, type Recipient } from "../protocol/age-header.ts";
import { HubError } from "../protocol/errors.ts";
import { extendKeyring, type Keyring } from "../protocol/keyring.ts";
import { check, type StorageCheck } from "./check-rows.ts";

interface SealedFor {
  readonly clip: string;
  readonly keyring_head: string;
  readonly keyring_epoch: number;
}

/** What the stored chain says, and of which kind its readers are; null where nobody has claimed it. */
export interface StoredChain {
  readonly checks: readonly StorageCheck[];
  readonly kind: Recipient["kind"] | null;
}

/**
 * Invariant 9: the stored chain holds from its first signature, and each recording names a place in it
 * for which it was sealed. Whose a stanza is cannot be read from a header: that its readers open it is
 * shown by `doorward owner open`.
 */
export function checkKeyring(database: BetterSqlite3.Database): StoredChain {
  const statements = database
    .prepare<[], string>("SELECT envelope FROM keyring_statements ORDER BY epoch")
    .pluck()
    .all();
  const heads = new Map<number, string>();
  let keyring: Keyring | null = null;
  try {
    for (const envelope of statements) {
      keyring = extendKeyring(keyring, JSON.parse(envelope) as unknown);
      heads.set(keyring.epoch, keyring.head);
    }
  } catch (error) {
    if (!(error instanceof HubError)) throw error;
    return { checks: [check("keyring-signed", [error.message], "")], kind: null };
  }
  const said = keyring ? `epoch ${keyring.epoch}` : "not claimed yet";
  const clips = database
    .prepare<[], SealedFor>(
      `SELECT id AS clip, keyring_head, keyring_epoch FROM clips
       UNION ALL SELECT clip, keyring_head, keyring_epoch FROM clip_rewraps ORDER BY 1`,
    )
    .all();
  const odd = clips.filter(
    ({ keyring_head, keyring_epoch }) => heads.get(keyring_epoch) !== keyring_head,
  );
  return {
    checks: [
      check("keyring-signed", [], said),
      check(
        "sealed-for-the-keyring",
        odd.map(
          ({ clip, keyring_epoch }) => `clip ${clip} names no keyring of epoch ${keyring_epoch}`,
        ),
        `${clips.length} recordings name a keyring that was in force`,
      ),
    ],
    kind: keyring ? parseRecipient(keyring.readers.originals).kind : null,
  };
}
