import { logIn, HubClient } from "../owner/hub-client.ts";
import {
  finishRecovery,
  handInNotice,
  meetHub,
  ownersOf,
  pendingReaders,
  prepareNotice,
  type RecoveryGround,
} from "../owner/recover.ts";
import { parseRecoverySheet, type Recovery } from "../owner/recovery.ts";
import { combineSheets } from "../owner/sheet-split.ts";
import { PassedOnAnswer } from "../protocol/api-keyring.ts";
import { HubError } from "../protocol/errors.ts";
import type { Policy } from "../protocol/keyring.ts";
import { RECOVERY_NOTICE_MS } from "../protocol/limits.ts";
import { UsageError, type ExitCode } from "./exit.ts";
import { devicesMeant, deviceText } from "./household-names.ts";
import { openSession } from "./hub-session.ts";
import { confirm, createKeys, hasKeys, openKeys } from "./keys-directory.ts";
import { printJson, readInput, readOptions, say, type ReadOptions } from "./options.ts";

const HOUR_MS = 3_600_000;

/**
 * The way back when devices are lost: a new device by the recovery sheet, a co-owner's departure,
 * and, 72 hours later, their completion.
 */
export async function ownerRecover(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, {
    values: ["hub", "keys", "label", "person", "export-signers", "keyring-signers"],
    lists: ["sheet", "remove"],
    flags: ["finish", "yes", "json"],
  });
  const directory = options.required("keys");
  const sheet = await readSheet(options);
  const isMember = await hasKeys(directory);
  const url = options.text("hub") ?? (isMember ? (await openKeys(directory)).hubUrl : null);
  if (url === null) throw new UsageError("Cannot read the command line: --hub is missing");
  const ground = await meetHub(new HubClient(url), sheet);
  if (options.flag("finish")) return finish(options, ground, isMember);
  return isMember ? announceRemoval(options, ground) : announceDevice(options, ground, url);
}

async function readSheet(options: ReadOptions): Promise<Recovery> {
  const files = options.list("sheet");
  if (files.length === 0)
    throw new UsageError("Cannot read the command line: --sheet is missing (twice for two parts)");
  const texts: string[] = [];
  for (const file of files) texts.push(Buffer.from(await readInput(file)).toString("utf8"));
  return parseRecoverySheet(combineSheets(texts));
}

/** A new device in the place of those that are lost. */
async function announceDevice(
  options: ReadOptions,
  ground: RecoveryGround,
  url: string,
): Promise<ExitCode> {
  const person = personOf(options, ground);
  const { keyring, labels } = ground;
  const lost = new Set(
    ownersOf(keyring)
      .get(person)
      ?.map(({ id }) => id),
  );
  for (const text of options.list("remove"))
    for (const { id } of devicesMeant(text, keyring, labels)) lost.add(id);
  const label = options.text("label") ?? "command line";
  const wanted = { person, label, remove: [...lost], policy: policyOf(options) };
  if (!(await isMeant(options, ground, wanted.remove))) return 1;
  const notice = await prepareNotice(ground, wanted);
  if (!notice.bundle) throw new Error("a recovery without its device");
  // Written before the notice: one whose keys were lost on the way would be nobody's.
  await createKeys(options.required("keys"), { bundle: notice.bundle, hubUrl: url });
  await handInNotice(ground, notice);
  // From here on it is a device like any other: this finds out whether the hub keeps to it.
  await using session = await openSession(options);
  sayAnnounced(options, session.keyring.pending?.atMs ?? Date.now());
  say("This device opens every recording from now on. It signs when the notice is over:");
  say("  doorward owner recover --finish --sheet FILE --keys DIR");
  return 0;
}

