import { base64 as scureBase64, hex as scureHex } from "@scure/base";
import { sha256 } from "@noble/hashes/sha2.js";
import { MalformedInput } from "./errors.ts";
import { parseSha256Hex, type Sha256Hex } from "./ids.ts";

const encoder = new TextEncoder();
const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export function utf8Bytes(text: string): Uint8Array {
  return encoder.encode(text);
}

/** @throws MalformedInput when `bytes` is not well-formed UTF-8; nothing is replaced or dropped. */
export function utf8Text(bytes: Uint8Array, field: string): string {
  try {
    return strictDecoder.decode(bytes);
  } catch (cause) {
    throw new MalformedInput(field, `Cannot read ${field}: not well-formed UTF-8`, { cause });
  }
}

export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

/** Compares public bytes. Not for secrets: it stops at the first difference. */
export function equalBytes(left: Uint8Array, right: Uint8Array): boolean {
  if (left.length !== right.length) return false;
  for (let index = 0; index < left.length; index += 1)
    if (left[index] !== right[index]) return false;
  return true;
}

/** Standard base64 with padding (RFC 4648 section 4). */
export function toBase64(bytes: Uint8Array): string {
  return scureBase64.encode(bytes);
}

/**
 * Strict base64: padding required, trailing bits must be zero, so that two texts never name the
 * same bytes.
 *
 * @throws MalformedInput naming `field`.
 */
export function fromBase64(text: string, field: string): Uint8Array {
  try {
    return scureBase64.decode(text);
  } catch (cause) {
    throw new MalformedInput(field, `Cannot read ${field}: not canonical base64`, { cause });
  }
}

export function toHex(bytes: Uint8Array): string {
  return scureHex.encode(bytes);
}

/** @throws MalformedInput naming `field` unless `text` is an even count of hex digits. */
export function fromHex(text: string, field: string): Uint8Array {
  try {
    return scureHex.decode(text);
  } catch (cause) {
    throw new MalformedInput(field, `Cannot read ${field}: not hexadecimal`, { cause });
  }
}

/** SHA-256 (FIPS 180-4) as 64 lower-case hex digits. */
export function sha256Hex(bytes: Uint8Array): Sha256Hex {
  return parseSha256Hex(toHex(sha256(bytes)));
}
