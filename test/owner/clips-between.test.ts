import { describe, expect, test } from "vitest";
import { clipsBetween } from "../../src/owner/clips-between.ts";
import type { HubClient } from "../../src/owner/hub-client.ts";
import type { ClipSummary } from "../../src/protocol/api.ts";

const MINUTE_MS = 60_000;

/** A hub with a clip a minute, and how often it was asked. */
function hubWith(clips: readonly ClipSummary[]): Pick<HubClient, "get"> & { asked: number } {
  const hub = {
    asked: 0,
    get: async (path: string) => {
      hub.asked += 1;
      const query = new URL(path, "http://hub").searchParams;
      const before = Number(query.get("before") ?? clips.length + 1);
      const limit = Number(query.get("limit"));
      const older = clips.slice(0, before - 1).toReversed();
      const page = older.slice(0, limit);
      const next = older.length > limit ? before - page.length : null;
      return { clips: page, next };
    },
  };
  return hub as unknown as Pick<HubClient, "get"> & { asked: number };
}

function clipAt(minute: number, changes: Partial<ClipSummary> = {}): ClipSummary {
  return {
    id: minute.toString(16).padStart(32, "0"),
    ...{ camera: minute % 2 === 0 ? "front" : "gate", kind: "motion", state: "closed" },
    ...{ startedAtMs: minute * MINUTE_MS, durationMs: 30_000 },
    ...{ renditions: ["original"], segments: 8 },
    ...changes,
  };
}
const minutes = (count: number): ClipSummary[] =>
  Array.from({ length: count }, (_, minute) => clipAt(minute));
const range = (from: number, to: number) => ({
  fromMs: from * MINUTE_MS,
  toMs: to * MINUTE_MS,
});
const startsOf = (clips: readonly ClipSummary[]): number[] =>
  clips.map(({ startedAtMs }) => startedAtMs / MINUTE_MS);

describe("clips between two times", () => {
  test("are those that overlap, oldest first", async () => {
    const { clips, isAll } = await clipsBetween(hubWith(minutes(100)), range(10.25, 13), null);
    expect(startsOf(clips)).toEqual([10, 11, 12]);
    expect(isAll).toBe(true);
  });

  test("are of the cameras that were named", async () => {
    const { clips } = await clipsBetween(hubWith(minutes(100)), range(10, 14), ["gate"]);
    expect(startsOf(clips)).toEqual([11, 13]);
  });

  test("are found among a hundred thousand without reading them all", async () => {
    const hub = hubWith(minutes(100_000));
    const { clips } = await clipsBetween(hub, range(30_000, 30_003), null);
    expect(startsOf(clips)).toEqual([30_000, 30_001, 30_002]);
    expect(hub.asked).toBeLessThan(20);
  });

  test("include one that is still recorded, and one that a clock set back put out of order", async () => {
    const clips = [...minutes(50), clipAt(20.5), clipAt(60, { state: "recording", durationMs: 0 })];
    expect(startsOf((await clipsBetween(hubWith(clips), range(20, 21), null)).clips)).toEqual([
      20, 20.5,
    ]);
    expect(startsOf((await clipsBetween(hubWith(clips), range(70, 80), null)).clips)).toEqual([60]);
  });

  test("say where there are more than can be shown", async () => {
    const { clips, isAll } = await clipsBetween(hubWith(minutes(3_000)), range(0, 3_000), null);
    expect(clips).toHaveLength(1_000);
    expect(isAll).toBe(false);
  });

  test("end also where a hub gives the same page again and again", async () => {
    const page = { clips: [clipAt(5)], next: 7 };
    const stuck = { get: async () => page } as unknown as Pick<HubClient, "get">;
    expect((await clipsBetween(stuck, range(0, 10), null)).clips.length).toBeLessThan(3);
  });
});
