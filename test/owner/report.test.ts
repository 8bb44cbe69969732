import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeReport, type MadeReport, type ReportSource } from "../../src/owner/report.ts";
import { envelopeSigner, generateReader, generateSigningKey } from "../../src/owner/identity.ts";
import { toHex, utf8Bytes, utf8Text } from "../../src/protocol/bytes.ts";
import { canonicalJson, parseCanonicalJson, type Json } from "../../src/protocol/canonical-json.ts";
import { PAYLOAD_TYPES, signEnvelope, type Envelope } from "../../src/protocol/envelope.ts";
import type { LedgerEntry } from "../../src/protocol/ledger-entry.ts";
import { hashLeaf, rootOfLeafHashes } from "../../src/protocol/merkle.ts";
import {
  figuresOfVersion1,
  figuresOfVersion2,
  figuresOfVersion3,
} from "../../src/protocol/report-versions.ts";
import {
  isSoundReport,
  looksLikeReport,
  verifyReport,
  type ReportFile,
  type ReportStatement,
} from "../../src/protocol/verify-report.ts";
import {
  approve,
  refuse,
  releasedBundle,
  requestDocument,
  typeRequest,
} from "../support/test-consent.ts";
import { firstClip, startTestHub, type TestDevice, type TestHub } from "../support/test-hub.ts";

const PERSONAL = requestDocument({
  requester: { name: "Xanthippe Q.", agency: "Zyx Agency", unit: "Unit Wvu", contact: "+9 876543" },
  legalBasis: { basis: "Writ of Tsr", citation: "Act Pon 3", reference: "Ref-Lmk-1" },
  case: "Case-Jih-2",
  narrative: "Gfedcba narrative",
  purpose: "Purpose-Nml",
});

let hub: TestHub;
let adult: TestDevice;
let recipient: string;
let made: MadeReport;
beforeAll(async () => {
  hub = await startTestHub({ clips: 2 });
  adult = await hub.admit("adult");
  ({ recipient } = await generateReader("x25519"));
  await releasedBundle(hub, { clip: firstClip(hub), segments: [0, 0] });
  await refuse(hub, await typeRequest(hub, { kind: "police_emergency", urgency: "emergency" }));
  await approve(hub, await typeRequest(hub, { ...PERSONAL, recipient }), { clip: firstClip(hub) });
  await typeRequest(hub, { kind: "insurer" });
  made = await report(hub);
});
afterAll(() => hub[Symbol.asyncDispose]());

function sourceOf({ hub: { services } }: TestHub): ReportSource {
  return {
    statements: services.household.statements() as Envelope[],
    checkpoint: services.ledger.checkpoint(),
    entries: services.ledger.entries().map(({ entry }) => entry),
  };
}

function report(of: TestHub, by: TestDevice = of.owner): Promise<MadeReport> {
  return makeReport(sourceOf(of), by.key, of.clock.nowMs);
}

function fileOf({ bytes }: MadeReport): ReportFile {
  return parseCanonicalJson(bytes, "report") as unknown as ReportFile;
}

function withFile(change: Partial<ReportFile>, of = made): Uint8Array {
  return canonicalJson({ ...fileOf(of), ...change });
}

/** The first check that does not hold; null where all do. */
function failure(bytes: Uint8Array): string | null {
  return verifyReport(bytes).checks.find(({ holds }) => !holds)?.check ?? null;
}

async function signedAnew(
  change: Partial<ReportStatement>,
  by: TestDevice["key"] = hub.owner.key,
): Promise<Uint8Array> {
  const statement = { ...made.statement, ...change };
  return withFile({
    report: await signEnvelope(PAYLOAD_TYPES.report, statement, envelopeSigner(by)),
  });
}

