import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { follow, logIn, type FollowedHub } from "../../src/owner/hub-client.ts";
import { envelopeSigner, generateSigningKey } from "../../src/owner/identity.ts";
import { makeReceipt } from "../../src/owner/receipt.ts";
import { makeReport } from "../../src/owner/report.ts";
import { makeStatement } from "../../src/owner/statement.ts";
import { toHex, utf8Bytes, utf8Text } from "../../src/protocol/bytes.ts";
import { canonicalJson, type Json } from "../../src/protocol/canonical-json.ts";
import { PAYLOAD_TYPES, signEnvelope, type Envelope } from "../../src/protocol/envelope.ts";
import { reportFigures } from "../../src/protocol/report.ts";
import {
  figuresOfVersion1,
  figuresOfVersion2,
  figuresOfVersion3,
} from "../../src/protocol/report-versions.ts";
import type { ReportFile, ReportStatement } from "../../src/protocol/verify-report.ts";
import { cosigned, signedLedger, type AnyEntry } from "../support/forged-house.ts";
import {
  ForeignVerifier,
  lacksForeignVerifier,
  ownVerdict,
  type Kind,
} from "../support/foreign-verifier.ts";
import { refuse, releasedBundle, typeRequest } from "../support/test-consent.ts";
import { assure, preservation, sendStatement } from "../support/test-handling.ts";
import { firstClip, requireOk, startTestHub, type TestHub } from "../support/test-hub.ts";
import { NOW_MS, testChain, type TestChain } from "../support/test-household.ts";
import { hex, LEDGERS, told } from "../support/told-ledgers.ts";

const lacks = lacksForeignVerifier();

let foreign: ForeignVerifier;
beforeAll(() => {
  if (!lacks) foreign = new ForeignVerifier();
});
afterAll(() => foreign?.[Symbol.dispose]());

async function codes(kind: Kind, bytes: Uint8Array) {
  const [theirs, ours] = [await foreign.verdict(kind, bytes), await ownVerdict(kind, bytes)];
  const checks = [theirs.why, ours.why].map((why) => why.split(": ")[0]);
  return { codes: [theirs.code, ours.code], checks, why: `${theirs.why} | ${ours.why}` };
}

/** Every changed byte is refused by both, whichever way it breaks the file. */
async function survivors(kind: Kind, bytes: Uint8Array): Promise<number[]> {
  const step = Math.ceil(bytes.length / 300);
  const places = Array.from({ length: Math.floor(bytes.length / step) }, (_each, at) => at * step);
  const theirs = await foreign.verdicts(kind, bytes, places, 2);
  const found: number[] = [];
  for (const [index, at] of places.entries()) {
    const ours = await ownVerdict(kind, bytes.with(at, (bytes[at] ?? 0) ^ 2));
    if (ours.code !== theirs[index]?.code || ours.code === 0) found.push(at);
  }
  expect(places.length).toBeGreaterThan(200);
  return found;
}

describe.skipIf(lacks)("what a hub and its owner write, to a verifier of another language", () => {
  let hub: TestHub;
  let report: Uint8Array;
  let receipt: Uint8Array;
  let statement: Uint8Array;
  beforeAll(async () => {
    hub = await startTestHub({ clips: 2, kind: "pq" });
    await hub.admit("adult");
    await releasedBundle(hub, { clip: firstClip(hub), segments: [0, 0] });
    const urgent = await typeRequest(hub, { kind: "police_emergency", urgency: "emergency" });
    await assure(hub, urgent, "called_back");
    requireOk(await sendStatement(hub, urgent, "hold", await preservation(hub, urgent, "hold")));
    await refuse(hub, urgent);
    const { services } = hub.hub;
    const source = {
      statements: services.household.statements() as Envelope[],
      checkpoint: services.ledger.checkpoint(),
      entries: services.ledger.entries().map(({ entry }) => entry),
    };
    ({ bytes: report } = await makeReport(source, hub.owner.key, hub.clock.nowMs));
    const at = await contact();
    const said = { month: "2026-10", language: "fr", ownWords: "Deux mots." } as const;
    const signer = envelopeSigner(hub.owner.key);
    const index = await makeStatement(at, said, signer, hub.clock.nowMs);
    statement = (await receiptOf(index)).bytes;
    receipt = (await receiptOf(3)).bytes;
  });
  afterAll(() => hub[Symbol.asyncDispose]());

  async function contact(): Promise<FollowedHub> {
    const client = await logIn(hub.hub.url, hub.owner.bundle);
    const { keyring, seen } = await follow(client, hub.owner.bundle, null);
    const followTo = async () => (await follow(client, hub.owner.bundle, seen)).seen;
    return { client, keyring, seen, followTo };
  }
  const receiptOf = async (index: number) =>
    makeReceipt(await contact(), index, hub.owner.key, hub.clock.nowMs);

  test("holds: a report, a receipt of every entry, a statement", async () => {
    expect((await codes("report", report)).codes).toEqual([0, 0]);
    for (const { index } of hub.hub.services.ledger.entries()) {
      const found = await codes("receipt", (await receiptOf(index)).bytes);
      expect(found.codes, found.why).toEqual([0, 0]);
    }
    expect((await codes("statement", statement)).codes).toEqual([0, 0]);
    expect((await codes("statement", receipt)).codes).toEqual([1, 1]);
    for (const kind of ["report", "receipt", "statement"] as const)
      expect((await codes(kind, utf8Bytes("something else"))).codes).toEqual([2, 2]);
  });

  test(
    "does not hold with any byte changed, cut off, or with more after its end",
    { timeout: 300_000 },
    async () => {
      for (const [kind, bytes] of [
        ["report", report],
        ["receipt", receipt],
        ["statement", statement],
      ] as const) {
        expect(await survivors(kind, bytes)).toEqual([]);
        for (const cut of [200, bytes.length - 1]) {
          const found = await codes(kind, bytes.subarray(0, cut));
          expect(found.codes[0], found.why).toBe(found.codes[1]);
          expect(found.codes[0]).not.toBe(0);
        }
        expect((await codes(kind, new Uint8Array([...bytes, 10]))).codes).toEqual([1, 1]);
      }
    },
  );
});

