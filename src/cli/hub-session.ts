import { follow, logIn, type FollowedHub, type HubClient } from "../owner/hub-client.ts";
import { takePassedOn } from "../owner/rotate.ts";
import type { Keyring } from "../protocol/keyring.ts";
import type { Seen } from "../owner/witness.ts";
import { openKeys, rememberSeen, replaceBundle, type KeysDirectory } from "./keys-directory.ts";
import { say, type ReadOptions } from "./options.ts";

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
  const stored = await openKeys(options.required("keys"));
  const client = await logIn(options.text("hub") ?? stored.hubUrl, stored.bundle);
  const { keyring, seen } = await follow(client, stored.bundle, stored.seen);
  await rememberSeen(stored.directory, seen);
  const keys = await keepPassedOn(stored, client, keyring);
  sayPending(keyring);
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

/** Takes the readers that an owner has passed on to this device, and keeps those of before. */
export async function keepPassedOn(
  keys: KeysDirectory,
  client: HubClient,
  keyring: Keyring,
): Promise<KeysDirectory> {
  const taken = await takePassedOn(client, keys.bundle, keyring);
  if (!taken) return keys;
  const { bundle, epochs, refused } = taken;
  if (refused > 0)
    say(`WARNING: the hub holds ${refused} sets of readers that the keyring does not name.`);
  if (epochs.length === 0) return keys;
  await replaceBundle(keys.directory, bundle);
  for (const epoch of epochs) await client.delete(`/api/passed-on/${epoch}`);
  return { ...keys, bundle };
}

function sayPending({ pending }: Keyring): void {
  if (!pending) return;
  say(
    "WARNING: somebody has used the recovery sheet. 72 hours after the notice it changes who may",
  );
  say("sign here. If it was none of you: doorward owner object --keys DIR");
}