describe("a report", () => {
  test("holds, needs nothing but itself, and tells what happened", () => {
    const verdict = verifyReport(made.bytes);
    expect(verdict.checks.filter(({ holds }) => !holds)).toEqual([]);
    expect(verdict).toMatchObject({ holds: true, cosignedBy: 1 });
    expect(verdict.statement).toEqual(made.statement);
    const none = { approved: 0, approvedInPart: 0, refused: 0, expired: 0, withdrawn: 0, open: 0 };
    expect(made.statement.figures).toMatchObject({
      recordings: 2,
      releases: 2,
      accesses: 1,
      disclosuresWithoutApproval: 0,
      outOfPlace: 0,
      requests: [
        { kind: "police_voluntary", received: 2, emergency: 0, ...none, approvedInPart: 2 },
        { kind: "police_emergency", received: 1, emergency: 1, ...none, refused: 1 },
        { kind: "insurer", received: 1, emergency: 0, ...none, open: 1 },
      ],
    });
  });

  test("holds nothing of what was asked, by whom, for whom, or what devices are called", () => {
    const text = utf8Text(made.bytes, "report");
    const { requester, legalBasis, narrative, purpose } = PERSONAL;
    const personal = [
      ...Object.values(requester),
      ...Object.values(legalBasis),
      PERSONAL.case ?? "",
      narrative,
      purpose,
      recipient,
      "founder",
      "a device of role",
    ];
    for (const secret of personal) expect(text, secret).not.toContain(secret);
    for (const name of ["sought", "narrative", "purpose", "recipientWords", "salt"])
      expect(text).not.toContain(`"${name}":`);
    // Control: the search does find what is there.
    expect(text).toContain('"requestKind":"police_emergency"');
  });

  test("goes on to hold when the ledger grows, for the state that it names", async () => {
    await using other = await startTestHub({ clips: 1 });
    const before = await report(other);
    await typeRequest(other);
    const after = await report(other);
    expect(verifyReport(before.bytes).holds).toBe(true);
    expect(after.statement.checkpoint.size).toBe(before.statement.checkpoint.size + 1);
  });

  test.each([
    [1, "entries said how much", 16, figuresOfVersion1],
    [2, "cameras could be switched off", 22, figuresOfVersion2],
    [3, "a hub could go on from a copy", 23, figuresOfVersion3],
  ])("of version %i, made before %s, goes on to hold; with other figures not", async (...row) => {
    const [v, , members, figuresOf] = row;
    const { figures, ...rest } = made.statement;
    const old = async (of: object): Promise<Uint8Array> => {
      const statement = { ...rest, v, figures: of } as unknown as Json;
      const signer = envelopeSigner(hub.owner.key);
      return withFile({ report: await signEnvelope(PAYLOAD_TYPES.report, statement, signer) });
    };
    const was = figuresOf(figures) as object;
    expect(Object.keys(was)).toHaveLength(members);
    expect(failure(await old(was))).toBeNull();
    expect(failure(await old({ ...was, accesses: 0 }))).toBe(
      "the figures are those of the entries",
    );
    expect(failure(await old(figures))).toBe("an owner's device signed this report");
  });

  test("is not signed by a device that is no owner's", async () => {
    await expect(report(hub, adult)).rejects.toMatchObject({ code: "REPORT_REFUSED" });
  });

  test("is not signed where the hub hands out other entries than its checkpoint is of", async () => {
    const source = sourceOf(hub);
    for (const entries of [
      source.entries.slice(1),
      source.entries.slice(0, -1),
      [...source.entries, ...source.entries.slice(-1)],
      source.entries.toReversed(),
    ])
      await expect(
        makeReport({ ...source, entries }, hub.owner.key, hub.clock.nowMs),
      ).rejects.toMatchObject({ code: "REPORT_REFUSED" });
  });

  test("says so when the hub let something go that nobody signed for, and then does not hold", async () => {
    await using other = await startTestHub({ clips: 1 });
    const { record } = await typeRequest(other);
    const entry: LedgerEntry = {
      v: 1,
      kind: "release",
      atMs: other.clock.nowMs,
      request: record.request,
      decisionSha256: "0".repeat(64),
      files: 1,
    };
    other.hub.services.ledger.append(entry);
    const { statement, bytes, verdict } = await report(other);
    expect(statement.figures.disclosuresWithoutApproval).toBe(1);
    expect(verdict.holds).toBe(false);
    expect(isSoundReport(verdict)).toBe(true);
    expect(failure(bytes)).toBe("nothing left without an owner's approval");
    expect(verifyReport(bytes).statement).toEqual(statement);
  });
});

