import { describe, expect, test } from "vitest";
import { readRequestDocument } from "../../src/owner/requests.ts";
import { lint, toldWordsOf } from "../../src/protocol/linter.ts";
import { LINT_CODES, LINT_SOURCES, type LintCode } from "../../src/protocol/linter-sources.ts";
import { REQUEST_KINDS, type RequestDocument } from "../../src/protocol/request.ts";
import { recipientWords } from "../../src/protocol/words.ts";
import { englishLooks, englishMeanings } from "../../web/page/screens/requests/look-words.en.ts";
import { frenchLooks, frenchMeanings } from "../../web/page/screens/requests/look-words.fr.ts";
import { requestDocument } from "../support/test-consent.ts";

const RECEIVED_MS = Date.UTC(2026, 10, 21, 21, 0, 0);
const PERSON = { name: "A. Requester", agency: "Somewhere PD", contact: "desk@police.example" };
const KEY = "age1f2v075hl7ff98ndwjajanyjmqqrxh5y0uzwy540g6txk9sa9kausk86um3";
const SOUGHT = { ...requestDocument().sought, clearFaces: false };

/** Nothing stands out. */
const QUIET: Partial<RequestDocument> = {
  requester: PERSON,
  legalBasis: { basis: "Code of criminal procedure, section 42", reference: "26-mj-0042" },
  recipient: KEY,
  sought: SOUGHT,
};

function looksAt(changes: Partial<RequestDocument>, told: string | null = null): LintCode[] {
  const { recipient, ...document } = requestDocument({ ...QUIET, ...changes });
  const { asked, personal } = readRequestDocument(
    recipient ? { ...document, recipient } : document,
  );
  const toldWords = told === null ? null : toldWordsOf(told);
  return lint({ asked, personal, receivedAtMs: RECEIVED_MS, toldWords });
}
const times = (from: string, to: string) => ({ ...SOUGHT, from, to });
const basis = (text: string) => ({ basis: text });
const narrative = (text: string) => ({ narrative: text });

