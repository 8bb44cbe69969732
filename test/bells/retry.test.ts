import { expect, test, vi } from "vitest";
import { keepListening, RETRY_PASSWORD_MS } from "../../src/camera/bell/listening.ts";
import type { Listen } from "../../src/camera/bell/message.ts";
import { CameraError } from "../../src/camera/camera-error.ts";

/** Pauses that were asked for; none of them is waited for here. */
const pausesMs = vi.hoisted(() => [] as number[]);
vi.mock("node:timers/promises", () => ({
  setTimeout: async (durationMs: number) => {
    pausesMs.push(durationMs);
  },
}));

const QUIET = { state: () => undefined, message: () => undefined, contact: () => undefined };

/** @returns the pauses after each of the attempts, which end as `outcomes` say. */
async function pausesAfter(
  outcomes: readonly ("refused" | "heard, then refused" | "unreachable")[],
): Promise<number[]> {
  pausesMs.length = 0;
  const stop = new AbortController();
  const left = [...outcomes];
  const listen: Listen = async (events) => {
    const outcome = left.shift();
    if (left.length === 0) stop.abort();
    if (outcome === "heard, then refused") events.up();
    if (outcome === "unreachable") throw new CameraError("UNREACHABLE", "Cannot reach camera");
    throw new CameraError("WRONG_PASSWORD", "Cannot log in to camera");
  };
  await keepListening(listen, QUIET, stop.signal);
  return [...pausesMs];
}

/** Pauses vary by a quarter. */
function around(durationMs: number): unknown {
  return expect.toSatisfy(
    (found: number) => found >= durationMs * 0.75 && found <= durationMs * 1.25,
  );
}

test("a password that a camera refuses is not tried again for minutes: it locks accounts", async () => {
  const pauses = await pausesAfter(["refused", "refused", "refused"]);
  expect(pauses).toEqual([RETRY_PASSWORD_MS, RETRY_PASSWORD_MS, RETRY_PASSWORD_MS].map(around));
});

test("one that was good is tried once more at once, for a camera that has just begun anew", async () => {
  expect(
    await pausesAfter(["heard, then refused", "refused", "unreachable", "unreachable"]),
  ).toEqual([1_000, RETRY_PASSWORD_MS, 1_000, 2_000].map(around));
});

test("a camera that is not there is tried again soon, and ever more seldom", async () => {
  const pauses = await pausesAfter(Array<"unreachable">(7).fill("unreachable"));
  expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000].map(around));
});
