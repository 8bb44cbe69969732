import { deviceIdOf } from "./envelope.ts";
import { parseDeviceId, type DeviceId } from "./ids.ts";
import { invalidChange, newDevice, requireReachable, requireRotated } from "./keyring-rules.ts";
import type { Keyring, KeyringChange, KeyringDevice, PendingRecovery } from "./keyring-schema.ts";
import { RECOVERY_NOTICE_MS } from "./limits.ts";

/** What the recovery sheet may do: announce, and, 72 hours later, have what it announced. */
type Notice = Extract<KeyringChange, { kind: "recovery_notice" }>;

/**
 * A notice changes nothing but that it is there. What could not be completed is refused at once.
 *
 * @throws KeyringRefused
 */
export function announceRecovery(keyring: Keyring, notice: Notice, atMs: number): Keyring {
  if (keyring.pending) throw invalidChange("another recovery is pending");
  const remove = requireInForce(keyring, notice.remove);
  if (notice.admit === null && remove.length === 0)
    throw invalidChange("the notice neither admits nor removes a device");
  const pending: PendingRecovery = {
    notice: keyring.head,
    epoch: keyring.epoch,
    atMs,
    admit: notice.admit && requireAdmissible(keyring, notice.admit),
    remove,
    readers: requireRotated(keyring, notice.readers),
    policy: notice.policy,
  };
  return requireCompletable({ ...keyring, pending });
}

/**
 * While a recovery is pending, owners go on as ever, but for what would make it impossible: who does
 * not want it says so, by an objection that everybody sees.
 */
export function requireCompletable(keyring: Keyring): Keyring {
  if (keyring.pending) afterRecovery(keyring, keyring.pending);
  return keyring;
}

/** @throws KeyringRefused without a notice, or before 72 hours have passed since. */
export function completeRecovery(keyring: Keyring, atMs: number): Keyring {
  const { pending } = keyring;
  if (!pending) throw invalidChange("no recovery is pending");
  if (atMs < pending.atMs + RECOVERY_NOTICE_MS)
    throw invalidChange("72 hours have not passed since the notice");
  return afterRecovery(keyring, pending);
}

/** What the chain would say if the pending recovery were complete. */
export function afterRecovery(keyring: Keyring, pending: PendingRecovery): Keyring {
  const devices = new Map(keyring.devices);
  for (const id of pending.remove) {
    const device = devices.get(id);
    // Owners may have removed it in the meantime.
    if (device) devices.set(id, { ...device, removed: true });
  }
  const persons = new Map(keyring.persons);
  if (pending.admit) {
    devices.set(pending.admit.id, pending.admit);
    persons.set(pending.admit.person, "owner");
  }
  const { readers, policy } = pending;
  const after = { ...keyring, devices, persons, readers, policy, pending: null };
  requireReachable(after, policy);
  return after;
}

function requireInForce(keyring: Keyring, texts: readonly string[]): DeviceId[] {
  const ids = texts.map(parseDeviceId);
  if (new Set(ids).size !== ids.length) throw invalidChange("the notice removes a device twice");
  for (const id of ids)
    if (keyring.devices.get(id)?.removed !== false)
      throw invalidChange("the notice removes a device that is not in force");
  return ids;
}

function requireAdmissible(keyring: Keyring, admit: NonNullable<Notice["admit"]>): KeyringDevice {
  const device = newDevice(admit.person, admit.device);
  if (admit.device.transfer === undefined)
    throw invalidChange("the notice's device has no transfer key");
  if (keyring.devices.has(device.id)) throw invalidChange("this device was admitted before");
  if (deviceIdOf(keyring.recoveryKey) === device.id)
    throw invalidChange("the sheet's key is no device's");
  const role = keyring.persons.get(device.person);
  if (role !== undefined && role !== "owner")
    throw invalidChange(`this person has the role ${role}`);
  return device;
}
