import { ed25519 } from "@noble/curves/ed25519.js";
import { writeSync } from "node:fs";
import { openDatabase } from "../../src/base/database.ts";
import { Ledger } from "../../src/ledger/ledger.ts";

// Appends until somebody ends the process, and says each index only when it is acknowledged.
const secretKey = new Uint8Array(32).fill(3);
const ledger = Ledger.open({
  database: openDatabase(process.argv[2] ?? ""),
  origin: "home.example/ledger",
  publicKey: ed25519.getPublicKey(secretKey),
  sign: (message) => ed25519.sign(message, secretKey),
});
for (;;) {
  const jumpMs = ledger.size();
  const index = ledger.append({ v: 1, kind: "clock", atMs: 1, jumpMs });
  writeSync(1, `${index}\n`);
}
