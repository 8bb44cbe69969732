import fc from "fast-check";
import { expect, test } from "vitest";
import { canonicalJson } from "../../src/protocol/canonical-json.ts";
import { hashLeaf, verifyConsistency } from "../../src/protocol/merkle.ts";
import { verifyLedger } from "../../src/ledger/verify-ledger.ts";
import {
  clockEntry,
  dropTriggers,
  openLedger,
  openTestLedger,
  testDevice,
  type TestLedger,
} from "./test-ledger.ts";

test("an untouched ledger of any size holds, with the root that the ledger itself gives", async () => {
  await using open = openTestLedger();
  for (let size = 0; size <= 40; size++) {
    expect(verifyLedger(open.database)).toEqual({
      holds: true,
      size,
      root: open.ledger.root(),
    });
    open.ledger.append(clockEntry(size));
  }
});

const tamperings: Record<
  string,
  { sql: (index: number) => string; firstWrong: (i: number) => number }
> = {
  "a changed entry": {
    sql: (i) => `UPDATE ledger_entries SET entry = CAST(replace(CAST(entry AS TEXT),
      '"clock"', '"clocK"') AS BLOB) WHERE idx = ${i}`,
    firstWrong: (i) => i,
  },
  "a changed entry with its own hash put right": {
    sql: (i) => {
      const bytes = canonicalJson(clockEntry(1_000_000 + i));
      const [entry, hash] = [bytes, hashLeaf(bytes)].map((b) => Buffer.from(b).toString("hex"));
      return `UPDATE ledger_entries SET entry = x'${entry}', leaf_hash = x'${hash}',
        at_ms = ${clockEntry(1_000_000 + i).atMs} WHERE idx = ${i}`;
    },
    // The pair that entry i is in is complete at its odd member.
    firstWrong: (i) => i | 1,
  },
  "two entries that changed places": {
    sql: (i) => `UPDATE ledger_entries SET idx = -1 WHERE idx = ${i};
      UPDATE ledger_entries SET idx = ${i} WHERE idx = ${i + 1};
      UPDATE ledger_entries SET idx = ${i + 1} WHERE idx = -1`,
    // Detected at the end of the first pair whose hash is no longer right.
    firstWrong: (i) => i | 1,
  },
  "a removed entry": {
    sql: (i) => `DELETE FROM ledger_entries WHERE idx = ${i}`,
    firstWrong: (i) => i,
  },
  "an entry filed under another kind": {
    sql: (i) => `UPDATE ledger_entries SET kind = 'view' WHERE idx = ${i}`,
    firstWrong: (i) => i,
  },
  "an entry filed under another time": {
    sql: (i) => `UPDATE ledger_entries SET at_ms = at_ms + 1 WHERE idx = ${i}`,
    firstWrong: (i) => i,
  },
  "an entry filed under another subject": {
    sql: (i) => `UPDATE ledger_entries SET subject = 'x' WHERE idx = ${i}`,
    firstWrong: (i) => i,
  },
  "a changed subtree hash": {
    sql: (i) => `UPDATE ledger_nodes SET hash = zeroblob(32) WHERE level = 1 AND idx = ${i >> 1}`,
    firstWrong: (i) => i | 1,
  },
  "a missing subtree hash": {
    sql: (i) => `DELETE FROM ledger_nodes WHERE level = 1 AND idx = ${i >> 1}`,
    firstWrong: (i) => i | 1,
  },
};

for (const [name, { sql, firstWrong }] of Object.entries(tamperings)) {
  test(`${name} is found at its place`, async () => {
    for (const index of [0, 1, 6, 17, 22]) {
      await using open = openTestLedger(24);
      dropTriggers(open.database);
      open.database.exec(sql(index));
      expect(verifyLedger(open.database), `${name} ${index}`).toMatchObject({
        holds: false,
        index: firstWrong(index),
      });
    }
  });
}

test("entries cut off at the end are found by the subtree hashes or by a cosigned root", async () => {
  await using open = openTestLedger(24);
  open.ledger.addCosignature(testDevice(1).cosign(open.ledger.checkpoint(), 1_000));
  dropTriggers(open.database);
  open.database.exec("DELETE FROM ledger_entries WHERE idx >= 21");
  expect(verifyLedger(open.database)).toMatchObject({ holds: false, index: 21 });
  expect(() => openLedger(open.database)).toThrow(
    expect.objectContaining({ code: "LEDGER_DAMAGED" }),
  );
  open.database.exec("DELETE FROM ledger_cosignatures");
  expect(verifyLedger(open.database)).toMatchObject({ holds: false, index: 21 });
});

/** What somebody with the file and the code does: everything anew, all hashes right. */
function rewrite(open: TestLedger, index: number): void {
  const entries = open.ledger.entries().map(({ entry }) => entry);
  dropTriggers(open.database);
  open.database.exec("DELETE FROM ledger_entries; DELETE FROM ledger_nodes");
  for (const [place, entry] of entries.entries())
    open.ledger.append(place === index ? { ...entry, atMs: entry.atMs + 1 } : entry);
}

test("a ledger that was rewritten as a whole is refused by everybody who has seen past the place", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 29 }),
      fc.integer({ min: 1, max: 30 }),
      async (index, sizeSeen) => {
        await using open = openTestLedger(30);
        const seen = { size: sizeSeen, root: open.ledger.root(sizeSeen) };
        rewrite(open, index);
        expect(verifyLedger(open.database)).toMatchObject({ holds: true });
        const hasSeenPast = sizeSeen > index;
        expect(verifyLedger(open.database, [seen]).holds).toBe(!hasSeenPast);
        expect(
          verifyConsistency({
            size1: seen.size,
            size2: 30,
            root1: seen.root,
            root2: open.ledger.root(),
            proof: open.ledger.consistencyProof(seen.size, 30),
          }),
        ).toBe(!hasSeenPast);
      },
    ),
    { numRuns: 25 },
  );
});

test("a rewritten ledger with its cosignatures left in place is refused when it is opened", async () => {
  await using open = openTestLedger(9);
  open.ledger.addCosignature(testDevice(1).cosign(open.ledger.checkpoint(), 1_000));
  rewrite(open, 4);
  expect(() => openLedger(open.database)).toThrow(
    expect.objectContaining({ code: "LEDGER_DAMAGED" }),
  );
  expect(verifyLedger(open.database)).toMatchObject({ holds: false, index: 8 });
});
