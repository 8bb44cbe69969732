import Type, { type Static } from "typebox";
import { HubError } from "./errors.ts";
import type { DeviceId, PersonId, Sha256Hex } from "./ids.ts";
import { LIMITS } from "./limits.ts";
import { PasskeySchema } from "./webauthn.ts";

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

const idText = (length: number) =>
  Type.String({ pattern: `^[0-9a-f]{${length}}$`, minLength: length, maxLength: length });

const DeviceSchema = Type.Object(
  {
    /** Base64 of the raw Ed25519 public key; its SHA-256 is the device's id. */
    signingKey: Type.String({ minLength: 44, maxLength: 44 }),
    /** SHA-256 of salt and label: the name itself stays out of the chain, and of every bundle. */
    labelSha256: idText(64),
    passkey: Type.Optional(PasskeySchema),
    /**
     * Post-quantum age recipient that new readers are sealed to when the household changes its own.
     * Devices of before it was there have none: they are paired again.
     */
    transfer: Type.Optional(Type.String({ maxLength: LIMITS.recipientCharacters })),
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
  Type.Object(
    {
      kind: Type.Literal("sheet"),
      /** Reader and Ed25519 key (base64) of the new recovery sheet; the old one counts no more. */
      recovery: Type.String({ maxLength: LIMITS.recipientCharacters }),
      recoveryKey: Type.String({ minLength: 44, maxLength: 44 }),
    },
    { additionalProperties: false },
  ),
  Type.Object(
    {
      kind: Type.Literal("recovery_notice"),
      /** Becomes an owner's device; null where a household only loses one. */
      admit: Type.Union([
        Type.Object({ person: idText(32), device: DeviceSchema }, { additionalProperties: false }),
        Type.Null(),
      ]),
      remove: Type.Array(idText(64), { maxItems: LIMITS.noticeRemovals }),
      readers: ReadersSchema,
      policy: PolicySchema,
    },
    { additionalProperties: false },
  ),
  Type.Object({ kind: Type.Literal("recovery_objection") }, { additionalProperties: false }),
  Type.Object({ kind: Type.Literal("recovery_complete") }, { additionalProperties: false }),
]);
export type KeyringChange = Static<typeof ChangeSchema>;

export const KeyringStatementSchema = Type.Object(
  {
    v: Type.Literal(1),
    /** Position in the chain; genesis is 0. */
    epoch: Type.Integer({ minimum: 0, maximum: LIMITS.keyringStatements }),
    /** SHA-256 of the payload bytes of the statement before; null at genesis. */
    previous: Type.Union([idText(64), Type.Null()]),
    atMs: Type.Integer({ minimum: 0, maximum: LIMITS.timeMs }),
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
  /** What the recovery sheet has announced, and no owner has objected to so far. */
  readonly pending: PendingRecovery | null;
}

/** A recovery notice that waits for its 72 hours. */
export interface PendingRecovery {
  /** SHA-256 of the notice's payload. */
  readonly notice: Sha256Hex;
  readonly epoch: number;
  readonly atMs: number;
  readonly admit: KeyringDevice | null;
  readonly remove: readonly DeviceId[];
  readonly readers: Readers;
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

/** A device in force, or the one that a pending recovery would admit. */
export function findDevice(keyring: Keyring, device: DeviceId): KeyringDevice | null {
  const entry = keyring.devices.get(device);
  if (entry) return entry.removed ? null : entry;
  const admit = keyring.pending?.admit;
  return admit?.id === device ? admit : null;
}

/**
 * The role of a device's person, or null where the device is unknown or was removed. Until its 72
 * hours are over, the device of a recovery sees what the sheet opens anyway, and signs nothing.
 */
export function roleOfDevice(keyring: Keyring, device: DeviceId): Role | null {
  const entry = findDevice(keyring, device);
  if (!entry) return null;
  return keyring.devices.has(device) ? (keyring.persons.get(entry.person) ?? null) : "adult";
}

export function isOwner(keyring: Keyring, device: KeyringDevice): boolean {
  return keyring.persons.get(device.person) === "owner";
}
