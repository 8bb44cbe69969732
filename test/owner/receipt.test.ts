import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { follow, logIn, type FollowedHub } from "../../src/owner/hub-client.ts";
import { envelopeSigner } from "../../src/owner/identity.ts";
import { deletionOf, makeReceipt, type Receipt } from "../../src/owner/receipt.ts";
import { makeStatement, owedMonths } from "../../src/owner/statement.ts";
import { utf8Bytes, utf8Text } from "../../src/protocol/bytes.ts";
import { canonicalJson, parseCanonicalJson } from "../../src/protocol/canonical-json.ts";
import { signEnvelope, PAYLOAD_TYPES } from "../../src/protocol/envelope.ts";
import { type MonthlyStatement } from "../../src/protocol/monthly-statement.ts";
import { statementText } from "../../src/protocol/statement-text.ts";
import { formatTlogProof, parseTlogProof, type TlogProof } from "../../src/protocol/tlog-proof.ts";
import { verifyReceipt, type ReceiptExtra } from "../../src/protocol/verify-receipt.ts";
import { firstClip, startTestHub, type TestDevice, type TestHub } from "../support/test-hub.ts";

let hub: TestHub;
let adult: TestDevice;
let statement: Receipt;
let deletion: Receipt;
const said = { month: "2026-10", language: "en", ownWords: "Two words." } as const;
beforeAll(async () => {
  hub = await startTestHub({ clips: 1 });
  adult = await hub.admit("adult");
  hub.hub.services.ledger.append({
    ...{ v: 1, kind: "deletion", atMs: hub.clock.nowMs, clip: firstClip(hub), reason: "owner" },
  });
  const at = await contact();
  deletion = await receiptOf(await deletionOf(at, firstClip(hub)), at);
  const signer = envelopeSigner(hub.owner.key);
  statement = await receiptOf(await makeStatement(at, said, signer, hub.clock.nowMs));
});
afterAll(() => hub[Symbol.asyncDispose]());

async function contact({ bundle } = hub.owner): Promise<FollowedHub> {
  const client = await logIn(hub.hub.url, bundle);
  const { keyring, seen } = await follow(client, bundle, null);
  const followTo = async () => (await follow(client, bundle, seen)).seen;
  return { client, keyring, seen, followTo };
}

async function receiptOf(index: number, at?: FollowedHub): Promise<Receipt> {
  return makeReceipt(at ?? (await contact()), index, hub.owner.key, hub.clock.nowMs);
}

/** The first check that does not hold; null where all do. */
function failure(bytes: Uint8Array): string | null {
  return verifyReceipt(bytes).checks.find(({ holds }) => !holds)?.check ?? null;
}

function altered({ bytes }: Receipt, change: Partial<TlogProof>): Uint8Array {
  return utf8Bytes(formatTlogProof({ ...parseTlogProof(utf8Text(bytes, "receipt")), ...change }));
}

function extraOf({ bytes }: Receipt): ReceiptExtra {
  const { extra } = parseTlogProof(utf8Text(bytes, "receipt"));
  return parseCanonicalJson(extra ?? new Uint8Array(), "extra") as unknown as ReceiptExtra;
}

describe("a receipt", () => {
  test("of any entry of the ledger holds, and says which it is", async () => {
    const { ledger } = hub.hub.services;
    for (const { index, entry } of ledger.entries()) {
      if (entry.kind === "statement") continue;
      const { verdict } = await receiptOf(index);
      expect(verdict).toMatchObject({ holds: true, index, entry, cosignedBy: 1, statement: null });
    }
    expect(deletion.verdict.entry).toMatchObject({ kind: "deletion", clip: firstClip(hub) });
    expect(utf8Text(deletion.bytes, "x").startsWith("c2sp.org/tlog-proof@v1\nextra ")).toBe(true);
  });

  test("goes on to hold when the ledger and the keyring have grown", async () => {
    await hub.admit("viewer");
    expect(failure(deletion.bytes)).toBeNull();
    expect(failure(statement.bytes)).toBeNull();
    expect(failure((await receiptOf(statement.verdict.index ?? -1)).bytes)).toBeNull();
  });

  test("is not made of an entry that is not there, or of a recording that was not deleted", async () => {
    const size = hub.hub.services.ledger.size();
    await expect(receiptOf(size)).rejects.toMatchObject({ code: "RECEIPT_REFUSED" });
    await expect(deletionOf(await contact(), "0".repeat(32))).rejects.toThrow(/no deletion/);
  });

  test("does not hold with any byte of it changed (random), cut off, or with more after its end", () => {
    const { bytes } = deletion;
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        expect(failure(bytes.with(at, (bytes[at] ?? 0) ^ flip))).not.toBeNull();
      }),
      { numRuns: 400 },
    );
    for (const cut of [0, 1, 22, 500, bytes.length - 1])
      expect(failure(bytes.subarray(0, cut))).not.toBeNull();
    expect(failure(new Uint8Array([...bytes, 10]))).not.toBeNull();
  });

  test("does not hold with another entry, another place, or without a device's cosignature", () => {
    const other = extraOf(statement);
    const { entry: _entry, ...rest } = extraOf(deletion);
    const swapped = canonicalJson({ ...rest, entry: other.entry });
    const included = "the entry is in the ledger";
    expect(failure(altered(deletion, { extra: swapped }))).toBe(included);
    expect(failure(altered(deletion, { index: 0 }))).toBe(included);
    const { checkpoint } = parseTlogProof(utf8Text(deletion.bytes, "receipt"));
    const unwitnessed = checkpoint.replace(/— \S+\/device\/.*\n/, "");
    const cosigned = "the ledger signed the checkpoint, and a device of the household cosigned it";
    expect(failure(altered(deletion, { checkpoint: unwitnessed }))).toBe(cosigned);
  });
});

