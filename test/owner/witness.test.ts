import { describe, expect, test } from "vitest";
import { cosign, followLedger, LedgerChanged, type Seen } from "../../src/owner/witness.ts";
import { fromBase64, toBase64 } from "../../src/protocol/bytes.ts";
import { verifyCheckpoint, verifyCosignature } from "../../src/protocol/checkpoint.ts";
import { cosignerKey } from "../../src/protocol/cosigner.ts";
import { HubError } from "../../src/protocol/errors.ts";
import type { Keyring } from "../../src/protocol/keyring.ts";
import { parseSignatureLine } from "../../src/protocol/signed-note.ts";
import { clockEntry, openTestLedger, origin, publicKey, viewEntry } from "../ledger/test-ledger.ts";
import { newDevice, testChain } from "../support/test-household.ts";

const chain = await testChain();
/** The household's keyring, believing in the ledger of this test. */
const keyringNow = (): Keyring => ({ ...chain.keyring(), origin, ledgerKey: publicKey });

type TestLedger = ReturnType<typeof openTestLedger>;

function follow(
  { ledger }: TestLedger,
  seen: Seen | null,
  keyring = keyringNow(),
  proof?: (from: number, to: number) => string[],
): Promise<Seen> {
  return followLedger(keyring, ledger.checkpoint(), seen, async (from, to) =>
    proof ? proof(from, to) : ledger.consistencyProof(from, to).map(toBase64),
  );
}

describe("a device that has seen the ledger before", () => {
  test("follows it to where it is now, and again when nothing has happened", async () => {
    await using home = openTestLedger(5);
    const seen = await follow(home, null);
    expect(seen.size).toBe(5);
    expect(await follow(home, seen)).toEqual(seen);
    home.ledger.append(clockEntry(5));
    expect((await follow(home, seen)).size).toBe(6);
  });

  test.each([1, 2, 3, 4, 7, 8, 9])(
    "notices an entry that was changed before entry %i, whatever came after it",
    async (size) => {
      await using before = openTestLedger(size);
      await using after = openTestLedger(size - 1);
      after.ledger.append(viewEntry("c".repeat(32), 1));
      for (let more = 0; more < 3; more += 1) after.ledger.append(clockEntry(size + more));
      const seen = await follow(before, null);
      await expect(follow(after, seen)).rejects.toBeInstanceOf(LedgerChanged);
    },
  );

  test("notices a ledger that is shorter than it was, and keeps both checkpoints", async () => {
    await using before = openTestLedger(5);
    await using after = openTestLedger(4);
    const seen = await follow(before, null);
    const error = await follow(after, seen).catch((cause: unknown) => cause);
    if (!(error instanceof LedgerChanged)) throw new Error("not noticed");
    expect(error.before).toBe(before.ledger.checkpoint());
    expect(error.now).toBe(after.ledger.checkpoint());
  });

  test("notices two ledgers of one size", async () => {
    await using one = openTestLedger(4);
    await using other = openTestLedger(3);
    other.ledger.append(clockEntry(99));
    const seen = await follow(one, null);
    await expect(follow(other, seen)).rejects.toBeInstanceOf(LedgerChanged);
    // An empty proof is what an honest ledger gives for equal sizes: it must not be enough.
    await expect(follow(other, seen, keyringNow(), () => [])).rejects.toBeInstanceOf(LedgerChanged);
  });

  test("demands a proof that proves it: none, a cut one, or another one is not enough", async () => {
    await using home = openTestLedger(5);
    const seen = await follow(home, null);
    for (let more = 0; more < 6; more += 1) home.ledger.append(clockEntry(5 + more));
    const good = home.ledger.consistencyProof(5, 11).map(toBase64);
    for (const proof of [
      [],
      good.slice(1),
      good.slice(0, -1),
      good.toReversed(),
      [...good, ...good],
    ])
      await expect(follow(home, seen, keyringNow(), () => proof)).rejects.toBeInstanceOf(
        LedgerChanged,
      );
    const many = Array.from({ length: 5 }, () => "not base64");
    await expect(follow(home, seen, keyringNow(), () => many)).rejects.toBeInstanceOf(HubError);
  });

  test("notices a keyring that is older than it was, or another one of the same epoch", async () => {
    await using home = openTestLedger(5);
    const old = keyringNow();
    await chain.add(newDevice("viewer").change);
    const seen = await follow(home, null);
    await expect(follow(home, seen, old)).rejects.toBeInstanceOf(LedgerChanged);
    const other = { ...keyringNow(), head: old.head };
    await expect(follow(home, seen, other)).rejects.toBeInstanceOf(LedgerChanged);
    expect((await follow(home, seen, keyringNow())).epoch).toBe(1);
  });

  test("does not believe a checkpoint that another key has signed", async () => {
    await using home = openTestLedger(5);
    const keyring = { ...keyringNow(), ledgerKey: chain.founder.publicKey };
    await expect(follow(home, null, keyring)).rejects.toMatchObject({
      code: "CHECKPOINT_UNSIGNED",
    });
    const elsewhere = { ...keyringNow(), origin: "doorward/elsewhere" };
    await expect(follow(home, null, elsewhere)).rejects.toMatchObject({
      code: "CHECKPOINT_WRONG_ORIGIN",
    });
  });
});

test("a cosignature is under the device's own name, and holds for this checkpoint alone", async () => {
  await using home = openTestLedger(3);
  const keyring = keyringNow();
  const note = home.ledger.checkpoint();
  const { size, line } = cosign(keyring, note, chain.founder, 1_800_000_000_999);
  expect(size).toBe(3);
  const key = cosignerKey(keyring.origin, chain.founder.publicKey);
  const signature = parseSignatureLine(line);
  const { note: parsed } = verifyCheckpoint(note, { origin, publicKey });
  expect(verifyCosignature(parsed.text, signature, key)).toBe(1_800_000_000_000);
  expect(verifyCosignature(`${parsed.text}x`, signature, key)).toBeNull();
  const other = cosignerKey(keyring.origin, newDevice("owner").key.publicKey);
  expect(verifyCosignature(parsed.text, signature, other)).toBeNull();
  home.ledger.addCosignature({ size, line, publicKey: chain.founder.publicKey });
  expect(home.ledger.cosignedCheckpoint()).toContain(line);
  expect(
    fromBase64(keyring.devices.get(chain.founder.device)?.record.signingKey ?? "", "key"),
  ).toEqual(chain.founder.publicKey);
});
