import { LINT_CODES, type LintCode } from "./linter-sources.ts";
import { checkAsked, type Asked, type Personal } from "./request.ts";
import { recipientWords } from "./words.ts";

/**
 * What about a request deserves a second look. Pure, and computed wherever somebody looks: from what
 * the request itself says, and, where the owner has called back, from what he was told. Nothing here
 * decides anything, and nothing that decides reads it (invariant 7).
 */

/** A narrow request names hours, not days. */
export const WINDOW_MAX_MS = 12 * 3_600_000;
/** Who was at the door himself knows about when. */
export const VISIT_MAX_MS = 2 * 3_600_000;
/** Somebody who has a case to work on can wait for a night. */
export const DEADLINE_MIN_MS = 24 * 3_600_000;

type Kind = Asked["kind"];

/** Kinds of somebody who works on a case, and acts under a law or an order. */
const OFFICIAL: ReadonlySet<Kind> = new Set<Kind>([
  ...(["police_voluntary", "police_emergency", "preservation", "subpoena"] as const),
  ...(["court_order", "search_warrant", "lawyer", "insurer", "other"] as const),
]);
/** Of these, the ones that an office of the state sends. */
const AUTHORITY: ReadonlySet<Kind> = new Set<Kind>([
  ...(["police_voluntary", "police_emergency", "preservation"] as const),
  ...(["subpoena", "court_order", "search_warrant"] as const),
]);

/** As people write it who have none to show. */
const NO_BASIS = /^(?:none|no|n\/?a|nil|-+|unknown|not stated|aucune?|néant|sans)\.?$/i;
/** A mail address, or six digits of a telephone number, however they are grouped. */
const REACHABLE = /\S@\S|(?:\d[\s().+/-]*){6}/;
/** Anybody may have a mailbox there, under any name. */
const FREE_MAIL =
  /@(?:gmail|googlemail|outlook|hotmail|live|msn|yahoo|ymail|icloud|me|mac|aol|gmx|web|mail|proton|protonmail|pm|tutanota|tuta|zoho|yandex|laposte|orange|wanadoo|free|sfr)\.(?:com|net|de|fr|me|ch|at|ru|org|io|co\.uk)\b/i;

/** What a paper of this kind calls itself; one that says something else is not of this kind. */
const NAMES_ITSELF: Readonly<Partial<Record<Kind, RegExp>>> = {
  search_warrant: /warrant|mandat|perquisition|commission rogatoire/i,
  court_order: /order|court|judge|ruling|ordonnance|jugement|tribunal|juge\b/i,
  subpoena: /subpoena|summons|assignation|citation|réquisition/i,
};
/** Papers that oblige: who asks of good will has none, and who is no office can issue none. */
const OBLIGES =
  /\b(?:warrant|subpoena|court order|mandat|perquisition|réquisition|commission rogatoire)\b/i;
const WITHOUT_PAPERS: ReadonlySet<Kind> = new Set<Kind>([
  ...(["police_voluntary", "insurer", "neighbour", "victim", "journalist", "household"] as const),
]);

const PRESSURE =
  /\b(?:you (?:must|are (?:required|obliged|obligated|compelled|ordered) to)|obstruct\w*|fail(?:ure|ing)? to (?:comply|cooperate)|non-?compliance|legal consequences|prosecut(?:ed|ion)|will be (?:fined|arrested|charged)|penalt(?:y|ies)|contempt|last warning|vous (?:devez|êtes tenue?s?)|entrave|poursuites|sous peine|amende|dernier avertissement|refus d.obtempérer)\b/i;
const DEADLINE_WORDING =
  /\b(?:immediately|at once|without delay|right now|asap|as soon as possible|within (?:the |an? |one |\d+ )?(?:hours?|minutes?)|today|urgent(?:ly)?|immédiatement|sans délai|au plus vite|dès que possible|aujourd.hui|dans l.heure|sous \d+ ?(?:h|heures?))\b/i;
const GAG =
  /\b(?:do not (?:tell|inform|notify|disclose|mention|discuss)|may not (?:tell|inform|disclose)|confidential|keep (?:this|it) (?:secret|quiet|to yourself)|non-?disclosure|gag|ne (?:pas )?(?:dites|informez|prévenez|divulguez|parlez)|ne pas (?:divulguer|informer|prévenir|révéler)|confidentielle?|secret de l.(?:enquête|instruction))\b/i;
const PROTEST =
  /\b(?:protest\w*|demonstrat(?:ion|ions|or|ors|ing)|marches|marchers|protest march|rall(?:y|ies)|picket\w*|strikers?|activists?|vigils?|manifestations?|manifestants?|grévistes?|militante?s?|rassemblements?|piquet de grève)\b/i;
const BULK =
  /\b(?:(?:all|any|every|entire|whole) (?:of )?(?:the |your )?(?:footage|recordings?|videos?|cameras?|days?|weeks?|neighbou?rhood|street|area|residents?|households?)|everybody|everyone who|all persons|anyone who (?:passed|walked)|tou(?:te?s|s) (?:les |vos )(?:enregistrements?|images?|vidéos?|caméras?|personnes?|riverains?|passants?)|tout le quartier|toute la rue|l.ensemble des (?:enregistrements?|images?|caméras?))\b/i;

