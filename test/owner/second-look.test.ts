import { describe, expect, test } from "vitest";
import { readRequestDocument } from "../../src/owner/requests.ts";
import { secondLooks, type SecondLook } from "../../src/owner/second-look.ts";
import type { RequestDocument } from "../../src/protocol/request.ts";
import { requestDocument } from "../support/test-consent.ts";

const RECEIVED_MS = Date.UTC(2026, 10, 21, 21, 0, 0);
const PERSON = { name: "A. Requester", contact: "desk@example.org" };

/** Nothing stands out. */
const QUIET: Partial<RequestDocument> = {
  requester: PERSON,
  legalBasis: { basis: "court order", reference: "26-mj-0042" },
  recipient: "age1example",
};

function looksAt(changes: Partial<RequestDocument>): SecondLook[] {
  const { recipient, ...document } = requestDocument({ ...QUIET, ...changes });
  const { asked, personal } = readRequestDocument(document);
  // Which key it is plays no part here.
  return secondLooks(recipient ? { ...asked, recipient } : asked, personal, RECEIVED_MS);
}
const sought = (from: string, to: string) => ({ ...requestDocument().sought, from, to });

describe("what deserves a second look", () => {
  test("is nothing in a request that names all it should", () => {
    expect(looksAt({})).toEqual([]);
  });

  test.each<[SecondLook, Partial<RequestDocument>]>([
    ["case_missing", { case: " " }],
    ["contact_unclear", { requester: { ...PERSON, contact: "the desk" } }],
    ["contact_unclear", { requester: { ...PERSON, contact: "room 42" } }],
    ["window_long", { sought: sought("2026-11-21T08:00:00Z", "2026-11-21T20:00:01Z") }],
    ["basis_missing", { legalBasis: { basis: "none" } }],
    ["basis_missing", { legalBasis: { basis: " N/A. ", reference: "" } }],
    ["emergency_claimed", { urgency: "emergency" }],
    ["emergency_claimed", { kind: "police_emergency" }],
    ["deadline_short", { deadline: "2026-11-22T20:59:00Z" }],
    ["cameras_open", { sought: { ...requestDocument().sought, cameras: "unspecified" } }],
    ["key_missing", { recipient: "" }],
  ])("names %s", (code, changes) => {
    expect(looksAt(changes)).toEqual([code]);
  });

  test.each<[string, Partial<RequestDocument>]>([
    ["twelve hours", { sought: sought("2026-11-21T08:00:00Z", "2026-11-21T20:00:00Z") }],
    ["a telephone number", { requester: { ...PERSON, contact: "+1 (555) 010-0100" } }],
    ["a deadline a day away", { deadline: "2026-11-22T21:00:00Z" }],
    ["no basis but a citation", { legalBasis: { basis: "none", citation: "18 USC 2703" } }],
  ])("does not name %s", (_what, changes) => {
    expect(looksAt(changes)).toEqual([]);
  });

  test("is the same for an emergency, which is one more", () => {
    const bare = { legalBasis: { basis: "none" } };
    expect(looksAt({ ...bare, urgency: "emergency" })).toEqual([
      ...looksAt(bare),
      "emergency_claimed",
    ]);
  });

  test("leaves out what a device that cannot open the request does not know", () => {
    const { asked } = readRequestDocument(requestDocument({ case: "", urgency: "emergency" }));
    expect(secondLooks(asked, null, RECEIVED_MS)).toEqual(["emergency_claimed", "key_missing"]);
  });
});
