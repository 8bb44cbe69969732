import { expect, test } from "vitest";
import { envelopeSigner, type SigningKey } from "../../src/owner/identity.ts";
import type { Json } from "../../src/protocol/canonical-json.ts";
import { PAYLOAD_TYPES } from "../../src/protocol/envelope.ts";
import {
  verifyMonthlyStatement,
  type MonthlyStatement,
} from "../../src/protocol/monthly-statement.ts";
import { statementText } from "../../src/protocol/statement-text.ts";
import { newDevice, NOW_MS, signByAll, testChain } from "../support/test-household.ts";

const chain = await testChain();
const partner = newDevice("owner");
const adult = newDevice("adult");
await chain.add(partner.change);
await chain.add(adult.change);
const keyring = chain.keyring();

const said = { month: "2026-11", language: "en", ownWords: "" } as const;
const statement: MonthlyStatement = {
  ...{ v: 1, origin: keyring.origin, ...said, text: statementText(said) },
  ...{ checkpoint: { size: 1, root: "ab".repeat(32) }, atMs: NOW_MS },
  ...{ keyringEpoch: keyring.epoch, keyringHead: keyring.head },
};
const signed = (signers: readonly SigningKey[]) =>
  signByAll(PAYLOAD_TYPES.statement, statement as unknown as Json, signers.map(envelopeSigner));

test("an owner's statement is one owner's: not two, and nobody else's", async () => {
  const one = await signed([partner.key]);
  expect(verifyMonthlyStatement(one, keyring).device).toBe(partner.key.device);
  const two = await signed([chain.founder, partner.key]);
  expect(() => verifyMonthlyStatement(two, keyring)).toThrow(/one signature/);
  expect(() => verifyMonthlyStatement({ ...one, signatures: [] }, keyring)).toThrow();
  const others = [await signed([adult.key]), await signed([newDevice("owner").key])];
  for (const other of others)
    expect(() => verifyMonthlyStatement(other, keyring)).toThrow(/no owner in force/);
});

test("a signature under another owner's name does not hold", async () => {
  const [own, other] = [await signed([partner.key]), await signed([chain.founder])];
  const [signature] = own.signatures;
  const swapped = {
    ...other,
    signatures: other.signatures.map(({ keyid }) => ({ ...signature, keyid })),
  };
  expect(() => verifyMonthlyStatement(swapped, keyring)).toThrow(/does not verify/);
});
