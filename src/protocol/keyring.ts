import Type, { type Static } from "typebox";
import { fromBase64, fromHex, sha256Hex } from "./bytes.ts";
import { checkShape } from "./check.ts";
import { deviceIdOf, openEnvelope, PAYLOAD_TYPES, verifyEnvelopeSignature } from "./envelope.ts";
import { HubError } from "./errors.ts";
import {
  parseDeviceId,
  parsePersonId,
  parseSha256Hex,
  type DeviceId,
  type PersonId,
  type Sha256Hex,
} from "./ids.ts";
import { LIMITS } from "./limits.ts";
import { isConfirmed, PasskeySchema } from "./webauthn.ts";

/**
 * owner: everything. adult: originals and live, no signature. viewer: blurred only.
 * guest: live for a limited time.
 */
export const RoleSchema = Type.Union([
  Type.Literal("owner"),
  Type.Literal("adult"),
  Type.Literal("viewer"),
  Type.Literal("guest"),
]);
export type Role = Static<typeof RoleSchema>;

export type Right = "view_originals" | "view_blurred" | "live" | "sign" | "administer";

const RIGHTS: { readonly [role in Role]: readonly Right[] } = {
  owner: ["view_originals", "view_blurred", "live", "sign", "administer"],
  adult: ["view_originals", "view_blurred", "live"],
  viewer: ["view_blurred"],
  guest: ["live"],
};

export function roleHasRight(role: Role, right: Right): boolean {
  return RIGHTS[role].includes(right);
}

const idText = (length: number) => Type.String({ minLength: length, maxLength: length });

const DeviceSchema = Type.Object(
  {
    /** Base64 of the raw Ed25519 public key; its SHA-256 is the device's id. */
    signingKey: Type.String({ minLength: 44, maxLength: 44 }),
    /** SHA-256 of salt and label: the name itself stays out of the chain, and of every bundle. */
    labelSha256: idText(64),
    passkey: Type.Optional(PasskeySchema),
  },
  { additionalProperties: false },
);
export type DeviceRecord = Static<typeof DeviceSchema>;

const ReadersSchema = Type.Object(
  {
    /** One kind for the whole keyring: a file never mixes both, the weaker one would decide. */
    kind: Type.Union([Type.Literal("pq"), Type.Literal("x25519")]),
    /** Opens everything that was recorded. */
    originals: Type.String({ maxLength: LIMITS.recipientCharacters }),
    /** Opens blurred video and blurred posters only. */
    blurred: Type.String({ maxLength: LIMITS.recipientCharacters }),
    /** Opens the personal part of requests; held by owners alone. */
    owners: Type.String({ maxLength: LIMITS.recipientCharacters }),
    /** Printed; opens everything. */
    recovery: Type.String({ maxLength: LIMITS.recipientCharacters }),
  },
  { additionalProperties: false },
);
export type Readers = Static<typeof ReadersSchema>;

const PolicySchema = Type.Object(
  {
    /** How many different persons must sign an export. */
    exportSigners: Type.Integer({ minimum: 1, maximum: 16 }),
    /** How many different persons must sign a keyring change. */
    keyringSigners: Type.Integer({ minimum: 1, maximum: 16 }),
    /** How long any owner may still object after the last signature; 0 = not used. */
    vetoWindowMs: Type.Integer({ minimum: 0, maximum: 30 * 24 * 3_600_000 }),
  },
  { additionalProperties: false },
);
export type Policy = Static<typeof PolicySchema>;

