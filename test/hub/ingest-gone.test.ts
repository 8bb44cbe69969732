import { expect, test } from "vitest";
import { startTestHub } from "../support/test-hub.ts";

test("the hub outlives its ingest process, also while it is speaking to it", async () => {
  await using hub = await startTestHub();
  const { ingest } = hub.hub;
  const first = ingest.pid ?? 0;
  process.kill(first, "SIGKILL");
  const statements = hub.hub.services.household.statements();
  // It is gone, and nothing of this process has run since that could have noticed: it counts as
  // connected, and every write to it fails.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
  for (let count = 0; count < 5; count += 1) ingest.send({ type: "keyring", statements });
  await expect.poll(() => ingest.restarts, { timeout: 10_000 }).toBe(1);
  await expect.poll(() => ingest.pid ?? first, { timeout: 10_000 }).not.toBe(first);
  await hub.admit("viewer");
  expect((await hub.call("GET", "/api/health", { as: hub.owner })).statusCode).toBe(200);
});