describe("a monthly statement", () => {
  test("is a receipt that brings it, with the fixed words and the owner's own", () => {
    expect(statement.verdict.statement).toMatchObject(said);
    expect(statement.verdict.statement?.text).toBe(statementText(said));
    expect(statement.name).toBe("doorward-statement-2026-10.tlog-proof");
    expect(statement.verdict.checks).toHaveLength(5);
  });

  test("does not hold without the proof that it was signed after what it had seen", () => {
    const extra = extraOf(statement);
    const { statement: brought } = extra;
    if (!brought) throw new Error("no statement");
    const withSeen = (seen: string[]): Uint8Array =>
      altered(statement, { extra: canonicalJson({ ...extra, statement: { ...brought, seen } }) });
    const { seen } = brought;
    expect(seen.length).toBeGreaterThan(0);
    expect(failure(withSeen(seen))).toBeNull();
    for (const other of [[], seen.slice(1), [...seen, ...seen], seen.with(0, btoa("0".repeat(32)))])
      expect(failure(withSeen(other))).toBe("an owner's device signed this statement");
  });

  test("is refused by the hub a second time, for a month to come, and from who is no owner", async () => {
    const at = await contact();
    const signer = envelopeSigner(hub.owner.key);
    const again = makeStatement(at, said, signer, hub.clock.nowMs);
    await expect(again).rejects.toMatchObject({ code: "STATEMENT_KNOWN" });
    const early = makeStatement(at, { ...said, month: "2026-12" }, signer, hub.clock.nowMs);
    await expect(early).rejects.toThrow(/had not begun/);
    const late = makeStatement(at, { ...said, month: "2026-09" }, signer, hub.clock.nowMs - 3.6e6);
    await expect(late).rejects.toMatchObject({ code: "STATEMENT_OLD" });
    const others = makeStatement(await contact(adult), said, envelopeSigner(adult.key), 0);
    await expect(others).rejects.toMatchObject({ code: "STATEMENT_REFUSED" });
  });

  test("holds with no other words, ledger or month, though an owner signed it", async () => {
    const own = statement.verdict.statement;
    if (!own) throw new Error("no statement");
    const refused = async (change: Partial<MonthlyStatement>): Promise<number> => {
      const payload = { ...own, month: "2026-09", ...change };
      const text = change.text ?? statementText(payload);
      const value = await signEnvelope(
        PAYLOAD_TYPES.statement,
        { ...payload, text },
        envelopeSigner(hub.owner.key),
      );
      const owner = await hub.logIn(hub.owner.bundle);
      const body = { statement: value };
      return (await hub.call("POST", "/api/statements", { as: owner, body })).statusCode;
    };
    const { keyring } = await contact();
    const now = { keyringEpoch: keyring.epoch, keyringHead: keyring.head };
    const root = "0".repeat(64);
    const cases: Partial<MonthlyStatement>[] = [
      { text: "I was told to say nothing." },
      { origin: "doorward/other" },
      { checkpoint: { size: 3, root } },
      { keyringHead: root },
      { ownWords: "line\nbreak" },
      { month: "2026-13" },
    ];
    for (const change of cases) expect(await refused({ ...now, ...change })).toBe(422);
    expect(await refused(now)).toBe(200);
  });

  test("that was not made is due, then missing, only once a household has begun", () => {
    const november = Date.UTC(2026, 10, 22);
    expect(owedMonths([], november)).toEqual({ due: null, missing: [] });
    expect(owedMonths(["2026-11"], november)).toEqual({ due: null, missing: [] });
    expect(owedMonths(["2026-10"], november)).toEqual({ due: null, missing: [] });
    expect(owedMonths(["2026-09"], november)).toEqual({ due: "2026-10", missing: [] });
    expect(owedMonths(["2026-10", "2026-07"], november)).toEqual({
      ...{ due: null, missing: ["2026-08", "2026-09"] },
    });
    expect(owedMonths(["2025-12"], Date.UTC(2026, 2, 1)).missing).toEqual(["2026-01"]);
  });
});
