import { ed25519 } from "@noble/curves/ed25519.js";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { inTransaction, openDatabase, type HubDatabase } from "../src/base/database.ts";
import { LedgerWatch } from "../src/owner/alarms.ts";
import { parseCanonicalJson } from "../src/protocol/canonical-json.ts";
import { hashLeaf } from "../src/protocol/merkle.ts";
import { Ledger } from "../src/ledger/ledger.ts";
import { verifyLedger } from "../src/ledger/verify-ledger.ts";
import type { LedgerEntry } from "../src/protocol/ledger-entry.ts";
import type { Figure } from "./figure.ts";
import { percentile } from "../test/support/percentile.ts";

const ENTRIES = 1_000_000;
const SAMPLES = 2_000;
const WATCH_TURNS = 20;

/** Figures of the ledger at 1,000,000 entries, in a real file in the temporary folder. */
export async function ledgerFigures(): Promise<Figure[]> {
  const folder = mkdtempSync(path.join(tmpdir(), "doorward-bench-"));
  try {
    await using database = openDatabase(path.join(folder, "doorward.db"));
    const ledger = openLedger(database);
    fill(database, ledger, ENTRIES);
    return [
      ...appendFigures(database, ledger),
      ...proofFigures(ledger),
      wholeFigure(database, ledger),
      watchFigure(ledger),
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function appendFigures(database: HubDatabase, ledger: Ledger): Figure[] {
  const sizeBytes = ledger.entry(0)?.bytes.length ?? 0;
  const entry = `entries of ${sizeBytes} bytes, at ${ledger.size()} entries`;
  // In one transaction, so that the file is not touched between two appends.
  const unsynced = inTransaction(database, () =>
    sample(SAMPLES, (index) => void ledger.append(benchEntry(index))),
  );
  const synced = sample(200, (index) => void ledger.append(benchEntry(index)));
  return [
    figure("ledger.append_ms", unsynced, `${entry}, inside one transaction, without fsync`),
    figure("ledger.append_fsync_ms", synced, `${entry}, each committed with synchronous=FULL`),
  ];
}

function proofFigures(ledger: Ledger): Figure[] {
  const size = ledger.size();
  const place = (index: number) => 1 + ((index * 7_919) % (size - 1));
  const inclusion = sample(SAMPLES, (index) => void ledger.inclusionProof(place(index), size));
  const consistency = sample(SAMPLES, (index) => void ledger.consistencyProof(place(index), size));
  return [
    figure("ledger.proof_ms", inclusion, `inclusion proof, at ${size} entries`),
    figure("ledger.consistency_ms", consistency, `consistency proof, at ${size} entries`),
  ];
}

function wholeFigure(database: HubDatabase, ledger: Ledger): Figure {
  const startedAtMs = performance.now();
  const verdict = verifyLedger(database);
  const durationMs = performance.now() - startedAtMs;
  if (!verdict.holds) throw new Error(`Cannot measure: ${verdict.reason}`);
  return {
    name: "ledger.verify_whole_ms",
    value: round(durationMs),
    unit: "ms",
    context: `everything recomputed, ${ledger.size()} entries`,
  };
}

/** What a device does with each entry it reads for the first time; the hub's part is not in it. */
function watchFigure(ledger: Ledger): Figure {
  const watch = LedgerWatch.begin();
  const entries = ledger.entries({ limit: 1_000 }).map(({ bytes }) => bytes);
  const startedAtMs = performance.now();
  for (let turn = 0; turn < WATCH_TURNS; turn++)
    for (const bytes of entries) watch.take(parseCanonicalJson(bytes, "entry"), hashLeaf(bytes));
  return {
    name: "ledger.judge_1000_ms",
    value: round((performance.now() - startedAtMs) / WATCH_TURNS),
    unit: "ms",
    context: `a device reads and judges 1,000 entries; mean of ${WATCH_TURNS}`,
  };
}

function fill(database: HubDatabase, ledger: Ledger, count: number): void {
  inTransaction(database, () => {
    for (let index = 0; index < count; index++) ledger.append(benchEntry(index));
  });
}

/** Milliseconds each call took, in ascending order. */
function sample(count: number, work: (index: number) => void): number[] {
  const durationsMs: number[] = [];
  for (let index = 0; index < count; index++) {
    const startedAtMs = performance.now();
    work(index);
    durationsMs.push(performance.now() - startedAtMs);
  }
  return durationsMs;
}

function figure(name: string, durationsMs: readonly number[], what: string): Figure {
  const mean = durationsMs.reduce((sum, value) => sum + value, 0) / durationsMs.length;
  const p95 = percentile(durationsMs, 0.95);
  const context = `${what}; mean of ${durationsMs.length}, p95 ${round(p95)} ms`;
  return { name, value: round(mean), unit: "ms", context };
}

function round(value: number): number {
  return Number(value.toPrecision(3));
}

function benchEntry(index: number): LedgerEntry {
  const id = index.toString(16).padStart(32, "0");
  const hash = index.toString(16).padStart(64, "0");
  return {
    v: 1,
    kind: "decision",
    atMs: 1_800_000_000_000 + index,
    request: id,
    outcome: "approved_in_part",
    decisionSha256: hash,
    keyringHead: hash,
  };
}

function openLedger(database: HubDatabase): Ledger {
  const secretKey = new Uint8Array(32).fill(1);
  const publicKey = ed25519.getPublicKey(secretKey);
  const sign = (message: Uint8Array) => ed25519.sign(message, secretKey);
  return Ledger.open({ database, origin: "bench.example", publicKey, sign });
}
