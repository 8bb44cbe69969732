import { deviceOfBundle, signingKeyOf } from "../owner/device-bundle.ts";
import { follow } from "../owner/hub-client.ts";
import { envelopeSigner } from "../owner/identity.ts";
import { cutOffBy, removeDevice } from "../owner/keyring-changes.ts";
import { HubError } from "../protocol/errors.ts";
import { isPromisedReaders, type KeyringDevice } from "../protocol/keyring.ts";
import type { ExitCode } from "./exit.ts";
import { deviceLabels, devicesMeant, deviceText } from "./household-names.ts";
import { keepPassedOn, openSession, type OwnerSession } from "./hub-session.ts";
import { confirm } from "./keys-directory.ts";
import { print, printable, printJson, readOptions, say } from "./options.ts";
import { sayProposed } from "./owner-keyring.ts";

/** Removes a device, or all devices of a person: what is recorded from now on it cannot open. */
export async function ownerRemove(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, {
    values: ["hub", "keys"],
    flags: ["yes", "json"],
    positionals: 1,
  });
  await using session = await openSession(options);
  const { client, keyring, keys } = session;
  const labels = await deviceLabels(client);
  const meant = devicesMeant(options.positionals[0] ?? "", keyring, labels);
  if (meant.some(({ id }) => id === deviceOfBundle(keys.bundle)))
    throw new HubError(
      "OWN_DEVICE",
      "Cannot remove: this is the device you are using; remove it from another one",
    );
  if (meant.some((device) => isPromisedReaders(keyring, device)))
    throw new HubError(
      "READERS_PROMISED",
      "Cannot remove: a recovery is pending, and has handed its new keys to this device; object to it first (doorward owner object), or wait until it is over",
    );
  for (const device of meant) say(deviceText(device, keyring, labels));
  const ids = meant.map(({ id }) => id);
  for (const { id } of cutOffBy(keyring, ids))
    say(
      `${printable(labels.get(id) ?? id.slice(0, 16))} cannot be handed the new keys: pair it again afterwards.`,
    );
  const which = meant.length === 1 ? "this device" : `these ${meant.length} devices`;
  if (!options.flag("yes") && !(await confirm(`Remove ${which}, for good?`))) {
    say("Nothing was signed.");
    return 1;
  }
  const removed = await removeEach(session, meant);
  if (options.flag("json")) printJson({ removed, of: meant.length });
  else for (const id of removed) print(`${id}  removed`);
  if (removed.length < meant.length) sayLeft(meant.length - removed.length - 1);
  else sayRemoved(removed.length === 1);
  return 0;
}

/** Each removal makes new keys, so that the next one can be signed only when this one is in force. */
function sayLeft(count: number): void {
  if (count === 0) return;
  const which = count === 1 ? "one more device is" : `${count} more devices are`;
  say(`When it is in force, remove again: ${which} still in.`);
}

function sayRemoved(isOne: boolean): void {
  const [who, whose, has, finds] = isOne
    ? ["it", "its", "has", "finds"]
    : ["they", "their", "have", "find"];
  say(
    `What is recorded from now on ${who} cannot open; ${whose} sessions are over. What was recorded before`,
  );
  say(`${who} can still open, if ${who} ${has} a copy or ${finds} one. To see and end that:`);
  say("  doorward owner rewrap --keys DIR --dry-run");
}

async function removeEach(
  session: OwnerSession,
  devices: readonly KeyringDevice[],
): Promise<string[]> {
  const { client } = session;
  let { keys, keyring, seen } = session;
  const removed: string[] = [];
  for (const { id } of devices) {
    const signer = envelopeSigner(signingKeyOf(keys.bundle));
    const result = await removeDevice({ client, keyring, signer }, id);
    if (result.state === "proposed") {
      sayProposed(result);
      return removed;
    }
    removed.push(id);
    ({ keyring, seen } = await follow(client, keys.bundle, seen));
    keys = await keepPassedOn(keys, client, keyring);
  }
  return removed;
}
