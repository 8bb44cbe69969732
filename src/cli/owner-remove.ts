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
  if (!options.flag("yes") && !(await confirm("Remove this, for good?"))) {
    say("Nothing was signed.");
    return 1;
  }
  const removed = await removeEach(session, meant);
  if (options.flag("json")) printJson({ removed, of: meant.length });
  else for (const id of removed) print(`${id}  removed`);
  if (removed.length < meant.length) return 0;
  say(
    "What is recorded from now on it cannot open; its sessions are over. What was recorded before",
  );
  say(`it can still open, if it has a copy or finds one. To see and end that:`);
  say("  doorward owner rewrap --keys DIR --dry-run");
  return 0;
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
