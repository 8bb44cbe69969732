import type { HubDatabase } from "../base/database.ts";
import type { PassedOnBlob } from "../protocol/api-keyring.ts";
import { HubError, MalformedInput } from "../protocol/errors.ts";
import type { DeviceId } from "../protocol/ids.ts";
import { findDevice, roleOfDevice, type Keyring } from "../protocol/keyring.ts";

/** What one device may leave unfetched: a household does not change its readers that often. */
const WAITING_MAX = 100;

/** New readers as they wait for one device. */
export interface WaitingReaders {
  /** Of the statement that brought them. */
  readonly epoch: number;
  readonly sealed: string;
}

/**
 * Readers that an owner passes on. The hub carries them and opens none; what a device takes is only
 * what its verified keyring names.
 */
export class PassedOn {
  readonly #database: HubDatabase;

  constructor(database: HubDatabase) {
    this.#database = database;
  }

  /** To be called inside the transaction that accepts the statement. */
  add(epoch: number, blobs: readonly PassedOnBlob[]): void {
    const insert = this.#database.prepare(
      "INSERT OR REPLACE INTO passed_on (device, epoch, sealed) VALUES (?, ?, ?)",
    );
    const forgetOldest = this.#database.prepare(
      `DELETE FROM passed_on WHERE device = ? AND epoch NOT IN
         (SELECT epoch FROM passed_on WHERE device = ? ORDER BY epoch DESC LIMIT ${WAITING_MAX})`,
    );
    for (const { device, sealed } of blobs) {
      insert.run(device, epoch, sealed);
      forgetOldest.run(device, device);
    }
  }

  /** Oldest first. */
  of(device: DeviceId): WaitingReaders[] {
    return this.#database
      .prepare<[string], WaitingReaders>(
        "SELECT epoch, sealed FROM passed_on WHERE device = ? ORDER BY epoch",
      )
      .all(device);
  }

  remove(device: DeviceId, epoch: number): void {
    this.#database
      .prepare("DELETE FROM passed_on WHERE device = ? AND epoch = ?")
      .run(device, epoch);
  }

  /** Readers of a recovery that did not come to pass. */
  removeEpoch(epoch: number): void {
    this.#database.prepare("DELETE FROM passed_on WHERE epoch = ?").run(epoch);
  }

  removeAllOf(device: DeviceId): void {
    this.#database.prepare("DELETE FROM passed_on WHERE device = ?").run(device);
  }

  /** What waits for devices that are no longer in the household. */
  keepFor(keyring: Keyring): void {
    const waiting = this.#database
      .prepare<[], { device: DeviceId }>("SELECT DISTINCT device FROM passed_on")
      .all();
    for (const { device } of waiting) if (!findDevice(keyring, device)) this.removeAllOf(device);
  }
}

/** Devices that are to get new readers when `keyring` comes into force. */
export function readerHolders(keyring: Keyring): DeviceId[] {
  return [...keyring.devices.values()].flatMap(({ id, record }) => {
    const role = roleOfDevice(keyring, id);
    return role === null || role === "guest" || record.transfer === undefined ? [] : [id];
  });
}

/**
 * One for each device that stays and may have readers, and no other: a device that was forgotten
 * would open nothing from now on.
 *
 * @throws HubError PASSED_ON_INCOMPLETE, MalformedInput.
 */
export function requireForEach(keyring: Keyring, blobs: readonly PassedOnBlob[]): void {
  requireOnlyHolders(keyring, blobs);
  if (blobs.length !== readerHolders(keyring).length)
    throw new HubError(
      "PASSED_ON_INCOMPLETE",
      "Cannot accept keyring statement: the new readers are not passed on to every device that stays; try again",
    );
}

/** @throws MalformedInput where one is for a device that is not to have readers, or for one twice. */
export function requireOnlyHolders(keyring: Keyring, blobs: readonly PassedOnBlob[]): void {
  const holders = new Set<string>(readerHolders(keyring));
  for (const { device } of blobs)
    if (!holders.delete(device))
      throw new MalformedInput(
        "passedOn",
        "Cannot accept keyring statement: readers are passed on to a device that is not to have them",
      );
}
