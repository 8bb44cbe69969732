import { signingKeyOf } from "../owner/device-bundle.ts";
import { cosign } from "../owner/witness.ts";
import type { ExitCode } from "./exit.ts";
import { openSession, type OwnerSession } from "./hub-session.ts";
import { follow } from "../owner/hub-client.ts";
import { rememberSeen } from "./keys-directory.ts";
import { print, printJson, readOptions } from "./options.ts";

/** Demands that everything seen before is still there, then signs for what is there now. */
export async function ownerWitness(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, { values: ["hub", "keys"], flags: ["json"] });
  await using session = await openSession(options);
  await cosignLedger(session);
  const { seen, seenBefore } = session;
  if (options.flag("json"))
    printJson({ size: seen.size, root: seen.root, consistentWith: seenBefore?.size ?? null });
  else
    print(
      `Checked just now: ${seen.size} entries, none changed or removed${
        seenBefore ? ` since ${seenBefore.size}` : ""
      }. This device has signed for them.`,
    );
  return 0;
}

/** Follows the ledger to its newest checkpoint and cosigns it. */
export async function cosignLedger(session: OwnerSession): Promise<void> {
  const { client, keys } = session;
  const { keyring, seen } = await follow(client, keys.bundle, session.seen);
  await rememberSeen(keys.directory, seen);
  const signature = cosign(keyring, seen.checkpoint, signingKeyOf(keys.bundle), Date.now());
  await client.send("/api/ledger/cosignatures", signature);
}
