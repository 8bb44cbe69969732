import type { ShownDevice, ShownPerson } from "../../../device/calls/shown-people.ts";

/**
 * Where a device stands in a change of the house's address:
 * - `moved`: the same person has a younger device of the same name, so this one's keys are the old;
 * - `to-move`: its passkey belongs to another address;
 * - `perhaps`: no passkey says where it belongs: a browser that seals its keys itself, which has to
 *   move, or a command line, whose keys belong to no address.
 */
export interface MoveRow {
  readonly device: ShownDevice;
  readonly state: "moved" | "to-move" | "perhaps";
  /** What has taken its place; null where nothing has. */
  readonly by: ShownDevice | null;
}

/**
 * The devices that had to do with the address of before, in the order of the household.
 *
 * @param newOrigin - As `https://door.example.org:8443`.
 * @param hereOrigin - Where the device that asks has its keys, which is a browser in any case.
 */
export function movePlan(
  people: readonly ShownPerson[],
  newOrigin: string,
  hereOrigin: string,
): MoveRow[] {
  const originOf = ({ isThis, origin }: ShownDevice): string | null =>
    isThis ? hereOrigin : origin;
  return people.flatMap(({ devices }) => {
    const inForce = devices.filter(({ isRemoved }) => !isRemoved);
    const successors = new Set<string>();
    const rows: MoveRow[] = [];
    for (const [index, device] of inForce.entries()) {
      if (originOf(device) === newOrigin || successors.has(device.id)) continue;
      const by = inForce
        .slice(index + 1)
        .find(
          (other) =>
            !successors.has(other.id) &&
            device.label !== null &&
            other.label === device.label &&
            [null, newOrigin].includes(originOf(other)),
        );
      if (by) successors.add(by.id);
      const state = by ? "moved" : originOf(device) === null ? "perhaps" : "to-move";
      rows.push({ device, state, by: by ?? null });
    }
    return rows;
  });
}

/** Where a device joins under the new address, with the name that it has now. */
export function joinAddress(newOrigin: string, label: string | null): string {
  const query = label === null ? "" : `?${new URLSearchParams({ name: label }).toString()}`;
  return `${newOrigin}/#/join${query}`;
}