const ChangeSchema = Type.Union([
  Type.Object(
    {
      kind: Type.Literal("genesis"),
      /** Origin of the ledger that this household belongs to, and its Ed25519 key (base64). */
      origin: Type.String({ maxLength: 200 }),
      ledgerKey: Type.String({ minLength: 44, maxLength: 44 }),
      person: idText(32),
      device: DeviceSchema,
      readers: ReadersSchema,
      /** Ed25519 key of the recovery sheet: for keyring changes only, after a notice. */
      recoveryKey: Type.String({ minLength: 44, maxLength: 44 }),
      policy: PolicySchema,
    },
    { additionalProperties: false },
  ),
  Type.Object(
    {
      kind: Type.Literal("admit"),
      person: idText(32),
      role: RoleSchema,
      device: DeviceSchema,
    },
    { additionalProperties: false },
  ),
  Type.Object(
    {
      kind: Type.Literal("remove"),
      device: idText(64),
      /** The readers for what is recorded from now on. */
      readers: ReadersSchema,
    },
    { additionalProperties: false },
  ),
  Type.Object(
    { kind: Type.Literal("policy"), policy: PolicySchema },
    { additionalProperties: false },
  ),
]);
export type KeyringChange = Static<typeof ChangeSchema>;

export const KeyringStatementSchema = Type.Object(
  {
    v: Type.Literal(1),
    /** Position in the chain; genesis is 0. */
    epoch: Type.Integer({ minimum: 0, maximum: LIMITS.keyringStatements }),
    /** SHA-256 of the payload bytes of the statement before; null at genesis. */
    previous: Type.Union([idText(64), Type.Null()]),
    atMs: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
    change: ChangeSchema,
  },
  { additionalProperties: false },
);
export type KeyringStatement = Static<typeof KeyringStatementSchema>;

export interface KeyringDevice {
  readonly id: DeviceId;
  readonly person: PersonId;
  readonly record: DeviceRecord;
  readonly removed: boolean;
}

/** What the chain says after its last statement. */
export interface Keyring {
  readonly origin: string;
  readonly ledgerKey: Uint8Array;
  readonly genesis: Sha256Hex;
  readonly epoch: number;
  /** SHA-256 of the last statement's payload. */
  readonly head: Sha256Hex;
  readonly persons: ReadonlyMap<PersonId, Role>;
  readonly devices: ReadonlyMap<DeviceId, KeyringDevice>;
  readonly readers: Readers;
  readonly recoveryKey: Uint8Array;
  readonly policy: Policy;
}

export class KeyringRefused extends HubError {
  override readonly name = "KeyringRefused";
  declare readonly code:
    | "KEYRING_BROKEN_CHAIN"
    | "KEYRING_BAD_SIGNATURE"
    | "KEYRING_NOT_CONFIRMED"
    | "KEYRING_NOT_ENOUGH_OWNERS"
    | "KEYRING_INVALID_CHANGE"
    | "KEYRING_ROLLED_BACK";
}

/**
 * Checks a whole chain from genesis and returns what it says. The recorder, the hub, every device
 * and an outside verifier run this same function (invariant 9).
 *
 * @param expectedGenesis - SHA-256 of the genesis that the caller remembers, if it has seen one.
 * @throws KeyringRefused or MalformedInput.
 */
export function verifyKeyring(
  statements: readonly unknown[],
  expectedGenesis?: Sha256Hex,
): Keyring {
  if (statements.length > LIMITS.keyringStatements)
    throw new KeyringRefused("KEYRING_BROKEN_CHAIN", "Cannot accept keyring: too many statements");
  let keyring: Keyring | null = null;
  for (const statement of statements) keyring = extendKeyring(keyring, statement);
  if (!keyring)
    throw new KeyringRefused("KEYRING_BROKEN_CHAIN", "Cannot accept keyring: it has no statement");
  if (expectedGenesis !== undefined && keyring.genesis !== expectedGenesis)
    throw new KeyringRefused(
      "KEYRING_ROLLED_BACK",
      `Cannot accept keyring: genesis is ${keyring.genesis}, this device knows ${expectedGenesis}`,
    );
  return keyring;
}

/** A place in the chain: the statement at `epoch` has the SHA-256 `head`. */
export interface KeyringPosition {
  readonly epoch: number;
  readonly head: Sha256Hex;
}

/**
 * {@link verifyKeyring}, for somebody who has seen the chain before: it must still hold the
 * statement that was its last one then. Rolled back or replaced from there, it is refused.
 *
 * @throws KeyringRefused or MalformedInput.
 */
