import { sha256Hex, utf8Bytes } from "./bytes.ts";

/**
 * Where a requester looks for an answer follows from the form's token, so that a form that went
 * back by mail needs no receipt. The token itself is spent; this one only fetches ciphertext.
 */
export function statusTokenOf(formToken: string): string {
  return sha256Hex(utf8Bytes(`doorward status v1 ${formToken}`));
}
