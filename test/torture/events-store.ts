import { createHash } from "node:crypto";
import path from "node:path";
import BetterSqlite3 from "better-sqlite3";
import { ledgerSubject } from "../../src/ledger/ledger.ts";
import { canonicalJson } from "../../src/protocol/canonical-json.ts";
import {
  parseCameraId,
  parseClipId,
  parseDeviceId,
  parseSha256Hex,
  type EventKind,
} from "../../src/protocol/ids.ts";
import type { LedgerEntry } from "../../src/protocol/ledger-entry.ts";

export const FILLED_CAMERAS = ["front", "garden", "garage", "yard"] as const;
const KINDS = ["motion", "person", "vehicle", "animal", "package", "bell"] as const;
const HOUR_MS = 3_600_000;
const HASH_BYTES = 32;
const DEVICE = parseDeviceId("5".repeat(64));
const HEAD = parseSha256Hex("0".repeat(64));

export interface FilledStore {
  readonly clips: number;
  readonly entries: number;
  readonly requests: number;
  readonly notices: number;
  readonly held: number;
}

/**
 * What years leave behind in a hub's database, while the hub is not running: closed clips with their
 * files, what retention knows of them, a ledger entry for each in a tree that holds, views, requests,
 * notices, holds and marks. The recordings themselves are not there.
 */
export function fillStore(
  dataDirectory: string,
  options: { readonly clips: number; readonly newestAtMs: number; readonly days: number },
): FilledStore {
  const database = new BetterSqlite3(path.join(dataDirectory, "doorward.db"));
  try {
    // Nothing is lost with it: it is made for a measurement.
    database.pragma("synchronous = OFF");
    database.pragma("temp_store = MEMORY");
    database.pragma("cache_size = -131072");
    return database.transaction(() => {
      const rebuild = setAside(database, ["clips", "clip_files", "clip_retention"]);
      fillClips(database, options);
      fillAround(database, options);
      rebuild();
      recount(database);
      const entries = fillLedger(database);
      return {
        clips: options.clips,
        entries,
        requests: fillRequests(database, options),
        notices: fillNotices(database, options),
        held: count(database, "clip_holds"),
      };
    })();
  } finally {
    database.close();
  }
}

/** Id of the clip number `n`, oldest first. */
export function filledClip(n: number): string {
  return n.toString(16).padStart(32, "0");
}

function fillClips(
  database: BetterSqlite3.Database,
  options: { readonly clips: number; readonly newestAtMs: number; readonly days: number },
): void {
  const { clips, newestAtMs, days } = options;
  const stepMs = Math.max(1, Math.floor((days * 24 * HOUR_MS) / clips));
  database
    .prepare(
      `WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < @last)
       INSERT INTO clips (id, camera, kind, why, event_at_ms, started_at_ms, ended_at_ms, state,
         keyring_head, keyring_epoch, entry_index)
       SELECT printf('%032x', n), json_extract(@cameras, '$[' || (n % 4) || ']'),
         json_extract(@kinds, '$[' || iif(n % 97 = 0, 5, n % 5) || ']'), @why,
         at + 10000, at, at + 15000 + n % 90 * 1000, 'closed', @head, 0, n
       FROM (SELECT n, CAST(@newestAtMs AS INTEGER) - (@last - n) * CAST(@stepMs AS INTEGER) AS at
             FROM numbers)`,
    )
    .run({
      ...{ last: clips - 1, newestAtMs, stepMs, head: HEAD },
      ...{ cameras: JSON.stringify(FILLED_CAMERAS), kinds: JSON.stringify(KINDS) },
      why: JSON.stringify({ kind: "motion", zone: "door", areaShare: 0.1, score: 0.5 }),
    });
}

/** Of a hub that was never off. */
const COUNTED_MS = "ended_at_ms - (SELECT min(started_at_ms) FROM clips)";

