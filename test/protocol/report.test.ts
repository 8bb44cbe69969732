import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { LedgerEntry, LedgerEntryOf } from "../../src/protocol/ledger-entry.ts";
import { reportFigures, type ReportFigures } from "../../src/protocol/report.ts";

const HEAD = "a".repeat(64);
const NEXT_HEAD = "b".repeat(64);
const id = (digit: number): string => String(digit).repeat(32);
const hash = (digit: number): string => String(digit).repeat(64);
const at = { v: 1, atMs: 1_800_000_000_000 } as const;

const keyring = (keyringHead = HEAD): LedgerEntry => ({
  ...at,
  kind: "keyring",
  epoch: 0,
  change: "genesis",
  keyringHead,
});
const request = (number = 1, requestKind = "insurer", urgency = "normal"): LedgerEntry => ({
  ...at,
  kind: "request",
  request: id(number),
  requestSha256: hash(number),
  requestKind,
  channel: "typed_by_owner",
  urgency,
});
type Decision = Extract<LedgerEntry, { kind: "decision"; v: 1 }>;
const decision = (changes: Partial<Decision> = {}): Decision => ({
  ...at,
  kind: "decision",
  request: id(1),
  outcome: "approved",
  decisionSha256: hash(1),
  keyringHead: HEAD,
  ...changes,
});
const release = (number = 1, decisionSha256 = hash(number)): LedgerEntry => ({
  ...at,
  kind: "release",
  request: id(number),
  decisionSha256,
  files: 3,
});
const share = (number = 1, decisionSha256 = hash(number)): LedgerEntry => ({
  ...at,
  kind: "share",
  request: id(number),
  decisionSha256,
  shareSha256: hash(8),
});
const access = (number = 1, decisionSha256 = hash(number)): LedgerEntry => ({
  ...at,
  kind: "access",
  request: id(number),
  decisionSha256,
});
const revocation = (number = 1): LedgerEntry => ({
  ...at,
  kind: "revocation",
  request: id(number),
  decisionSha256: hash(number),
});

const lapse = (): LedgerEntry => ({
  ...{ ...at, v: 2, kind: "revocation", request: id(1), decisionSha256: hash(1) },
  revocationSha256: null,
});

const refused = (): Decision => decision({ outcome: "refused", decisionSha256: hash(9) });
const stale = (): Decision => decision({ keyringHead: NEXT_HEAD });
const released = (): LedgerEntry[] => [request(), decision(), release()];
const reused = (): Decision => decision({ request: id(2) });
const reusedRelease = (): LedgerEntry => release(2, hash(1));

function disclosures(...entries: LedgerEntry[]): number {
  return reportFigures([keyring(), ...entries]).disclosuresWithoutApproval;
}

