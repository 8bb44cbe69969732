/** The only table from error codes to HTTP status. What is not in it is a mistake of the caller: 400. */
const STATUS: ReadonlyMap<string, number> = new Map([
  ["MALFORMED_INPUT", 422],
  ["EXPIRY_OUT_OF_RANGE", 422],
  ["LABEL_MISMATCH", 422],
  ["TOO_LARGE", 413],
  ["BUNDLE_TOO_LARGE", 413],
  ["NOT_LOGGED_IN", 401],
  ["LOGIN_REFUSED", 401],
  ["NOT_ALLOWED", 403],
  ["WRONG_HOST", 421],
  ["WRONG_ORIGIN", 403],
  ["CLAIM_CODE_WRONG", 403],
  ["CLAIM_GONE", 410],
  ["CLAIM_UNPROVEN", 409],
  ["FORM_GONE", 410],
  ["NOT_CLAIMED", 409],
  ["NOT_OPEN", 409],
  ["CLIP_RECORDING", 409],
  ["CLIP_HELD", 409],
  ["CLIP_RELEASED", 409],
  ["CLIP_NOT_GOING", 409],
  ["HOLD_OUT_OF_RANGE", 422],
  ["TOO_MANY_HOLDS", 429],
  ["NOT_FOUND", 404],
  ["FILE_MISSING", 404],
  ["FILE_DAMAGED", 500],
  ["TOO_MANY_CALLS", 429],
  ["TOO_MANY_FORMS", 429],
  ["TOO_MANY_REQUESTS_OPEN", 429],
  ["TOO_MANY_SESSIONS", 429],
  ["TOO_MANY_PAIRINGS", 429],
  ["COSIGNATURE_REFUSED", 422],
  ["FOREIGN_HOUSEHOLD", 422],
]);

export function statusOf(code: string): number {
  if (code.startsWith("DECISION_") || code.startsWith("KEYRING_")) return 422;
  return STATUS.get(code) ?? 400;
}
