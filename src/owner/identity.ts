import {
  generateHybridIdentity,
  generateX25519Identity,
  identityToRecipient,
} from "age-encryption";
import { bech32 } from "@scure/base";
import { ed25519 } from "@noble/curves/ed25519.js";
import { randomBytes } from "@noble/hashes/utils.js";
import { deviceIdOf, type EnvelopeSigner } from "../protocol/envelope.ts";
import { MalformedInput } from "../protocol/errors.ts";
import type { DeviceId } from "../protocol/ids.ts";

/** `pq` = ML-KEM-768 with X25519 (the default), `x25519` = what older age tools open as well. */
export type KeyKind = "pq" | "x25519";

/** An age identity with its recipient. The identity is a secret: never log or print it. */
export interface ReaderKey {
  readonly identity: string;
  readonly recipient: string;
}

export async function generateReader(kind: KeyKind): Promise<ReaderKey> {
  const identity = await (kind === "pq" ? generateHybridIdentity() : generateX25519Identity());
  return { identity, recipient: await identityToRecipient(identity) };
}

/** The age identity whose 32 secret bytes are `seed`. */
export async function readerFromSeed(kind: KeyKind, seed: Uint8Array): Promise<ReaderKey> {
  const prefix = kind === "pq" ? "AGE-SECRET-KEY-PQ-" : "AGE-SECRET-KEY-";
  const identity = bech32.encodeFromBytes(prefix, seed).toUpperCase();
  return { identity, recipient: await identityToRecipient(identity) };
}

/**
 * Reads an age identity, alone or as the one secret line of a file that `age-keygen` wrote.
 *
 * @throws MalformedInput when there is no identity or more than one.
 */
export async function parseIdentity(text: string): Promise<ReaderKey> {
  const lines = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
  const [identity, extra] = lines;
  if (identity === undefined || extra !== undefined)
    throw new MalformedInput(
      "identity",
      "Cannot read identity: expected one AGE-SECRET-KEY-... line",
    );
  try {
    return { identity, recipient: await identityToRecipient(identity) };
  } catch (cause) {
    throw new MalformedInput("identity", "Cannot read identity: not an age secret key", { cause });
  }
}

/** A device's Ed25519 signing key. */
export interface SigningKey {
  readonly secret: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly device: DeviceId;
}

export function generateSigningKey(): SigningKey {
  return signingKeyFromSeed(randomBytes(32));
}

/** @param secret - The 32-byte Ed25519 seed (RFC 8032 section 5.1.5). */
export function signingKeyFromSeed(secret: Uint8Array): SigningKey {
  const publicKey = ed25519.getPublicKey(secret);
  return { secret, publicKey, device: deviceIdOf(publicKey) };
}

export function signWith(key: SigningKey, message: Uint8Array): Uint8Array {
  return ed25519.sign(message, key.secret);
}

export function envelopeSigner(key: SigningKey): EnvelopeSigner {
  return { device: key.device, sign: async (message) => signWith(key, message) };
}
