import * as Api from "../protocol/api.ts";
import { fromBase64, toHex } from "../protocol/bytes.ts";
import { parseCanonicalJson, type Json } from "../protocol/canonical-json.ts";
import { HubError } from "../protocol/errors.ts";
import { hashLeaf, rootOfLeafHashes } from "../protocol/merkle.ts";
import { entryLine } from "./entry-line.ts";
import type { ExitCode } from "./exit.ts";
import { openSession } from "./hub-session.ts";
import { alarmData, judgeLedger, sayJudgement } from "./ledger-watch.ts";
import { print, printJson, readOptions } from "./options.ts";

/** Every entry, and what this device judges of them: 1 where there are alarms. */
export async function ownerLedger(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, { values: ["hub", "keys"], flags: ["json"] });
  await using session = await openSession(options);
  const { client, seen, seenBefore } = session;
  const entries: { index: number; entry: Json }[] = [];
  const leafHashes: Uint8Array[] = [];
  for (let from = 0; from < seen.size; from += 1_000) {
    const page = await client.get(`/api/ledger/entries?from=${from}&limit=1000`, Api.EntriesAnswer);
    for (const { index, entry } of page) {
      if (index >= seen.size) continue;
      const bytes = fromBase64(entry, "entry");
      leafHashes.push(hashLeaf(bytes));
      entries.push({ index, entry: parseCanonicalJson(bytes, "entry") });
    }
  }
  // The checkpoint was found consistent; that these are its entries, only their own hashes show.
  if (toHex(rootOfLeafHashes(leafHashes)) !== seen.root)
    throw new HubError(
      "LEDGER_CHANGED",
      "Cannot show ledger: the entries that the hub gives are not those of its checkpoint",
    );
  if (options.flag("json")) {
    const { size, root, checkpoint } = seen;
    const { alarms } = await judgeLedger(session, { acknowledge: false });
    printJson({
      ...{ size, root, checkpoint, consistentWith: seenBefore?.size ?? null, entries },
      alarms: alarms.map(alarmData),
    });
    return alarms.length === 0 ? 0 : 1;
  }
  for (const { index, entry } of entries)
    print(`${String(index).padStart(7)}  ${entryLine(entry)}`);
  const before = seenBefore
    ? `, none of the ${seenBefore.size} seen before changed or removed`
    : "";
  print(`Checked just now: ${seen.size} entries${before}.`);
  const judgement = await judgeLedger(session, { acknowledge: false });
  sayJudgement(judgement);
  return judgement.alarms.length === 0 ? 0 : 1;
}
