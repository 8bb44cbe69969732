import { fromBase64, sha256Hex, toBase64 } from "../protocol/bytes.ts";
import { parseJson, type Json } from "../protocol/canonical-json.ts";
import { checkShape } from "../protocol/check.ts";
import { HubError, MalformedInput } from "../protocol/errors.ts";
import { LIMITS } from "../protocol/limits.ts";
import { RequestFileSchema, type SealedRequest } from "../protocol/request.ts";
import { readSealedRequest, type SealedAttachment } from "./requests.ts";

/** Base64 of a document, the request, and what stands around them. */
export const REQUEST_FILE_MAX_BYTES = 2 * LIMITS.sealedDocumentBytes;

/** What goes back by mail: the request alone, or with its document in one file. */
export function requestFile(request: SealedRequest, attached: SealedAttachment | null): string {
  if (!attached) return JSON.stringify(request);
  const format = "doorward-request-file/v1";
  return JSON.stringify({ format, request, document: toBase64(attached.sealed) });
}

/**
 * Reads what came back by mail.
 *
 * @throws MalformedInput naming the field; HubError TOO_LARGE, DOCUMENT_ALTERED.
 */
export function readRequestFile(
  bytes: Uint8Array,
  what: string,
): { request: SealedRequest; document: Uint8Array | null } {
  if (bytes.length > REQUEST_FILE_MAX_BYTES)
    throw new HubError("TOO_LARGE", `Cannot take ${what}: it is over 8 MiB`);
  const value = parseJson(bytes, what);
  if (!isContainer(value)) {
    if (bytes.length > LIMITS.requestBytes)
      throw new HubError("TOO_LARGE", `Cannot take ${what}: it is over 64 KiB`);
    const request = readSealedRequest(value);
    if (request.document)
      throw new MalformedInput("document", `Cannot take ${what}: its document is missing`);
    return { request, document: null };
  }
  const file = checkShape(RequestFileSchema, value, what);
  const request = readSealedRequest(file.request);
  const document = fromBase64(file.document, "document");
  const { sha256, sizeBytes } = request.document ?? {};
  if (sha256 !== sha256Hex(document) || sizeBytes !== document.length)
    throw new HubError("DOCUMENT_ALTERED", `Cannot take ${what}: its document is another one`);
  return { request, document };
}

function isContainer(value: Json): boolean {
  return (
    typeof value === "object" &&
    value !== null &&
    "format" in value &&
    value["format"] === "doorward-request-file/v1"
  );
}
