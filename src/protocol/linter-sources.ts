import type { REQUEST_KINDS } from "./request.ts";

type RequestKind = (typeof REQUEST_KINDS)[number];

/**
 * What deserves a second look in a request, and the public rule of the field that says so. Codes and
 * citations only: the words for people are where people read them, in their language.
 */
export const LINT_CODES = [
  "case_missing",
  "contact_unclear",
  "contact_free_mail",
  "basis_missing",
  "basis_mismatch",
  "emergency_claimed",
  "deadline_short",
  "pressure_wording",
  "gag_wording",
  "protest_wording",
  "bulk_wording",
  "window_long",
  "visit_long",
  "cameras_open",
  "cameras_many",
  "clear_faces_asked",
  "audio_asked",
  "key_missing",
  "key_differs",
] as const;
export type LintCode = (typeof LINT_CODES)[number];

/** A law, a published case, guidance, or a practice that its maker has published. */
export interface LintSource {
  readonly citation: string;
  /** Shown as text and never fetched: the page asks no other origin for anything. */
  readonly url?: string;
}

/** Police had to keep to these to ask a whole neighbourhood for doorbell recordings. */
const RING_POLICY: LintSource = {
  citation: "Ring, Request for Assistance Policy for public safety agencies",
  url: "help.publicsafety.ring.com/hc/en-us/articles/1500012585181",
};
const FBI_NOTICE: LintSource = {
  citation:
    "FBI, Private Industry Notification of 4 November 2024 on fraudulent emergency data requests",
};
const META_GUIDELINES: LintSource = {
  citation: "Meta, Information for Law Enforcement Authorities",
  url: "about.meta.com/actions/safety/audiences/law/guidelines",
};
const GDPR_RECITAL_31: LintSource = { citation: "Regulation (EU) 2016/679 (GDPR), recital 31" };
const GDPR_MINIMISATION: LintSource = {
  citation: "Regulation (EU) 2016/679 (GDPR), Article 5(1)(c): data minimisation",
};
const EDPB_VIDEO: LintSource = {
  citation: "European Data Protection Board, Guidelines 3/2019 on video devices, section 6.1",
  url: "edpb.europa.eu",
};
const BUMPER: LintSource = { citation: "Bumper v. North Carolina, 391 U.S. 543 (1968)" };
const SCHNECKLOTH: LintSource = { citation: "Schneckloth v. Bustamonte, 412 U.S. 218 (1973)" };
const FAIRHURST: LintSource = {
  citation: "Fairhurst v Woodard, County Court at Oxford, G00MK161, 12 October 2021",
};
const EFF_PROTESTS: LintSource = {
  citation:
    "Electronic Frontier Foundation, LAPD Requested Ring Footage of Black Lives Matter Protests, 16 February 2021",
  url: "eff.org",
};
const PRECLUSION: LintSource = {
  citation: "18 U.S.C. § 2705(b): it is a court that orders silence",
};
const OWN_RULE: LintSource = {
  citation: "Doorward's own rule: what leaves is sealed to one named key",
};

/** Each code's sources; never empty. */
export const LINT_SOURCES: Readonly<Record<LintCode, readonly LintSource[]>> = {
  case_missing: [RING_POLICY],
  contact_unclear: [RING_POLICY, META_GUIDELINES],
  contact_free_mail: [META_GUIDELINES, FBI_NOTICE],
  basis_missing: [GDPR_RECITAL_31],
  basis_mismatch: [BUMPER, FBI_NOTICE],
  emergency_claimed: [FBI_NOTICE],
  deadline_short: [FBI_NOTICE],
  pressure_wording: [RING_POLICY, SCHNECKLOTH],
  gag_wording: [PRECLUSION],
  protest_wording: [RING_POLICY, EFF_PROTESTS],
  bulk_wording: [GDPR_RECITAL_31],
  window_long: [RING_POLICY],
  visit_long: [EDPB_VIDEO],
  cameras_open: [GDPR_MINIMISATION],
  cameras_many: [GDPR_MINIMISATION],
  clear_faces_asked: [GDPR_MINIMISATION, EDPB_VIDEO],
  audio_asked: [FAIRHURST],
  key_missing: [OWN_RULE],
  key_differs: [OWN_RULE],
};

/** Where one may read what a kind of request is; left out where no single text says it. */
export const KIND_SOURCES: Readonly<Partial<Record<RequestKind, LintSource>>> = {
  police_voluntary: SCHNECKLOTH,
  police_emergency: {
    citation: "18 U.S.C. § 2702(b)(8): in an emergency even a provider may, and need not",
  },
  preservation: { citation: "18 U.S.C. § 2703(f): 90 days, renewed once on request" },
  subpoena: { citation: "Federal Rules of Civil Procedure, Rule 45(d): how to object" },
  search_warrant: {
    citation: "Constitution of the United States, Fourth Amendment: a place and things, described",
  },
  data_subject: {
    citation:
      "Regulation (EU) 2016/679 (GDPR), Article 15, and EDPB Guidelines 3/2019, section 6.1",
  },
};