/** True where the requester cites nothing that could oblige anybody. */
export function citesNoBasis({ legalBasis }: Pick<Personal, "legalBasis">): boolean {
  const { basis, citation = "", reference = "" } = legalBasis;
  return NO_BASIS.test(basis.trim()) && citation.trim() === "" && reference.trim() === "";
}

export interface LintSubject {
  readonly asked: Asked;
  /** Null where this device cannot open it: what it would say is then left out. */
  readonly personal: Personal | null;
  /** When the request came in, UTC. */
  readonly receivedAtMs: number;
  /** Words of the requester's key as the owner heard them when calling back; else null. */
  readonly toldWords?: readonly string[] | null;
}

/** The codes that apply, in the order of {@link LINT_CODES}. */
export function lint(subject: LintSubject): LintCode[] {
  const applies: Readonly<Record<LintCode, boolean>> = {
    ...lintAsked(subject),
    ...(subject.personal === null
      ? NOTHING_READ
      : lintPersonal(subject.asked.kind, subject.personal)),
    deadline_short: isHurried(subject),
  };
  return LINT_CODES.filter((code) => applies[code]);
}

type FromAsked =
  | "emergency_claimed"
  | ("window_long" | "visit_long" | "cameras_open" | "cameras_many")
  | ("clear_faces_asked" | "audio_asked" | "key_missing" | "key_differs");
type FromPersonal = Exclude<LintCode, FromAsked | "deadline_short">;

function lintAsked({ asked, toldWords }: LintSubject): Record<FromAsked, boolean> {
  const { fromMs, toMs } = checkAsked(asked);
  const { cameras, clearFaces, tracks } = asked.sought;
  const isVisit = asked.kind === "data_subject";
  return {
    emergency_claimed: asked.urgency === "emergency" || asked.kind === "police_emergency",
    window_long: !isVisit && toMs - fromMs > WINDOW_MAX_MS,
    visit_long: isVisit && toMs - fromMs > VISIT_MAX_MS,
    cameras_open: cameras === "unspecified" && !isVisit,
    cameras_many: cameras !== "unspecified" && new Set(cameras).size > 1,
    clear_faces_asked: clearFaces,
    audio_asked: tracks.includes("audio"),
    key_missing: asked.recipient === undefined,
    key_differs: isOtherKey(asked.recipient, toldWords ?? null),
  };
}

const NOTHING_READ: Readonly<Record<FromPersonal, boolean>> = {
  case_missing: false,
  contact_unclear: false,
  contact_free_mail: false,
  basis_missing: false,
  basis_mismatch: false,
  pressure_wording: false,
  gag_wording: false,
  protest_wording: false,
  bulk_wording: false,
};

function lintPersonal(kind: Kind, personal: Personal): Record<FromPersonal, boolean> {
  const { requester, legalBasis } = personal;
  const text = wordingOf(personal);
  const isAuthority = AUTHORITY.has(kind) || (requester.agency ?? "").trim() !== "";
  return {
    case_missing: OFFICIAL.has(kind) && (personal.case ?? "").trim() === "",
    contact_unclear: !REACHABLE.test(requester.contact),
    contact_free_mail: isAuthority && FREE_MAIL.test(requester.contact),
    basis_missing: OFFICIAL.has(kind) && citesNoBasis(personal),
    basis_mismatch: isOtherBasis(kind, Object.values(legalBasis).join(" "), citesNoBasis(personal)),
    pressure_wording: PRESSURE.test(text),
    gag_wording: GAG.test(text),
    protest_wording: PROTEST.test(text),
    bulk_wording: BULK.test(text),
  };
}

/** Everything that its writer chose the words of. */
function wordingOf({ narrative, purpose, legalBasis }: Personal): string {
  return [narrative, purpose, ...Object.values(legalBasis)].join("\n").replaceAll("’", "'");
}

function isOtherBasis(kind: Kind, basis: string, isNone: boolean): boolean {
  if (isNone) return false;
  const ownName = NAMES_ITSELF[kind];
  if (ownName) return !ownName.test(basis);
  return WITHOUT_PAPERS.has(kind) && OBLIGES.test(basis);
}

function isHurried({ asked, personal, receivedAtMs }: LintSubject): boolean {
  const deadlineMs = asked.deadline === undefined ? null : Date.parse(asked.deadline);
  if (deadlineMs !== null && deadlineMs - receivedAtMs < DEADLINE_MIN_MS) return true;
  return personal !== null && DEADLINE_WORDING.test(wordingOf(personal));
}

/** Words are compared as people say them: in their order, whatever stands between them. */
function isOtherKey(recipient: string | undefined, told: readonly string[] | null): boolean {
  if (recipient === undefined || told === null) return false;
  return recipientWords(recipient).join(" ") !== told.map((word) => word.toLowerCase()).join(" ");
}

/** Words that somebody read out, as they were typed in: commas, numbers and lines do not matter. */
export function toldWordsOf(text: string): string[] {
  return text.toLowerCase().match(/[a-z]+/g) ?? [];
}
