import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { randomBytes } from "@noble/hashes/utils.js";
import Type, { type Static } from "typebox";
import { requireAgeHeader } from "../protocol/age-header.ts";
import { fromBase64, sha256Hex, toBase64, toHex, utf8Bytes } from "../protocol/bytes.ts";
import { checkShape } from "../protocol/check.ts";
import { deviceIdOf } from "../protocol/envelope.ts";
import type { DeviceId, Rendition } from "../protocol/ids.ts";
import { RoleSchema, type DeviceRecord, type Role } from "../protocol/keyring.ts";
import { STANZA_COUNT } from "../protocol/rewrap.ts";
import type { Passkey } from "../protocol/webauthn.ts";
import {
  generateReader,
  readerFromSeed,
  signingKeyFromSeed,
  type KeyKind,
  type ReaderKey,
  type SigningKey,
} from "./identity.ts";

const identity = Type.String({ minLength: 60, maxLength: 120 });

/** As often as a household may change its readers before a device forgets the oldest. */
export const EARLIER_READERS_MAX = 500;

/** The readers that a role may have; a viewer's bundle has no originals reader to leak. */
export const HeldReadersSchema = Type.Object(
  {
    originals: Type.Optional(identity),
    blurred: Type.Optional(identity),
    owners: Type.Optional(identity),
  },
  { additionalProperties: false },
);
export type HeldReaders = Static<typeof HeldReadersSchema>;

/** All that a device of the household keeps, to be sealed on the device itself. */
export const DeviceBundleSchema = Type.Object(
  {
    v: Type.Literal(1),
    kind: Type.Union([Type.Literal("pq"), Type.Literal("x25519")]),
    /** Origin of the ledger, and the genesis that this device believes in. */
    origin: Type.String({ maxLength: 200 }),
    genesis: Type.String({ minLength: 64, maxLength: 64 }),
    person: Type.String({ minLength: 32, maxLength: 32 }),
    role: RoleSchema,
    label: Type.String({ maxLength: 80 }),
    /** Base64 of the Ed25519 seed. */
    signingSeed: Type.String({ minLength: 44, maxLength: 44 }),
    /** Those in force. */
    readers: HeldReadersSchema,
    /** Those that were in force before, newest first. */
    earlier: Type.Optional(Type.Array(HeldReadersSchema, { maxItems: EARLIER_READERS_MAX })),
    /** The sheet's reader, where this device came into the household by it. */
    recovery: Type.Optional(identity),
  },
  { additionalProperties: false },
);
export type DeviceBundle = Static<typeof DeviceBundleSchema>;

export function readDeviceBundle(value: unknown): DeviceBundle {
  return checkShape(DeviceBundleSchema, value, "device keys");
}

export function signingKeyOf(bundle: DeviceBundle): SigningKey {
  return signingKeyFromSeed(fromBase64(bundle.signingSeed, "signingSeed"));
}

export function deviceOfBundle(bundle: DeviceBundle): DeviceId {
  return deviceIdOf(signingKeyOf(bundle).publicKey);
}

/** Identities that open recordings, newest first; of one age the strongest first. */
export function clipIdentities(bundle: DeviceBundle): string[] {
  const generations = [bundle.readers, ...(bundle.earlier ?? [])];
  const readers = generations.flatMap(({ originals, blurred }) => [originals, blurred]);
  return [...readers, bundle.recovery].flatMap((one) => one ?? []);
}

/** Identities that may open a sealed file which the hub, the ledger or terms call by a rendition. */
export type IdentitiesOf = (rendition: Rendition, sealed: Uint8Array) => readonly string[];

/**
 * What is called blurred is opened with blurred readers only. What a file is called is the hub's word,
 * but for those readers no original has a stanza, and nobody without its file key can add one: a
 * recording under the name of a blurred copy stays shut, whoever lists it.
 *
 * The recovery sheet opens both. It is used on a blurred file only where the header has a stanza more
 * than an original's, which opening it proves: the header's MAC is over all stanzas.
 */
export function identitiesOf(bundle: DeviceBundle): IdentitiesOf {
  const all = clipIdentities(bundle);
  const blurred = [bundle.readers, ...(bundle.earlier ?? [])].flatMap((one) => one.blurred ?? []);
  const withSheet = bundle.recovery === undefined ? blurred : [...blurred, bundle.recovery];
  return (rendition, sealed) => {
    if (rendition === "original") return all;
    const { length } = requireAgeHeader(sealed).stanzas;
    return length === STANZA_COUNT.blurred ? withSheet : blurred;
  };
}

/** Where new readers reach this device: follows from its signing seed, so nothing more is kept. */
export async function transferKeyOf(signingKey: SigningKey): Promise<ReaderKey> {
  const info = utf8Bytes("doorward transfer v1");
  return readerFromSeed("pq", hkdf(sha256, signingKey.secret, undefined, info, 32));
}

/** The readers that somebody of this role is given when he is admitted. */
export function readersForRole(readers: HeldReaders, role: Role): HeldReaders {
  const { originals, blurred, owners } = readers;
  switch (role) {
    case "owner":
      return pick({ originals, blurred, owners });
    case "adult":
      return pick({ originals, blurred });
    case "viewer":
      return pick({ blurred });
    case "guest":
      return {};
  }
}

function pick(readers: {
  [name in keyof HeldReaders]: HeldReaders[name] | undefined;
}): HeldReaders {
  return Object.fromEntries(Object.entries(readers).filter(([, value]) => value !== undefined));
}

export async function generateReaders(kind: KeyKind): Promise<{
  held: Required<HeldReaders>;
  recipients: { originals: string; blurred: string; owners: string };
}> {
  const [originals, blurred, owners] = await Promise.all([
    generateReader(kind),
    generateReader(kind),
    generateReader(kind),
  ]);
  return {
    held: {
      originals: originals.identity,
      blurred: blurred.identity,
      owners: owners.identity,
    },
    recipients: {
      originals: originals.recipient,
      blurred: blurred.recipient,
      owners: owners.recipient,
    },
  };
}

export interface NewLabel {
  readonly label: string;
  readonly salt: string;
}

/** A device as the keyring names it: key, and the salted hash of what people call it. */
export function deviceRecord(
  publicKey: Uint8Array,
  label: NewLabel,
  { passkey, transfer }: { readonly passkey?: Passkey; readonly transfer?: string } = {},
): DeviceRecord {
  return {
    signingKey: toBase64(publicKey),
    labelSha256: sha256Hex(utf8Bytes(`${label.salt} ${label.label}`)),
    ...(passkey ? { passkey } : {}),
    ...(transfer === undefined ? {} : { transfer }),
  };
}

export function newLabel(label: string): NewLabel {
  return { label, salt: toHex(randomBytes(16)) };
}

export function randomHex(bytes: number): string {
  return toHex(randomBytes(bytes));
}
