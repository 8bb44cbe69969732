import { expect, test } from "vitest";
import { openDatabase } from "../../src/base/database.ts";
import { Restorations } from "../../src/ledger/restorations.ts";
import { sha256Hex, utf8Bytes } from "../../src/protocol/bytes.ts";
import { temporaryFolder } from "../support/temporary.ts";

const envelope = (payload: string): string =>
  JSON.stringify({
    ...{ payloadType: "application/json", signatures: [] },
    payload: Buffer.from(payload).toString("base64"),
  });

test("every contact of a device is told the hashes of restorations, and no acceptance is read for it", async () => {
  await using folder = temporaryFolder();
  await using database = openDatabase(`${folder.path}/hub.db`);
  const restorations = new Restorations({
    ...{ database, appendEntry: () => 1, nowMs: () => 0, size: () => 0, chain: () => [] },
    keyring: () => expect.fail("nothing is judged"),
    root: () => new Uint8Array(32),
  });
  const restored = database.prepare("INSERT INTO restorations VALUES (?, ?)");
  restored.run(9, envelope("second"));
  restored.run(4, envelope("first"));
  // Whoever parses it fails.
  database
    .prepare("INSERT INTO restoration_acceptances VALUES (10, 4, ?, 'not read')")
    .run("a".repeat(64));
  expect(() => restorations.list()).toThrow(SyntaxError);
  expect(restorations.hashes()).toEqual(["first", "second"].map((of) => sha256Hex(utf8Bytes(of))));
});
