import { Decrypter, Encrypter, identityToRecipient } from "age-encryption";
import Type from "typebox";
import { KeyringAnswer } from "../protocol/api.ts";
import { PassedOnAnswer, type PassedOnBlob } from "../protocol/api-keyring.ts";
import { fromBase64, toBase64 } from "../protocol/bytes.ts";
import { canonicalJson, parseCanonicalJson } from "../protocol/canonical-json.ts";
import { checkShape } from "../protocol/check.ts";
import { HubError } from "../protocol/errors.ts";
import {
  readersInForce,
  roleOfDevice,
  verifyKeyring,
  type Keyring,
  type Readers,
  type Role,
} from "../protocol/keyring.ts";
import {
  deviceOfBundle,
  EARLIER_READERS_MAX,
  generateReaders,
  HeldReadersSchema,
  readersForRole,
  signingKeyOf,
  transferKeyOf,
  type DeviceBundle,
  type HeldReaders,
} from "./device-bundle.ts";
import type { HubClient } from "./hub-client.ts";

/** Somebody whom new readers are passed on to, and what he may have of them. */
export interface ReaderHolder {
  readonly device: string;
  readonly role: Role;
  readonly transfer: string;
}

export interface RotatedReaders {
  /** For the keyring statement; the recovery reader is as it was. */
  readonly readers: Readers;
  readonly held: Required<HeldReaders>;
  /** One for each holder, sealed to it. */
  readonly passedOn: readonly PassedOnBlob[];
}

const READER_NAMES = ["originals", "blurred", "owners"] as const;

const PassedOnReadersSchema = Type.Object(
  { v: Type.Literal(1), readers: HeldReadersSchema },
  { additionalProperties: false },
);

/** New readers of the household's kind, and what each device that stays is to get of them. */
export async function rotateReaders(
  keyring: Pick<Keyring, "readers">,
  holders: readonly ReaderHolder[],
): Promise<RotatedReaders> {
  const { kind, recovery } = keyring.readers;
  const { held, recipients } = await generateReaders(kind);
  return {
    readers: { kind, ...recipients, recovery },
    held,
    passedOn: await Promise.all(holders.map((holder) => sealReaders(held, holder))),
  };
}

/** Some readers, as far as the holder's role may have them, sealed to its transfer key. */
export async function sealReaders(held: HeldReaders, holder: ReaderHolder): Promise<PassedOnBlob> {
  const encrypter = new Encrypter();
  encrypter.addRecipient(holder.transfer);
  const content = { v: 1, readers: readersForRole(held, holder.role) };
  return {
    device: holder.device,
    sealed: toBase64(await encrypter.encrypt(canonicalJson(content))),
  };
}

/**
 * Opens what was passed on to this device. Anybody can seal to it, the hub included: what counts is
 * that they are readers which the signed chain names.
 *
 * @param named - Readers of the verified keyring, any of which it may be.
 * @returns The readers, and which of `named` they are.
 * @throws HubError READERS_NOT_NAMED when they are other ones, or it is sealed to another device.
 */
export async function openPassedOn(
  bundle: DeviceBundle,
  sealed: string,
  named: readonly Readers[],
): Promise<{ readers: HeldReaders; index: number }> {
  const decrypter = new Decrypter();
  decrypter.addIdentity((await transferKeyOf(signingKeyOf(bundle))).identity);
  let content: Uint8Array;
  try {
    content = await decrypter.decrypt(fromBase64(sealed, "sealed"));
  } catch (cause) {
    throw notNamed("they are not for this device", { cause });
  }
  const { readers } = checkShape(
    PassedOnReadersSchema,
    parseCanonicalJson(content, "passed-on readers"),
    "passed-on readers",
  );
  const recipients: [keyof HeldReaders, string | null][] = [];
  for (const name of READER_NAMES) {
    const identity = readers[name];
    if (identity !== undefined) recipients.push([name, await recipientOf(identity)]);
  }
  const index = named.findIndex((one) =>
    recipients.every(([name, recipient]) => one[name] === recipient),
  );
  if (index === -1 || recipients.length === 0)
    throw notNamed("they are not those that the keyring names");
  return { readers, index };
}

