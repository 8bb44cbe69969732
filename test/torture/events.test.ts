import { expect, test } from "vitest";
import { routesOf } from "../support/routes.ts";
import { startTestHub } from "../support/test-hub.ts";
import { LISTS, listUrls, NO_LISTS } from "./events-lists.ts";
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

interface Operation {
  readonly parameters?: readonly { readonly in: string; readonly name: string }[];
}

test("every route that is read is one of those lists, with each of its filters, or named as none", async () => {
  await using hub = await startTestHub();
  const read = routesOf(hub.hub.server).filter(
    ({ method }) => method === "GET" || method === "HEAD",
  );
  const named = [...Object.keys(LISTS), ...Object.keys(NO_LISTS)];
  expect(named.toSorted()).toEqual([...new Set(read.map(({ url }) => url))].toSorted());

  const answer = await hub.call("GET", "/api/openapi.json");
  const { paths } = answer.json<{ paths: Record<string, { readonly get?: Operation }> }>();
  const asked = listUrls(1_000, Date.now()).map((url) => new URL(url, hub.hub.url));
  for (const [route, queries] of Object.entries(LISTS)) {
    const operation = paths[route.replaceAll(/:([a-z]+)/g, "{$1}")]?.get;
    expect(operation, route).toBeDefined();
    const filters = (operation?.parameters ?? []).filter((each) => each.in === "query");
    const used = queries({ clips: 1, middle: 1, midMs: 1, clip: "c" }).flatMap((query) => [
      ...new URLSearchParams(query).keys(),
    ]);
    expect(new Set(used), route).toEqual(new Set(filters.map(({ name }) => name)));
  }
  expect(asked.some(({ pathname }) => pathname.includes(":"))).toBe(false);
});
