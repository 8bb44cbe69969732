import path from "node:path";
import { readSmallFile, writeFileDurably } from "../base/files.ts";
import { WatchSchema, type Alarm, type StoredWatch } from "../owner/alarms.ts";
import type { OwedMonths } from "../owner/statement.ts";
import { watchLedger, type WatchResult } from "../owner/watch.ts";
import { utf8Bytes } from "../protocol/bytes.ts";
import { parseJson } from "../protocol/canonical-json.ts";
import { checkShape } from "../protocol/check.ts";
import { alarmText, pauseText } from "./alarm-text.ts";
import { HubError } from "../protocol/errors.ts";
import type { OwnerSession } from "./hub-session.ts";
import { say } from "./options.ts";

const WATCH_FILE = "watch.json";
/** 2,000,000 recordings of 50 characters. */
const WATCH_MAX_BYTES = 128 * 1024 * 1024;

/**
 * This device's judgement of the ledger, gone on with from where it stood, and remembered beside its
 * keys.
 *
 * @param acknowledge - The person has looked at what is found now: it is not shown as new again.
 */
export async function judgeLedger(
  session: OwnerSession,
  { acknowledge }: { readonly acknowledge: boolean },
): Promise<WatchResult> {
  const { directory } = session.keys;
  const result = await watchLedger(session, await readWatch(directory), Date.now, {
    onProgress: (done, total) => {
      if (done % 50_000 === 0) say(`Read ${done} of ${total} entries.`);
    },
  });
  if (acknowledge) result.watch.acknowledge(result.alarms);
  const bytes = utf8Bytes(JSON.stringify(result.watch));
  await writeFileDurably(path.join(directory, WATCH_FILE), bytes);
  return result;
}

/** Says what was found, alarms last. */
export function sayJudgement({ alarms, pauses, judged, size }: WatchResult): void {
  if (judged < size) say(`${judged} of ${size} entries were judged; run this again for the rest.`);
  for (const pause of pauses) say(pauseText(pause));
  for (const alarm of alarms) say(`ALARM: ${alarmText(alarm)}`);
  if (alarms.length > 0) say(`${alarms.length} alarms. ${ACKNOWLEDGE}`);
}

/** Silent where a household never began to make statements. */
export function sayOwedStatements({ due, missing }: OwedMonths): void {
  for (const month of missing) say(`No owner has made the monthly statement for ${month}.`);
  if (due !== null)
    say(`The monthly statement for ${due} is due, if it is true: owner statement --month ${due}`);
}

const ACKNOWLEDGE = "Once you know why: owner witness --acknowledge";

/** For `--json`: the alarm as data, and in words. */
export function alarmData(alarm: Alarm): Alarm & { readonly text: string } {
  return { ...alarm, text: alarmText(alarm) };
}

/** What cannot be read is begun anew: it is a memory of what the ledger says, no evidence. */
async function readWatch(directory: string): Promise<StoredWatch | null> {
  try {
    const bytes = await readSmallFile(path.join(directory, WATCH_FILE), WATCH_MAX_BYTES);
    return bytes && checkShape(WatchSchema, parseJson(bytes, WATCH_FILE), WATCH_FILE);
  } catch (error) {
    if (!(error instanceof HubError)) throw error;
    say(`${WATCH_FILE} cannot be read: the ledger is judged from its start.`);
    return null;
  }
}
