import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import Type from "typebox";
import type { DeviceBundle } from "../owner/device-bundle.ts";
import { SeenSchema, type Seen } from "../owner/witness.ts";
import { utf8Bytes } from "../protocol/bytes.ts";
import { parseJson } from "../protocol/canonical-json.ts";
import { checkShape } from "../protocol/check.ts";
import { HubError, MalformedInput } from "../protocol/errors.ts";

/**
 * What passes between `owner ui` and the page that it serves, both on the owner's machine. A random
 * key of 256 bits is in the fragment of the address alone, which browsers send nowhere.
 *
 *     sealed = iv (12 bytes) || AES-256-GCM(key, iv, text) || tag (16 bytes)
 *
 * From the command line, once, as the answer to `GET /local/keys`:
 *     text = UTF-8 JSON {"v":1,"bundle":DeviceBundle,"seen":Seen|null}
 * From the page, as the body of `POST /local/seen`, whenever it has followed the ledger on:
 *     text = UTF-8 JSON {"v":1,"seen":Seen}
 */
const IV_BYTES = 12;
const TAG_BYTES = 16;
/** A checkpoint of 64 KiB, in JSON. */
export const SEEN_BODY_MAX_BYTES = 256 * 1024;

const SeenMessage = Type.Object(
  { v: Type.Literal(1), seen: SeenSchema },
  { additionalProperties: false },
);

/** The page's key, and what is handed over under it. */
export class LentKeys {
  readonly #key = randomBytes(32);
  #sealed: Uint8Array | null;

  constructor(bundle: DeviceBundle, seen: Seen | null) {
    this.#sealed = seal(this.#key, utf8Bytes(JSON.stringify({ v: 1, bundle, seen })));
  }

  /** Base64url, for the fragment. Whoever has it may have the keys, as long as they were not taken. */
  get fragment(): string {
    return `#keys=${this.#key.toString("base64url")}`;
  }

  /** @throws HubError KEYS_HANDED_OUT the second time. */
  handOut(): Uint8Array {
    const sealed = this.#sealed;
    if (!sealed)
      throw new HubError(
        "KEYS_HANDED_OUT",
        "Cannot hand out keys: a page has them already; start owner ui again for another one",
      );
    this.#sealed = null;
    return sealed;
  }

  /**
   * What the page says it has seen. Only a page with the key can say anything.
   *
   * @throws MalformedInput.
   */
  readSeen(sealed: Uint8Array): Seen {
    const text = unseal(this.#key, sealed);
    return checkShape(SeenMessage, parseJson(text, "seen"), "seen").seen;
  }
}

/**
 * Whether `next` may follow `before` in this device's memory: never older, and never another one of
 * the same length. That it has grown from it, the page has proved before it says so.
 */
export function isNewer(before: Seen | null, next: Seen): boolean {
  if (!before) return true;
  if (next.size < before.size || next.epoch < before.epoch) return false;
  if (next.epoch === before.epoch && next.keyringHead !== before.keyringHead) return false;
  return next.size > before.size || next.root === before.root;
}

function seal(key: Uint8Array, text: Uint8Array): Uint8Array {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv("aes-256-gcm", key, iv);
  const sealed = Buffer.concat([iv, cipher.update(text), cipher.final(), cipher.getAuthTag()]);
  text.fill(0);
  return sealed;
}

function unseal(key: Uint8Array, sealed: Uint8Array): Uint8Array {
  if (sealed.length < IV_BYTES + TAG_BYTES) throw notSealed();
  const decipher = createDecipheriv("aes-256-gcm", key, sealed.subarray(0, IV_BYTES), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
  const text = decipher.update(sealed.subarray(IV_BYTES, -TAG_BYTES));
  try {
    return Buffer.concat([text, decipher.final()]);
  } catch (cause) {
    throw notSealed(cause);
  }
}

function notSealed(cause?: unknown): MalformedInput {
  return new MalformedInput("body", "Cannot read body: it was not sealed by this page", { cause });
}