/** Two files each, and what else is kept of a clip. */
function fillAround(database: BetterSqlite3.Database, { clips }: { readonly clips: number }): void {
  const columns =
    "clip, name, segment, track, rendition, size_bytes, payload_sha256, from_ms, to_ms";
  const hash = "printf('%064x', sequence)";
  database.exec(
    `INSERT INTO clip_files (${columns})
       SELECT id, '000.video.original.age', 0, 'video', 'original', 900000, ${hash},
         started_at_ms, ended_at_ms FROM clips ORDER BY id;
     INSERT INTO clip_files (${columns})
       SELECT id, '000.video.blurred.age', 0, 'video', 'blurred', 800000, ${hash},
         started_at_ms, ended_at_ms FROM clips WHERE sequence % 2 = 0 ORDER BY id;
     INSERT INTO clip_retention (clip, class, counted_ms, size_bytes)
       SELECT id, iif(kind = 'bell', 'bell', 'motion'), ${COUNTED_MS}, 1700000
       FROM clips ORDER BY sequence;
     INSERT INTO clip_copies (clip, copy_mode, copy_state, copy_segments, copy_whole)
       SELECT id, 'copy', 'done', 1, 0 FROM clips WHERE sequence % 2 = 0 ORDER BY id;
     INSERT INTO clip_nothings SELECT id, camera, sequence FROM clips WHERE kind <> 'bell' AND sequence % 50 = 0;`,
  );
  const held = Math.min(1_000, Math.floor(clips / 10));
  database
    .prepare(
      "INSERT INTO clip_holds SELECT id, 4000000000000, 4000000000000 FROM clips ORDER BY sequence LIMIT ?",
    )
    .run(held);
}

/** An entry for each clip, and two views of every tenth; with the nodes of the tree above them. */
function fillLedger(database: BetterSqlite3.Database): number {
  const restore = setAside(database, ["ledger_entries", "ledger_nodes"]);
  const insert = database.prepare(
    "INSERT INTO ledger_entries (idx, kind, at_ms, subject, entry, leaf_hash) VALUES (?, ?, ?, ?, ?, ?)",
  );
  const known = database
    .prepare<[], Uint8Array>("SELECT leaf_hash FROM ledger_entries ORDER BY idx")
    .pluck()
    .all();
  const leaves = Buffer.alloc((known.length + 2 * count(database, "clips")) * HASH_BYTES);
  let size = 0;
  const keep = (hash: Uint8Array): void => {
    leaves.set(hash, HASH_BYTES * size++);
  };
  known.forEach(keep);
  const append = (entry: LedgerEntry): void => {
    const bytes = canonicalJson(entry);
    const leaf = sha256(0, bytes);
    insert.run(size, entry.kind, entry.atMs, ledgerSubject(entry), bytes, leaf);
    keep(leaf);
  };
  forEachClip(database, ({ id, camera, kind, at }, number) => {
    const clip = parseClipId(id);
    append({
      ...{ v: 1, kind: "clip", atMs: at + 15_000, clip, camera: parseCameraId(camera) },
      ...{ event: kind, fromMs: at, toMs: at + 15_000, keyringHead: HEAD, files: [] },
    });
    for (let view = 0; number % 10 === 0 && view < 2; view += 1)
      append({ v: 1, kind: "view", atMs: at + 20_000, clip, device: DEVICE });
  });
  fillNodes(database, leaves.subarray(0, size * HASH_BYTES), known.length);
  restore();
  recountLedger(database);
  return size;
}

interface ClipFacts {
  readonly id: string;
  readonly camera: string;
  readonly kind: EventKind;
  readonly at: number;
}

function forEachClip(
  database: BetterSqlite3.Database,
  take: (clip: ClipFacts, number: number) => void,
): void {
  const rows = database.prepare<[number], ClipFacts & { readonly sequence: number }>(
    `SELECT id, camera, kind, started_at_ms AS at, sequence FROM clips
     WHERE sequence > ? ORDER BY sequence LIMIT 20000`,
  );
  let [number, after] = [0, 0];
  for (let page = rows.all(after); page.length > 0; page = rows.all(after))
    for (const clip of page) {
      take(clip, (number += 1));
      after = clip.sequence;
    }
}

/** @param known - Leaves whose nodes are there already. */
function fillNodes(database: BetterSqlite3.Database, leaves: Uint8Array, known: number): void {
  const insert = database.prepare("INSERT INTO ledger_nodes (level, idx, hash) VALUES (?, ?, ?)");
  for (let [level, below] = [1, leaves]; below.length > HASH_BYTES; level += 1) {
    const above = Buffer.alloc(Math.floor(below.length / HASH_BYTES / 2) * HASH_BYTES);
    for (let at = 0; at * HASH_BYTES < above.length; at += 1) {
      const pair = below.subarray(2 * at * HASH_BYTES, 2 * (at + 1) * HASH_BYTES);
      const hash = sha256(1, pair);
      above.set(hash, at * HASH_BYTES);
      if (at >= Math.floor(known / 2 ** level)) insert.run(level, at, hash);
    }
    below = above;
  }
}

