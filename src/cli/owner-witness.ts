import { signingKeyOf } from "../owner/device-bundle.ts";
import { owedMonths } from "../owner/statement.ts";
import { cosign } from "../owner/witness.ts";
import type { ExitCode } from "./exit.ts";
import { openSession, type OwnerSession } from "./hub-session.ts";
import { follow } from "../owner/hub-client.ts";
import { rememberSeen } from "./keys-directory.ts";
import { alarmData, judgeLedger, sayJudgement, sayOwedStatements } from "./ledger-watch.ts";
import { print, printJson, readOptions } from "./options.ts";

/**
 * Demands that everything seen before is still there, signs for what is there now, and judges it: 1
 * where something is there that an honest hub does not do.
 */
export async function ownerWitness(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, { values: ["hub", "keys"], flags: ["json", "acknowledge"] });
  await using session = await openSession(options);
  await cosignLedger(session);
  const { seen, seenBefore } = session;
  const result = await judgeLedger(session, { acknowledge: options.flag("acknowledge") });
  const months = owedMonths(result.watch.statements, Date.now());
  if (options.flag("json"))
    printJson({
      size: seen.size,
      root: seen.root,
      consistentWith: seenBefore?.size ?? null,
      judged: result.judged,
      alarms: result.alarms.map(alarmData),
      pauses: result.pauses,
      statements: months,
    });
  else {
    print(
      `Checked just now: ${seen.size} entries, none changed or removed${
        seenBefore ? ` since ${seenBefore.size}` : ""
      }. This device has signed for them.`,
    );
    sayJudgement(result);
    sayOwedStatements(months);
  }
  return result.alarms.length === 0 || options.flag("acknowledge") ? 0 : 1;
}

/** Follows the ledger to its newest checkpoint and cosigns it. */
export async function cosignLedger(session: OwnerSession): Promise<void> {
  const { client, keys } = session;
  const { keyring, seen } = await follow(client, keys.bundle, session.seen);
  await rememberSeen(keys.directory, seen);
  const signature = cosign(keyring, seen.checkpoint, signingKeyOf(keys.bundle), Date.now());
  await client.send("/api/ledger/cosignatures", signature);
}
