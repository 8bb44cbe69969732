import canonicalize from "canonicalize";
import { equalBytes, utf8Bytes, utf8Text } from "./bytes.ts";
import { MalformedInput } from "./errors.ts";

/** A value that RFC 8785 can write and that reads back as itself. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json | undefined };

/** Deeper structures than this are refused: none of our formats comes near. */
const DEPTH_MAX = 32;

/**
 * Canonical JSON bytes (RFC 8785, UTF-8). Members whose value is `undefined` are left out.
 *
 * @throws MalformedInput for what has no canonical form here: numbers that are not finite, -0,
 * integers beyond 2^53 - 1, strings with lone surrogates, and nesting deeper than 32.
 */
export function canonicalJson(value: Json): Uint8Array {
  requireCanonicalisable(value, 0);
  const text = canonicalize(value);
  if (text === undefined) throw new MalformedInput("json", "Cannot write JSON: nothing to write");
  return utf8Bytes(text);
}

/**
 * Reads JSON that must already be in canonical form, byte for byte. Duplicate keys, white space,
 * other number spellings and unsorted members therefore cannot pass: written again, they differ.
 *
 * @throws MalformedInput naming `field`.
 */
export function parseCanonicalJson(bytes: Uint8Array, field: string): Json {
  const value = parseJson(bytes, field);
  let written: Uint8Array;
  try {
    written = canonicalJson(value);
  } catch (cause) {
    throw new MalformedInput(field, `Cannot read ${field}: JSON has no canonical form`, { cause });
  }
  if (!equalBytes(written, bytes))
    throw new MalformedInput(
      field,
      `Cannot read ${field}: JSON is not in canonical form (RFC 8785)`,
    );
  return value;
}

/**
 * Reads any JSON text.
 *
 * @throws MalformedInput naming `field`, also for a `__proto__` member, which no format of ours has.
 */
export function parseJson(bytes: Uint8Array, field: string): Json {
  const text = utf8Text(bytes, field);
  try {
    return JSON.parse(text, refusePrototypeKey) as Json;
  } catch (cause) {
    if (cause instanceof MalformedInput) throw cause;
    throw new MalformedInput(field, `Cannot read ${field}: not JSON`, { cause });
  }
}

function refusePrototypeKey(key: string, value: unknown): unknown {
  if (key === "__proto__")
    throw new MalformedInput("__proto__", "Cannot read JSON: it has a __proto__ member");
  return value;
}

function requireCanonicalisable(value: Json | undefined, depth: number): void {
  if (depth > DEPTH_MAX)
    throw new MalformedInput("json", `Cannot write JSON: nested deeper than ${DEPTH_MAX}`);
  if (typeof value === "number") {
    const isExact = Number.isInteger(value) ? Number.isSafeInteger(value) : Number.isFinite(value);
    if (!isExact || Object.is(value, -0))
      throw new MalformedInput("json", "Cannot write JSON: a number has no exact canonical form");
  } else if (typeof value === "string") {
    if (!value.isWellFormed())
      throw new MalformedInput("json", "Cannot write JSON: a string has a lone surrogate");
  } else if (Array.isArray(value)) {
    for (const item of value as readonly Json[]) requireCanonicalisable(item, depth + 1);
  } else if (typeof value === "object" && value !== null) {
    for (const [key, member] of Object.entries(value)) {
      requireCanonicalisable(key, depth);
      requireCanonicalisable(member, depth + 1);
    }
  }
}