describe("a release or an access counts as a disclosure without approval", () => {
  test("not where the same approval came before it (control)", () => {
    expect(disclosures(request(), decision(), release(), access(), access())).toBe(0);
    const inPart = decision({ outcome: "approved_in_part" });
    expect(disclosures(request(), inPart, release(), access())).toBe(0);
  });

  test.each<[string, LedgerEntry[]]>([
    ["no decision came before it", [request(), release()]],
    ["nobody had asked", [decision(), release()]],
    ["it names another decision", [request(), decision(), release(1, hash(2))]],
    ["it is another request's", [request(), decision(), request(2), release(2, hash(1))]],
    ["the owner refused", [request(), decision({ outcome: "refused" }), release()]],
    ["the request expired", [request(), decision({ outcome: "expired" }), release()]],
    ["it was withdrawn", [request(), decision({ outcome: "withdrawn" }), release()]],
    ["nothing was signed", [request(), decision({ decisionSha256: null }), release()]],
    ["the approval comes after it", [request(), release(), decision()]],
    ["a refusal came before the approval", [request(), refused(), decision(), release()]],
    ["it was made under another keyring", [request(), stale(), release()]],
    ["the keyring had changed", [request(), keyring(NEXT_HEAD), decision(), release()]],
    ["it is the second release", [request(), decision(), release(), release()]],
    ["it was fetched without a release", [request(), decision(), access()]],
    ["a link was made before the release", [request(), decision(), share()]],
    ["a link was made after a revocation", [...released(), revocation(), share()]],
    ["it was fetched after its time was over", [...released(), lapse(), access()]],
    ["it was fetched after a revocation", [...released(), revocation(), access()]],
    ["it was released after a revocation", [request(), decision(), revocation(), release()]],
    ["one signature serves two requests", [...released(), request(2), reused(), reusedRelease()]],
  ])("where %s", (_case, entries) => {
    expect(disclosures(...entries)).toBe(1);
  });

  test("not where something that nobody signed stands before the approval", () => {
    for (const outcome of ["approved", "approved_in_part", "refused"] as const) {
      const unsigned = decision({ outcome, decisionSha256: null });
      expect(disclosures(request(), unsigned, decision(), release()), outcome).toBe(0);
      const { requests } = reportFigures([keyring(), request(), unsigned]);
      expect(requests, outcome).toMatchObject([{ open: 1, approved: 0, refused: 0 }]);
    }
    for (const outcome of ["expired", "withdrawn"] as const) {
      const over = decision({ outcome, decisionSha256: null });
      expect(disclosures(request(), over, decision(), release()), outcome).toBe(1);
    }
  });

  test("in any history exactly where a slow second count says so", () => {
    let found = 0;
    fc.assert(
      fc.property(fc.array(fc.oneof(...anyEntry), { maxLength: 14 }), (history) => {
        const entries = [keyring(), request(1), ...history];
        const slow = entries.filter((_entry, index) => isUnapproved(entries, index)).length;
        found += slow;
        expect(reportFigures(entries).disclosuresWithoutApproval).toBe(slow);
      }),
      { numRuns: 1_000 },
    );
    expect(found).toBeGreaterThan(100);
  });
});

const digit = fc.integer({ min: 1, max: 2 });
const anyEntry: fc.Arbitrary<LedgerEntry>[] = [
  digit.map((number) => request(number)),
  fc
    .record({
      request: digit.map(id),
      outcome: fc.constantFrom("approved", "approved_in_part", "refused", "expired"),
      decisionSha256: fc.oneof(digit.map(hash), fc.constant(null)),
      keyringHead: fc.constantFrom(HEAD, HEAD, HEAD, NEXT_HEAD),
    })
    .map(decision),
  fc.tuple(digit, digit).map(([number, by]) => release(number, hash(by))),
  fc.tuple(digit, digit).map(([number, by]) => access(number, hash(by))),
  fc.tuple(digit, digit).map(([number, by]) => share(number, hash(by))),
  digit.map(revocation),
];

/** By looking back through everything for each entry, where the code under test goes forward once. */
function isUnapproved(entries: readonly LedgerEntry[], index: number): boolean {
  const entry = entries[index];
  if (entry?.kind !== "release" && entry?.kind !== "access" && entry?.kind !== "share")
    return false;
  const own = entries.slice(0, index).flatMap((one, place) => {
    const isOwn = "request" in one && one.request === entry.request;
    return isOwn ? [{ one, place }] : [];
  });
  const asked = own.find(({ one }) => one.kind === "request")?.place ?? Number.POSITIVE_INFINITY;
  const decided = own.find(({ one, place }) => place > asked && isSound(entries, place, one));
  if (decided?.one.kind !== "decision" || !decided.one.outcome.startsWith("approved")) return true;
  if (decided.one.decisionSha256 !== entry.decisionSha256) return true;
  const after = own.filter(({ one, place }) => {
    const { decisionSha256 } = one as { decisionSha256?: string | null };
    return place > decided.place && decisionSha256 === entry.decisionSha256;
  });
  if (after.some(({ one }) => one.kind === "revocation")) return true;
  return after.some(({ one }) => one.kind === "release") === (entry.kind === "release");
}

