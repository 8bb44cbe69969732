import { chmodSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { openLedgerKey } from "../../src/keys/hub-keys.ts";
import { utf8Bytes } from "../../src/protocol/bytes.ts";
import { verifyEd25519 } from "../../src/protocol/envelope.ts";
import { temporaryFolder } from "../support/temporary.ts";

test("the ledger's key is made once, for the hub's user alone, and names the ledger", async () => {
  await using folder = temporaryFolder();
  const secrets = path.join(folder.path, "secrets");
  const made = await openLedgerKey(secrets);
  const again = await openLedgerKey(secrets);
  expect(again.origin).toBe(made.origin);
  expect(again.publicKey).toEqual(made.publicKey);
  expect(made.origin).toMatch(/^doorward\/[0-9a-f]{32}$/);
  expect(statSync(secrets).mode & 0o777).toBe(0o700);
  expect(statSync(path.join(secrets, "ledger.pem")).mode & 0o777).toBe(0o600);
  const message = utf8Bytes("a checkpoint");
  expect(verifyEd25519(made.sign(message), message, again.publicKey)).toBe(true);
});

test("two hubs have two ledgers", async () => {
  await using one = temporaryFolder();
  await using other = temporaryFolder();
  const keys = [await openLedgerKey(one.path), await openLedgerKey(other.path)];
  expect(new Set(keys.map(({ origin }) => origin)).size).toBe(2);
});

test("a key that others on the machine can read is not used, and is left as it is", async () => {
  await using folder = temporaryFolder();
  await openLedgerKey(folder.path);
  const file = path.join(folder.path, "ledger.pem");
  const before = readFileSync(file, "utf8");
  for (const mode of [0o644, 0o640, 0o604, 0o660]) {
    chmodSync(file, mode);
    await expect(openLedgerKey(folder.path)).rejects.toMatchObject({ code: "SECRETS_READABLE" });
  }
  expect(readFileSync(file, "utf8")).toBe(before);
});

test("a damaged key is an error, never replaced by a new one", async () => {
  await using folder = temporaryFolder();
  await openLedgerKey(folder.path);
  const file = path.join(folder.path, "ledger.pem");
  writeFileSync(file, "not a key");
  await expect(openLedgerKey(folder.path)).rejects.toThrow();
  expect(readFileSync(file, "utf8")).toBe("not a key");
});
