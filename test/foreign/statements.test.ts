import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { envelopeSigner, generateSigningKey } from "../../src/owner/identity.ts";
import { fromBase64, sha256Hex, toBase64, toHex, utf8Bytes } from "../../src/protocol/bytes.ts";
import { canonicalJson, type Json } from "../../src/protocol/canonical-json.ts";
import { PAYLOAD_TYPES, signEnvelope } from "../../src/protocol/envelope.ts";
import { statementText } from "../../src/protocol/statement-text.ts";
import { formatTlogProof, type TlogProof } from "../../src/protocol/tlog-proof.ts";
import type { ReceiptExtra } from "../../src/protocol/verify-receipt.ts";
import { cosigned, signedLedger } from "../support/forged-house.ts";
import {
  ForeignVerifier,
  lacksForeignVerifier,
  ownVerdict,
  type Kind,
} from "../support/foreign-verifier.ts";
import { naiveConsistencyProof, naiveInclusionProof } from "../support/naive-tree.ts";
import { NOW_MS, testChain, type TestChain } from "../support/test-household.ts";
import { hex, told } from "../support/told-ledgers.ts";

const lacks = lacksForeignVerifier();
let foreign: ForeignVerifier;
beforeAll(() => {
  if (!lacks) foreign = new ForeignVerifier();
});
afterAll(() => foreign?.[Symbol.dispose]());

async function codes(kind: Kind, bytes: Uint8Array) {
  const [theirs, ours] = [await foreign.verdict(kind, bytes), await ownVerdict(kind, bytes)];
  return { codes: [theirs.code, ours.code], why: `${theirs.why} | ${ours.why}` };
}

describe.skipIf(lacks)("a statement that an owner signs of whatever he says", () => {
  let chain: TestChain;
  beforeAll(async () => {
    chain = await testChain();
  });

  async function receiptOf(
    change: {
      said?: object;
      extra?: (extra: ReceiptExtra) => object;
      proof?: Partial<TlogProof>;
      entry?: object;
      seen?: boolean;
      by?: typeof chain.founder;
    } = {},
  ) {
    const { origin, head, epoch } = chain.keyring();
    const first = [
      told("genesis", { origin, keyringHead: head }),
      told("keyring", { epoch: 0, change: "genesis", keyringHead: head }),
    ];
    const seen = signedLedger(first, origin).checkpoint;
    const said = {
      ...{ v: 1, origin, month: "2026-11", language: "en", ownWords: "", atMs: NOW_MS },
      text: statementText({ language: "en", month: "2026-11" }),
      checkpoint: { size: seen.size, root: toHex(seen.root) },
      ...{ keyringEpoch: epoch, keyringHead: head },
      ...change.said,
    };
    const envelope = await signEnvelope(
      PAYLOAD_TYPES.statement,
      said as Json,
      envelopeSigner(change.by ?? chain.founder),
    );
    const entry = told("statement", {
      month: said.month,
      statementSha256: sha256Hex(fromBase64(envelope.payload, "p")),
      ...change.entry,
    });
    const whole = [...first, entry, told("software", { version: "1" })];
    const { checkpoint, leaves } = signedLedger(whole, origin);
    const { note } = signedLedger(whole, origin, () => [
      cosigned(chain.founder.secret, checkpoint),
    ]);
    const proof = naiveConsistencyProof(seen.size, leaves).map(toBase64);
    const extra = {
      ...{ format: "doorward-receipt/v1", entry, keyring: chain.statements },
      statement: { envelope, seen: change.seen === false ? [] : proof },
    } as unknown as ReceiptExtra;
    return utf8Bytes(
      formatTlogProof({
        extra: canonicalJson((change.extra?.(extra) ?? extra) as Json),
        ...{ index: 2, proof: naiveInclusionProof(2, leaves), checkpoint: note },
        ...change.proof,
      }),
    );
  }

  test("is judged alike", async () => {
    const good = await codes("statement", await receiptOf());
    expect(good.codes, good.why).toEqual([0, 0]);
    const french = {
      language: "fr",
      text: statementText({ language: "fr", month: "2026-11" }),
      ownWords: "\u00c9t\u00e9 \ud83d\ude00",
    };
    expect((await codes("statement", await receiptOf({ said: french }))).codes).toEqual([0, 0]);
    const hostile: Parameters<typeof receiptOf>[0][] = [
      { said: { text: "Other words." } },
      { said: { language: "fr" } },
      { said: { language: "de" } },
      { said: { month: "2026-12", text: statementText({ language: "en", month: "2026-12" }) } },
      { said: { origin: "doorward/other" } },
      { said: { keyringEpoch: 1 } },
      { said: { keyringHead: hex("0") } },
      { said: { checkpoint: { size: 2, root: hex("0") } } },
      { said: { checkpoint: { size: 3, root: hex("0") } } },
      { said: { checkpoint: { size: 0, root: hex("0") } } },
      { said: { ownWords: "two\nlines" } },
      { said: { ownWords: "turned \u202e round" } },
      { said: { ownWords: "two\u2028lines" } },
      { said: { ownWords: "x".repeat(501) } },
      { said: { atMs: 2 ** 53 - 1 } },
      { said: { atMs: 8_640_000_000_000_001 } },
      { said: { atMs: 253_402_300_800_000 } },
      { said: { note: "" } },
      { entry: { month: "2026-10" } },
      { entry: { statementSha256: hex("0") } },
      { entry: { v: 2 } },
      { seen: false },
      { by: generateSigningKey() },
      { extra: ({ statement: _statement, ...extra }) => extra },
      { extra: (extra) => ({ ...extra, keyring: [] }) },
      { extra: (extra) => ({ ...extra, note: "" }) },
      { proof: { index: 3 } },
      { proof: { index: 2 ** 50 } },
      { proof: { proof: [] } },
      { proof: { extra: null } },
      { proof: { checkpoint: "" } },
    ];
    for (const change of hostile) {
      const found = await codes("statement", await receiptOf(change));
      expect(found.codes, `${JSON.stringify(change)}: ${found.why}`).toEqual([1, 1]);
    }
  });
});