describe.skipIf(lacks)("a report that an owner signs of whatever ledger", () => {
  let chain: TestChain;
  beforeAll(async () => {
    chain = await testChain();
  });

  async function reportOf(
    entries: readonly AnyEntry[],
    change: {
      file?: Partial<ReportFile>;
      statement?: object;
      by?: typeof chain.founder;
      blind?: boolean;
    } = {},
  ): Promise<Uint8Array> {
    const { origin, head, epoch } = chain.keyring();
    const whole = [
      told("genesis", { origin, keyringHead: head }),
      told("keyring", { epoch: 0, change: "genesis", keyringHead: head }),
      ...entries,
    ];
    const { checkpoint } = signedLedger(whole, origin);
    const cosignature = cosigned(chain.founder.secret, checkpoint);
    const { note } = signedLedger(whole, origin, () =>
      change.blind === true ? [] : [cosignature],
    );
    const statement = {
      ...{ v: 4, origin, atMs: NOW_MS, keyringEpoch: epoch, keyringHead: head },
      checkpoint: { size: checkpoint.size, root: toHex(checkpoint.root) },
      figures: figuresOf(whole),
      ...change.statement,
    };
    const signer = envelopeSigner(change.by ?? chain.founder);
    return canonicalJson({
      ...{ format: "doorward-report/v1", checkpoint: note, keyring: chain.statements },
      ...{
        entries: whole,
        report: await signEnvelope(PAYLOAD_TYPES.report, statement as Json, signer),
      },
      ...change.file,
    } as Json);
  }
  /** Also of entries that no report may have: then those of the others. */
  function figuresOf(entries: readonly AnyEntry[]): ReportStatement["figures"] {
    const known = entries.filter(
      ({ kind, requestKind }) => kind !== "gift" && requestKind !== "gift",
    );
    return reportFigures(known as unknown as Parameters<typeof reportFigures>[0]);
  }

  test.each(Object.keys(LEDGERS))("is judged alike: %s", async (name) => {
    const [code, entries] = LEDGERS[name] ?? [0, () => []];
    const found = await codes("report", await reportOf(entries(chain.keyring().head)));
    expect(found.codes, found.why).toEqual([code, code]);
    expect(found.checks[0], found.why).toBe(found.checks[1]);
  });

  test("is judged alike in its older versions", async () => {
    const entries = LEDGERS["of every kind"]?.[1](chain.keyring().head) ?? [];
    const { origin, head } = chain.keyring();
    const first = [
      told("genesis", { origin, keyringHead: head }),
      told("keyring", { epoch: 0, change: "genesis", keyringHead: head }),
    ];
    const figures = figuresOf([...first, ...entries]);
    for (const [v, older] of [
      [1, figuresOfVersion1],
      [2, figuresOfVersion2],
      [3, figuresOfVersion3],
    ] as const) {
      const good = await codes(
        "report",
        await reportOf(entries, { statement: { v, figures: older(figures) } }),
      );
      expect(good.codes, good.why).toEqual([0, 0]);
      const bad = await codes("report", await reportOf(entries, { statement: { v, figures } }));
      expect(bad.codes, bad.why).toEqual([1, 1]);
    }
  });

  test("is judged alike with any figure, signer or state that is not so", async () => {
    const entries = LEDGERS["of every kind"]?.[1](chain.keyring().head) ?? [];
    const { figures } = JSON.parse(
      Buffer.from(
        (JSON.parse(utf8Text(await reportOf(entries), "report")) as ReportFile).report.payload,
        "base64",
      ).toString(),
    ) as ReportStatement;
    const hostile: Parameters<typeof reportOf>[1][] = [
      { blind: true },
      { by: generateSigningKey() },
      { file: { keyring: [] } },
      { file: { entries: [] } },
      { file: { format: "doorward-report/v2" } as never },
      { statement: { origin: "doorward/other" } },
      { statement: { keyringEpoch: 1 } },
      { statement: { keyringHead: hex("0") } },
      { statement: { checkpoint: { size: 1, root: hex("0") } } },
      { statement: { v: 5 } },
      { statement: { note: "" } },
      { statement: { atMs: 2 ** 53 - 1 } },
      ...Object.entries(figures).flatMap(([name, value]) =>
        typeof value === "number"
          ? [{ statement: { figures: { ...figures, [name]: value + 1 } } }]
          : [],
      ),
      ...Object.keys(figures.requests[0] ?? {}).map((name) => ({
        statement: {
          figures: {
            ...figures,
            requests: figures.requests.map((row) => ({ ...row, [name]: true })),
          },
        },
      })),
      { statement: { figures: { ...figures, requests: [] } } },
    ];
    for (const change of hostile) {
      const found = await codes("report", await reportOf(entries, change));
      expect(found.codes, `${JSON.stringify(change)}: ${found.why}`).toEqual([1, 1]);
    }
    expect(hostile.length).toBeGreaterThan(40);
  });
});
