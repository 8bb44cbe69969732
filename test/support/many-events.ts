import path from "node:path";
import BetterSqlite3 from "better-sqlite3";
import type { TestHub } from "./test-hub.ts";

/**
 * Writes closed clips without files into a test hub's database: more than could be recorded in a
 * test. By day there are more than by night. One in three is of the camera `garden`, one in seven a
 * bell's.
 */
export function insertEvents(
  { dataDirectory }: TestHub,
  options: {
    readonly count: number;
    readonly newestAtMs: number;
    readonly days: number;
    /** In place of `front`. */
    readonly first?: string;
  },
): void {
  const { count, newestAtMs, days, first = "front" } = options;
  const database = new BetterSqlite3(path.join(dataDirectory, "doorward.db"));
  try {
    // A test's own folder: nothing is lost with it.
    database.pragma("synchronous = OFF");
    // Room to sort what the indexes are made of, instead of files for a moment.
    database.pragma("temp_store = MEMORY");
    database.pragma("cache_size = -262144");
    database.pragma("threads = 2");
    database.transaction(() => {
      const rebuild = setAside(database);
      database
        .prepare(
          `WITH RECURSIVE
             numbers (n) AS (SELECT CAST(@count AS INTEGER) - 1 UNION ALL SELECT n - 1 FROM numbers WHERE n > 0),
             times (n, even) AS (SELECT n, CAST(@newestAtMs - n * @stepMs AS INTEGER) FROM numbers),
             -- Moved towards noon by up to three hours.
             moved (n, start) AS (
               SELECT n, min(CAST(@newestAtMs AS INTEGER), even + (43200000 - abs(even % 86400000 - 43200000)) / 4)
               FROM times)
           INSERT INTO clips (id, camera, kind, why, event_at_ms, started_at_ms, ended_at_ms, state,
             keyring_head, keyring_epoch, entry_index)
           SELECT printf('%032x', n),
             CASE n % 3 WHEN 0 THEN @first WHEN 1 THEN 'garden' ELSE 'garage' END,
             CASE n % 7 WHEN 2 THEN 'person' WHEN 3 THEN 'bell' WHEN 4 THEN 'vehicle'
               WHEN 5 THEN 'animal' WHEN 6 THEN 'package' ELSE 'motion' END,
             @why, start + 10000, start, start + 15000 + n % 90 * 1000, 'closed', @head, 1, 0
           FROM moved`,
        )
        .run({
          ...{
            count,
            newestAtMs,
            first,
            stepMs: (days * 86_400_000) / count,
            head: "0".repeat(64),
          },
          why: JSON.stringify({ kind: "motion", zone: "door", areaShare: 0.1, score: 1 }),
        });
      rebuild();
    })();
  } finally {
    database.close();
  }
}

/** A million rows are written faster without what is kept of each; it is made again afterwards. */
function setAside(database: BetterSqlite3.Database): () => void {
  const kept = database
    .prepare<[], { readonly name: string; readonly type: string; readonly sql: string }>(
      `SELECT name, type, sql FROM sqlite_schema
       WHERE tbl_name = 'clips' AND type IN ('index', 'trigger') AND sql IS NOT NULL`,
    )
    .all();
  for (const { name, type } of kept) database.exec(`DROP ${type} "${name}"`);
  return () => {
    for (const { sql } of kept) database.exec(sql);
    database.exec(`DELETE FROM clip_hours;
      INSERT INTO clip_hours (hour, camera, kind, count)
      SELECT started_at_ms / 3600000, camera, kind, count(*) FROM clips GROUP BY 1, 2, 3`);
  };
}
