import { Decrypter } from "age-encryption";
import { HubInfo } from "../protocol/api.ts";
import { RecoveryAnswer, RecoveryContent, type PassedOnBlob } from "../protocol/api-keyring.ts";
import { equalBytes, fromBase64, toBase64 } from "../protocol/bytes.ts";
import { parseCanonicalJson } from "../protocol/canonical-json.ts";
import { checkShape } from "../protocol/check.ts";
import type { EnvelopeSigner } from "../protocol/envelope.ts";
import { HubError } from "../protocol/errors.ts";
import { parseDeviceId, parseSha256Hex } from "../protocol/ids.ts";
import {
  afterRecovery,
  checkStatement,
  roleOfDevice,
  verifyKeyring,
  type Keyring,
  type KeyringChange,
  type KeyringDevice,
  type Policy,
} from "../protocol/keyring.ts";
import type { Passkey } from "../protocol/webauthn.ts";
import {
  deviceRecord,
  newLabel,
  randomHex,
  transferKeyOf,
  type DeviceBundle,
  type HeldReaders,
  type NewLabel,
} from "./device-bundle.ts";
import { signChange } from "./household.ts";
import type { HubClient } from "./hub-client.ts";
import { envelopeSigner, generateSigningKey } from "./identity.ts";
import { devicesInForce, holdersIn } from "./keyring-changes.ts";
import type { Recovery } from "./recovery.ts";
import { openPassedOn, rotateReaders, sealReaders } from "./rotate.ts";

/** What a sheet finds when it comes to the hub. */
export interface RecoveryGround {
  readonly client: HubClient;
  readonly sheet: Recovery;
  readonly statements: readonly unknown[];
  readonly keyring: Keyring;
  readonly labels: ReadonlyMap<string, string>;
  /** How long the hub has run since the notice that is pending. */
  readonly ranMs: number;
}

/**
 * Asks the hub for what a recovery begins with. It is sealed to the sheet, so that opening it shows
 * that the sheet is in force, and nobody else learns who lives here.
 *
 * @throws HubError SHEET_NOT_IN_FORCE; KeyringRefused, MalformedInput.
 */
export async function meetHub(client: HubClient, sheet: Recovery): Promise<RecoveryGround> {
  const hub = await client.get("/api/hub", HubInfo);
  const { sealed } = await client.get("/api/recoveries", RecoveryAnswer);
  const decrypter = new Decrypter();
  decrypter.addIdentity(sheet.reader.identity);
  let bytes: Uint8Array;
  try {
    bytes = await decrypter.decrypt(fromBase64(sealed, "sealed"));
  } catch (cause) {
    throw notInForce(cause);
  }
  const { statements, labels, ranMs } = checkShape(
    RecoveryContent,
    parseCanonicalJson(bytes, "recovery"),
    "recovery",
  );
  const genesis = hub.genesis === null ? undefined : parseSha256Hex(hub.genesis);
  const keyring = verifyKeyring(statements, genesis);
  const isInForce =
    keyring.readers.recovery === sheet.reader.recipient &&
    equalBytes(keyring.recoveryKey, sheet.signingKey.publicKey);
  if (!isInForce) throw notInForce();
  if (keyring.origin !== hub.origin || toBase64(keyring.ledgerKey) !== hub.ledgerKey)
    throw new HubError("FOREIGN_HOUSEHOLD", "Cannot recover: this household is of another hub");
  const names = new Map(labels.map(({ device, label }) => [device, label]));
  return { client, sheet, statements, keyring, labels: names, ranMs };
}

function notInForce(cause?: unknown): HubError {
  return new HubError(
    "SHEET_NOT_IN_FORCE",
    "Cannot recover: this is not the recovery sheet that this household has in force",
    { cause },
  );
}

export interface Wanted {
  /** Who the new device is to belong to; null where none comes in. */
  readonly person: string | null;
  readonly label: string;
  /** What will confirm the new device's decisions, where it has one. */
  readonly passkey?: Passkey;
  readonly remove: readonly string[];
  /** Left out: as it is, or as few signers as there are owners left. */
  readonly policy?: Partial<Policy>;
}

/** A notice, signed and not yet handed in. */
export interface PreparedNotice {
  /** To be stored first: the hub never has it. Null where no device comes in. */
  readonly bundle: DeviceBundle | null;
  readonly body: {
    readonly statement: unknown;
    readonly label: NewLabel | null;
    readonly passedOn: readonly PassedOnBlob[];
  };
}

/**
 * Makes the keys of a new device, new readers for all that stay, and the notice that announces both.
 *
 * @throws KeyringRefused where nobody could sign after it, or another recovery is pending.
 */