function fillRequests(
  database: BetterSqlite3.Database,
  { newestAtMs }: { readonly newestAtMs: number },
): number {
  const columns = database
    .prepare<[], string>("SELECT name FROM pragma_table_info('requests')")
    .pluck()
    .all();
  const made: Readonly<Record<string, string>> = {
    id: "printf('%032x', 4096 + n)",
    record: "replace(record, requests.id, printf('%032x', 4096 + n))",
    status_token: "printf('%064x', n)",
    received_at_ms: "CAST(@newestAtMs AS INTEGER) - n * 3600000",
    state: "'refused'",
    outcome: "'refused'",
  };
  const values = columns.map((name) => made[name] ?? name);
  database
    .prepare(
      `WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 5000)
       INSERT INTO requests (${columns.join(", ")}) SELECT ${values.join(", ")}
       FROM numbers JOIN requests WHERE requests.id IN (SELECT id FROM requests LIMIT 1)`,
    )
    .run({ newestAtMs });
  return count(database, "requests");
}

function fillNotices(
  database: BetterSqlite3.Database,
  { clips, newestAtMs }: { readonly clips: number; readonly newestAtMs: number },
): number {
  database
    .prepare(
      `WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < @last)
       INSERT INTO notices (id, kind, at_ms, expires_at_ms, camera, clip)
       SELECT printf('%032x', n), 'motion', CAST(@newestAtMs AS INTEGER) - n * 60000,
         CAST(@newestAtMs AS INTEGER) + 600000000, 'front', printf('%032x', CAST(@clips AS INTEGER) - n)
       FROM numbers`,
    )
    .run({ last: Math.min(1_900, clips - 1), clips, newestAtMs });
  return count(database, "notices");
}

/** Rows are written faster without what is kept of each; it is made again afterwards. */
function setAside(database: BetterSqlite3.Database, tables: readonly string[]): () => void {
  const kept = database
    .prepare<[string], { readonly name: string; readonly type: string; readonly sql: string }>(
      `SELECT name, type, sql FROM sqlite_schema WHERE type IN ('index', 'trigger')
       AND sql IS NOT NULL AND tbl_name IN (SELECT value FROM json_each(?))`,
    )
    .all(JSON.stringify(tables));
  for (const { name, type } of kept) database.exec(`DROP ${type} "${name}"`);
  return () => {
    for (const { sql } of kept) database.exec(sql);
  };
}

/** What triggers count while rows come one by one. */
function recount(database: BetterSqlite3.Database): void {
  database.exec(`DELETE FROM clip_hours;
    INSERT INTO clip_hours (hour, camera, kind, count)
    SELECT started_at_ms / 3600000, camera, kind, count(*) FROM clips GROUP BY 1, 2, 3;
    DELETE FROM clip_counts;
    INSERT INTO clip_counts (state, count) SELECT state, count(*) FROM clips GROUP BY state;
    INSERT INTO retention_count (id, counted_ms) VALUES (1, 0) ON CONFLICT (id) DO NOTHING;
    UPDATE retention_count SET taken_in_below = (SELECT max(sequence) + 1 FROM clips),
      counted_ms = (SELECT max(counted_ms) FROM clip_retention);
    UPDATE clip_retention_used SET size_bytes = (SELECT sum(size_bytes) FROM clip_retention);`);
}

function recountLedger(database: BetterSqlite3.Database): void {
  database.exec(`DELETE FROM ledger_counts;
    INSERT INTO ledger_counts (name, count) SELECT
      CASE WHEN kind = 'decision' THEN 'decision ' || json_extract(CAST(entry AS TEXT), '$.outcome')
        ELSE kind END AS name, count(*) FROM ledger_entries GROUP BY name;`);
}

function count(database: BetterSqlite3.Database, table: string): number {
  return database.prepare<[], number>(`SELECT count(*) FROM ${table}`).pluck().get() ?? 0;
}

/** Hash of a leaf (0) or a node (1) of the tree of RFC 6962. */
function sha256(prefix: 0 | 1, bytes: Uint8Array): Uint8Array {
  return createHash("sha256").update(Uint8Array.of(prefix)).update(bytes).digest();
}
