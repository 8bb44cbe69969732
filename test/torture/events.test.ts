import { expect, test } from "vitest";
import { eventsResults, listEvents } from "./events.ts";

/** Of the hub's own processor: how busy the machine is does not show in it. */
const CPU_MAX_MS = 250;

test("every list of a hub with 5,000 clips is answered, and takes little of its processor", async () => {
  const signal = AbortSignal.timeout(290_000);
  const found = await listEvents({ clips: 5_000, calls: 5, say: () => undefined, signal });
  expect(found.filled).toMatchObject({ clips: 5_000, requests: 5_001, held: 500 });
  expect(found.filled.entries).toBeGreaterThan(6_000);
  expect(found.lists.filter(({ status }) => status !== 200)).toEqual([]);
  expect(found.lists.filter(({ cpuMs }) => cpuMs > CPU_MAX_MS)).toEqual([]);
  expect(eventsResults(found).map(({ name }) => name)).toEqual(["events.lists", "events.start"]);
}, 300_000);
