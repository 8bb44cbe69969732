import { expect, test } from "vitest";
import { generateReader } from "../../src/owner/identity.ts";
import type { RequestSummary } from "../../src/protocol/api.ts";
import { approve, statusPath, typeRequest } from "../support/test-consent.ts";
import { firstClip, logInAgain, requireOk, type TestHub } from "../support/test-hub.ts";
import { removeAndRotate } from "../support/test-rewrap.ts";
import { revokeAs, startTwoOwners, summaryOf } from "../support/two-owners.ts";

const { recipient } = await generateReader("x25519");
const WINDOW_MS = 86_400_000;

const fetched = async (hub: TestHub, request: RequestSummary): Promise<number> =>
  (await hub.call("GET", statusPath(request))).statusCode;
const settle = (hub: TestHub): void => {
  hub.hub.services.decisions.settle();
};
const entriesOf = (hub: TestHub, request: RequestSummary): string[] =>
  hub.hub.services.ledger
    .entries()
    .map(({ entry }) => entry)
    .filter((entry) => "request" in entry && entry.request === request.record.request)
    .map(({ kind }) => kind);

test("what a device signed that was removed in the veto window never leaves, and the owners are told", async () => {
  await using hub = await startTwoOwners({ exportSigners: 1, vetoWindowMs: WINDOW_MS });
  const clip = firstClip(hub);
  const [stays, leaves] = [
    await typeRequest(hub, { recipient }),
    await typeRequest(hub, { recipient }),
  ];
  await approve(hub, stays, { clip, by: hub.partner });
  await approve(hub, leaves, { clip });
  const rest = { ...hub, owner: await removeAndRotate(hub, hub.partner.key.device) };
  const warned = async (): Promise<boolean> =>
    requireOk(await rest.call("GET", "/api/health", { as: rest.owner })).body.includes(
      "RELEASE_STUCK",
    );
  settle(rest);
  expect(await warned()).toBe(false);
  rest.clock.ranMs += WINDOW_MS;
  await logInAgain(rest);
  settle(rest);
  expect([await fetched(rest, stays), await fetched(rest, leaves)]).toEqual([404, 200]);
  const { state, leavesAtMs } = await summaryOf(rest, stays);
  expect([state, leavesAtMs, await warned()]).toEqual(["approved", undefined, true]);
  requireOk(await revokeAs(rest, stays, rest.owner));
  settle(rest);
  expect([entriesOf(rest, stays), await warned()]).toEqual([
    ["request", "decision", "revocation"],
    false,
  ]);
});
