import { Decrypter, Encrypter } from "age-encryption";
import { sha256Hex } from "../protocol/bytes.ts";
import { HubError } from "../protocol/errors.ts";
import {
  documentNameOf,
  documentTypeOf,
  type SealedDocument,
} from "../protocol/request-document.ts";
import type { SealedAttachment } from "./requests.ts";

/**
 * Seals a document to the owners, on the machine of whoever asks, or of the owner who types a letter
 * in.
 *
 * @throws MalformedInput where it is none of the four kinds, or too large.
 */
export async function sealAttachment(
  name: string,
  bytes: Uint8Array,
  owners: string,
): Promise<SealedAttachment> {
  const inside: SealedDocument = {
    name: documentNameOf(name),
    mediaType: documentTypeOf(bytes),
    sizeBytes: bytes.length,
    sha256: sha256Hex(bytes),
  };
  const encrypter = new Encrypter();
  encrypter.addRecipient(owners);
  const sealed = await encrypter.encrypt(bytes);
  return { inside, announced: { sha256: sha256Hex(sealed), sizeBytes: sealed.length }, sealed };
}

/**
 * Opens a document and holds it against what the sealed personal part says of it.
 *
 * @throws HubError NO_READER, DOCUMENT_ALTERED; nothing of it is shown then.
 */
export async function openAttachment(
  document: SealedDocument,
  sealed: Uint8Array,
  ownersIdentities: readonly string[],
): Promise<Uint8Array> {
  const decrypter = new Decrypter();
  for (const identity of ownersIdentities) decrypter.addIdentity(identity);
  let bytes: Uint8Array;
  try {
    bytes = await decrypter.decrypt(sealed);
  } catch (cause) {
    throw new HubError("NO_READER", "Cannot open document: it was not sealed to this household", {
      cause,
    });
  }
  const isSame = bytes.length === document.sizeBytes && sha256Hex(bytes) === document.sha256;
  if (!isSame || documentTypeOf(bytes) !== document.mediaType)
    throw new HubError(
      "DOCUMENT_ALTERED",
      "Cannot open document: it is not the one that was sealed with the request",
    );
  return bytes;
}
