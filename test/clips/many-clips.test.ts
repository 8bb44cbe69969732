import { expect, test } from "vitest";
import { openDatabase } from "../../src/base/database.ts";
import {
  planDeletions,
  planFromOldest,
  type RetentionClip,
} from "../../src/clips/retention-plan.ts";
import { sayRecovery } from "../../src/hub/recovery.ts";
import { parseClipId } from "../../src/protocol/ids.ts";

const idOf = (number: number) => parseClipId(number.toString(16).padStart(32, "0"));

function clipsOf(count: number, of: (number: number) => Partial<RetentionClip>): RetentionClip[] {
  return Array.from({ length: count }, (_, number) => ({
    ...{ clip: idOf(number), sequence: number, class: "motion", ageMs: count - number },
    ...{ sizeBytes: 10, keep: null, goesInMs: null },
    ...of(number),
  }));
}

test.each<[string, (number: number) => Partial<RetentionClip>, number, number]>([
  ["nothing goes", () => ({}), 1e9, 0],
  ["a few go", () => ({}), 2_950, 0],
  ["most go", () => ({}), 10, 0],
  ["the oldest are held", (number) => ({ keep: number < 700 ? "held" : null }), 1_500, 0],
  ["there is no room", (number) => ({ class: number % 3 === 0 ? "bell" : "motion" }), 1e9, 25_000],
  ["one newer was deleted", (number) => ({ goesInMs: number === 2_999 ? 5 : null }), 1_000, 0],
])("a plan from the oldest is the plan from all: %s", (_, of, motionMs, missingBytes) => {
  const all = clipsOf(3_000, of);
  const rules = { motionMs, bellMs: 1e12, spaceBytes: null };
  const planOf = (clips: readonly RetentionClip[]) =>
    planDeletions({ clips, rules, usedBytes: 30_000, missingBytes });
  const planned = planFromOldest(10_000, (count) => {
    const of = (name: string) => all.filter((clip) => clip.class === name).slice(0, count);
    const going = all.filter(({ goesInMs }) => goesInMs !== null);
    const clips = [...new Set([...of("motion"), ...of("bell"), ...going])];
    return { clips, planned: planOf(clips) };
  });
  expect(planned).toEqual(planOf(all));
});

test("counts of clips follow their rows", async () => {
  await using database = openDatabase(":memory:");
  const insert = database.prepare(
    `INSERT INTO clips (id, camera, kind, why, event_at_ms, started_at_ms, state, keyring_head,
       keyring_epoch) VALUES (?, 'front', 'motion', '{}', 0, 0, 'recording', ?, 0)`,
  );
  for (const number of [1, 2, 3]) insert.run(idOf(number), "0".repeat(64));
  database.exec("UPDATE clips SET state = 'torn', ended_at_ms = 1 WHERE sequence < 3");
  database.exec("DELETE FROM clips WHERE sequence = 1");
  const counted = database.prepare("SELECT state, count FROM clip_counts WHERE count > 0").all();
  expect(counted).toEqual(
    database.prepare("SELECT state, count(*) AS count FROM clips GROUP BY state").all(),
  );
});

test("a disk that is not there is said in a few lines", () => {
  const said: string[] = [];
  const missing = Array.from({ length: 20 }, (_, number) => ({ clip: idOf(number), name: "a" }));
  const more = { torn: 0, missing: 99_980 };
  sayRecovery({ torn: [], missing, more }, (_level, message) => said.push(message));
  expect(said).toHaveLength(21);
  expect(said.at(-1)).toContain("99980 more files are missing");
});
