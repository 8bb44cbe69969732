import { Decrypter } from "age-encryption";
import { base64nopad } from "@scure/base";
import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { x25519 } from "@noble/curves/ed25519.js";
import { expand, extract, hkdf } from "@noble/hashes/hkdf.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { MLKEM768X25519 } from "@noble/post-quantum/hybrid.js";
import {
  encodeAgeHeader,
  encodeRecipientStanzas,
  parseRecipient,
  requireAgeHeader,
  type AgeStanza,
  type Recipient,
} from "../protocol/age-header.ts";
import { concatBytes, toBase64, utf8Bytes } from "../protocol/bytes.ts";
import {
  fileName,
  filesOfTerms,
  releaseHash,
  type ReleaseHeader,
  type Terms,
} from "../protocol/decision.ts";
import { HubError } from "../protocol/errors.ts";
import type { IdentitiesOf } from "./device-bundle.ts";
import { digestHex } from "./digest.ts";
import { isKeyOfPayload } from "./payload.ts";

/**
 * The release: for each file of the terms a new age header that only the recipient opens, over the
 * same file key. This is what a signature carries; without it the ciphertext on the hub stays shut.
 */

/** Reads a whole sealed file; given by whoever can fetch it from the hub or the disk. */
export type FileSource = (
  clip: string,
  file: Terms["clips"][number]["files"][number],
) => Promise<Uint8Array>;

/**
 * New headers for all files of `terms`, in their order.
 *
 * The hub hands the files out, so it could put the header of one in front of the payload of another
 * and have the owner pass on a key that he never meant. A key is therefore passed on only where it
 * opens the very payload that the terms name by its hash (invariant 5).
 *
 * @param identities - Of this device (`identitiesOf`): what the terms call blurred is opened by blurred
 * readers only, so no original leaves by that name.
 * @throws HubError NO_READER when none of them opens a file, FILE_ALTERED when a file is not the one
 * that the terms name or its header is another file's.
 */
export async function makeRelease(
  terms: Terms,
  identities: IdentitiesOf,
  fileOf: FileSource,
): Promise<ReleaseHeader[]> {
  if (terms.recipient === null)
    throw new HubError("NO_RECIPIENT", "Cannot release: the terms name no recipient");
  const recipient = parseRecipient(terms.recipient);
  const hash = releaseHash(terms);
  const release: ReleaseHeader[] = [];
  for (const { clip, file } of filesOfTerms(terms)) {
    const name = fileName(clip.clip, file);
    const sealed = await fileOf(clip.clip, file);
    const fileKey = await openFileKey(sealed, identities(file.rendition, sealed));
    try {
      await requireOwnKey(sealed, fileKey, file.payloadSha256, name);
      const header = releaseHeader(fileKey, recipient, hash, name);
      const { segment, track, rendition } = file;
      release.push({ clip: clip.clip, segment, track, rendition, header: toBase64(header) });
    } finally {
      fileKey.fill(0);
    }
  }
  return release;
}

async function requireOwnKey(
  sealed: Uint8Array,
  fileKey: Uint8Array,
  payloadSha256: string,
  name: string,
): Promise<void> {
  const payload = sealed.subarray(requireAgeHeader(sealed).payloadOffset);
  if ((await digestHex(payload)) !== payloadSha256)
    throw new HubError("FILE_ALTERED", `Cannot release ${name}: it is not what was recorded`);
  if (!isKeyOfPayload(fileKey, payload))
    throw new HubError(
      "FILE_ALTERED",
      `Cannot release ${name}: its header belongs to another file, whose key would have gone out`,
    );
}

/** @throws HubError NO_READER when no identity opens the header. */
export async function openFileKey(
  file: Uint8Array,
  identities: readonly string[],
): Promise<Uint8Array> {
  const { headerBytes } = requireAgeHeader(file);
  const decrypter = new Decrypter();
  for (const identity of identities) decrypter.addIdentity(identity);
  try {
    return await decrypter.decryptHeader(headerBytes);
  } catch (cause) {
    throw new HubError("NO_READER", "Cannot open header: no key of this device fits", { cause });
  }
}

/**
 * One header with exactly one stanza. Its randomness comes from the file key and the terms
 * (HKDF-SHA256, RFC 5869), so that whoever holds a reader computes the same bytes again and sees
 * that nobody else was let in. To anybody without the file key it is as good as random.
 */
