import { Decrypter, Encrypter, identityToRecipient } from "age-encryption";
import Type from "typebox";
import type { PassedOnBlob } from "../protocol/api-keyring.ts";
import { fromBase64, toBase64 } from "../protocol/bytes.ts";
import { canonicalJson, parseCanonicalJson } from "../protocol/canonical-json.ts";
import { checkShape } from "../protocol/check.ts";
import { HubError } from "../protocol/errors.ts";
import type { Keyring, Readers, Role } from "../protocol/keyring.ts";
import {
  EARLIER_READERS_MAX,
  generateReaders,
  HeldReadersSchema,
  readersForRole,
  signingKeyOf,
  transferKeyOf,
  type DeviceBundle,
  type HeldReaders,
} from "./device-bundle.ts";

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
 * that they are the readers which the signed chain names.
 *
 * @param named - The readers of the verified keyring, at the statement that brought them.
 * @throws HubError READERS_NOT_NAMED when they are other ones, or it is sealed to another device.
 */
export async function openPassedOn(
  bundle: DeviceBundle,
  sealed: string,
  named: Readers,
): Promise<HeldReaders> {
  const decrypter = new Decrypter();
  decrypter.addIdentity((await transferKeyOf(signingKeyOf(bundle))).identity);
  let content: Uint8Array;
  try {
    content = await decrypter.decrypt(fromBase64(sealed, "sealed"));
  } catch (cause) {
    throw new HubError(
      "READERS_NOT_NAMED",
      "Cannot take new readers: they are not for this device",
      {
        cause,
      },
    );
  }
  const { readers } = checkShape(
    PassedOnReadersSchema,
    parseCanonicalJson(content, "passed-on readers"),
    "passed-on readers",
  );
  for (const name of ["originals", "blurred", "owners"] as const) {
    const identity = readers[name];
    if (identity !== undefined && (await recipientOf(identity)) !== named[name])
      throw new HubError(
        "READERS_NOT_NAMED",
        "Cannot take new readers: they are not those that the keyring names",
      );
  }
  return readers;
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
  for (const name of ["originals", "blurred", "owners"] as const) {
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
