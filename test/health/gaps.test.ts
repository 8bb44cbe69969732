import path from "node:path";
import { describe, expect, test } from "vitest";
import { openDatabase } from "../../src/base/database.ts";
import { GapCount, type Watched } from "../../src/hub/health-gaps.ts";
import { temporaryFolder } from "../support/temporary.ts";

const HOUR_MS = 3_600_000;
const STEP_MS = 15_000;

/** A count whose clocks move only here. */
async function counting() {
  const folder = temporaryFolder();
  const database = openDatabase(path.join(folder.path, "doorward.db"));
  const clock = { nowMs: Date.UTC(2026, 10, 22, 10), upMs: 0 };
  const begin = () => new GapCount({ database, nowMs: () => clock.nowMs, upMs: () => clock.upMs });
  const counts = { now: begin() };
  return {
    clock,
    database,
    of: () => counts.now.of("front"),
    keep: () => counts.now.keep(),
    keepOnly: (cameras: readonly string[]) => counts.now.keepOnly(cameras),
    restart: () => {
      clock.upMs = 0;
      counts.now = begin();
    },
    spend: (ms: number, as: Watched) => {
      counts.now.note("front", as);
      for (let spent = 0; spent < ms; spent += STEP_MS) {
        clock.nowMs += STEP_MS;
        clock.upMs += STEP_MS;
        counts.now.note("front", as);
        counts.now.tick();
      }
    },
    rows: () => database.prepare("SELECT count(*) FROM camera_gaps").pluck().get(),
    [Symbol.asyncDispose]: async () => {
      database.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

describe("how long a camera showed nothing", () => {
  test("counts while it should have shown something, and not while it was off", async () => {
    await using count = await counting();
    count.spend(HOUR_MS, "pictures");
    count.spend(5 * 60_000, "gap");
    count.spend(HOUR_MS, "off");
    count.spend(60_000, "pictures");
    expect(count.of()).toEqual({ watchedMs: HOUR_MS + 6 * 60_000, gapMs: 5 * 60_000 });
  });

  test("is forgotten after a day, on the disk too", async () => {
    await using count = await counting();
    count.spend(10 * 60_000, "gap");
    count.spend(22 * HOUR_MS, "pictures");
    expect(count.of().gapMs).toBe(10 * 60_000);
    count.spend(3 * HOUR_MS, "pictures");
    expect(count.of().gapMs).toBe(0);
    count.keep();
    expect(count.rows()).toBeLessThanOrEqual(25);
  });

  test("outlives a restart, but for what a sleeping machine did not watch", async () => {
    await using count = await counting();
    count.spend(20 * 60_000, "gap");
    count.keep();
    count.restart();
    expect(count.of()).toEqual({ watchedMs: 20 * 60_000, gapMs: 20 * 60_000 });
    count.spend(STEP_MS, "gap");
    count.clock.upMs += 8 * HOUR_MS;
    count.clock.nowMs += 8 * HOUR_MS;
    count.spend(STEP_MS, "pictures");
    expect(count.of().gapMs).toBe(20 * 60_000 + STEP_MS + 60_000);
  });

  test("is not what a clock says that jumps, and leaves no hour behind that never comes", async () => {
    await using count = await counting();
    count.clock.nowMs += 11 * 366 * 24 * HOUR_MS;
    count.spend(60_000, "gap");
    count.keep();
    count.clock.nowMs = Date.UTC(2026, 10, 22, 10);
    count.spend(60_000, "pictures");
    expect(count.of()).toEqual({ watchedMs: 60_000, gapMs: 0 });
    count.keep();
    expect(count.rows()).toBe(1);
  });

  test("goes with its camera", async () => {
    await using count = await counting();
    count.spend(60_000, "gap");
    count.keep();
    count.keepOnly(["garden"]);
    count.keep();
    expect([count.rows(), count.of().watchedMs]).toEqual([0, 0]);
  });
});
