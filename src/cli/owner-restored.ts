import path from "node:path";
import { readSmallFile, writeFileDurably } from "../base/files.ts";
import { WatchSchema, type StoredWatch } from "../owner/alarms.ts";
import { signingKeyOf } from "../owner/device-bundle.ts";
import { follow, logIn } from "../owner/hub-client.ts";
import { envelopeSigner } from "../owner/identity.ts";
import { goOnRestored, lostRecordings, possibleAnswer } from "../owner/restore-accept.ts";
import { LedgerRestored, type FoundRestoration } from "../owner/restored.ts";
import { utf8Bytes } from "../protocol/bytes.ts";
import { parseJson } from "../protocol/canonical-json.ts";
import { checkShape } from "../protocol/check.ts";
import { HubError } from "../protocol/errors.ts";
import type { ExitCode } from "./exit.ts";
import { confirm, openKeys, rememberSeen } from "./keys-directory.ts";
import { print, printJson, readOptions, say } from "./options.ts";
import { localTime } from "./times.ts";

const WATCH_MAX_BYTES = 128 * 1024 * 1024;

/**
 * What a device finds where the hub was restored from a copy and entries that it has seen are gone,
 * and the owner's answer: 1 while it waits for one.
 */
export async function ownerRestored(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, {
    values: ["hub", "keys"],
    flags: ["accept", "yes", "json"],
  });
  const keys = await openKeys(options.required("keys"));
  const { bundle, directory } = keys;
  const client = await logIn(options.text("hub") ?? keys.hubUrl, bundle);
  try {
    const change = await whatChanged(async () => follow(client, bundle, keys.seen));
    if (!change) {
      if (options.flag("json")) printJson({ waits: false });
      else print("Nothing waits for an answer: this device follows the ledger as it is.");
      return 0;
    }
    const lost = await lostRecordings(client, await readWatch(directory));
    const answer = possibleAnswer(change, bundle);
    const { found, before, now } = change;
    const accepts = options.flag("accept");
    if (options.flag("json") && !accepts) {
      const { next: _next, ...facts } = found;
      printJson({ waits: true, answer, ...facts, lostRecordings: lost, before, now });
      return 1;
    }
    sayFound(found, lost);
    say(`\nThis device saw:\n${before}\nThe hub now shows:\n${now}`);
    if (!accepts) {
      say(ANSWERS[answer]);
      return 1;
    }
    if (answer === "sign" || answer === "go_on") say(QUESTION);
    if (!options.flag("yes") && !(await confirm("Go on with the restored ledger?"))) {
      say("Nothing was accepted.");
      return 1;
    }
    const signer = envelopeSigner(signingKeyOf(bundle));
    const seen = await goOnRestored(client, change, bundle, signer, Date.now());
    // First: from then on this device would know of the other ledger no more.
    const evidence = path.join(directory, `ledger-before-restore-${found.seenSize}.txt`);
    await writeFileDurably(evidence, utf8Bytes(`${before}\n----\n\n${now}`));
    await rememberSeen(directory, seen);
    if (options.flag("json"))
      printJson({ accepted: true, signed: answer === "sign", size: seen.size, evidence });
    else print(evidence);
    say("Both checkpoints are kept in that file. This device follows the restored ledger from now");
    say("on; run `doorward owner witness` to judge it from its start.");
    return 0;
  } finally {
    await client.delete("/api/session").catch(() => undefined);
  }
}

async function whatChanged(work: () => Promise<unknown>): Promise<LedgerRestored | null> {
  try {
    await work();
    return null;
  } catch (error) {
    if (error instanceof LedgerRestored) return error;
    throw error;
  }
}

const QUESTION =
  "Accept this only if you, or somebody of the household you have asked, restored the hub. Who\nholds the hub and the recovery sheet could do the same to hide what was entered since the copy.";

const ANSWERS = {
  sign: "If you know of this, an owner signs for it: doorward owner restored --accept --keys DIR",
  go_on:
    "An owner has accepted this. If you know of it as well: doorward owner restored --accept --keys DIR",
  ask_an_owner: "An owner has to accept this first, on his own device. Ask one of them in person.",
  refuse:
    "Who restored this hub is in force no more, so nobody can accept it. Ask the owners; if none of\nthem did this, switch the hub off.",
} as const;

function sayFound(found: FoundRestoration, lost: readonly string[]): void {
  const { by, restoredAtMs, copiedToMs, gone, index, seenSize, provenSize, acceptance } = found;
  const who = by === null ? "the recovery sheet" : `device ${by.slice(0, 12)}`;
  say(`This hub was restored from a copy on ${localTime(restoredAtMs)}, signed with ${who}.`);
  say(`The copy went up to ${localTime(copiedToMs)}: ${index} entries. This device had seen`);
  say(`${seenSize}: ${gone} entries that it has seen are gone, and whatever came after them.`);
  if (lost.length > 0)
    say(`Recordings that this device knew of and that are gone: ${lost.length} (${lost[0]} ...).`);
  say(
    provenSize > 0
      ? `Unchanged for certain are the first ${provenSize} entries, for which this device had signed.`
      : "This device had never signed for an earlier state, so it cannot compare what was before.",
  );
  if (found.isOlderThanContact) {
    say(
      "NOTE: this device was at a hub AFTER that restoration. Either the old hub is still running",
    );
    say(
      "somewhere: switch it off. Or entries have gone since the restoration: then accept nothing.",
    );
  }
  if (acceptance) {
    const { device, atMs, seenSize: known } = acceptance;
    say(`Accepted by an owner, device ${device.slice(0, 12)}, on ${localTime(atMs)}, who knew of`);
    say(`${known} entries.${known < seenSize ? " This device has seen more: tell him." : ""}`);
  } else say("No owner has accepted this yet.");
}

async function readWatch(directory: string): Promise<StoredWatch | null> {
  try {
    const bytes = await readSmallFile(path.join(directory, "watch.json"), WATCH_MAX_BYTES);
    return bytes && checkShape(WatchSchema, parseJson(bytes, "watch.json"), "watch.json");
  } catch (error) {
    if (!(error instanceof HubError)) throw error;
    return null;
  }
}
