import { copyFileSync, mkdirSync, readdirSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openDatabase, type HubDatabase } from "../../src/base/database.ts";
import { ClipTimeline } from "../../src/clips/timeline.ts";
import type { ClipList } from "../../src/protocol/api.ts";
import { HOUR_MS, TIMELINE_ROWS_MAX } from "../../src/protocol/api-timeline.ts";
import { parseCameraId } from "../../src/protocol/ids.ts";
import type { Static } from "typebox";
import { projectRoot } from "../support/requirements.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { firstClip, startTestHub, type TestHub } from "../support/test-hub.ts";

let hub: TestHub;
beforeAll(async () => {
  hub = await startTestHub({ clips: 3 });
});
afterAll(() => hub[Symbol.asyncDispose]());

const get = (url: string, headers: Record<string, string> = {}) =>
  hub.call("GET", url, { as: hub.owner, headers });
const idsOf = async (query: string): Promise<string[]> =>
  (await get(`/api/clips?${query}`)).json<Static<typeof ClipList>>().clips.map(({ id }) => id);

function insertClip(
  database: HubDatabase,
  clip: { id: string; camera?: string; kind?: string; startedAtMs: number },
): void {
  const { id, camera = "front", kind = "motion", startedAtMs } = clip;
  database
    .prepare(
      `INSERT INTO clips (id, camera, kind, why, event_at_ms, started_at_ms, ended_at_ms, state,
         keyring_head, keyring_epoch, entry_index)
       VALUES (?, ?, ?, '{}', ?, ?, ?, 'closed', ?, 0, 0)`,
    )
    .run(id, camera, kind, startedAtMs, startedAtMs, startedAtMs, "0".repeat(64));
}

const idOf = (number: number): string => number.toString(16).padStart(32, "0");

/** What `clip_hours` must say, counted one by one. */
function counted(database: HubDatabase): unknown[] {
  return database
    .prepare(
      `SELECT started_at_ms / ${HOUR_MS} AS hour, camera, kind, count(*) AS count FROM clips
       GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`,
    )
    .all();
}
const kept = (database: HubDatabase): unknown[] =>
  database.prepare("SELECT * FROM clip_hours ORDER BY hour, camera, kind").all();

describe("the hours", () => {
  test("are told with what began in them, and with a tag for who has them already", async () => {
    const { startedAtMs, camera } = hub.hub.services.clips.get(firstClip(hub)) ?? {};
    const answer = await get("/api/timeline");
    expect(answer.json()).toMatchObject({ cameras: [camera], kinds: ["motion"] });
    const { hours, newestAtMs, next } = answer.json<{
      hours: number[][];
      newestAtMs: number;
      next: null;
    }>();
    expect(hours.reduce((sum, [, , , count]) => sum + (count ?? 0), 0)).toBe(3);
    expect(hours.map(([hour]) => hour)).toContain(Math.floor((startedAtMs ?? 0) / HOUR_MS));
    expect(newestAtMs).toBeGreaterThanOrEqual(startedAtMs ?? Infinity);
    expect(next).toBeNull();
    const etag = String(answer.headers["etag"]);
    const same = await get("/api/timeline", { "if-none-match": etag });
    expect([same.statusCode, same.body]).toEqual([304, ""]);
    await hub.record();
    const changed = await get("/api/timeline", { "if-none-match": etag });
    expect(changed.statusCode).toBe(200);
    expect(changed.headers["etag"]).not.toBe(etag);
    for (const wrong of ["limit=1", `limit=${TIMELINE_ROWS_MAX + 1}`, "before=-1", "before=x"])
      expect((await get(`/api/timeline?${wrong}`)).statusCode, wrong).toBe(422);
  });

  test("stay right whatever happens to clips: added, removed, changed, undone", async () => {
    await using folder = temporaryFolder();
    await using database = openDatabase(path.join(folder.path, "doorward.db"));
    let random = 1;
    const next = (below: number): number => {
      random = (random * 48_271) % 2_147_483_647;
      return random % below;
    };
    for (let step = 0; step < 600; step += 1) {
      const id = idOf(next(60));
      const camera = ["front", "back"][next(2)] ?? "front";
      const kind = ["bell", "motion"][next(2)] ?? "bell";
      const startedAtMs = next(5) * HOUR_MS + next(2) * (HOUR_MS - 1);
      const work = database.transaction(() => {
        const isThere = database.prepare("SELECT 1 FROM clips WHERE id = ?").get(id) !== undefined;
        if (!isThere) insertClip(database, { id, camera, kind, startedAtMs });
        else if (next(2) === 0) database.prepare("DELETE FROM clips WHERE id = ?").run(id);
        else
          database
            .prepare(
              "UPDATE clips SET started_at_ms = ?, ended_at_ms = ?, camera = ?, kind = ? WHERE id = ?",
            )
            .run(startedAtMs, startedAtMs, camera, kind, id);
        if (next(5) === 0) throw new Error("undone");
      });
      try {
        work();
      } catch (error) {
        if (!(error instanceof Error && error.message === "undone")) throw error;
      }
      expect(kept(database)).toEqual(counted(database));
    }
    expect(kept(database).length).toBeGreaterThan(5);
    database.exec("DELETE FROM clips");
    expect(kept(database)).toEqual([]);
  });

  test("of clips that were there before are filled in", async () => {
    await using folder = temporaryFolder();
    const older = path.join(folder.path, "migrations");
    const own = path.join(projectRoot, "src/base/migrations");
    mkdirSync(older);
    for (const name of readdirSync(own).filter((each) => each < "0071"))
      copyFileSync(path.join(own, name), path.join(older, name));
    const file = path.join(folder.path, "doorward.db");
    {
      await using database = openDatabase(file, { migrationsFolder: older });
      for (let number = 0; number < 50; number += 1)
        insertClip(database, { id: idOf(number), startedAtMs: number * 1_000_000 });
    }
    await using database = openDatabase(file);
    expect(kept(database)).toEqual(counted(database));
    expect(kept(database).length).toBe(14);
  });

  test("come in pages that never cut one in two", async () => {
    await using folder = temporaryFolder();
    await using database = openDatabase(path.join(folder.path, "doorward.db"));
    for (let number = 0; number < 40; number += 1)
      insertClip(database, {
        id: idOf(number),
        camera: `cam-${number % 3}`,
        startedAtMs: Math.floor(number / 4) * HOUR_MS,
      });
    const timeline = new ClipTimeline(database);
    const found: string[] = [];
    for (let before: number | null = Number.MAX_SAFE_INTEGER; before !== null;) {
      const page = timeline.hours(before, 7);
      for (const [hour, camera, kind, count] of page.hours)
        found.push(`${hour} ${page.cameras[camera]} ${page.kinds[kind]} ${count}`);
      before = page.next;
    }
    const all = timeline.hours(Number.MAX_SAFE_INTEGER, 1_000);
    expect(found).toEqual(
      all.hours.map(
        ([hour, camera, kind, count]) =>
          `${hour} ${all.cameras[camera]} ${all.kinds[kind]} ${count}`,
      ),
    );
    expect(found).toHaveLength(30);
  });
});

