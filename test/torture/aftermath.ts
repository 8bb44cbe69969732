import { readFileSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import type BetterSqlite3 from "better-sqlite3";
import { openDatabase } from "../../src/base/database.ts";
import { checkStorage } from "../../src/cli/check-storage.ts";
import { verifyLedger } from "../../src/ledger/verify-ledger.ts";
import { clipIdentities, type DeviceBundle } from "../../src/owner/device-bundle.ts";
import { openSealedFile } from "../../src/owner/open-clip.ts";
import { toHex } from "../../src/protocol/bytes.ts";
import { startTestHub } from "../support/test-hub.ts";
import type { Acknowledged } from "./house.ts";

/** What a hub made of what it found, and what of the past is not as it was acknowledged. */
export interface Aftermath {
  /** From nothing until it answers, the recordings of before settled. */
  readonly startMs: number;
  readonly entries: number;
  /** Acknowledged entries that are gone; 0 where the same tree is there. */
  readonly lostEntries: number;
  /** Of the film, from the end of the last listed file to the last picture that was taken. */
  readonly lostMs: number;
  /** Sentences, one for each thing that is wrong. */
  readonly findings: readonly string[];
}

/** Of the newest recordings every file is opened to its end; the others have their hash. */
const OPENED_CLIPS = 3;

/**
 * Starts a hub on what is left of one, and compares with what that had acknowledged.
 *
 * @param dataDirectory - Of a hub that does not run any more.
 */
export async function lookAfter(
  dataDirectory: string,
  ownerFile: string,
  known: Acknowledged,
): Promise<Aftermath> {
  const owner = JSON.parse(readFileSync(ownerFile, "utf8")) as DeviceBundle;
  const findings: string[] = [];
  const beganAtMs = performance.now();
  // Nobody logs in: where even the claim is gone, that is a finding and no error.
  const hub = await startTestHub({ dataDirectory, claimed: false, nowMs: "system" });
  const startMs = performance.now() - beganAtMs;
  let size: number;
  let lostEntries: number;
  {
    await using running = hub;
    const { ledger, clips } = running.hub.services;
    size = ledger.size();
    lostEntries = Math.max(0, known.size - size);
    if (lostEntries > 0) findings.push(`${lostEntries} acknowledged entries are gone`);
    else if (known.size > 0 && toHex(ledger.root(known.size)) !== known.root)
      findings.push(`the first ${known.size} entries are not those that were acknowledged`);
    if (clips.counts().recording > 0) findings.push("a clip of before is still being recorded");
    // It goes on from there: something new can be entered.
    const [clip] = clips.list({ limit: 1 }).clips;
    if (clip) running.hub.services.retention.hold(clip.id, Date.now() + 60_000);
  }
  await using database = openDatabase(path.join(dataDirectory, "doorward.db"), { readOnly: true });
  const verdict = verifyLedger(database);
  if (!verdict.holds) findings.push(`ledger entry ${verdict.index}: ${verdict.reason}`);
  for (const { invariant, holds, detail } of await checkStorage(dataDirectory, database))
    if (!holds) findings.push(`${invariant}: ${detail}`);
  findings.push(...(await missingFiles(dataDirectory, database, known)));
  findings.push(...undecided(database, known));
  findings.push(...(await notWhole(dataDirectory, database, owner)));
  return { startMs, entries: size, lostEntries, lostMs: lostMs(database, known), findings };
}

/** Acknowledged files and clips that have neither row nor deletion. */
async function missingFiles(
  dataDirectory: string,
  database: BetterSqlite3.Database,
  known: Acknowledged,
): Promise<string[]> {
  const listed = new Set(
    database.prepare<[], string>("SELECT clip || '/' || name FROM clip_files").pluck().all(),
  );
  const deleted = new Set(
    database
      .prepare<[], string>("SELECT subject FROM ledger_entries WHERE kind = 'deletion'")
      .pluck()
      .all(),
  );
  const entered = new Set(
    database
      .prepare<[], string>("SELECT subject FROM ledger_entries WHERE kind IN ('clip', 'torn')")
      .pluck()
      .all(),
  );
  const beside = await readdir(path.join(dataDirectory, "clips"), {
    ...{ recursive: true, withFileTypes: true },
  });
  const withBytes = new Set(
    beside.flatMap((entry) => (entry.isFile() ? path.basename(entry.parentPath) : [])),
  );
  const empty = new Set(
    database
      .prepare<[], string>(
        `SELECT id FROM clips WHERE state = 'torn'
         AND NOT EXISTS (SELECT 1 FROM clip_files WHERE clip = id)
         AND NOT EXISTS (SELECT 1 FROM torn_files WHERE clip = id)`,
      )
      .pluck()
      .all(),
  );
  return [
    ...known.files
      .filter((file) => !listed.has(file) && !deleted.has(file.slice(0, 32)))
      .map((file) => `${file} was acknowledged and is not listed`),
    ...known.clips
      // What the disk took nothing of has nothing to enter.
      .filter((clip) => !entered.has(clip) && (!empty.has(clip) || withBytes.has(clip)))
      .map((clip) => `clip ${clip} was acknowledged and has no entry`),
  ];
}

interface DecidedRow {
  readonly id: string;
  readonly decision: string | null;
  readonly decision_sha256: string | null;
}

/** A decision has its entry, an entry its decision, and an acknowledged one has both. */
function undecided(database: BetterSqlite3.Database, known: Acknowledged): string[] {
  const rows = database
    .prepare<[], DecidedRow>("SELECT id, decision, decision_sha256 FROM requests")
    .all();
  const entered = new Map(
    database
      .prepare<[], { subject: string; entry: Uint8Array }>(
        "SELECT subject, entry FROM ledger_entries WHERE kind = 'decision'",
      )
      .all()
      .map(({ subject, entry }) => [subject, Buffer.from(entry).toString()]),
  );
  const findings: string[] = [];
  for (const { id, decision, decision_sha256 } of rows) {
    const entry = entered.get(id);
    if (decision !== null && entry === undefined)
      findings.push(`request ${id} is decided without an entry`);
    if (decision === null && entry !== undefined)
      findings.push(`request ${id} has an entry of a decision that is not there`);
    if (entry !== undefined && decision_sha256 !== null && !entry.includes(decision_sha256))
      findings.push(`request ${id} has another decision than its entry`);
    if (decision === null && known.decisions.has(id))
      findings.push(`request ${id} was acknowledged as decided and is not`);
  }
  const ids = new Set(rows.map(({ id }) => id));
  for (const id of known.decisions.keys())
    if (!ids.has(id)) findings.push(`request ${id} was acknowledged and is gone`);
  return findings;
}

/** Files whose name says that they are whole, and that do not open to their end. */
async function notWhole(
  dataDirectory: string,
  database: BetterSqlite3.Database,
  owner: DeviceBundle,
): Promise<string[]> {
  const listed = new Set(
    database.prepare<[], string>("SELECT clip || '/' || name FROM clip_files").pluck().all(),
  );
  const newest = new Set(
    database
      .prepare<[number], string>("SELECT id FROM clips ORDER BY sequence DESC LIMIT ?")
      .pluck()
      .all(OPENED_CLIPS),
  );
  const findings: string[] = [];
  const clips = path.join(dataDirectory, "clips");
  for (const entry of await readdir(clips, { recursive: true, withFileTypes: true })) {
    const clip = path.basename(entry.parentPath);
    const name = `${clip}/${entry.name}`;
    if (!entry.isFile() || !name.endsWith(".age")) continue;
    if (listed.has(name) && !newest.has(clip)) continue;
    try {
      const bytes = await readFile(path.join(entry.parentPath, entry.name));
      await openSealedFile(bytes, clipIdentities(owner), null);
    } catch (error) {
      findings.push(`${name} is not whole: ${error instanceof Error ? error.message : "?"}`);
    }
  }
  return findings;
}

function lostMs(database: BetterSqlite3.Database, known: Acknowledged): number {
  const listedTo = database.prepare<[], number>("SELECT max(to_ms) FROM clip_files").pluck().get();
  return Math.max(0, known.pushedMs - (listedTo ?? known.pushedMs));
}
