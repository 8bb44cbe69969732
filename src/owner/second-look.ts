import { checkAsked, type Asked, type Personal } from "../protocol/request.ts";

/**
 * What about a request deserves a second look, and by which public rule of the field. Computed on
 * the owner's device from what the request itself says; nothing here decides anything, and nothing
 * that decides reads it (invariant 7).
 */
export const SECOND_LOOKS = [
  "case_missing",
  "contact_unclear",
  "window_long",
  "basis_missing",
  "emergency_claimed",
  "deadline_short",
  "key_missing",
  "cameras_open",
] as const;
export type SecondLook = (typeof SECOND_LOOKS)[number];

/** A narrow request names hours, not days (the field's own guides ask for a window of 12 h at most). */
export const WINDOW_MAX_MS = 12 * 3_600_000;
/** Somebody who has a case to work on can wait for a night. */
export const DEADLINE_MIN_MS = 24 * 3_600_000;

/** As people write it who have none to show. */
const NO_BASIS = /^(?:none|no|n\/?a|nil|-+|unknown|not stated|aucune?|néant|sans)\.?$/i;
/** A mail address, or six digits of a telephone number, however they are grouped. */
const REACHABLE = /\S@\S|(?:\d[\s().+/-]*){6}/;

/** True where the requester cites nothing that could oblige anybody. */
export function citesNoBasis({ legalBasis }: Pick<Personal, "legalBasis">): boolean {
  const { basis, citation = "", reference = "" } = legalBasis;
  return NO_BASIS.test(basis.trim()) && citation.trim() === "" && reference.trim() === "";
}

/**
 * The codes that apply, in the order of {@link SECOND_LOOKS}.
 *
 * @param personal - Null where this device cannot open it: what it would say is then left out.
 * @param receivedAtMs - When the request came in, UTC.
 */
export function secondLooks(
  asked: Asked,
  personal: Personal | null,
  receivedAtMs: number,
): SecondLook[] {
  const { fromMs, toMs } = checkAsked(asked);
  const deadlineMs = asked.deadline === undefined ? null : Date.parse(asked.deadline);
  const applies: Readonly<Record<SecondLook, boolean>> = {
    case_missing: personal !== null && (personal.case ?? "").trim() === "",
    contact_unclear: personal !== null && !REACHABLE.test(personal.requester.contact),
    window_long: toMs - fromMs > WINDOW_MAX_MS,
    basis_missing: personal !== null && citesNoBasis(personal),
    emergency_claimed: asked.urgency === "emergency" || asked.kind === "police_emergency",
    deadline_short: deadlineMs !== null && deadlineMs - receivedAtMs < DEADLINE_MIN_MS,
    key_missing: asked.recipient === undefined,
    cameras_open: asked.sought.cameras === "unspecified",
  };
  return SECOND_LOOKS.filter((code) => applies[code]);
}
