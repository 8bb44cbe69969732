import { fromBase64 } from "./bytes.ts";
import { originOf } from "./cosigner.ts";
import { deviceIdOf } from "./envelope.ts";
import { parseDeviceId, parseSha256Hex, type Sha256Hex } from "./ids.ts";
import {
  invalidChange,
  newDevice,
  requireReachable,
  requireReaders,
  requireRotated,
  requireSigningKey,
} from "./keyring-rules.ts";
import { LIMITS } from "./limits.ts";
import { announceRecovery, completeRecovery, requireCompletable } from "./keyring-recovery.ts";
import type { Keyring, KeyringChange, KeyringDevice, KeyringStatement } from "./keyring-schema.ts";

type Change<Kind extends KeyringChange["kind"]> = Extract<KeyringChange, { kind: Kind }>;

/** What the chain says after `statement`; who signed it is not asked here. */
export function applyChange(
  keyring: Keyring | null,
  statement: KeyringStatement,
  head: Sha256Hex,
): Keyring {
  const { change, epoch } = statement;
  if (change.kind === "genesis") {
    if (keyring) throw invalidChange("a household has one genesis");
    return foundHousehold(change, head);
  }
  if (!keyring) throw invalidChange("the first statement must be the genesis");
  const following = { ...keyring, epoch, head };
  switch (change.kind) {
    case "admit":
      return admitDevice(following, change);
    case "remove":
      return requireCompletable(removeDevice(following, change));
    case "policy":
      return { ...following, policy: requireReachable(following, change.policy) };
    case "sheet":
      return replaceSheet(following, change);
    case "recovery_notice":
      return announceRecovery(following, change, statement.atMs);
    case "recovery_objection":
      if (!keyring.pending) throw invalidChange("no recovery is pending");
      return { ...following, pending: null };
    case "recovery_complete":
      return completeRecovery(following, statement.atMs);
  }
}

function foundHousehold(change: Change<"genesis">, head: Sha256Hex): Keyring {
  const device = newDevice(change.person, change.device);
  const recoveryKey = requireSigningKey(change.recoveryKey);
  if (deviceIdOf(recoveryKey) === device.id) throw invalidChange("the sheet's key is a device's");
  const ledgerKey = fromBase64(change.ledgerKey, "ledgerKey");
  // People compare the origin: under another's, whoever has a key of his own would be that house.
  if (change.origin !== originOf(ledgerKey)) throw invalidChange("the origin is not its key's");
  const keyring: Keyring = {
    origin: change.origin,
    ledgerKey,
    genesis: parseSha256Hex(head),
    epoch: 0,
    head,
    persons: new Map([[device.person, "owner"]]),
    devices: new Map([[device.id, device]]),
    readers: requireReaders(change.readers),
    recoveryKey,
    policy: change.policy,
    pending: null,
  };
  requireReachable(keyring, change.policy);
  return keyring;
}

function admitDevice(keyring: Keyring, change: Change<"admit">): Keyring {
  const device = newDevice(change.person, change.device);
  const { id, person } = device;
  if (keyring.devices.has(id)) throw invalidChange("this device was admitted before");
  if (deviceIdOf(keyring.recoveryKey) === id) throw invalidChange("the sheet's key is no device's");
  const roleBefore = keyring.persons.get(person);
  if (roleBefore !== undefined && roleBefore !== change.role)
    throw invalidChange(`this person has the role ${roleBefore}`);
  const inForce = [...keyring.devices.values()].filter(({ removed }) => !removed);
  if (inForce.length >= LIMITS.devicesInForce) throw invalidChange("there are too many devices");
  const waiting = keyring.pending?.admit;
  if (waiting?.id === id || (waiting?.person === person && change.role !== "owner"))
    throw invalidChange("a recovery that is pending admits this one; object to it first");
  return {
    ...keyring,
    persons: new Map(keyring.persons).set(person, change.role),
    devices: new Map(keyring.devices).set(id, device),
  };
}

function removeDevice(keyring: Keyring, change: Change<"remove">): Keyring {
  const id = parseDeviceId(change.device);
  const device = keyring.devices.get(id);
  if (!device || device.removed) throw invalidChange("this device is not in force");
  if (isPromisedReaders(keyring, device))
    throw invalidChange(
      "a recovery that is pending has promised its readers to this device; object to the recovery first",
    );
  const next = {
    ...keyring,
    readers: requireRotated(keyring, change.readers),
    devices: new Map(keyring.devices).set(id, { ...device, removed: true }),
  };
  requireReachable(next, next.policy);
  return next;
}

/**
 * With a notice its readers are passed on to every device that it leaves in force. Removed meanwhile,
 * such a device would open everything that is recorded once the recovery is complete: nobody removes
 * it before an owner has objected, or the recovery is complete.
 */
export function isPromisedReaders({ pending, persons }: Keyring, device: KeyringDevice): boolean {
  const mayHold = device.record.transfer !== undefined && persons.get(device.person) !== "guest";
  return pending !== null && mayHold && !pending.remove.includes(device.id);
}

/** What the old sheet announced falls with it: the key that would complete it counts no more. */
function replaceSheet(keyring: Keyring, change: Change<"sheet">): Keyring {
  const { recovery } = change;
  const { readers } = keyring;
  if (recovery === readers.recovery) throw invalidChange("the sheet's reader is the old one");
  const recoveryKey = requireSigningKey(change.recoveryKey);
  const id = deviceIdOf(recoveryKey);
  if (id === deviceIdOf(keyring.recoveryKey)) throw invalidChange("the sheet's key is the old one");
  if (keyring.devices.has(id)) throw invalidChange("the sheet's key is a device's");
  return {
    ...keyring,
    readers: requireReaders({ ...readers, recovery }),
    recoveryKey,
    pending: null,
  };
}
