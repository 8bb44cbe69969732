import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Courier } from "../../src/mailbox/courier.ts";
import { HubError } from "../../src/protocol/errors.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const MINUTE_MS = 60_000;

function courier(isWaiting = false) {
  const turns: number[] = [];
  const troubles: (string | null)[] = [];
  const line = { isCut: false };
  const made = new Courier({
    turn: async () => {
      turns.push(Date.now());
      if (line.isCut) throw new HubError("CARRIER_UNREACHABLE", "Cannot reach the mailbox");
    },
    isWaiting: () => isWaiting,
    onTrouble: (trouble) => troubles.push(trouble),
  });
  return { made, turns, troubles, line };
}

test("a line that is cut is tried ever more seldom, however often it is woken, and goes on by itself", async () => {
  const { made, turns, troubles, line } = courier();
  await using _ = made;
  line.isCut = true;
  made.start();
  await vi.advanceTimersByTimeAsync(10 * MINUTE_MS);
  const early = turns.length;
  expect(early).toBeGreaterThan(2);
  expect(early).toBeLessThan(6);
  for (let count = 0; count < 100; count += 1) made.wake();
  await vi.advanceTimersByTimeAsync(MINUTE_MS / 60);
  expect(turns.length - early).toBeLessThan(2);
  await vi.advanceTimersByTimeAsync(120 * MINUTE_MS);
  const gaps = turns.slice(1).map((atMs, index) => atMs - (turns[index] ?? 0));
  expect(Math.max(...gaps)).toBeLessThanOrEqual(15 * 1.25 * MINUTE_MS);
  expect(Math.max(...gaps)).toBeGreaterThan(11 * MINUTE_MS);
  line.isCut = false;
  await vi.advanceTimersByTimeAsync(20 * MINUTE_MS);
  expect(troubles.at(-1)).toBeNull();
  expect(troubles[0]).toContain("Cannot reach");
});

test("idle it looks every minute, while something waits four times as often, and at once when woken", async () => {
  for (const [isWaiting, perMinute] of [
    [false, 1],
    [true, 4],
  ] as const) {
    const { made, turns } = courier(isWaiting);
    made.start();
    await vi.advanceTimersByTimeAsync(30 * MINUTE_MS);
    expect(turns.length).toBeGreaterThan(30 * perMinute * 0.75);
    expect(turns.length).toBeLessThan(30 * perMinute * 1.4);
    const before = turns.length;
    made.wake();
    await vi.advanceTimersByTimeAsync(1);
    expect(turns.length).toBe(before + 1);
    await made[Symbol.asyncDispose]();
    await vi.advanceTimersByTimeAsync(10 * MINUTE_MS);
    expect(turns.length).toBe(before + 1);
  }
});
