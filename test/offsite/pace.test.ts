import { expect, test } from "vitest";
import { Pace } from "../../src/offsite/pace.ts";
import { pauseMs } from "../../src/offsite/pause.ts";

async function* parts(sizes: readonly number[]) {
  for (const size of sizes) yield new Uint8Array(size);
}

function watched(bytesPerSecond: number | null) {
  const clock = { nowMs: 5_000, slept: [] as number[] };
  const pace = new Pace(bytesPerSecond, {
    monotonicMs: () => clock.nowMs,
    sleep: async (ms) => {
      clock.slept.push(ms);
      clock.nowMs += ms;
    },
  });
  const send = async (...sizes: number[]) => {
    for await (const _part of pace.pass(parts(sizes), new AbortController().signal));
  };
  return { clock, pace, send };
}

test("bytes leave no faster than the rate, over all objects together", async () => {
  const { clock, pace, send } = watched(1_000);
  await send(500, 500);
  await send(1_000, 100);
  expect(clock.nowMs - 5_000).toBe(2_000);
  expect(pace.sentBytes).toBe(2_100);
});

test("what was not used in a pause is not caught up", async () => {
  const { clock, send } = watched(1_000);
  await send(1_000);
  clock.nowMs += 60_000;
  clock.slept = [];
  await send(1_000, 1_000);
  expect(clock.slept).toEqual([1_000]);
});

test("without a rate nothing waits, and whoever is stopped sends no more", async () => {
  const { clock, send } = watched(null);
  await send(1e6, 1e6);
  expect(clock.slept).toEqual([]);
  const stop = new AbortController();
  const pace = new Pace(10);
  const sent = (async () => {
    for await (const _part of pace.pass(parts([1_000, 1_000]), stop.signal)) stop.abort();
  })();
  await expect(sent).rejects.toThrow(/abort/);
  expect(pace.sentBytes).toBe(1_000);
});

test("the longer a place is away, the less often it is tried, at least every hour or so", () => {
  const mean = (failures: number) => pauseMs(failures, 900_000, 0.5) / 60_000;
  expect([0, 1, 2, 3, 4].map(mean)).toEqual([15, 1, 2, 4, 8]);
  expect([7, 20, 2_000].map(mean)).toEqual([60, 60, 60]);
  expect([0, 0.999].map((chance) => Math.round(pauseMs(1, 1, chance) / 1_000))).toEqual([45, 75]);
});