describe("what deserves a second look", () => {
  test("is nothing in a request that names all it should", () => {
    expect(looksAt({})).toEqual([]);
  });

  test.each<[LintCode, Partial<RequestDocument>]>([
    ["case_missing", { case: " " }],
    ["contact_unclear", { requester: { ...PERSON, contact: "the desk" } }],
    ["contact_unclear", { requester: { ...PERSON, contact: "room 42" } }],
    ["contact_free_mail", { requester: { ...PERSON, contact: "detective.smith@gmail.com" } }],
    ["contact_free_mail", { requester: { ...PERSON, contact: "brigade12@laposte.net" } }],
    ["basis_missing", { legalBasis: basis("none") }],
    ["basis_missing", { legalBasis: { basis: " N/A. ", reference: "" } }],
    ["basis_mismatch", { kind: "search_warrant", legalBasis: basis("section 42") }],
    ["basis_mismatch", { kind: "subpoena", legalBasis: basis("a letter of the prosecutor") }],
    ["basis_mismatch", { kind: "court_order", legalBasis: basis("réquisition") }],
    ["basis_mismatch", { kind: "police_voluntary", legalBasis: basis("search warrant 17") }],
    ["basis_mismatch", { kind: "insurer", legalBasis: basis("subpoena") }],
    ["emergency_claimed", { urgency: "emergency" }],
    ["emergency_claimed", { kind: "police_emergency" }],
    ["deadline_short", { deadline: "2026-11-22T20:59:00Z" }],
    ["deadline_short", narrative("We need this within 2 hours.")],
    ["deadline_short", narrative("Merci de répondre dès que possible.")],
    ["pressure_wording", narrative("You must hand it over. Failure to comply is an offence.")],
    ["pressure_wording", narrative("Vous êtes tenu de remettre les images, sous peine d’amende.")],
    ["gag_wording", narrative("Do not tell anybody about this letter.")],
    ["gag_wording", narrative("Ne prévenez pas la personne filmée. Ne pas divulguer.")],
    ["protest_wording", narrative("Those who came by after the demonstration of 3 May.")],
    ["protest_wording", narrative("Les manifestants passés devant chez vous.")],
    ["bulk_wording", narrative("All footage of the day.")],
    ["bulk_wording", narrative("Toutes les images de la rue.")],
    ["window_long", { sought: times("2026-11-21T08:00:00Z", "2026-11-21T20:00:01Z") }],
    [
      "visit_long",
      { kind: "data_subject", sought: times("2026-11-21T08:00:00Z", "2026-11-21T10:00:01Z") },
    ],
    ["cameras_open", { sought: { ...SOUGHT, cameras: "unspecified" } }],
    ["cameras_many", { sought: { ...SOUGHT, cameras: ["front", "back"] } }],
    ["clear_faces_asked", { sought: { ...SOUGHT, clearFaces: true } }],
    ["audio_asked", { sought: { ...SOUGHT, tracks: ["video", "audio"] } }],
    ["key_missing", { recipient: "" }],
  ])("names %s: %j", (code, changes) => {
    expect(looksAt(changes)).toEqual([code]);
  });

  test.each<[string, Partial<RequestDocument>]>([
    ["twelve hours", { sought: times("2026-11-21T08:00:00Z", "2026-11-21T20:00:00Z") }],
    ["a telephone number", { requester: { ...PERSON, contact: "+1 (555) 010-0100" } }],
    ["a deadline a day away", { deadline: "2026-11-22T21:00:00Z" }],
    ["no basis but a citation", { legalBasis: { basis: "none", citation: "18 USC 2703" } }],
    ["a warrant that says so", { kind: "search_warrant", legalBasis: basis("Search warrant 17") }],
    ["a French warrant", { kind: "search_warrant", legalBasis: basis("Mandat du juge") }],
    ["a month of spring", narrative("On 12 March a parcel was taken.")],
    ["an office's own mail", { requester: { ...PERSON, contact: "desk@mail.police.example" } }],
    [
      "a neighbour without a case or a law",
      { kind: "neighbour", case: "", legalBasis: basis("none") },
    ],
    [
      "a visitor for his two hours",
      {
        kind: "data_subject",
        case: "",
        legalBasis: basis("none"),
        sought: {
          ...times("2026-11-21T08:00:00Z", "2026-11-21T10:00:00Z"),
          cameras: "unspecified",
        },
      },
    ],
  ])("does not name %s", (_what, changes) => {
    expect(looksAt(changes)).toEqual([]);
  });

  test("is a neighbour at any mail provider, but an office there is named", () => {
    const requester = { name: "Next door", contact: "someone@gmail.com" };
    const changes = { kind: "neighbour", requester } as const;
    expect(looksAt(changes)).toEqual([]);
    expect(looksAt({ ...changes, kind: "preservation" })).toEqual(["contact_free_mail"]);
  });

  test("holds the words that were told against those of the key, as people say them", () => {
    const words = recipientWords(KEY);
    expect(looksAt({}, words.join(", "))).toEqual([]);
    expect(
      looksAt({}, words.map((word, at) => `${at + 1}. ${word.toUpperCase()}`).join("\n")),
    ).toEqual([]);
    expect(looksAt({}, words.toReversed().join(" "))).toEqual(["key_differs"]);
    expect(looksAt({}, words.slice(1).join(" "))).toEqual(["key_differs"]);
    expect(looksAt({}, "")).toEqual(["key_differs"]);
  });

  test("is the same for an emergency, which is one more", () => {
    const bare = { legalBasis: basis("none"), narrative: "All footage." };
    const calm = looksAt(bare);
    const emergencies = [{ urgency: "emergency" }, { kind: "police_emergency" }] as const;
    for (const emergency of emergencies)
      expect(looksAt({ ...bare, ...emergency }).toSorted()).toEqual(
        [...calm, "emergency_claimed"].toSorted(),
      );
  });

  test("leaves out what a device that cannot open the request does not know", () => {
    const document = requestDocument({ case: "", urgency: "emergency", narrative: "All footage" });
    const { asked } = readRequestDocument(document);
    expect(lint({ asked, personal: null, receivedAtMs: RECEIVED_MS })).toEqual([
      "emergency_claimed",
      "clear_faces_asked",
      "key_missing",
    ]);
  });
});

describe("each rule and each kind", () => {
  test.each(LINT_CODES)("%s names its source, and has a sentence in both languages", (code) => {
    expect(LINT_SOURCES[code].length).toBeGreaterThan(0);
    for (const { citation } of LINT_SOURCES[code]) expect(citation.length).toBeGreaterThan(10);
    expect(englishLooks[code]).toMatch(/[.?]$/);
    expect(frenchLooks[code]).toMatch(/[.?]$/);
    expect(frenchLooks[code]).not.toBe(englishLooks[code]);
  });

  test.each(REQUEST_KINDS)("%s says what it means for a household, in both languages", (kind) => {
    expect(englishMeanings[kind]).toMatch(/\.$/);
    expect(frenchMeanings[kind]).toMatch(/\.$/);
    expect(frenchMeanings[kind]).not.toBe(englishMeanings[kind]);
  });
});
