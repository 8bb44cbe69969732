import { follow, logIn, type FollowedHub } from "../owner/hub-client.ts";
import type { Seen } from "../owner/witness.ts";
import { openKeys, rememberSeen, type KeysDirectory } from "./keys-directory.ts";
import type { ReadOptions } from "./options.ts";

/** A logged-in device of the household, whose ledger was just found consistent with what it saw. */
export interface OwnerSession extends FollowedHub, AsyncDisposable {
  readonly keys: KeysDirectory;
  readonly seenBefore: Seen | null;
}

/**
 * Logs in, checks the keyring from genesis, and demands a consistency proof from the last
 * checkpoint this device saw: at every contact, before anything else is asked.
 *
 * @throws LedgerChanged, KeyringRefused.
 */
export async function openSession(options: ReadOptions): Promise<OwnerSession> {
  const keys = await openKeys(options.required("keys"));
  const client = await logIn(options.text("hub") ?? keys.hubUrl, keys.bundle);
  const { keyring, seen } = await follow(client, keys.bundle, keys.seen);
  await rememberSeen(keys.directory, seen);
  let newest = seen;
  return {
    client,
    keys,
    keyring,
    seen,
    seenBefore: keys.seen,
    followTo: async (index) => {
      if (index < newest.size) return newest;
      newest = (await follow(client, keys.bundle, newest)).seen;
      await rememberSeen(keys.directory, newest);
      return newest;
    },
    [Symbol.asyncDispose]: () => client.delete("/api/session"),
  };
}
