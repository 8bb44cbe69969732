import path from "node:path";
import BetterSqlite3 from "better-sqlite3";
import type { TestHub } from "./test-hub.ts";

const CAMERAS = ["front", "garden", "garage"];
const KINDS = ["motion", "motion", "person", "bell", "vehicle", "animal", "package"];

/**
 * Writes closed clips without files into a test hub's database: more than could be recorded in a
 * test. By day there are more than by night.
 *
 * @returns UTC of the oldest.
 */
export function insertEvents(
  { dataDirectory }: TestHub,
  options: { readonly count: number; readonly newestAtMs: number; readonly days: number },
): number {
  const { count, newestAtMs, days } = options;
  const database = new BetterSqlite3(path.join(dataDirectory, "doorward.db"));
  try {
    const insert = database.prepare(
      `INSERT INTO clips (id, camera, kind, why, event_at_ms, started_at_ms, ended_at_ms, state,
         keyring_head, keyring_epoch, entry_index)
       VALUES (?, ?, ?, ?, ?, ?, ?, 'closed', ?, 1, 0)`,
    );
    const head = "0".repeat(64);
    const why = JSON.stringify({ kind: "motion", zone: "door", areaShare: 0.1, score: 1 });
    const stepMs = (days * 86_400_000) / count;
    let oldestMs = newestAtMs;
    database.transaction(() => {
      for (let index = count - 1; index >= 0; index -= 1) {
        const evenMs = newestAtMs - index * stepMs;
        const inDay = (evenMs % 86_400_000) / 86_400_000;
        const startedAtMs = Math.round(evenMs + Math.sin(inDay * 2 * Math.PI) * 10_000_000);
        const bounded = Math.min(startedAtMs, newestAtMs);
        oldestMs = Math.min(oldestMs, bounded);
        insert.run(
          index.toString(16).padStart(32, "0"),
          CAMERAS[index % CAMERAS.length],
          KINDS[index % KINDS.length],
          ...[why, bounded + 10_000, bounded, bounded + 15_000 + (index % 90) * 1_000, head],
        );
      }
    })();
    return oldestMs;
  } finally {
    database.close();
  }
}
