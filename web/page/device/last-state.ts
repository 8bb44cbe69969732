import Type, { type Static } from "typebox";
import { checkShape } from "../../../src/protocol/check.ts";
import { forgetItem, readItem, writeItem } from "./device-store.ts";

/**
 * What this device saw last, for when the hub does not answer: times and kinds of a few events, and
 * two counters. Anything may seal it, and only open keys read it: it is sealed to a key pair whose
 * private half is itself sealed with what seals the device's keys.
 */
export const EVENTS_MAX = 20;
const SEALED_BYTES_MAX = 8_192;
const KIND_CHARACTERS_MAX = 40;
const INFO = new TextEncoder().encode("doorward last state v1");
const CURVE = { name: "ECDH", namedCurve: "P-256" } as const;

const timeMs = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const closed = { additionalProperties: false } as const;
const LastStateSchema = Type.Object(
  {
    v: Type.Literal(1),
    /** When the hub said it, by this device's clock. */
    atMs: timeMs,
    /** Newest first; null for a device that may not look at events. */
    events: Type.Union([
      Type.Array(
        Type.Object(
          { atMs: timeMs, kind: Type.String({ maxLength: KIND_CHARACTERS_MAX }) },
          closed,
        ),
        { maxItems: EVENTS_MAX },
      ),
      Type.Null(),
    ]),
    /** Requests that waited; null for a device that decides nothing. */
    requests: Type.Union([Type.Integer({ minimum: 0, maximum: 1_000_000 }), Type.Null()]),
    /** The ledger as this device last checked it; null where it never did. */
    ledger: Type.Union([
      Type.Object(
        { size: timeMs, alarms: Type.Integer({ minimum: 0, maximum: 1_000_000 }) },
        closed,
      ),
      Type.Null(),
    ]),
  },
  closed,
);
export type LastState = Static<typeof LastStateSchema>;

interface Stored {
  readonly v: 1;
  readonly publicKey: CryptoKey;
  readonly privateIv: Uint8Array;
  readonly privateKey: ArrayBuffer;
  readonly state: {
    readonly sender: CryptoKey;
    readonly iv: Uint8Array;
    readonly sealed: ArrayBuffer;
  } | null;
}

/**
 * Seals it in place of the one before.
 *
 * @param sealedBy - What seals the device's keys, where they are open; a device whose keys never were
 *   since it has this has nothing to seal it to, and keeps nothing.
 */
export async function keepLastState(state: LastState, sealedBy: CryptoKey | null): Promise<void> {
  let stored = await readItem<Stored>("last");
  if (sealedBy && !(stored && (await privateKeyOf(stored, sealedBy))))
    stored = await newPair(sealedBy);
  if (!stored) return;
  const content = new TextEncoder().encode(JSON.stringify(state));
  if (content.length > SEALED_BYTES_MAX) return;
  const pair = await crypto.subtle.generateKey(CURVE, false, ["deriveBits"]);
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const key = await sharedKey(pair.privateKey, stored.publicKey);
  const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, content);
  await writeItem("last", { ...stored, state: { sender: pair.publicKey, iv, sealed } });
}

/** Null where nothing was kept, or what is there is not what these keys sealed. */
export async function openLastState(sealedBy: CryptoKey): Promise<LastState | null> {
  const stored = await readItem<Stored>("last");
  const privateKey = stored && (await privateKeyOf(stored, sealedBy));
  if (!stored?.state || !privateKey) return null;
  const { sender, iv, sealed } = stored.state;
  try {
    const key = await sharedKey(privateKey, sender);
    const algorithm = { name: "AES-GCM", iv: new Uint8Array(iv) };
    const content = await crypto.subtle.decrypt(algorithm, key, sealed);
    const read: unknown = JSON.parse(new TextDecoder().decode(content));
    return checkShape(LastStateSchema, read, "last state");
  } catch {
    // A memory, no evidence: what cannot be read is as good as none.
    return null;
  }
}

export async function forgetLastState(): Promise<void> {
  await forgetItem("last");
}

async function newPair(sealedBy: CryptoKey): Promise<Stored> {
  const pair = await crypto.subtle.generateKey(CURVE, true, ["deriveBits"]);
  const privateIv = crypto.getRandomValues(new Uint8Array(12));
  const algorithm = { name: "AES-GCM", iv: privateIv };
  const bytes = await crypto.subtle.exportKey("pkcs8", pair.privateKey);
  const privateKey = await crypto.subtle.encrypt(algorithm, sealedBy, bytes);
  new Uint8Array(bytes).fill(0);
  return { v: 1, publicKey: pair.publicKey, privateIv, privateKey, state: null };
}

/** Null where other keys sealed it: those of a device that was here before. */
async function privateKeyOf(stored: Stored, sealedBy: CryptoKey): Promise<CryptoKey | null> {
  try {
    const algorithm = { name: "AES-GCM", iv: new Uint8Array(stored.privateIv) };
    const bytes = await crypto.subtle.decrypt(algorithm, sealedBy, stored.privateKey);
    const key = await crypto.subtle.importKey("pkcs8", bytes, CURVE, false, ["deriveBits"]);
    new Uint8Array(bytes).fill(0);
    return key;
  } catch {
    return null;
  }
}

/** ECDH, then HKDF-SHA256 (RFC 5869): a key for one message, since its sender's pair is. */
async function sharedKey(privateKey: CryptoKey, publicKey: CryptoKey): Promise<CryptoKey> {
  const bits = await crypto.subtle.deriveBits({ name: "ECDH", public: publicKey }, privateKey, 256);
  const material = await crypto.subtle.importKey("raw", bits, "HKDF", false, ["deriveKey"]);
  return crypto.subtle.deriveKey(
    { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(32), info: INFO },
    material,
    { name: "AES-GCM", length: 256 },
    false,
    ["encrypt", "decrypt"],
  );
}
