import { describe, expect, test } from "vitest";
import { checkShape } from "../../src/protocol/check.ts";
import { MalformedInput } from "../../src/protocol/errors.ts";
import {
  checkAsked,
  parseTime,
  RequestDocumentSchema,
  requestSha256,
  SealedRequestSchema,
  splitRequest,
  type RequestRecord,
} from "../../src/protocol/request.ts";
import { readRequestDocument } from "../../src/owner/requests.ts";
import { requestDocument } from "../support/test-consent.ts";

/** The field that a refusal names; fails where nothing is refused. */
function wrongField(value: unknown): string {
  try {
    readRequestDocument(value);
  } catch (error) {
    if (error instanceof MalformedInput) return error.field;
    throw error;
  }
  return "nothing";
}

const sought = requestDocument().sought;

describe("a request is refused with the name of its field", () => {
  test("(control: the example is taken)", () => {
    expect(wrongField(requestDocument())).toBe("nothing");
    const least = {
      kind: "other",
      urgency: "emergency",
      requester: { name: "x", contact: "y" },
      legalBasis: { basis: "none" },
      narrative: "",
      purpose: "z",
      sought: { ...sought, cameras: "unspecified" },
    };
    expect(wrongField(least)).toBe("nothing");
  });

  const { narrative: _narrative, ...unnarrated } = requestDocument();
  const wrong: [string, unknown][] = [
    ["narrative", { ...requestDocument(), narrative: "x".repeat(8_001) }],
    ["narrative", unnarrated],
    ["purpose", { ...requestDocument(), purpose: "" }],
    ["purpose", { ...requestDocument(), purpose: "x".repeat(1_001) }],
    ["requester.name", { ...requestDocument(), requester: { name: "", contact: "c" } }],
    ["requester.contact", { ...requestDocument(), requester: { name: "n" } }],
    ["requester.badge", { ...requestDocument(), requester: { name: "n", contact: "c", badge: 1 } }],
    [
      "requester.agency",
      { ...requestDocument(), requester: { name: "n", contact: "c", agency: "a".repeat(201) } },
    ],
    ["legalBasis.basis", { ...requestDocument(), legalBasis: {} }],
    ["kind", { ...requestDocument(), kind: "anything" }],
    ["urgency", { ...requestDocument(), urgency: "very" }],
    ["case", { ...requestDocument(), case: 7 }],
    ["override", { ...requestDocument(), override: true }],
    ["recipient", { ...requestDocument(), recipient: "x".repeat(2_049) }],
    ["recipient", { ...requestDocument(), recipient: "age1notakey" }],
    ["recipient", { ...requestDocument(), recipient: "ssh-ed25519 AAAA" }],
    ["sought.cameras", { ...requestDocument(), sought: { ...sought, cameras: [] } }],
    ["sought.cameras", { ...requestDocument(), sought: { ...sought, cameras: "all" } }],
    [
      "sought.cameras",
      { ...requestDocument(), sought: { ...sought, cameras: Array(17).fill("a") } },
    ],
    ["sought.tracks", { ...requestDocument(), sought: { ...sought, tracks: [] } }],
    ["sought.clearFaces", { ...requestDocument(), sought: { ...sought, clearFaces: "yes" } }],
    ["sought.from", { ...requestDocument(), sought: { ...sought, from: "2026-11-21T20:00:00" } }],
    ["sought.to", { ...requestDocument(), sought: { ...sought, to: "2026-13-21T20:00:00Z" } }],
    ["sought.to", { ...requestDocument(), sought: { ...sought, to: sought.from } }],
    ["deadline", { ...requestDocument(), deadline: "tomorrow, before ten in the morning" }],
  ];
  test.each(wrong)("%s", (field, document) => {
    expect(wrongField(document).startsWith(field)).toBe(true);
  });

  test("at its limits it is still taken", () => {
    const most = requestDocument({
      narrative: "x".repeat(8_000),
      purpose: "y".repeat(1_000),
      requester: { name: "n".repeat(200), contact: "c".repeat(200) },
      sought: { ...sought, cameras: Array.from({ length: 16 }, () => "c".repeat(32)) },
    });
    expect(wrongField(most)).toBe("nothing");
  });
});

