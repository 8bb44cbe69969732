import { concatBytes, fromHex } from "../protocol/bytes.ts";
import { HubError } from "../protocol/errors.ts";
import { BOX, boxInfo, pad, unpad, type BoxPlace } from "../protocol/mailbox.ts";

/** The device's side of a box (src/mailbox/box.ts), with WebCrypto. */
export async function makeBox(content: Uint8Array, place: BoxPlace): Promise<Uint8Array> {
  const salt = crypto.getRandomValues(new Uint8Array(BOX.saltBytes));
  const { stream, mac } = await keysOf(place, salt);
  const padded = new Uint8Array(pad(content));
  const body = new Uint8Array(await crypto.subtle.encrypt(COUNTER, stream, padded));
  const covered = concatBytes(salt, body);
  return concatBytes(
    covered,
    new Uint8Array(await crypto.subtle.sign("HMAC", mac, owned(covered))),
  );
}

/** @throws HubError MAILBOX_ALTERED for what the hub did not put there under this name. */
export async function openBox(box: Uint8Array, place: BoxPlace): Promise<Uint8Array> {
  if (box.length < BOX.saltBytes + BOX.macBytes) throw altered();
  const { stream, mac } = await keysOf(place, box.subarray(0, BOX.saltBytes));
  const covered = owned(box.subarray(0, -BOX.macBytes));
  const isOurs = await crypto.subtle.verify(
    ...(["HMAC", mac, owned(box.subarray(-BOX.macBytes)), covered] as const),
  );
  if (!isOurs) throw altered();
  const body = covered.subarray(BOX.saltBytes);
  return unpad(new Uint8Array(await crypto.subtle.decrypt(COUNTER, stream, body)));
}

const COUNTER = { name: "AES-CTR", counter: new Uint8Array(16), length: 128 } as const;

async function keysOf({ item, key }: BoxPlace, salt: Uint8Array) {
  const secret = owned(fromHex(key, "key"));
  const base = await crypto.subtle.importKey("raw", secret, "HKDF", false, ["deriveBits"]);
  const how = { name: "HKDF", hash: "SHA-256", salt: owned(salt), info: owned(boxInfo(item)) };
  const both = new Uint8Array(await crypto.subtle.deriveBits(how, base, 16 * BOX.keyBytes));
  const [first, second] = [both.subarray(0, BOX.keyBytes), both.subarray(BOX.keyBytes)];
  const hmac = { name: "HMAC", hash: "SHA-256" };
  return {
    stream: await crypto.subtle.importKey("raw", first, "AES-CTR", false, ["encrypt", "decrypt"]),
    mac: await crypto.subtle.importKey("raw", second, hmac, false, ["sign", "verify"]),
  };
}

function owned(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}

function altered(): HubError {
  return new HubError(
    "MAILBOX_ALTERED",
    "Cannot open what lies in the mailbox: it is not what the hub put there",
  );
}
