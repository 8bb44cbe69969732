import { fromBase64 } from "./bytes.ts";
import { deviceIdOf } from "./envelope.ts";
import { parseRecipient } from "./age-header.ts";
import {
  parseDeviceId,
  parsePersonId,
  parseSha256Hex,
  type PersonId,
  type Sha256Hex,
} from "./ids.ts";
import {
  isOwner,
  KeyringRefused,
  type DeviceRecord,
  type Keyring,
  type KeyringChange,
  type KeyringStatement,
  type Policy,
  type Readers,
} from "./keyring-schema.ts";

function invalidChange(message: string): KeyringRefused {
  return new KeyringRefused("KEYRING_INVALID_CHANGE", `Cannot accept keyring change: ${message}`);
}

/** What the chain says after `statement`; nothing is verified here but that the change can be made. */
export function applyChange(
  keyring: Keyring | null,
  statement: KeyringStatement,
  head: Sha256Hex,
): Keyring {
  const { change } = statement;
  if (change.kind === "genesis") {
    if (keyring) throw invalidChange("a household has one genesis");
    return foundHousehold(change, head);
  }
  if (!keyring) throw invalidChange("the first statement must be the genesis");
  const following = { ...keyring, epoch: statement.epoch, head };
  switch (change.kind) {
    case "admit":
      return admitDevice(following, change);
    case "remove":
      return removeDevice(following, change);
    case "policy":
      return { ...following, policy: requireReachable(following, change.policy) };
  }
}

function foundHousehold(
  change: Extract<KeyringChange, { kind: "genesis" }>,
  head: Sha256Hex,
): Keyring {
  const person = parsePersonId(change.person);
  const id = deviceIdOf(fromBase64(change.device.signingKey, "signingKey"));
  const keyring: Keyring = {
    origin: change.origin,
    ledgerKey: fromBase64(change.ledgerKey, "ledgerKey"),
    genesis: parseSha256Hex(head),
    epoch: 0,
    head,
    persons: new Map([[person, "owner"]]),
    devices: new Map([
      [id, { id, person, record: requireTransfer(change.device), removed: false }],
    ]),
    readers: requireOneKind(change.readers),
    recoveryKey: fromBase64(change.recoveryKey, "recoveryKey"),
    policy: change.policy,
  };
  requireReachable(keyring, change.policy);
  return keyring;
}

function admitDevice(keyring: Keyring, change: Extract<KeyringChange, { kind: "admit" }>): Keyring {
  const person = parsePersonId(change.person);
  const id = deviceIdOf(fromBase64(change.device.signingKey, "signingKey"));
  if (keyring.devices.has(id)) throw invalidChange("this device was admitted before");
  const roleBefore = keyring.persons.get(person);
  if (roleBefore !== undefined && roleBefore !== change.role)
    throw invalidChange(`this person has the role ${roleBefore}`);
  return {
    ...keyring,
    persons: new Map(keyring.persons).set(person, change.role),
    devices: new Map(keyring.devices).set(id, {
      id,
      person,
      record: requireTransfer(change.device),
      removed: false,
    }),
  };
}

function removeDevice(
  keyring: Keyring,
  change: Extract<KeyringChange, { kind: "remove" }>,
): Keyring {
  const id = parseDeviceId(change.device);
  const device = keyring.devices.get(id);
  if (!device || device.removed) throw invalidChange("this device is not in force");
  const readers = requireOneKind(change.readers);
  if (readers.kind !== keyring.readers.kind) throw invalidChange("the kind of keys cannot change");
  const next = {
    ...keyring,
    readers,
    devices: new Map(keyring.devices).set(id, { ...device, removed: true }),
  };
  requireReachable(next, next.policy);
  return next;
}

/** A policy that no set of owners could meet would lock the household out for ever. */
function requireReachable(keyring: Keyring, policy: Policy): Policy {
  const owners = new Set<PersonId>();
  for (const device of keyring.devices.values())
    if (!device.removed && isOwner(keyring, device)) owners.add(device.person);
  if (owners.size < Math.max(policy.exportSigners, policy.keyringSigners))
    throw invalidChange(`${owners.size} owners could never meet the policy`);
  return policy;
}

function requireOneKind(readers: Readers): Readers {
  const prefix = readers.kind === "pq" ? "age1pq1" : "age1";
  const texts = [readers.originals, readers.blurred, readers.owners, readers.recovery];
  for (const text of texts)
    if (!text.startsWith(prefix) || (readers.kind === "x25519" && text.startsWith("age1pq1")))
      throw invalidChange(`a reader is not of kind ${readers.kind}`);
  if (new Set(texts).size !== texts.length) throw invalidChange("two readers are the same key");
  return readers;
}

/** Who cannot be sealed to would keep the household from ever passing on new readers. */
function requireTransfer(record: DeviceRecord): DeviceRecord {
  if (record.transfer !== undefined && parseRecipient(record.transfer).kind !== "pq")
    throw invalidChange("a transfer key is not post-quantum");
  return record;
}
