import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { base64urlnopad } from "@scure/base";
import Type, { type Static } from "typebox";
import { concatBytes, sha256Hex, toHex, utf8Bytes } from "./bytes.ts";
import { canonicalJson, parseCanonicalJson } from "./canonical-json.ts";
import { checkShape } from "./check.ts";
import { openEnvelope, PAYLOAD_TYPES, type Envelope } from "./envelope.ts";
import { HubError, MalformedInput } from "./errors.ts";
import type { DeviceId, Sha256Hex } from "./ids.ts";
import { verifyKeyring, type Keyring } from "./keyring.ts";
import { CLOCK_SKEW_MAX_MS, DECISION_LIFETIME_MS } from "./limits.ts";
import { OWNER_FAULTS, requireOneOwner } from "./one-owner.ts";

/**
 * A share link serves one bundle to somebody without a key: `ADDRESS/share/#SECRET`. The secret
 * stands in the fragment, which no browser sends; from it follow the recipient's age identity and
 * the token by which the hub finds the bundle.
 */
export const SHARE_SECRET_BYTES = 32;
export const SHARE_VIEWS_MAX = 100;
export const SHARE_EXPIRY_MAX_MS = 30 * 24 * 3_600_000;
export const SHARE_MEDIA_TYPE = "application/vnd.doorward.share";
/** Path of the page below the hub's outside address, and of what it fetches. */
export const SHARE_PATH = "/share/";
export const SHARE_FETCH_PATH = "/share/fetch";
/** Room for the signed statement in front of a shared bundle. */
const STATEMENT_BYTES_MAX = 64 * 1024;

const hex = (length: number) =>
  Type.String({ pattern: `^[0-9a-f]{${length}}$`, minLength: length, maxLength: length });
const timeMs = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

/** Payload of a share's envelope: one owner lets whoever has the link fetch one approval. */
export const ShareSchema = Type.Object(
  {
    v: Type.Literal(1),
    origin: Type.String({ maxLength: 200 }),
    request: hex(32),
    /** The approval whose bundle it serves. Without that approval it serves nothing. */
    decisionSha256: hex(64),
    /** Of the token's text. */
    tokenSha256: hex(64),
    /** Age file for the link's own recipient: who it is meant for, as the owner wrote it. */
    meantFor: Type.String({ maxLength: 8_192 }),
    expiresAtMs: timeMs,
    viewsMax: Type.Integer({ minimum: 1, maximum: SHARE_VIEWS_MAX }),
    keyringEpoch: Type.Integer({ minimum: 0 }),
    keyringHead: hex(64),
    atMs: timeMs,
  },
  { additionalProperties: false },
);
export type Share = Static<typeof ShareSchema>;

export class ShareRefused extends HubError {
  override readonly name = "ShareRefused";
  declare readonly code:
    | "SHARE_MALFORMED"
    | "SHARE_WRONG_ORIGIN"
    | "SHARE_WRONG_DECISION"
    | "SHARE_WRONG_KEYRING"
    | "SHARE_UNKNOWN_KEY"
    | "SHARE_BAD_SIGNATURE"
    | "SHARE_NOT_CONFIRMED"
    | "SHARE_NOT_NOW"
    | "SHARE_TOO_LONG";
}

/** What a share is held against. */
export interface ShareContext {
  readonly keyring: Keyring;
  readonly request: string;
  readonly decisionSha256: string;
  /** When it is handed in; null where it was accepted long ago and is only read again. */
  readonly nowMs: number | null;
}

/** Proof that an owner in force made this link; only `verify` makes one. */
export class VerifiedShare {
  readonly envelope: Envelope;
  readonly share: Share;
  readonly shareSha256: Sha256Hex;
  readonly #signer: DeviceId;

  private constructor(envelope: Envelope, payload: Uint8Array, share: Share, signer: DeviceId) {
    this.envelope = envelope;
    this.share = share;
    this.shareSha256 = sha256Hex(payload);
    this.#signer = signer;
  }

  /**
   * @param value - The envelope as parsed JSON, from anywhere.
   * @throws ShareRefused with the reason.
   */
  static verify(value: unknown, context: ShareContext): VerifiedShare {
    try {
      const { envelope, payload, content } = openEnvelope(value, PAYLOAD_TYPES.share, "share");
      const share = checkShape(ShareSchema, content, "share");
      requireSame(share, context);
      if (context.nowMs !== null) requireNow(share, context.nowMs);
      const signer = requireOneOwner(
        { envelope, payload },
        { keyring: context.keyring, challenge: sha256(payload), when: "now" },
        (fault) => refuse(`SHARE_${fault}`, OWNER_FAULTS[fault]),
      );
      return new VerifiedShare(envelope, payload, share, signer);
    } catch (cause) {
      if (!(cause instanceof MalformedInput)) throw cause;
      throw new ShareRefused("SHARE_MALFORMED", cause.message, { cause });
    }
  }