describe("a changed report does not hold", () => {
  test("with the release of a request left out", () => {
    const entries = fileOf(made).entries;
    const without = entries.filter((entry) => (entry as { kind: string }).kind !== "release");
    expect(without).toHaveLength(entries.length - 2);
    expect(failure(withFile({ entries: without }))).toBe(
      "no entry of the ledger is missing, added or changed",
    );
  });

  test("with an entry left out and everything else made to fit but the ledger's signature", async () => {
    const entries = fileOf(made).entries.slice(0, -1);
    const root = rootOfLeafHashes(entries.map((entry) => hashLeaf(canonicalJson(entry))));
    const { checkpoint } = fileOf(made);
    const [origin = ""] = checkpoint.split("\n");
    const rest = checkpoint.slice(checkpoint.indexOf("\n\n"));
    const forged = `${origin}\n${entries.length}\n${Buffer.from(root).toString("base64")}${rest}`;
    const statement = {
      ...made.statement,
      checkpoint: { size: entries.length, root: toHex(root) },
    };
    const signed = await signEnvelope(
      PAYLOAD_TYPES.report,
      statement,
      envelopeSigner(hub.owner.key),
    );
    expect(failure(withFile({ entries, checkpoint: forged, report: signed }))).toBe(
      "the ledger signed the checkpoint, and a device of the household cosigned it",
    );
  });

  test("with nicer figures, though an owner signed them", async () => {
    const { figures } = made.statement;
    const nicer = { ...figures, accesses: figures.accesses - 1 };
    expect(failure(await signedAnew({ figures: nicer }))).toBe(
      "the figures are those of the entries",
    );
    // Control: signed anew with the true figures, at another time, it holds.
    expect(failure(await signedAnew({ atMs: 7 }))).toBeNull();
  });

  test("with a download passed off as a look of the household, and figures that go with it", async () => {
    const { figures } = made.statement;
    const entries = fileOf(made).entries.map((value) => {
      const entry = value as LedgerEntry;
      if (entry.kind !== "access") return value;
      const view: LedgerEntry = {
        v: 1,
        kind: "view",
        atMs: entry.atMs,
        clip: firstClip(hub),
        device: hub.owner.key.device,
      };
      return view;
    });
    const nicer = { ...figures, accesses: 0, views: figures.views + 1 };
    const { report: signed } = parseCanonicalJson(
      await signedAnew({ figures: nicer }),
      "report",
    ) as unknown as ReportFile;
    expect(failure(withFile({ entries, report: signed }))).toBe(
      "no entry of the ledger is missing, added or changed",
    );
  });

  test("signed by nobody who may: a member, a stranger, or as another kind of statement", async () => {
    const signature = "an owner's device signed this report";
    expect(failure(await signedAnew({}, adult.key))).toBe(signature);
    expect(failure(await signedAnew({}, generateSigningKey()))).toBe(signature);
    const signer = envelopeSigner(hub.owner.key);
    for (const type of [PAYLOAD_TYPES.decision, PAYLOAD_TYPES.login]) {
      const signed = await signEnvelope(type, made.statement, signer);
      expect(failure(withFile({ report: signed }))).toBe(signature);
      const renamed = { ...signed, payloadType: PAYLOAD_TYPES.report };
      expect(failure(withFile({ report: renamed }))).toBe(signature);
    }
  });

  test("signed for another state of the ledger", async () => {
    const signature = "an owner's device signed this report";
    const { checkpoint } = made.statement;
    for (const change of [
      { checkpoint: { ...checkpoint, size: checkpoint.size + 1 } },
      { checkpoint: { ...checkpoint, root: "0".repeat(64) } },
      { origin: "doorward/0123456789abcdef0123456789abcdef" },
      { keyringEpoch: made.statement.keyringEpoch + 1 },
      { keyringHead: "0".repeat(64) },
    ])
      expect(failure(await signedAnew(change))).toBe(signature);
  });

  test("without a device's cosignature, or with a stranger's", () => {
    const witnessed = "the ledger signed the checkpoint, and a device of the household cosigned it";
    const { checkpoint } = fileOf(made);
    const lines = checkpoint.trimEnd().split("\n");
    expect(failure(withFile({ checkpoint: `${lines.slice(0, -1).join("\n")}\n` }))).toBe(witnessed);
    const strange = checkpoint.replace(/\/device\/./, "/device/x");
    expect(failure(withFile({ checkpoint: strange }))).toBe(witnessed);
  });

  test("with a shorter keyring than the ledger tells of", () => {
    const keyring = fileOf(made).keyring.slice(0, -1);
    expect(failure(withFile({ keyring }))).toBe("the ledger has this keyring");
  });

  test("of another household, at any of its parts", async () => {
    await using other = await startTestHub({ clips: 1 });
    const foreign = fileOf(await report(other));
    for (const name of ["checkpoint", "keyring", "entries", "report"] as const)
      expect(failure(withFile({ [name]: foreign[name] })), name).not.toBeNull();
    expect(failure(withFile(foreign))).toBeNull();
  });

  test("at any place by any other byte (random), and is still known as a report", () => {
    fc.assert(
      fc.property(fc.nat(made.bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const changed = Uint8Array.from(made.bytes);
        changed[at] = (changed[at] ?? 0) ^ mask;
        expect(verifyReport(changed).holds).toBe(false);
        expect(looksLikeReport(changed)).toBe(true);
      }),
      { numRuns: 400 },
    );
  });

  test("cut off, with more after its end, or spelt another way", () => {
    const text = utf8Text(made.bytes, "report");
    const deep = `{"checkpoint":${"[".repeat(500_000)}`;
    for (const other of [
      text.slice(0, -1),
      `${text}\n`,
      text.replace(",", ", "),
      text.replace('"v":1', '"v":1e999'),
      text.replace('"format"', '"__proto__":{},"format"'),
      ...[deep, `${deep}${"]".repeat(500_000)}}`, "{}", "", "null", "[]", "\u0000"],
    ])
      expect(verifyReport(utf8Bytes(other)).holds).toBe(false);
  });
});

test("what is no report is not taken for one", () => {
  for (const text of ["", "{}", '{"format":"doorward-request/v1"}', "PK\u0003\u0004"])
    expect(looksLikeReport(utf8Bytes(text))).toBe(false);
});