function notNamed(reason: string, options?: ErrorOptions): HubError {
  return new HubError("READERS_NOT_NAMED", `Cannot take new readers: ${reason}`, options);
}

/** What waits for this device at the hub, as far as it holds. */
export interface TakenReaders {
  readonly bundle: DeviceBundle;
  /** To be cleared at the hub once the bundle is stored. */
  readonly epochs: readonly number[];
  /** Sets of readers that were not those of the keyring, or not for this device. */
  readonly refused: number;
}

/**
 * Fetches the readers that were passed on to this device. Nothing is cleared at the hub: first they
 * are to be stored where the device keeps its keys.
 *
 * @param keyring - The verified keyring, which the chain must end with.
 * @returns Null where nothing waits.
 * @throws KeyringRefused, MalformedInput.
 */
export async function takePassedOn(
  client: Pick<HubClient, "get">,
  bundle: DeviceBundle,
  keyring: Keyring,
): Promise<TakenReaders | null> {
  const waiting = await client.get("/api/passed-on", PassedOnAnswer);
  if (waiting.length === 0) return null;
  const { statements } = await client.get("/api/keyring", KeyringAnswer);
  if (verifyKeyring(statements).head !== keyring.head) return null;
  const named = readersInForce(statements);
  const found: { readers: HeldReaders; index: number; epoch: number }[] = [];
  let refused = 0;
  for (const { epoch, sealed } of waiting) {
    // Its readers come into force when the recovery is complete, or never.
    if (keyring.pending?.epoch === epoch) continue;
    try {
      found.push({ ...(await openPassedOn(bundle, sealed, named)), epoch });
    } catch (error) {
      if (!(error instanceof HubError)) throw error;
      refused += 1;
    }
  }
  let next = bundle;
  // The newest last, so that they are those in force; unless this device has newer ones already.
  for (const { readers } of found.toSorted((left, right) => right.index - left.index))
    next = withReaders(next, readers);
  const role = roleOfDevice(keyring, deviceOfBundle(bundle)) ?? bundle.role;
  if (await holdsReaders(bundle, role, keyring.readers)) next = withReaders(next, bundle.readers);
  return { bundle: next, epochs: found.map(({ epoch }) => epoch), refused };
}

/** The same device with `readers` in force; those it had before open what was recorded before. */
export function withReaders(bundle: DeviceBundle, readers: HeldReaders): DeviceBundle {
  const before = [bundle.readers, ...(bundle.earlier ?? [])];
  const isSame = (one: HeldReaders): boolean =>
    one.originals === readers.originals &&
    one.blurred === readers.blurred &&
    one.owners === readers.owners;
  const earlier = before
    .filter((one) => Object.keys(one).length > 0 && !isSame(one))
    .slice(0, EARLIER_READERS_MAX);
  const { earlier: _before, ...common } = bundle;
  return { ...common, readers, ...(earlier.length === 0 ? {} : { earlier }) };
}

/** Whether this device holds what its role may have of the readers in force. */
export async function holdsReaders(
  { readers }: Pick<DeviceBundle, "readers">,
  role: Role,
  named: Readers,
): Promise<boolean> {
  const wanted = readersForRole(
    { originals: named.originals, blurred: named.blurred, owners: named.owners },
    role,
  );
  for (const name of READER_NAMES) {
    const identity = readers[name];
    if (wanted[name] === undefined) continue;
    if (identity === undefined || (await recipientOf(identity)) !== wanted[name]) return false;
  }
  return true;
}

async function recipientOf(identity: string): Promise<string | null> {
  try {
    return await identityToRecipient(identity);
  } catch {
    // Not an identity at all: as good as another one.
    return null;
  }
}
