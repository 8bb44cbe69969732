import {
  createCipheriv,
  createPublicKey,
  diffieHellman,
  encapsulate,
  generateKeyPairSync,
  hash,
} from "node:crypto";
import { base64nopad } from "@scure/base";
import { concatBytes, utf8Bytes } from "../protocol/bytes.ts";
import { STANZA_TYPE, type AgeStanza, type Recipient } from "../protocol/age-header.ts";
import { HubError } from "../protocol/errors.ts";
import { hkdfSha256, hmacSha256, joinSecrets, releaseKeyObjects, wipe } from "./secrets.ts";

/**
 * Wrapping of a file key for its readers: the two native recipient kinds of age (C2SP `age`,
 * "X25519 recipient stanza" and "Hybrid ML-KEM-768 + X25519"). There is no unwrapping here.
 */

const X25519_LABEL = utf8Bytes("age-encryption.org/v1/X25519");
const PQ_LABEL = utf8Bytes("age-encryption.org/mlkem768x25519");
const ML_KEM_768_KEY_BYTES = 1_184;
/** DER of the SubjectPublicKeyInfo before the raw key (RFC 8410 section 4). */
const X25519_SPKI_PREFIX = Buffer.from("302a300506032b656e032100", "hex");
/** The same for id-alg-ml-kem-768 (RFC 9935 section 4). */
const ML_KEM_768_SPKI_PREFIX = Buffer.from("308204b2300b0609608648016503040402038204a100", "hex");
/** The label that closes the X-Wing combiner's input (draft-connolly-cfrg-xwing-kem section 5.3). */
const X_WING_LABEL = Uint8Array.of(0x5c, 0x2e, 0x2f, 0x2f, 0x5e, 0x5c);
/** HPKE suite: X-Wing, HKDF-SHA256, ChaCha20-Poly1305 (RFC 9180 section 5.1). */
const HPKE_SUITE = concatBytes(utf8Bytes("HPKE"), Uint8Array.of(0x64, 0x7a, 0, 1, 0, 3));
const HPKE_VERSION = utf8Bytes("HPKE-v1");
const EMPTY = new Uint8Array(0);
const ZERO_NONCE = new Uint8Array(12);

interface Agreement {
  readonly share: Uint8Array;
  readonly secret: Uint8Array;
}

/** A fresh key pair against `publicKey` (RFC 7748). Its private half dies with this call's scope. */
function agreeX25519(publicKey: Uint8Array): Agreement {
  const ephemeral = generateKeyPairSync("x25519");
  const theirs = createPublicKey({
    key: Buffer.concat([X25519_SPKI_PREFIX, publicKey]),
    format: "der",
    type: "spki",
  });
  const share = ephemeral.publicKey.export({ format: "der", type: "spki" });
  try {
    return {
      share: Uint8Array.from(share.subarray(X25519_SPKI_PREFIX.length)),
      secret: diffieHellman({ privateKey: ephemeral.privateKey, publicKey: theirs }),
    };
  } catch (cause) {
    // OpenSSL refuses an all-zero secret, as RFC 7748 section 6.1 asks.
    throw new HubError("RECIPIENT_UNUSABLE", "Cannot seal to recipient: a point of low order", {
      cause,
    });
  }
}

/** ChaCha20-Poly1305 (RFC 8439) of a secret, tag at the end. */
function encryptSecret(key: Uint8Array, nonce: Uint8Array, secret: Uint8Array): Uint8Array {
  const cipher = createCipheriv("chacha20-poly1305", key, nonce, { authTagLength: 16 });
  return Buffer.concat([cipher.update(secret), cipher.final(), cipher.getAuthTag()]);
}

function wrapX25519(fileKey: Uint8Array, recipient: Recipient): AgeStanza {
  const { share, secret } = agreeX25519(recipient.key);
  const wrapKey = hkdfSha256({
    key: secret,
    salt: concatBytes(share, recipient.key),
    info: X25519_LABEL,
  });
  const body = encryptSecret(wrapKey, ZERO_NONCE, fileKey);
  wipe(secret, wrapKey);
  return { args: [STANZA_TYPE.x25519, base64nopad.encode(share)], body };
}

