import type { AttachedFile } from "../../device/calls/request-calls.ts";
import { VaultError } from "../../device/vault-messages.ts";
import { handlingWords } from "./handling/text.ts";

/** As the formats have it (LIMITS.documentBytes). */
export const DOCUMENT_MAX_BYTES = 4 * 1024 * 1024;

/**
 * Reads a file that somebody chose. What it is, the vault finds out by its bytes.
 *
 * @throws VaultError naming the field `document` above 4 MiB.
 */
export async function attachedOf(file: File | null): Promise<AttachedFile | null> {
  if (!file) return null;
  if (file.size > DOCUMENT_MAX_BYTES)
    throw new VaultError({
      code: "MALFORMED_INPUT",
      message: handlingWords.document.tooLarge,
      field: "document",
    });
  return { name: file.name, bytes: new Uint8Array(await file.arrayBuffer()) };
}
