import { Decrypter, Encrypter } from "age-encryption";
import Type, { type Static } from "typebox";
import { utf8Bytes } from "../protocol/bytes.ts";
import { parseJson } from "../protocol/canonical-json.ts";
import { checkShape } from "../protocol/check.ts";
import { HubError } from "../protocol/errors.ts";
import {
  MAILBOX_LIMITS,
  MailboxAnswerSchema,
  MailboxPlaceSchema,
  MailboxReplySchema,
} from "../protocol/mailbox.ts";
import { signingKeyOf, transferKeyOf, type DeviceBundle } from "./device-bundle.ts";

const hex = (length: number) =>
  Type.String({ pattern: `^[0-9a-f]{${length}}$`, minLength: length, maxLength: length });

/** What a device remembers of the mailbox between two looks. Sealed to the device itself. */
const MailboxMemorySchema = Type.Object(
  {
    v: Type.Literal(1),
    place: MailboxPlaceSchema,
    /** Name of what the hub puts there for this device. */
    item: hex(32),
    /** Of the newest state that was believed: the carrier can show no older one. */
    sequence: Type.Integer({ minimum: 0 }),
    stateSha256: Type.Union([hex(64), Type.Null()]),
    /** Signed here, and without an answer yet. */
    outbox: Type.Array(MailboxReplySchema, { maxItems: MAILBOX_LIMITS.replies }),
    /** Newest first. */
    answers: Type.Array(MailboxAnswerSchema, { maxItems: 2 * MAILBOX_LIMITS.replies }),
  },
  { additionalProperties: false },
);
export type MailboxMemory = Static<typeof MailboxMemorySchema>;

export async function sealMemory(bundle: DeviceBundle, memory: MailboxMemory): Promise<Uint8Array> {
  const encrypter = new Encrypter();
  encrypter.addRecipient((await transferKeyOf(signingKeyOf(bundle))).recipient);
  return encrypter.encrypt(utf8Bytes(JSON.stringify(memory)));
}

/** @throws HubError MAILBOX_UNKNOWN when it is not this device's, or not whole. */
export async function openMemory(bundle: DeviceBundle, sealed: Uint8Array): Promise<MailboxMemory> {
  const decrypter = new Decrypter();
  decrypter.addIdentity((await transferKeyOf(signingKeyOf(bundle))).identity);
  try {
    const content = await decrypter.decrypt(sealed);
    return checkShape(MailboxMemorySchema, parseJson(content, "mailbox"), "mailbox");
  } catch (cause) {
    throw new HubError(
      "MAILBOX_UNKNOWN",
      "Cannot use the mailbox: what this device keeps of it cannot be read; look at the requests once at home",
      { cause },
    );
  }
}
