import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { openDatabase, type HubDatabase } from "../src/base/database.ts";
import { ClipTimeline, WINDOW_CLIPS_MAX, type WindowQuery } from "../src/clips/timeline.ts";
import { Ledger } from "../src/ledger/ledger.ts";
import { TIMELINE_ROWS_MAX } from "../src/protocol/api-timeline.ts";
import { parseCameraId, parseClipId, type EventKind } from "../src/protocol/ids.ts";
import type { Figure } from "./figure.ts";
import { percentile } from "../test/support/percentile.ts";

const CLIPS = 1_000_000;
const ENTRIES = 1_000_000;
const CAMERAS = 4;
const YEARS = 3;
const END_MS = Date.UTC(2026, 10, 21);
const START_MS = END_MS - YEARS * 365 * 86_400_000;
const SAMPLES = 300;

/**
 * What the page asks for, at a million clips and a million entries in a real file, as the event loop
 * is held up by it: query and JSON, without the network. Rows are written by SQL alone.
 */
export async function timelineFigures(): Promise<Figure[]> {
  const folder = mkdtempSync(path.join(tmpdir(), "doorward-bench-"));
  try {
    await using database = openDatabase(path.join(folder, "doorward.db"));
    database.pragma("synchronous = OFF");
    // Opened while it is empty: its tree is not written here, as nothing asks for it.
    const ledger = Ledger.open({
      ...{ database, origin: "bench.example", publicKey: new Uint8Array(32) },
      sign: () => new Uint8Array(64),
    });
    fillClips(database);
    fillLedger(database);
    return [...timelineOf(database), ...ledgerOf(ledger)];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function timelineOf(database: HubDatabase): Figure[] {
  const timeline = new ClipTimeline(database);
  const spread = (index: number): number => ((index * 7_919) % SAMPLES) / SAMPLES;
  const atMs = (index: number): number =>
    Math.floor(START_MS + spread(index) * (END_MS - START_MS));
  const camera = parseCameraId("cam-1");
  const kind: EventKind = "bell";
  const queries: readonly ((index: number) => WindowQuery)[] = [
    (index) => ({ limit: WINDOW_CLIPS_MAX, toMs: atMs(index) }),
    (index) => ({ limit: WINDOW_CLIPS_MAX, fromMs: atMs(index), oldestFirst: true }),
    (index) => ({ limit: 100, offset: Math.floor(spread(index) * CLIPS) }),
    (index) => ({ limit: 100, camera, toMs: atMs(index) }),
    (index) => ({ limit: 100, kind, toMs: atMs(index) }),
    (index) => ({ limit: 100, kind, camera, toMs: atMs(index) }),
  ];
  const pages = sample(SAMPLES * queries.length, (index) => {
    const query = queries[index % queries.length];
    if (query) JSON.stringify(timeline.window(query(index)));
  });
  const hours = sample(SAMPLES, (index) => {
    const before = Math.floor(atMs(index) / 3_600_000);
    JSON.stringify(timeline.hours(index % 2 === 0 ? before : 1e9, TIMELINE_ROWS_MAX));
  });
  const rows = database.prepare<[], number>("SELECT count(*) FROM clip_hours").pluck().get();
  const at = `at ${CLIPS} clips of ${CAMERAS} cameras in ${YEARS} years`;
  return [
    figure("timeline.page_ms.p99", pages, `windows of up to 500 clips, any offset, ${at}`),
    figure("timeline.hours_ms.p99", hours, `up to 10,000 of ${rows} hours, ${at}`),
  ];
}

function ledgerOf(ledger: Ledger): Figure[] {
  const at = `at ${ENTRIES} entries`;
  const counts = sample(SAMPLES, () => JSON.stringify([...ledger.counts()]));
  const pages = sample(SAMPLES, (index) => {
    const before = (index * 7_919_131) % ENTRIES;
    const kind = index % 2 === 0 ? { kind: "view" as const } : {};
    JSON.stringify(ledger.entries({ before, limit: 100, ...kind }).map(({ entry }) => entry));
  });
  const views = sample(SAMPLES, (index) => {
    const subject = parseClipId(idOf((index * 7_919) % (ENTRIES / 10)));
    const kind = "view";
    JSON.stringify(ledger.entries({ before: ENTRIES, limit: 200, kind, subject }));
  });
  return [
    figure("ledger.counts_ms.p99", counts, `all counts, ${at}`),
    figure("ledger.page_ms.p99", pages, `100 entries newest first, every other of one kind, ${at}`),
    figure("ledger.views_ms.p99", views, `views of one clip, ${at}`),
  ];
}

function fillClips(database: HubDatabase): void {
  database
    .prepare(
      `WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < ? - 1)
       INSERT INTO clips (id, camera, kind, why, event_at_ms, started_at_ms, ended_at_ms, state,
         keyring_head, keyring_epoch, entry_index)
       SELECT printf('%032x', n), 'cam-' || (n % CAST(? AS INTEGER)),
         CASE WHEN n % 997 = 0 THEN 'bell' WHEN n % 7 = 0 THEN 'person' ELSE 'motion' END,
         '{"kind":"motion","zone":"all","areaShare":0.1,"score":0.5}',
         at, at, at + 20000, 'closed', printf('%064x', 0), 0, n
       FROM (SELECT n, ? + n * CAST(? AS INTEGER) / ? AS at FROM numbers)`,
    )
    .run(CLIPS, CAMERAS, START_MS, END_MS - START_MS, CLIPS);
  // A segment and its sound for each, so that a listed clip costs what it costs on a real hub.
  const columns =
    "clip, name, segment, track, rendition, size_bytes, payload_sha256, from_ms, to_ms";
  database.exec(
    `INSERT INTO clip_files (${columns}) SELECT id, '000.video.original.age', 0, 'video', 'original', 1000,
       printf('%064x', 0), started_at_ms, started_at_ms + 20000 FROM clips;
     INSERT INTO clip_files (${columns}) SELECT id, '000.audio.original.age', 0, 'audio', 'original', 1000,
       printf('%064x', 0), started_at_ms, started_at_ms + 20000 FROM clips;`,
  );
}

/** Nine of ten are views, nine of each clip. */
function fillLedger(database: HubDatabase): void {
  database.exec("DROP TRIGGER ledger_entries_in_order");
  database
    .prepare(
      `WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < ? - 1)
       INSERT INTO ledger_entries (idx, kind, at_ms, subject, entry, leaf_hash)
       SELECT n, iif(n % 10 = 0, 'decision', 'view'), n, printf('%032x', n / 10),
         CAST(iif(n % 10 = 0,
           '{"atMs":1,"kind":"decision","outcome":"refused","request":"' || printf('%032x', n / 10)
             || '","v":1}',
           '{"atMs":1,"clip":"' || printf('%032x', n / 10) || '","device":"' || printf('%064x', n % 3)
             || '","kind":"view","v":1}') AS BLOB),
         zeroblob(32)
       FROM numbers`,
    )
    .run(ENTRIES);
}

const idOf = (number: number): string => number.toString(16).padStart(32, "0");

/** Milliseconds each call took, in ascending order. */
function sample(count: number, work: (index: number) => void): number[] {
  const durationsMs: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const startedAtMs = performance.now();
    work(index);
    durationsMs.push(performance.now() - startedAtMs);
  }
  return durationsMs;
}

function figure(name: string, durationsMs: readonly number[], what: string): Figure {
  const at = (share: number): number => Number(percentile(durationsMs, share).toPrecision(3));
  const context = `${what}; query and JSON, ${durationsMs.length} calls, median ${at(0.5)} ms`;
  return { name, value: at(0.99), unit: "ms", context };
}