/** True for a decision that is signed as it should be, and whose hash no decision before took. */
function isSound(entries: readonly LedgerEntry[], place: number, entry: LedgerEntry): boolean {
  if (entry.kind !== "decision") return false;
  if (entry.decisionSha256 === null) return entry.outcome === "expired";
  if (entry.outcome === "expired" || entry.keyringHead !== HEAD) return false;
  return !entries.some((one, before) => before < place && isTaken(entries, one, before, entry));
}

function isTaken(
  entries: readonly LedgerEntry[],
  one: LedgerEntry,
  before: number,
  entry: LedgerEntryOf<"decision">,
): boolean {
  if (one.kind !== "decision" || one.decisionSha256 !== entry.decisionSha256) return false;
  const asked = entries.findIndex(
    (each) => each.kind === "request" && each.request === one.request,
  );
  const first = entries.findIndex(
    (each, place) =>
      place > asked &&
      place <= before &&
      each.kind === "decision" &&
      each.request === one.request &&
      isSound(entries, place, each),
  );
  return asked >= 0 && first === before;
}

describe("the figures", () => {
  test("of a ledger without requests are zeros", () => {
    const figures = reportFigures([]);
    expect(figures.requests).toEqual([]);
    for (const [name, value] of Object.entries(figures))
      if (name !== "requests") expect(value).toBe(0);
  });

  test("tell requests apart by kind and outcome, in the order of the kinds", () => {
    const figures = reportFigures([
      keyring(),
      request(1, "insurer"),
      request(2, "police_emergency", "emergency"),
      request(3, "insurer"),
      request(4, "insurer"),
      decision({ request: id(1), decisionSha256: hash(1) }),
      decision({ request: id(2), decisionSha256: hash(2), outcome: "refused" }),
      decision({ request: id(3), decisionSha256: null, outcome: "expired" }),
      release(1),
      access(1),
      access(1),
      revocation(1),
    ]);
    const outcomes = { approved: 0, approvedInPart: 0, refused: 0, expired: 0, withdrawn: 0 };
    const amounts = { secondsAsked: 0, secondsGranted: 0, clearFaces: 0, audio: 0, assured: 0 };
    const none = { ...outcomes, ...amounts, open: 0, withoutSeconds: 0 };
    expect(figures.requests).toEqual(
      [
        ...[{ ...none, kind: "police_emergency", received: 1, emergency: 1, refused: 1 }],
        { ...none, kind: "insurer", received: 3, emergency: 0, approved: 1, expired: 1, open: 1 },
      ].map((row) => ({ ...row, withoutSeconds: row.received + row.approved })),
    );
    expect(figures).toMatchObject({
      entries: 12,
      releases: 1,
      releasedFiles: 3,
      accesses: 2,
      revocations: 1,
      outOfPlace: 0,
      disclosuresWithoutApproval: 0,
    });
  });

  test("count what became of recordings, and who in the house looked", () => {
    const clip = id(7);
    const device = hash(7);
    const figures = reportFigures([
      { ...at, atMs: 5, kind: "view", clip, device },
      { ...at, atMs: 9, kind: "live", camera: "front", device },
      { ...at, atMs: 3, kind: "deletion", clip, reason: "age" },
      { ...at, atMs: 4, kind: "hold", clip, untilMs: 9 },
      { ...at, atMs: 5, kind: "hold", clip, untilMs: 5 },
      { ...at, atMs: 4, kind: "torn", clip, files: [] },
    ]);
    const expected: Partial<ReportFigures> = { views: 1, live: 1, deletions: 1, holds: 1, torn: 1 };
    expect(figures).toMatchObject({ ...expected, recordings: 0, fromMs: 3, toMs: 9 });
  });

  test("name what has no place: a second request of one id, a second decision, a lone revocation", () => {
    expect(reportFigures([request(), request()]).outOfPlace).toBe(1);
    expect(reportFigures([revocation()]).outOfPlace).toBe(1);
    const twice = [keyring(), request(), decision(), decision({ decisionSha256: hash(2) })];
    expect(reportFigures(twice).outOfPlace).toBe(1);
    expect(reportFigures(twice).requests[0]).toMatchObject({ approved: 1, open: 0 });
  });

  const asked = (secondsAsked: number): LedgerEntry => ({
    ...{ ...at, v: 2, kind: "request", request: id(1), requestSha256: hash(1), urgency: "normal" },
    ...{ requestKind: "insurer", channel: "typed_by_owner", secondsAsked },
  });
  const granted = (changes: Partial<LedgerEntryOf<"decision">> = {}): LedgerEntry =>
    ({
      ...{ ...decision(), v: 2, secondsGranted: 30, clearFaces: true, audio: false },
      ...changes,
    }) as LedgerEntry;

  test("set the seconds asked against those granted, and say where faces or sound left", () => {
    const { requests, outOfPlace } = reportFigures([keyring(), asked(3_600), granted()]);
    expect(outOfPlace).toBe(0);
    expect(requests[0]).toMatchObject({ secondsAsked: 3_600, secondsGranted: 30 });
    expect(requests[0]).toMatchObject({ clearFaces: 1, audio: 0, withoutSeconds: 0 });
  });

  test("count no refusal, and nothing that nobody decided, as giving anything", () => {
    for (const outcome of ["refused", "expired", "withdrawn"] as const) {
      const decisionSha256 = outcome === "refused" ? hash(1) : null;
      const giving = granted({ outcome, decisionSha256 });
      expect(reportFigures([keyring(), asked(1), giving]).outOfPlace).toBe(1);
      const nothing = { secondsGranted: 0, clearFaces: false, audio: false };
      const sound = granted({ outcome, decisionSha256, ...nothing });
      expect(reportFigures([keyring(), asked(1), sound]).outOfPlace).toBe(0);
    }
  });

  test("tell what time ended from what an owner took back, and count links and statements", () => {
    const figures = reportFigures([
      ...[keyring(), ...released(), share(), lapse()],
      {
        ...at,
        kind: "assurance",
        request: id(1),
        level: "met",
        device: HEAD,
        statementSha256: HEAD,
      },
      {
        ...at,
        kind: "assurance",
        request: id(1),
        level: "none",
        device: HEAD,
        statementSha256: HEAD,
      },
      { ...at, kind: "statement", month: "2026-10", statementSha256: HEAD },
      { ...at, kind: "heartbeat", everyMs: 3_600_000, first: false },
      { ...at, kind: "camera", camera: "front", state: "off", by: HEAD },
      { ...at, kind: "camera", camera: "front", state: "on", by: "timer" },
      { ...at, kind: "camera", camera: "front", state: "off", by: "schedule" },
    ]);
    expect(figures).toMatchObject({ switchedOff: 2 });
    expect(figures).toMatchObject({ lapses: 1, revocations: 0, shares: 1, statements: 1 });
    expect(figures).toMatchObject({ heartbeats: 1, disclosuresWithoutApproval: 0 });
    expect(figures.requests[0]).toMatchObject({ assured: 1 });
  });

  test("are not made up for a kind of request that is not known", () => {
    expect(() => reportFigures([request(1, "Jane Doe, 4 Elm Street")])).toThrow("does not know");
  });

  test("always add up: outcomes and open requests are those received", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(...anyEntry), { maxLength: 30 }), (entries) => {
        for (const row of reportFigures([keyring(), ...entries]).requests) {
          const { approved, approvedInPart, refused, expired, withdrawn, open } = row;
          expect(approved + approvedInPart + refused + expired + withdrawn + open).toBe(
            row.received,
          );
          expect(open).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  });
});
