import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { Decrypter, generateIdentity, identityToRecipient } from "age-encryption";
import BetterSqlite3 from "better-sqlite3";
import { expect, test } from "vitest";
import { openDatabase } from "../../src/base/database.ts";
import { sealState } from "../../src/offsite/state-archive.ts";
import { parseRecipient } from "../../src/protocol/age-header.ts";
import { temporaryFolder } from "../support/temporary.ts";

test("the database is that of one moment, however much is written meanwhile", async () => {
  await using folder = temporaryFolder();
  const databasePath = path.join(folder.path, "doorward.db");
  await using database = openDatabase(databasePath);
  const insert = database.prepare("INSERT INTO connections (what, address) VALUES (?, ?)");
  const fill = database.transaction((what: string): void => {
    for (let row = 0; row < 200; row += 1) insert.run(what, `${what} ${row} ${"x".repeat(200)}`);
  });
  for (let round = 0; round < 20; round += 1) fill(`before ${round}`);
  const identity = await generateIdentity();
  const finalPath = path.join(folder.path, "state");
  let isOver = false;
  const sealed = sealState({
    ...{ dataDirectory: folder.path, database, databasePath, finalPath, settingsText: "name: x\n" },
    recipients: [parseRecipient(await identityToRecipient(identity))],
    sign: () => new Uint8Array(64),
    describe: () => ({
      ...{ format: "doorward-state/v1", origin: `doorward/${"0".repeat(32)}`, sequence: 1 },
      ...{ ledgerKey: "0".repeat(64), writer: "00000000", atMs: 0, version: "1" },
      ...{ ledger: { size: 0, root: "0".repeat(64) }, keyring: { epoch: 0, head: "0".repeat(64) } },
    }),
  }).finally(() => (isOver = true));
  // Awaited below, after what is written meanwhile.
  sealed.catch(() => undefined);
  let written = 0;
  while (!isOver) {
    fill(`during ${written}`);
    database.pragma("wal_checkpoint(PASSIVE)");
    written += 1;
    await new Promise((resolve) => setImmediate(resolve));
  }
  await sealed;
  expect(written).toBeGreaterThan(1);
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  const archive = await decrypter.decrypt(await readFile(finalPath));
  await using out = temporaryFolder();
  execFileSync("tar", ["xzf", "-", "-C", out.path], { input: archive });
  const copy = new BetterSqlite3(path.join(out.path, "doorward.db"), { readonly: true });
  expect(copy.pragma("integrity_check", { simple: true })).toBe("ok");
  const counted = copy.prepare("SELECT count(*) FROM connections WHERE what GLOB ?").pluck();
  expect(counted.get("before*")).toBe(4_000);
  expect(Number(counted.get("during*")) % 200).toBe(0);
  expect(Number(counted.get("during*"))).toBeLessThan(written * 200);
  copy.close();
  expect(database.pragma("integrity_check", { simple: true })).toBe("ok");
});
