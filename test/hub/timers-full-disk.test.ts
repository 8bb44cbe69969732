import { afterEach, expect, test, vi } from "vitest";
import { startTestHub } from "../support/test-hub.ts";

afterEach(() => {
  vi.useRealTimers();
});

test("a full disk ends nothing but the turn of the timer that met it", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  await using hub = await startTestHub();
  const { decisions, keyringDesk } = hub.hub.services;
  const full = (): never => {
    throw Object.assign(new Error("database or disk is full"), { code: "SQLITE_FULL" });
  };
  const settle = vi.spyOn(decisions, "settle").mockImplementation(full);
  const count = vi.spyOn(keyringDesk, "countTime").mockImplementation(full);
  // Thrown out of a timer of the hub's own process, it would end the recording.
  vi.advanceTimersByTime(20_000);
  expect(settle.mock.calls.length).toBeGreaterThan(1);
  expect(count.mock.calls.length).toBeGreaterThan(1);
  vi.useRealTimers();
  await vi.waitUntil(() => hub.log.filter((line) => /disk is full/i.test(line)).length > 2);
  expect(hub.log.join("\n")).toContain("requests not settled: database or disk is full");
  expect((await hub.call("GET", "/api/hub")).statusCode).toBe(200);
});
