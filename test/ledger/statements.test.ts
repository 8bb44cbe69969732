import path from "node:path";
import { expect, test } from "vitest";
import { openDatabase } from "../../src/base/database.ts";
import { Statements } from "../../src/ledger/statements.ts";
import { envelopeSigner } from "../../src/owner/identity.ts";
import type { Json } from "../../src/protocol/canonical-json.ts";
import { PAYLOAD_TYPES, signEnvelope, type Envelope } from "../../src/protocol/envelope.ts";
import type { LedgerEntry } from "../../src/protocol/ledger-entry.ts";
import { DECISION_LIFETIME_MS } from "../../src/protocol/limits.ts";
import type { MonthlyStatement } from "../../src/protocol/monthly-statement.ts";
import { statementText } from "../../src/protocol/statement-text.ts";
import { NOW_MS, testChain } from "../support/test-household.ts";
import { temporaryFolder } from "../support/temporary.ts";

const ROOT = "ab".repeat(32);
const chain = await testChain();

function signed(month: string, changes: Partial<MonthlyStatement> = {}): Promise<Envelope> {
  const keyring = chain.keyring();
  const said = { month, language: "en", ownWords: "" } as const;
  const statement = {
    ...{ v: 1, origin: keyring.origin, ...said, text: statementText(said), atMs: NOW_MS },
    ...{ checkpoint: { size: 3, root: ROOT } },
    ...{ keyringEpoch: keyring.epoch, keyringHead: keyring.head },
    ...changes,
  };
  const signer = envelopeSigner(chain.founder);
  return signEnvelope(PAYLOAD_TYPES.statement, statement as unknown as Json, signer);
}

function openStatements() {
  const folder = temporaryFolder();
  const database = openDatabase(path.join(folder.path, "doorward.db"));
  const entries: LedgerEntry[] = [];
  const statements = new Statements({
    ...{ database, keyring: () => chain.keyring(), nowMs: () => NOW_MS },
    appendEntry: (entry) => entries.push(entry) - 1,
    knowsCheckpoint: (size, root) => size === 3 && root === ROOT,
  });
  return {
    ...{ statements, entries },
    [Symbol.asyncDispose]: async () => {
      await database[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

test("a statement is taken within a quarter of an hour by either clock, and not after", async () => {
  await using own = openStatements();
  const at = async (month: string, atMs: number): Promise<number> =>
    own.statements.take(await signed(month, { atMs }));
  const old = expect.objectContaining({ code: "STATEMENT_OLD" });
  await expect(at("2026-07", NOW_MS - DECISION_LIFETIME_MS - 1)).rejects.toEqual(old);
  await expect(at("2026-07", NOW_MS + DECISION_LIFETIME_MS + 1)).rejects.toEqual(old);
  expect(own.entries).toEqual([]);
  expect(await at("2026-07", NOW_MS - DECISION_LIFETIME_MS)).toBe(0);
  expect(await at("2026-08", NOW_MS + DECISION_LIFETIME_MS)).toBe(1);
});

test("a month has one statement, by who has seen this ledger; they are listed by month", async () => {
  await using own = openStatements();
  const { statements, entries } = own;
  const [second, first] = [await signed("2026-10"), await signed("2026-09")];
  expect([statements.take(second), statements.take(first)]).toEqual([0, 1]);
  expect(() => statements.take(second)).toThrow(
    expect.objectContaining({ code: "STATEMENT_KNOWN" }),
  );
  const elsewhere = await signed("2026-11", { checkpoint: { size: 4, root: ROOT } });
  expect(() => statements.take(elsewhere)).toThrow(
    expect.objectContaining({ code: "STATEMENT_REFUSED" }),
  );
  expect(statements.list()).toEqual([
    { month: "2026-09", index: 1, statement: first },
    { month: "2026-10", index: 0, statement: second },
  ]);
  expect(entries).toMatchObject([
    { kind: "statement", month: "2026-10", atMs: NOW_MS },
    { kind: "statement", month: "2026-09", atMs: NOW_MS },
  ]);
});