export async function prepareNotice(
  { keyring, sheet }: RecoveryGround,
  { person, label: name, passkey, remove, policy }: Wanted,
): Promise<PreparedNotice> {
  const key = generateSigningKey();
  const label = newLabel(name);
  const { recipient: transfer } = await transferKeyOf(key);
  const own = { device: key.device, role: "owner" as const, transfer };
  const holders = [...holdersIn(keyring, remove), ...(person === null ? [] : [own])];
  const { readers, passedOn } = await rotateReaders(keyring, holders);
  const change: KeyringChange = {
    kind: "recovery_notice",
    admit:
      person === null
        ? null
        : {
            person,
            device: deviceRecord(key.publicKey, label, {
              ...(passkey ? { passkey } : {}),
              transfer,
            }),
          },
    remove: remove.map(parseDeviceId),
    readers,
    policy: { ...lowestPolicy(keyring, person, remove), ...policy },
  };
  const statement = await signed(keyring, sheet, change);
  const bundle: DeviceBundle = {
    v: 1,
    kind: keyring.readers.kind,
    origin: keyring.origin,
    genesis: keyring.genesis,
    person: person ?? randomHex(16),
    role: "owner",
    label: name,
    signingSeed: toBase64(key.secret),
    // They come when the notice is over; the sheet's own reader opens everything until then.
    readers: {},
    recovery: sheet.reader.identity,
  };
  const isJoining = person !== null;
  return {
    bundle: isJoining ? bundle : null,
    body: { statement, label: isJoining ? label : null, passedOn },
  };
}

export async function handInNotice(
  { client }: RecoveryGround,
  notice: PreparedNotice,
): Promise<void> {
  await client.send("/api/recoveries", notice.body);
}

/**
 * Completes the recovery that is pending.
 *
 * @param finder - A device that the notice's readers were passed on to: it hands them to devices
 * that came in since.
 * @throws HubError RECOVERY_TOO_EARLY, KeyringRefused.
 */
export async function finishRecovery(
  ground: RecoveryGround,
  finder: { readonly held: HeldReaders } | null,
): Promise<void> {
  const { client, keyring, sheet } = ground;
  const passedOn = finder ? await forLatecomers(ground, finder.held) : [];
  const statement = await signed(keyring, sheet, { kind: "recovery_complete" });
  await client.send("/api/recoveries", { statement, label: null, passedOn });
}

/** The readers of the pending recovery, where they wait for this device. */
export async function pendingReaders(
  keyring: Keyring,
  bundle: DeviceBundle,
  waiting: readonly { readonly epoch: number; readonly sealed: string }[],
): Promise<HeldReaders | null> {
  const { pending } = keyring;
  const own = pending && waiting.find(({ epoch }) => epoch === pending.epoch);
  return own ? (await openPassedOn(bundle, own.sealed, [pending.readers])).readers : null;
}

async function forLatecomers(
  { statements, keyring }: RecoveryGround,
  held: HeldReaders,
): Promise<PassedOnBlob[]> {
  const { pending } = keyring;
  if (!pending) return [];
  const then = verifyKeyring(statements.slice(0, pending.epoch + 1));
  const latecomers = holdersIn(afterRecovery(keyring, pending)).filter(
    ({ device }) => device !== pending.admit?.id && !then.devices.has(parseDeviceId(device)),
  );
  return Promise.all(latecomers.map((holder) => sealReaders(held, holder)));
}

async function signed(
  keyring: Keyring,
  { signingKey }: Recovery,
  change: KeyringChange,
): Promise<unknown> {
  const signer: EnvelopeSigner = envelopeSigner(signingKey);
  const statement = await signChange(signer, keyring, change, Date.now());
  checkStatement(keyring, statement);
  return statement;
}

/** Devices of owners in force, by person. */
export function ownersOf(keyring: Keyring): Map<string, KeyringDevice[]> {
  const owners = new Map<string, KeyringDevice[]>();
  for (const device of devicesInForce(keyring))
    if (roleOfDevice(keyring, device.id) === "owner")
      owners.set(device.person, [...(owners.get(device.person) ?? []), device]);
  return owners;
}

function lowestPolicy(keyring: Keyring, person: string | null, remove: readonly string[]): Policy {
  const left = new Set<string>(person === null ? [] : [person]);
  for (const [owner, devices] of ownersOf(keyring))
    if (devices.some(({ id }) => !remove.includes(id))) left.add(owner);
  const most = Math.max(1, left.size);
  const { exportSigners, keyringSigners, vetoWindowMs } = keyring.policy;
  return {
    exportSigners: Math.min(exportSigners, most),
    keyringSigners: Math.min(keyringSigners, most),
    vetoWindowMs,
  };
}