/** A co-owner who left, or lost everything: those who stay go on without him. */
async function announceRemoval(options: ReadOptions, ground: RecoveryGround): Promise<ExitCode> {
  const { keyring, labels } = ground;
  const gone = options.list("remove");
  if (gone.length === 0)
    throw new UsageError(
      "Cannot recover: these keys are in the household; say whom it loses by --remove, or --finish",
    );
  const remove = gone.flatMap((text) => devicesMeant(text, keyring, labels).map(({ id }) => id));
  if (!(await isMeant(options, ground, remove))) return 1;
  const wanted = { person: null, label: "", remove: [...new Set(remove)] };
  await handInNotice(ground, await prepareNotice(ground, { ...wanted, policy: policyOf(options) }));
  sayAnnounced(options, Date.now());
  say("Nothing has changed yet. When the notice is over, any owner here runs");
  say("  doorward owner recover --finish --sheet FILE --keys DIR");
  return 0;
}

async function finish(
  options: ReadOptions,
  ground: RecoveryGround,
  isMember: boolean,
): Promise<ExitCode> {
  const { pending } = ground.keyring;
  if (!pending)
    throw new HubError(
      "NO_RECOVERY",
      "Cannot finish recovery: none is pending; an owner may have objected to it",
    );
  await finishRecovery(ground, isMember ? await finderOf(options, ground) : null);
  if (options.flag("json")) printJson({ finished: true });
  say("The recovery is complete. What is recorded from now on has new keys.");
  if (!isMember) return 0;
  await using session = await openSession(options);
  if (session.keyring.pending) throw new Error("a recovery that is complete and pending");
  say("Whoever else may have the sheet can use it again: doorward owner sheet --new --keys DIR");
  return 0;
}

async function finderOf(
  options: ReadOptions,
  { keyring }: RecoveryGround,
): Promise<Parameters<typeof finishRecovery>[1]> {
  const { bundle, hubUrl } = await openKeys(options.required("keys"));
  const client = await logIn(options.text("hub") ?? hubUrl, bundle);
  const waiting = await client.get("/api/passed-on", PassedOnAnswer);
  const held = await pendingReaders(keyring, bundle, waiting);
  await client.delete("/api/session");
  return held && { held };
}

/** Whose device it is to be: his who lost his, where that is clear. */
function personOf(options: ReadOptions, { keyring, labels }: RecoveryGround): string {
  const owners = ownersOf(keyring);
  const given = options.text("person");
  const meant = [...owners.keys()].filter(
    (person) => given === null || (given.length >= 6 && person.startsWith(given)),
  );
  const [person, another] = meant;
  if (person !== undefined && another === undefined) return person;
  const devices = [...owners.values()].flat();
  throw new UsageError(
    [
      "Cannot tell who you are: give --person and the first digits of one of these owners.",
      ...devices.map((device) => `  ${deviceText(device, keyring, labels)}`),
    ].join("\n"),
  );
}

function policyOf(options: ReadOptions): Partial<Policy> {
  const policy: { exportSigners?: number; keyringSigners?: number } = {};
  for (const [name, member] of [
    ["export-signers", "exportSigners"],
    ["keyring-signers", "keyringSigners"],
  ] as const) {
    const text = options.text(name);
    if (text === null) continue;
    if (!/^([1-9]|1[0-6])$/.test(text))
      throw new UsageError(`Cannot read --${name}: expected a number of owners, 1 to 16`);
    policy[member] = Number(text);
  }
  return policy;
}

async function isMeant(
  options: ReadOptions,
  { keyring, labels }: RecoveryGround,
  remove: readonly string[],
): Promise<boolean> {
  say("When the notice is over, these are out:");
  for (const device of keyring.devices.values())
    if (remove.includes(device.id)) say(`  ${deviceText(device, keyring, labels)}`);
  if (options.flag("yes") || (await confirm("Announce this?"))) return true;
  say("Nothing was announced.");
  return false;
}

function sayAnnounced(options: ReadOptions, atMs: number): void {
  const dueMs = atMs + RECOVERY_NOTICE_MS;
  if (options.flag("json")) printJson({ announced: true, dueMs });
  say(
    `The hub shows the notice to every device. It is over when the hub has run for ${RECOVERY_NOTICE_MS / HOUR_MS} hours,`,
  );
  say(
    `not before ${new Date(dueMs).toISOString()}. Until then any owner can object, and it is void.`,
  );
}