export function releaseHeader(
  fileKey: Uint8Array,
  recipient: Recipient,
  releaseSalt: Uint8Array,
  name: string,
): Uint8Array {
  const info = utf8Bytes(`doorward release v1 ${recipient.text} ${name}`);
  const randomness = hkdf(sha256, fileKey, releaseSalt, info, 64);
  const header = sealFileKey(fileKey, [{ recipient, randomness }]);
  randomness.fill(0);
  return header;
}

/** A whole age header over `fileKey`: a stanza for each recipient, made of its 64 bytes of randomness. */
export function sealFileKey(
  fileKey: Uint8Array,
  stanzas: readonly { readonly recipient: Recipient; readonly randomness: Uint8Array }[],
): Uint8Array {
  const macInput = encodeRecipientStanzas(
    stanzas.map(({ recipient, randomness }) =>
      recipient.kind === "pq"
        ? hybridStanza(fileKey, recipient.key, randomness)
        : x25519Stanza(fileKey, recipient.key, randomness.subarray(0, 32)),
    ),
  );
  const macKey = hkdf(sha256, fileKey, undefined, utf8Bytes("header"), 32);
  return encodeAgeHeader(macInput, hmac(sha256, macKey, macInput));
}

const ZERO_NONCE = new Uint8Array(12);

/** The X25519 recipient type of the age specification. */
function x25519Stanza(
  fileKey: Uint8Array,
  publicKey: Uint8Array,
  ephemeralSecret: Uint8Array,
): AgeStanza {
  const share = x25519.getPublicKey(ephemeralSecret);
  // The library refuses low-order points, for which the secret would be known to all.
  const secret = x25519.getSharedSecret(ephemeralSecret, publicKey);
  const salt = concatBytes(share, publicKey);
  const wrapKey = hkdf(sha256, secret, salt, utf8Bytes("age-encryption.org/v1/X25519"), 32);
  return {
    args: ["X25519", base64nopad.encode(share)],
    body: chacha20poly1305(wrapKey, ZERO_NONCE).encrypt(fileKey),
  };
}

/** The hybrid recipient type of the age specification: HPKE (RFC 9180) with X-Wing's KEM. */
function hybridStanza(
  fileKey: Uint8Array,
  publicKey: Uint8Array,
  randomness: Uint8Array,
): AgeStanza {
  const { cipherText, sharedSecret } = MLKEM768X25519.encapsulate(publicKey, randomness);
  const { key, nonce } = hpkeKeySchedule(sharedSecret);
  return {
    args: ["mlkem768x25519", base64nopad.encode(cipherText)],
    body: chacha20poly1305(key, nonce).encrypt(fileKey),
  };
}

const HPKE_VERSION = utf8Bytes("HPKE-v1");
/** KEM 0x647a, KDF HKDF-SHA256 0x0001, AEAD ChaCha20Poly1305 0x0003 (RFC 9180 section 5.1). */
const HPKE_SUITE = concatBytes(utf8Bytes("HPKE"), Uint8Array.of(0x64, 0x7a, 0, 1, 0, 3));
const HPKE_INFO = utf8Bytes("age-encryption.org/mlkem768x25519");
const NOTHING = new Uint8Array(0);

/** Key and base nonce of HPKE's base mode (RFC 9180 section 5.1). */
function hpkeKeySchedule(sharedSecret: Uint8Array): { key: Uint8Array; nonce: Uint8Array } {
  const labeledExtract = (salt: Uint8Array, label: string, material: Uint8Array): Uint8Array =>
    extract(sha256, concatBytes(HPKE_VERSION, HPKE_SUITE, utf8Bytes(label), material), salt);
  const context = concatBytes(
    Uint8Array.of(0),
    labeledExtract(NOTHING, "psk_id_hash", NOTHING),
    labeledExtract(NOTHING, "info_hash", HPKE_INFO),
  );
  const secret = labeledExtract(sharedSecret, "secret", NOTHING);
  const labeledExpand = (label: string, length: number): Uint8Array =>
    expand(
      sha256,
      secret,
      concatBytes(Uint8Array.of(0, length), HPKE_VERSION, HPKE_SUITE, utf8Bytes(label), context),
      length,
    );
  return { key: labeledExpand("key", 32), nonce: labeledExpand("base_nonce", 12) };
}