  get signer(): DeviceId {
    return this.#signer;
  }
}

/**
 * The statement that came with a bundle, held against that bundle's own keyring.
 *
 * @param statements - The bundle's `keyring.json`, whose chain was verified.
 * @throws ShareRefused.
 */
export function verifyShareOfBundle(
  value: unknown,
  bundle: { statements: readonly unknown[]; request: string; decisionSha256: string },
): VerifiedShare {
  const { content } = openEnvelope(value, PAYLOAD_TYPES.share, "share");
  const { keyringEpoch } = checkShape(
    Type.Object({ keyringEpoch: Type.Integer({ minimum: 0 }) }),
    content,
    "share",
  );
  const keyring = verifyKeyring(bundle.statements.slice(0, keyringEpoch + 1));
  return VerifiedShare.verify(value, { ...bundle, keyring, nowMs: null });
}

function refuse(code: ShareRefused["code"], reason: string): never {
  throw new ShareRefused(code, `Cannot accept share: ${reason}`);
}

function requireSame(share: Share, { keyring, request, decisionSha256 }: ShareContext): void {
  if (share.origin !== keyring.origin)
    refuse("SHARE_WRONG_ORIGIN", `it was made for ${share.origin}`);
  if (share.request !== request || share.decisionSha256 !== decisionSha256)
    refuse("SHARE_WRONG_DECISION", "it serves another approval");
  if (share.keyringHead !== keyring.head || share.keyringEpoch !== keyring.epoch)
    refuse("SHARE_WRONG_KEYRING", "the keyring has changed since; sign again");
}

function requireNow(share: Share, nowMs: number): void {
  const isNow =
    share.atMs <= nowMs + CLOCK_SKEW_MAX_MS && nowMs <= share.atMs + DECISION_LIFETIME_MS;
  if (!isNow) refuse("SHARE_NOT_NOW", "it was not signed just now, or a clock is wrong");
  if (share.expiresAtMs <= nowMs || share.expiresAtMs > nowMs + SHARE_EXPIRY_MAX_MS)
    refuse("SHARE_TOO_LONG", "it must end within 30 days, and not in the past");
}

/** What follows from a link's secret (HKDF-SHA256, RFC 5869, without salt). */
export interface ShareKeys {
  /** Secret of the recipient's age identity: 32 bytes. */
  readonly identitySeed: Uint8Array;
  /** 64 hex digits; the hub knows its SHA-256 until it is used. */
  readonly token: string;
}

/** @param secret - {@link SHARE_SECRET_BYTES} random bytes. */
export function shareKeys(secret: Uint8Array): ShareKeys {
  if (secret.length !== SHARE_SECRET_BYTES)
    throw new MalformedInput("share", "Cannot open link: it is not whole");
  const derived = (info: string): Uint8Array =>
    hkdf(sha256, secret, undefined, utf8Bytes(info), 32);
  return {
    identitySeed: derived("doorward share v1 reader pq"),
    token: toHex(derived("doorward share v1 token")),
  };
}

/** What the hub keeps of a token. */
export function shareTokenSha256(token: string): Sha256Hex {
  return sha256Hex(utf8Bytes(token));
}

/** @param base - Address under which others reach the hub, with or without a slash at its end. */
export function shareLink(base: string, secret: Uint8Array): string {
  return `${base.replace(/\/+$/, "")}${SHARE_PATH}#${base64urlnopad.encode(secret)}`;
}

/**
 * The secret in an address's fragment, or null where there is none.
 *
 * @throws MalformedInput where there is something else.
 */
export function secretOfFragment(fragment: string): Uint8Array | null {
  const text = fragment.replace(/^#/, "");
  if (text === "") return null;
  const isSecret = /^[A-Za-z0-9_-]{43}$/.test(text);
  try {
    if (isSecret) return base64urlnopad.decode(text);
  } catch {
    // Trailing bits that are not zero: the same answer as to any other mutilation.
  }
  throw new MalformedInput("share", "Cannot open link: it is not whole; copy all of it");
}

/** What a hub answers to a token: the statement's length, the statement, the bundle. */
export function sharePrefix(envelope: Envelope): Uint8Array {
  const statement = canonicalJson(envelope);
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, statement.length);
  return concatBytes(length, statement);
}

/** @throws MalformedInput where `answer` is not what {@link sharePrefix} begins. */
export function readShareAnswer(answer: Uint8Array): { envelope: unknown; bundle: Uint8Array } {
  const view = new DataView(answer.buffer, answer.byteOffset, answer.length);
  const length = answer.length < 4 ? 0 : view.getUint32(0);
  if (length === 0 || length > STATEMENT_BYTES_MAX || 4 + length > answer.length)
    throw new MalformedInput("share", "Cannot open link: the answer is not whole");
  return {
    envelope: parseCanonicalJson(answer.subarray(4, 4 + length), "share"),
    bundle: answer.subarray(4 + length),
  };
}