export function verifyKeyringSince(
  statements: readonly unknown[],
  seen: KeyringPosition | null,
): Keyring {
  const keyring = verifyKeyring(statements);
  if (seen === null) return keyring;
  const kept =
    seen.epoch <= keyring.epoch ? verifyKeyring(statements.slice(0, seen.epoch + 1)) : null;
  if (kept?.head !== seen.head)
    throw new KeyringRefused(
      "KEYRING_ROLLED_BACK",
      `Cannot accept keyring: it no longer holds statement ${seen.epoch} as it was`,
    );
  return keyring;
}

/**
 * Appends one signed statement.
 *
 * @param keyring - What the chain says so far; null before genesis.
 * @throws KeyringRefused when the statement does not follow or is not signed by enough owners in
 * force *before* it; MalformedInput when it cannot be read.
 */
export function extendKeyring(keyring: Keyring | null, value: unknown): Keyring {
  const { envelope, payload, content } = openEnvelope(value, PAYLOAD_TYPES.keyring, "keyring");
  const statement = checkShape(KeyringStatementSchema, content, "keyring statement");
  const head = sha256Hex(payload);
  if (statement.epoch !== (keyring ? keyring.epoch + 1 : 0))
    throw new KeyringRefused(
      "KEYRING_BROKEN_CHAIN",
      `Cannot accept keyring statement: epoch ${statement.epoch} does not follow`,
    );
  if (statement.previous !== (keyring ? keyring.head : null))
    throw new KeyringRefused(
      "KEYRING_BROKEN_CHAIN",
      `Cannot accept keyring statement ${statement.epoch}: it does not name the one before`,
    );
  const next = applyChange(keyring, statement, head);
  // Genesis is signed by the device it founds; everything else by owners who were there before.
  const authority = keyring ?? next;
  const signers = new Set<PersonId>();
  for (const signature of envelope.signatures) {
    const device = authority.devices.get(parseDeviceId(signature.keyid));
    const signingKey = device && fromBase64(device.record.signingKey, "signingKey");
    if (!device || device.removed || !signingKey || !isOwner(authority, device))
      throw new KeyringRefused(
        "KEYRING_BAD_SIGNATURE",
        `Cannot accept keyring statement ${statement.epoch}: signed by no owner in force`,
      );
    if (!verifyEnvelopeSignature(envelope, payload, signature, signingKey))
      throw new KeyringRefused(
        "KEYRING_BAD_SIGNATURE",
        `Cannot accept keyring statement ${statement.epoch}: a signature does not verify`,
      );
    // At genesis the passkey is made known by the very statement: it confirms what comes after.
    const { passkey } = device.record;
    if (keyring && !isConfirmed(passkey, signature.assertion, fromHex(head, "head")))
      throw new KeyringRefused(
        "KEYRING_NOT_CONFIRMED",
        `Cannot accept keyring statement ${statement.epoch}: the passkey did not confirm it`,
      );
    signers.add(device.person);
  }
  if (signers.size < authority.policy.keyringSigners)
    throw new KeyringRefused(
      "KEYRING_NOT_ENOUGH_OWNERS",
      `Cannot accept keyring statement ${statement.epoch}: ${signers.size} of ${authority.policy.keyringSigners} owners signed`,
    );
  return next;
}

/** The role of a device's person, or null where the device is unknown or was removed. */
export function roleOfDevice(keyring: Keyring, device: DeviceId): Role | null {
  const entry = keyring.devices.get(device);
  if (!entry || entry.removed) return null;
  return keyring.persons.get(entry.person) ?? null;
}

function isOwner(keyring: Keyring, device: KeyringDevice): boolean {
  return keyring.persons.get(device.person) === "owner";
}

function invalidChange(message: string): KeyringRefused {
  return new KeyringRefused("KEYRING_INVALID_CHANGE", `Cannot accept keyring change: ${message}`);
}

function applyChange(
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
    devices: new Map([[id, { id, person, record: change.device, removed: false }]]),
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
      record: change.device,
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
