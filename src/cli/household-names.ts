import * as Api from "../protocol/api.ts";
import type { HubClient } from "../owner/hub-client.ts";
import type { Keyring, KeyringDevice } from "../protocol/keyring.ts";
import { roleOfDevice } from "../protocol/keyring.ts";
import { devicesInForce } from "../owner/keyring-changes.ts";
import { UsageError } from "./exit.ts";
import { printable } from "./options.ts";

/** Shorter, and two could be meant. */
const ID_CHARACTERS_MIN = 6;

/** What people call the household's devices, as far as the hub's copy fits the signed hashes. */
export async function deviceLabels(client: HubClient): Promise<ReadonlyMap<string, string>> {
  const devices = await client.get("/api/devices", Api.DeviceList);
  return new Map(devices.flatMap(({ device, label }) => (label === null ? [] : [[device, label]])));
}

export function deviceText(
  { id, person }: KeyringDevice,
  keyring: Keyring,
  labels: ReadonlyMap<string, string>,
): string {
  const role = roleOfDevice(keyring, id) ?? "removed";
  const label = printable(labels.get(id) ?? "a device without a name");
  return `${id.slice(0, 16)}  ${role.padEnd(7)} person ${person.slice(0, 8)}  ${label}`;
}

/**
 * The devices that somebody means by the name or the first digits of a device, or of a person.
 *
 * @throws UsageError with what there is.
 */
export function devicesMeant(
  text: string,
  keyring: Keyring,
  labels: ReadonlyMap<string, string>,
): KeyringDevice[] {
  const devices = devicesInForce(keyring);
  const isId = (id: string): boolean => text.length >= ID_CHARACTERS_MIN && id.startsWith(text);
  const ofPerson = devices.filter(({ person }) => isId(person));
  const persons = new Set(ofPerson.map(({ person }) => person));
  const meant = devices.filter(({ id }) => isId(id) || labels.get(id) === text);
  if (meant.length === 1 && ofPerson.length === 0) return meant;
  if (meant.length === 0 && persons.size === 1) return ofPerson;
  const found = meant.length + ofPerson.length === 0 ? "no device or person" : "more than one";
  throw new UsageError(
    [
      `Cannot tell whom "${printable(text)}" means: ${found}. There are:`,
      ...devices.map((device) => `  ${deviceText(device, keyring, labels)}`),
    ].join("\n"),
  );
}