/** X-Wing: ML-KEM-768 (FIPS 203) and X25519, joined by SHA3-256. */
function encapsulateXWing(publicKey: Uint8Array): Agreement {
  const latticeKey = createPublicKey({
    key: Buffer.concat([ML_KEM_768_SPKI_PREFIX, publicKey.subarray(0, ML_KEM_768_KEY_BYTES)]),
    format: "der",
    type: "spki",
  });
  const curveKey = publicKey.subarray(ML_KEM_768_KEY_BYTES);
  const lattice = encapsulate(latticeKey);
  const curve = agreeX25519(curveKey);
  const input = joinSecrets(lattice.sharedKey, curve.secret, curve.share, curveKey, X_WING_LABEL);
  // In one call: a hash object would keep its digest until it is collected.
  const secret = hash("sha3-256", input, "buffer");
  wipe(input, lattice.sharedKey, curve.secret);
  return { share: concatBytes(lattice.ciphertext, curve.share), secret };
}

/** RFC 9180 section 4. */
function labeledExtract(salt: Uint8Array, label: string, key: Uint8Array): Uint8Array {
  return hmacSha256(salt, HPKE_VERSION, HPKE_SUITE, utf8Bytes(label), key);
}

/** RFC 9180 section 4, for at most 32 bytes: one block of HKDF-Expand. */
function labeledExpand(key: Uint8Array, label: string, info: Uint8Array, sizeBytes: number) {
  const size = Uint8Array.of(0, sizeBytes);
  const labelBytes = utf8Bytes(label);
  const block = hmacSha256(key, size, HPKE_VERSION, HPKE_SUITE, labelBytes, info, Uint8Array.of(1));
  const output = joinSecrets(block.subarray(0, sizeBytes));
  wipe(block);
  return output;
}

/** The HPKE key schedule in base mode (RFC 9180 section 5.1), then one seal with sequence 0. */
function wrapPostQuantum(fileKey: Uint8Array, recipient: Recipient): AgeStanza {
  const { share, secret } = encapsulateXWing(recipient.key);
  const context = concatBytes(
    Uint8Array.of(0),
    labeledExtract(EMPTY, "psk_id_hash", EMPTY),
    labeledExtract(EMPTY, "info_hash", PQ_LABEL),
  );
  const scheduled = labeledExtract(secret, "secret", EMPTY);
  const wrapKey = labeledExpand(scheduled, "key", context, 32);
  const nonce = labeledExpand(scheduled, "base_nonce", context, 12);
  const body = encryptSecret(wrapKey, nonce, fileKey);
  wipe(secret, scheduled, wrapKey, nonce);
  return { args: [STANZA_TYPE.pq, base64nopad.encode(share)], body };
}

function wrapOne(fileKey: Uint8Array, recipient: Recipient): AgeStanza {
  switch (recipient.kind) {
    case "x25519":
      return wrapX25519(fileKey, recipient);
    case "pq":
      return wrapPostQuantum(fileKey, recipient);
  }
}

/**
 * One stanza for each recipient, in their order. Afterwards nothing but `fileKey` itself, which
 * the caller wipes, could open them on this machine.
 *
 * @throws HubError `RECIPIENTS_MIXED` where they are not all of one kind (the weaker kind would
 * decide for the whole file), `RECIPIENTS_MISSING` where there is none, `RECIPIENT_UNUSABLE` for
 * a key of low order.
 */
export function wrapFileKey(
  fileKey: Uint8Array,
  recipients: readonly Recipient[],
): readonly AgeStanza[] {
  const [first] = recipients;
  if (first === undefined)
    throw new HubError("RECIPIENTS_MISSING", "Cannot seal: there is no recipient");
  if (recipients.some(({ kind }) => kind !== first.kind))
    throw new HubError("RECIPIENTS_MIXED", "Cannot seal: recipients of two kinds in one file");
  try {
    return recipients.map((recipient) => wrapOne(fileKey, recipient));
  } finally {
    releaseKeyObjects();
  }
}

export const FILE_KEY_BYTES = 16;
export const PAYLOAD_NONCE_BYTES = 16;

/** HMAC key of the header (C2SP `age`, "Header MAC"). The caller wipes it. */
export function deriveHeaderKey(fileKey: Uint8Array): Uint8Array {
  return hkdfSha256({ key: fileKey, salt: EMPTY, info: utf8Bytes("header") });
}

/** Key of the payload's stream (C2SP `age`, "Payload"). The caller wipes it. */
export function derivePayloadKey(fileKey: Uint8Array, nonce: Uint8Array): Uint8Array {
  return hkdfSha256({ key: fileKey, salt: nonce, info: utf8Bytes("payload") });
}
