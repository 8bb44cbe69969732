import { statusOf } from "./status-codes.ts";

/** Codes with which a signed decision is refused: see `verifyDecision`. */
export const DECISION_CODES = [
  "DECISION_BAD_HEADER",
  "DECISION_BAD_NONCE",
  "DECISION_BAD_SIGNATURE",
  "DECISION_EXPIRED",
  "DECISION_MALFORMED",
  "DECISION_NOT_ENOUGH_SIGNERS",
  "DECISION_NOT_YET",
  "DECISION_PASSKEY_INVALID",
  "DECISION_PASSKEY_MISSING",
  "DECISION_SAME_PERSON_TWICE",
  "DECISION_TOO_LARGE",
  "DECISION_UNKNOWN_CHECKPOINT",
  "DECISION_UNKNOWN_FILE",
  "DECISION_UNKNOWN_KEY",
  "DECISION_WRONG_FILE",
  "DECISION_WRONG_KEYRING",
  "DECISION_WRONG_ORIGIN",
  "DECISION_WRONG_OUTCOME",
  "DECISION_WRONG_RECIPIENT",
  "DECISION_WRONG_REDACTIONS",
  "DECISION_WRONG_REQUEST",
] as const;

/** Codes with which a revocation is refused. */
export const REVOCATION_CODES = [
  "REVOCATION_BAD_SIGNATURE",
  "REVOCATION_MALFORMED",
  "REVOCATION_NOT_CONFIRMED",
  "REVOCATION_NOT_NOW",
  "REVOCATION_UNKNOWN_KEY",
  "REVOCATION_WRONG_DECISION",
  "REVOCATION_WRONG_KEYRING",
  "REVOCATION_WRONG_ORIGIN",
] as const;

/** Codes with which a link for a third person is refused. */
export const SHARE_CODES = [
  "SHARE_BAD_SIGNATURE",
  "SHARE_MALFORMED",
  "SHARE_NOT_CONFIRMED",
  "SHARE_NOT_NOW",
  "SHARE_TOO_LONG",
  "SHARE_UNKNOWN_KEY",
  "SHARE_WRONG_DECISION",
  "SHARE_WRONG_KEYRING",
  "SHARE_WRONG_ORIGIN",
] as const;

/** Codes with which a statement of the keyring is refused. */
export const KEYRING_CODES = [
  "KEYRING_BAD_SIGNATURE",
  "KEYRING_BROKEN_CHAIN",
  "KEYRING_CHANGED",
  "KEYRING_INVALID_CHANGE",
  "KEYRING_NOT_CONFIRMED",
  "KEYRING_NOT_ENOUGH_OWNERS",
  "KEYRING_ROLLED_BACK",
] as const;

/** What changing the settings file may meet. */
export const SETTINGS_CODES = [
  "DISK_FULL",
  "SETTINGS_CHANGED",
  "SETTINGS_FILE_ONLY",
  "SETTINGS_NOT_WRITTEN",
  "SETTINGS_UNREADABLE",
] as const;

/** Said of a status where several codes share it. */
const STATUS_WORDS: Readonly<Record<number, string>> = {
  400: "The request was not understood, or this cannot be done.",
  401: "No device is logged in.",
  403: "This device, or another site's page, may not.",
  404: "There is nothing here, or nothing that this caller may know of.",
  409: "It does not fit what is there now.",
  410: "It is over.",
  413: "The body is over its limit.",
  415: "The body is of a type that this route does not take.",
  421: "The hub is not known under this host name.",
  422: "A member is missing, too much, or has a wrong value; or a signed statement is refused.",
  429: "Too many; wait.",
  500: "The hub failed. Its log says why.",
  502: "Another side failed.",
  507: "The hub's disk is full.",
};

/** The one shape of every refusal: `code` for programs, `message` for people. */
export const ERROR_SCHEMA = {
  type: "object",
  description:
    "Every refusal of the hub. Programs go by `code`, which stays; `message` is for people, says what could not be done and what was found, and never holds a key, a token or a password.",
  required: ["code", "message"],
  properties: {
    code: { type: "string", pattern: "^[A-Z][A-Z0-9_]{1,63}$" },
    message: { type: "string" },
    field: { type: "string", description: "The member that was wrong, as `sought.fromMs`." },
  },
  additionalProperties: false,
} as const;

/** What a route has that decides which refusals come before its own. */
export interface RouteTraits {
  readonly access: string | undefined;
  readonly isAnyOrigin: boolean;
  /** Whether it is answered on the local network before somebody has claimed the hub. */
  readonly isBeforeClaim: boolean;
  readonly isLimited: boolean;
  readonly hasInput: boolean;
  readonly hasBody: boolean;
}

/** Codes that come of what a route is, before its own work begins. */
export function codesOfTraits(traits: RouteTraits): string[] {
  const { access, isAnyOrigin, isBeforeClaim, isLimited, hasInput, hasBody } = traits;
  return [
    "FAILED",
    "WRONG_HOST",
    ...(isAnyOrigin ? [] : ["WRONG_ORIGIN"]),
    ...(isBeforeClaim ? [] : ["NOT_CLAIMED"]),
    ...(access === "public" ? [] : ["NOT_LOGGED_IN"]),
    ...(["public", "session", "notice"].includes(access ?? "") ? [] : ["NOT_ALLOWED"]),
    ...(isLimited ? ["TOO_MANY_CALLS"] : []),
    ...(hasInput || hasBody ? ["MALFORMED_INPUT"] : []),
    ...(hasBody ? ["NOT_UNDERSTOOD", "TOO_LARGE"] : []),
  ];
}

/** @returns By status, what may be answered with it: one response of the document. */
export function errorResponses(codes: readonly string[]): Record<string, object> {
  const byStatus = new Map<number, string[]>();
  for (const code of [...new Set(codes)].toSorted()) {
    for (const status of statusesOf(code))
      byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries(
    [...byStatus].map(([status, found]) => [String(status), errorResponse(status, found)]),
  );
}

/** What the framework itself refuses has the status that it gives. */
export function statusesOf(code: string): readonly number[] {
  if (code === "FAILED") return [500];
  return code === "NOT_UNDERSTOOD" ? [400, 415] : [statusOf(code)];
}

function errorResponse(status: number, codes: readonly string[]): object {
  const field = codes[0] === "MALFORMED_INPUT" ? { field: "body" } : {};
  return {
    description: STATUS_WORDS[status] ?? "It was refused.",
    content: {
      "application/json": {
        schema: {
          allOf: [
            { $ref: "#/components/schemas/Error" },
            { properties: { code: { enum: [...codes] } } },
          ],
        },
        example: { code: codes[0], message: "Cannot answer: here stands what was found", ...field },
      },
    },
  };
}
