import { createCipheriv, createHmac, hkdfSync, timingSafeEqual } from "node:crypto";
import { concatBytes } from "../protocol/bytes.ts";
import { BOX, boxInfo, MAILBOX_SIZES, pad, unpad } from "../protocol/mailbox.ts";

/**
 * Boxes: the outer wrapping of what goes through a mailbox, under a key that the device was given in
 * its sealed state. AES-256 in counter mode, then HMAC-SHA256 over salt and ciphertext; both keys by
 * HKDF-SHA256 from the box's own. A stream cipher, so that the hub reads replies without a call that
 * opens anything else: no age file, whatever its key.
 */
export function makeBox(
  content: Uint8Array,
  { item, key, salt }: { item: string; key: Uint8Array; salt: Uint8Array },
): Uint8Array {
  const { stream, mac } = keysOf(key, salt, item);
  const body = stream(pad(content));
  return concatBytes(salt, body, mac(concatBytes(salt, body)));
}

/** Null for what nobody made who had the key, of the item of this name. */
export function openBox(
  box: Uint8Array,
  { item, key }: { item: string; key: Uint8Array },
): Uint8Array | null {
  const size = box.length - BOX.saltBytes - BOX.macBytes;
  if (!MAILBOX_SIZES.some((one) => one === size)) return null;
  const salt = box.subarray(0, BOX.saltBytes);
  const { stream, mac } = keysOf(key, salt, item);
  const covered = box.subarray(0, BOX.saltBytes + size);
  if (!timingSafeEqual(mac(covered), box.subarray(covered.length))) return null;
  return unpad(stream(covered.subarray(BOX.saltBytes)));
}

function keysOf(key: Uint8Array, salt: Uint8Array, item: string) {
  const both = Buffer.from(hkdfSync("sha256", key, salt, boxInfo(item), 2 * BOX.keyBytes));
  return {
    stream: (bytes: Uint8Array): Uint8Array =>
      new Uint8Array(
        createCipheriv(
          "aes-256-ctr",
          both.subarray(0, BOX.keyBytes),
          // Each key is used once: by its salt no two are the same.
          new Uint8Array(16),
        ).update(bytes),
      ),
    mac: (bytes: Uint8Array): Uint8Array =>
      new Uint8Array(createHmac("sha256", both.subarray(BOX.keyBytes)).update(bytes).digest()),
  };
}
