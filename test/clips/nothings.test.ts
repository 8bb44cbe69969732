import { cpSync, readdirSync, rmSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { openDatabase, type HubDatabase } from "../../src/base/database.ts";
import { projectRoot } from "../support/requirements.ts";
import { temporaryFolder } from "../support/temporary.ts";

const MIGRATIONS = path.join(projectRoot, "src/base/migrations");
const idOf = (number: number): string => number.toString(16).padStart(32, "0");

function addClips(database: HubDatabase): void {
  const insert = database.prepare(
    `INSERT INTO clips (id, camera, kind, why, event_at_ms, started_at_ms, state, keyring_head,
       keyring_epoch) VALUES (?, ?, 'motion', '{}', 0, 0, 'recording', ?, 0)`,
  );
  for (const number of [1, 2, 3, 4])
    insert.run(idOf(number), number % 2 ? "front" : "back", "0".repeat(64));
}

test("marks of before have a place, and go with their clip", async () => {
  await using folder = temporaryFolder();
  const before = path.join(folder.path, "migrations");
  cpSync(MIGRATIONS, before, { recursive: true });
  for (const name of readdirSync(before)) if (name >= "0169") rmSync(path.join(before, name));
  const file = path.join(folder.path, "hub.db");
  {
    await using database = openDatabase(file, { migrationsFolder: before });
    addClips(database);
    for (const number of [3, 4])
      database.prepare("INSERT INTO clip_nothings (clip) VALUES (?)").run(idOf(number));
  }
  await using database = openDatabase(file);
  const marks = database.prepare("SELECT * FROM clip_nothings ORDER BY sequence");
  expect(marks.all()).toEqual([
    { clip: idOf(3), camera: "front", sequence: 3 },
    { clip: idOf(4), camera: "back", sequence: 4 },
  ]);
  database.prepare("DELETE FROM clips WHERE id = ?").run(idOf(3));
  expect(marks.all()).toHaveLength(1);
});
