import { ed25519 } from "@noble/curves/ed25519.js";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { openDatabase, type HubDatabase } from "../../src/base/database.ts";
import { Ledger } from "../../src/ledger/ledger.ts";
import { cosignCheckpoint, verifyCheckpoint } from "../../src/protocol/checkpoint.ts";
import type { LedgerEntryOf } from "../../src/protocol/ledger-entry.ts";
import { formatSignatureLine } from "../../src/protocol/signed-note.ts";

export const origin = "home.example/ledger";
const secretKey = new Uint8Array(32).fill(3);
export const publicKey = ed25519.getPublicKey(secretKey);

export interface TestLedger extends AsyncDisposable {
  readonly file: string;
  readonly database: HubDatabase;
  readonly ledger: Ledger;
}

/** A ledger in a real file in a temporary folder, with `entries` entries in it. */
export function openTestLedger(entries = 0): TestLedger {
  const folder = mkdtempSync(path.join(tmpdir(), "doorward-ledger-"));
  const file = path.join(folder, "doorward.db");
  const database = openDatabase(file);
  const ledger = openLedger(database);
  for (let index = 0; index < entries; index++) ledger.append(clockEntry(index));
  return {
    file,
    database,
    ledger,
    async [Symbol.asyncDispose]() {
      await database[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export function openLedger(database: HubDatabase): Ledger {
  const sign = (message: Uint8Array) => ed25519.sign(message, secretKey);
  return Ledger.open({ database, origin, publicKey, sign });
}

export function clockEntry(index: number): LedgerEntryOf<"clock"> {
  return { v: 1, kind: "clock", atMs: 1_800_000_000_000 + index, jumpMs: index };
}

export function viewEntry(clip: string, atMs: number): LedgerEntryOf<"view"> {
  return { v: 1, kind: "view", atMs, clip, device: "d".repeat(64) };
}

/** An owner's device that has only its key and what the ledger shows it. */
export function testDevice(number: number) {
  const secret = new Uint8Array(32).fill(100 + number);
  const devicePublicKey = ed25519.getPublicKey(secret);
  const key = {
    name: `home.example/device/${number}`,
    type: "cosignature/v1",
    publicKey: devicePublicKey,
  } as const;
  return {
    key,
    cosign(note: string, cosignedAtMs: number) {
      const checkpoint = verifyCheckpoint(note, { origin, publicKey });
      const sign = (message: Uint8Array) => ed25519.sign(message, secret);
      const line = formatSignatureLine(cosignCheckpoint(checkpoint, { key, cosignedAtMs, sign }));
      return { size: checkpoint.size, line, publicKey: devicePublicKey };
    },
  };
}

/** Lets a test do to the tables what somebody with the file can do: the triggers go first. */
export function dropTriggers(database: HubDatabase): void {
  const names = database
    .prepare<[], string>("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
    .pluck()
    .all();
  for (const name of names) database.exec(`DROP TRIGGER ${name}`);
}
