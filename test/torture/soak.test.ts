import { expect, test } from "vitest";
import { missingCommands } from "../support/requirements.ts";
import { group, slopePerHour, soak, soakResults, type Look } from "./soak.ts";

const HOUR_MS = 3_600_000;

/** Looks of an hour, a minute apart. */
function looks(of: (minute: number) => Partial<Look>): Look[] {
  return Array.from({ length: 60 }, (_, minute) => ({
    ...{ atMs: minute * 60_000, heapBytes: 40_000_000, descriptors: 80, children: 4 },
    ...of(minute),
  }));
}

function failing(found: Partial<Parameters<typeof soakResults>[0]>): string[] {
  const whole = { looks: looks(() => ({})), writtenBytes: 190e6, mediaBytes: 110e6, clips: 1 };
  return soakResults({ ...whole, ...found })
    .filter(({ holds }) => !holds)
    .map(({ name }) => name);
}

test("what grows, stays open or is written twice is found", () => {
  expect(failing({})).toEqual([]);
  const leak = (minute: number) => ({ heapBytes: 40_000_000 + minute * 20_000 });
  expect(failing({ looks: looks(leak) })).toEqual(["soak.heap"]);
  expect(failing({ looks: looks((minute) => ({ descriptors: 80 + minute })) })).toEqual([
    "soak.descriptors",
  ]);
  expect(failing({ looks: looks((minute) => ({ children: minute < 50 ? 4 : 5 })) })).toEqual([
    "soak.descriptors",
  ]);
  expect(failing({ writtenBytes: 200e6 })).toEqual(["soak.written"]);
  expect(failing({ mediaBytes: 0 })).toEqual(["soak.written"]);
  const line = [0, 1, 2].map((hour) => ({ atMs: hour * HOUR_MS, value: 5 + hour * 7 }));
  expect(slopePerHour(line)).toBeCloseTo(7);
});

test.skipIf(missingCommands(...group.needs))(
  "a hub that records for a minute keeps its descriptors and children",
  { timeout: 400_000 },
  async () => {
    const found = await soak({
      ...{ durationMs: 60_000, looks: 20, say: () => undefined },
      signal: AbortSignal.timeout(390_000),
    });
    expect(found.mediaBytes).toBeGreaterThan(0);
    expect(found.looks.every(({ heapBytes }) => heapBytes > 0)).toBe(true);
    expect(soakResults(found).filter(({ holds }) => !holds)).toEqual([]);
  },
);