describe("a window of clips", () => {
  test("is in the order of time both ways, stable, and page by page the same as whole", async () => {
    await using folder = temporaryFolder();
    await using database = openDatabase(path.join(folder.path, "doorward.db"));
    const clips = [...Array(60).keys()].map((number) => ({
      id: idOf(number),
      camera: ["front", "back"][number % 2] ?? "front",
      kind: ["bell", "motion", "person"][number % 3] ?? "bell",
      // Out of order, with several in one millisecond.
      startedAtMs: ((number * 7) % 20) * 1_000,
    }));
    for (const clip of clips) insertClip(database, clip);
    const timeline = new ClipTimeline(database);
    const expected = clips
      .map((clip, sequence) => ({ ...clip, sequence }))
      .toSorted((a, b) => b.startedAtMs - a.startedAtMs || b.sequence - a.sequence);
    const ids = (query: Partial<Parameters<typeof timeline.window>[0]>): string[] =>
      timeline.window({ limit: 500, ...query }).map(({ id }) => id);
    expect(ids({})).toEqual(expected.map(({ id }) => id));
    expect(ids({ oldestFirst: true })).toEqual(expected.map(({ id }) => id).toReversed());
    const paged = [0, 25, 50, 75].flatMap((offset) => ids({ limit: 25, offset }));
    expect(paged).toEqual(expected.map(({ id }) => id));
    const some = { fromMs: 3_000, toMs: 9_000 };
    const inside = expected.filter((each) => each.startedAtMs >= 3_000 && each.startedAtMs < 9_000);
    expect(ids(some)).toEqual(inside.map(({ id }) => id));
    const [camera, kind] = [parseCameraId("back"), "bell"] as const;
    const of = (check: (each: (typeof clips)[number]) => boolean) =>
      inside.filter(check).map(({ id }) => id);
    expect(ids({ ...some, camera })).toEqual(of((each) => each.camera === "back"));
    expect(ids({ ...some, kind })).toEqual(of((each) => each.kind === "bell"));
    expect(ids({ ...some, camera, kind })).toEqual(
      of((each) => each.camera === "back" && each.kind === "bell"),
    );
  });

  test("is asked for by time, camera and kind; going by arrival stays as it was", async () => {
    const all = await idsOf("order=newest");
    expect(all).toHaveLength(hub.clips.length);
    expect(await idsOf("order=oldest")).toEqual(all.toReversed());
    expect(await idsOf("offset=1&limit=1")).toEqual(all.slice(1, 2));
    expect(await idsOf("kind=bell")).toEqual([]);
    expect(await idsOf("kind=motion&camera=nowhere")).toEqual([]);
    expect(await idsOf("toMs=0")).toEqual([]);
    const page = (await get("/api/clips?limit=2")).json<Static<typeof ClipList>>();
    expect(page.clips).toHaveLength(2);
    expect(await idsOf(`limit=500&before=${page.next}`)).toHaveLength(hub.clips.length - 2);
    for (const wrong of [
      "before=3&fromMs=1",
      "kind=face",
      "camera=..",
      "offset=-1",
      "limit=501",
      "order=up",
      "fromMs=x",
    ])
      expect((await get(`/api/clips?${wrong}`)).statusCode, wrong).toBe(422);
  });
});
