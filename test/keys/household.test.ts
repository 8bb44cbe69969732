import path from "node:path";
import { ed25519 } from "@noble/curves/ed25519.js";
import { describe, expect, test } from "vitest";
import { openDatabase } from "../../src/base/database.ts";
import { Household, labelSha256 } from "../../src/keys/household.ts";
import { foundHousehold } from "../../src/owner/household.ts";
import { signingKeyOf } from "../../src/owner/device-bundle.ts";
import { generateSigningKey } from "../../src/owner/identity.ts";
import { toBase64 } from "../../src/protocol/bytes.ts";
import { originOf } from "../../src/protocol/cosigner.ts";
import type { LedgerEntry } from "../../src/protocol/ledger-entry.ts";
import { parseSha256Hex } from "../../src/protocol/ids.ts";
import {
  hubInfo,
  LEDGER_SECRET,
  newDevice,
  NOW_MS,
  signStatement,
  statementAfter,
} from "../support/test-household.ts";
import { temporaryFolder } from "../support/temporary.ts";

/** A household in a real database, with a list for a ledger. */
function openHousehold() {
  const folder = temporaryFolder();
  const database = openDatabase(path.join(folder.path, "doorward.db"));
  const entries: LedgerEntry[] = [];
  const open = (): Household =>
    Household.open({
      database,
      origin: hubInfo.origin,
      ledgerKey: ed25519.getPublicKey(LEDGER_SECRET),
      entered: () => {
        const newest = entries.findLast((entry) => entry.kind === "keyring");
        return newest ? { epoch: newest.epoch, head: parseSha256Hex(newest.keyringHead) } : null;
      },
      appendEntry: (entry) => entries.push(entry) - 1,
      nowMs: () => NOW_MS,
    });
  return {
    open,
    entries,
    database,
    [Symbol.asyncDispose]: async () => {
      await database[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

const founding = () => foundHousehold(hubInfo, { kind: "pq", label: "first", nowMs: NOW_MS });

describe("a household", () => {
  test("is nobody's until a genesis is accepted, and the same after it is opened again", async () => {
    await using own = openHousehold();
    const household = own.open();
    expect(household.keyring).toBeNull();
    const { statement, label } = await founding();
    const keyring = household.accept(statement, label);
    expect(own.entries.map(({ kind }) => kind)).toEqual(["genesis", "keyring"]);
    expect(own.open().keyring).toEqual(keyring);
    expect(own.open().statements()).toEqual([statement]);
  });

  test("takes a genesis once", async () => {
    await using own = openHousehold();
    const household = own.open();
    const [one, other] = [await founding(), await founding()];
    household.accept(one.statement, one.label);
    expect(() => household.accept(other.statement, other.label)).toThrow(/does not follow/);
    expect(household.keyring?.genesis).toBe(one.bundle.genesis);
  });

  test("keeps a device's name beside the chain, which holds only its salted hash", async () => {
    await using own = openHousehold();
    const household = own.open();
    const { statement, label, bundle } = await founding();
    household.accept(statement, label);
    const { device } = signingKeyOf(bundle);
    expect(household.labelOf(device)).toBe("first");
    expect(Buffer.from(statement.payload, "base64").toString()).not.toContain("first");
    // A name that somebody changed in the database is shown as unknown, not as true.
    own.database.prepare("UPDATE device_labels SET label = 'mallory'").run();
    expect(household.labelOf(device)).toBeNull();
    own.database.prepare("DELETE FROM device_labels").run();
    expect(household.labelOf(device)).toBeNull();
  });

  test("refuses a device whose name is not the one that was signed, or has none", async () => {
    await using own = openHousehold();
    const household = own.open();
    const { statement, label, bundle } = await founding();
    household.accept(statement, label);
    const { change, label: second } = newDevice("viewer");
    const { keyring } = household;
    if (!keyring) throw new Error("not founded");
    const admission = await signStatement(statementAfter(keyring, change), [signingKeyOf(bundle)]);
    for (const wrong of [
      null,
      label,
      { ...second, label: "else" },
      { ...second, salt: "0".repeat(32) },
    ])
      expect(() => household.accept(admission, wrong)).toThrow(/name/);
    expect(own.entries).toHaveLength(2);
    household.accept(admission, second);
    expect(household.keyring?.devices.size).toBe(2);
  });

  test("made for another hub's ledger is refused, before anything is kept", async () => {
    await using own = openHousehold();
    const household = own.open();
    const otherKey = generateSigningKey().publicKey;
    const foreign = await foundHousehold(
      { ...hubInfo, origin: originOf(otherKey), ledgerKey: toBase64(otherKey) },
      { kind: "x25519", label: "first", nowMs: NOW_MS },
    );
    expect(() => household.accept(foreign.statement, foreign.label)).toThrow(/another hub/);
    expect(own.entries).toEqual([]);
    expect(household.statements()).toEqual([]);
  });
});

test("the same name with another salt has another hash", () => {
  const salts = ["0".repeat(32), "1".repeat(32)];
  const hashes = salts.map((salt) => labelSha256({ label: "phone", salt }));
  expect(new Set(hashes).size).toBe(2);
});