describe("a time", () => {
  test.each([
    ["2026-11-21T20:00:00Z", Date.UTC(2026, 10, 21, 20)],
    ["2026-11-21T21:30:00+01:30", Date.UTC(2026, 10, 21, 20)],
    ["2026-11-21T20:00:00.5Z", Date.UTC(2026, 10, 21, 20) + 500],
    ["2028-02-29T00:00:00Z", Date.UTC(2028, 1, 29)],
    ["2026-10-25T02:30:00+02:00", Date.UTC(2026, 9, 25, 0, 30)],
    ["2026-10-25T02:30:00+01:00", Date.UTC(2026, 9, 25, 1, 30)],
  ])("%s is read to the millisecond", (text, expected) => {
    expect(parseTime(text, "time")).toBe(expected);
  });

  test.each([
    "2026-11-21",
    "2026-11-21T20:00:00",
    "2026-11-21 20:00:00Z",
    "2026-11-21T20:00Z",
    "2026-02-30T00:00:00Z",
    "2027-02-29T00:00:00Z",
    "2026-11-21T25:00:00Z",
    "2026-11-21T24:00:00Z",
    "2026-04-31T23:00:00-05:00",
    "2026-11-21T20:00:00+25:00",
    "1969-12-31T23:59:59Z",
    "20261121T200000Z",
    "２０２６-11-21T20:00:00Z",
    "",
  ])("%s is no time", (text) => {
    expect(() => parseTime(text, "time")).toThrow(MalformedInput);
  });
});

test("the part that the hub reads holds nothing of the person who asks", () => {
  const { asked, personal } = splitRequest(requestDocument({ deadline: "2026-12-01T00:00:00Z" }));
  expect(Object.keys(asked).toSorted()).toEqual(["deadline", "kind", "sought", "urgency"]);
  expect(JSON.stringify(asked)).not.toMatch(/Requester|Somewhere|parcel|0042|desk@/);
  expect(Object.keys(personal)).toContain("requester");
  expect(checkShape(RequestDocumentSchema, { ...asked, ...personal }, "request")).toBeTruthy();
});

test("times that are in order are read, and the range is exact", () => {
  const { asked } = splitRequest(requestDocument());
  expect(checkAsked(asked)).toEqual({
    fromMs: Date.UTC(2026, 10, 21, 20),
    toMs: Date.UTC(2026, 10, 21, 20, 10),
  });
});

test("a sealed request has a token of 64 hex digits and nothing beside its four members", () => {
  const { asked } = splitRequest(requestDocument());
  const sealed = { format: "doorward-request/v1", token: "a".repeat(64), asked, personal: "AAAA" };
  expect(checkShape(SealedRequestSchema, sealed, "request")).toEqual(sealed);
  for (const wrong of [
    { ...sealed, token: "a".repeat(63) },
    { ...sealed, token: "A".repeat(64) },
    { ...sealed, format: "doorward-request/v2" },
    { ...sealed, personal: "" },
    { ...sealed, personal: "A".repeat(65_537) },
    { ...sealed, urgent: true },
  ])
    expect(() => checkShape(SealedRequestSchema, wrong, "request")).toThrow(MalformedInput);
});

test("two requests that ask the same have different hashes, so that none can be guessed", () => {
  const { asked } = splitRequest(requestDocument());
  const record = (salt: string): RequestRecord => ({
    v: 1,
    request: "a".repeat(32),
    receivedAtMs: 1,
    expiresAtMs: 2,
    channel: "typed_by_owner",
    asked,
    personalSha256: "b".repeat(64),
    salt,
  });
  expect(requestSha256(record("0".repeat(32)))).not.toBe(requestSha256(record("1".repeat(32))));
});
