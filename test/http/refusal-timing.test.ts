import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { generateReader } from "../../src/owner/identity.ts";
import { REQUEST_EXPIRY_MS } from "../../src/protocol/limits.ts";
import { measureTimes } from "../support/refusal-timing.ts";
import {
  makeForm,
  refuse,
  requestDocument,
  statusPath,
  typeRequest,
} from "../support/test-consent.ts";
import { startTestHub, type TestHub } from "../support/test-hub.ts";

// Invariant 6: to the requester every no is the same, in bytes and in time.

const DRAWS = Number(process.env["DOORWARD_TIMING_DRAWS"] ?? 10_000);
/** What must be found, and far above what is not there. */
const INJECTED_MS = 1;
/** A tenth of what must be found. Reading one record took 190 on a busy machine, before it was not read. */
const LIMIT_US = 100;

const { recipient } = await generateReader("x25519");

describe("refused, expired, ignored, no such footage, unknown", () => {
  let hub: TestHub;
  const paths = new Map<string, string>();
  beforeAll(async () => {
    hub = await startTestHub({ clips: 1 });
    const expired = await typeRequest(hub, { recipient });
    hub.clock.nowMs += REQUEST_EXPIRY_MS;
    hub.hub.services.requests.expireDue(hub.hub.services.household.keyring?.head ?? ("" as never));
    hub = { ...hub, owner: await hub.logIn(hub.owner.bundle) };
    const refused = await typeRequest(hub, { recipient });
    await refuse(hub, refused);
    const past = { from: "2001-01-01T00:00:00Z", to: "2001-01-02T00:00:00Z" };
    const sought = { ...requestDocument().sought, ...past };
    for (const [kind, path] of [
      ["refused", statusPath(refused)],
      ["expired", statusPath(expired)],
      ["ignored", statusPath(await typeRequest(hub, { recipient }))],
      ["no such footage", statusPath(await typeRequest(hub, { recipient, sought }))],
      ["form not sent", new URL((await makeForm(hub)).statusUrl).pathname],
      ["unknown", `/status/${"0".repeat(64)}`],
    ] as const)
      paths.set(kind, path);
  });
  afterAll(() => hub[Symbol.asyncDispose]());

  test("over 10,000 interleaved draws: the same bytes, and no difference in time", async () => {
    const { answers, differenceUs, noiseUs, kind } = await measureTimes(hub.hub.url, paths, DRAWS);
    console.log(
      `largest difference ${differenceUs.toFixed(0)} us (${kind}), noise ${noiseUs.toFixed(0)} us`,
    );
    expect(answers.slice(1)).toEqual([]);
    expect(answers[0]).toContain("[404,");
    // On a machine that is busy with other things the draws themselves say what is noise.
    expect(differenceUs).toBeLessThan(Math.max(LIMIT_US, 4 * noiseUs));
  });

  test.each(["refused", "unknown"])("an injected difference of 1 ms is found: %s", async (slow) => {
    const found = await measureTimes(hub.hub.url, paths, DRAWS / 5, (kind) =>
      kind === slow ? INJECTED_MS : 0,
    );
    expect(found.kind).toBe(slow);
    expect(found.differenceUs).toBeGreaterThan(Math.max(LIMIT_US, 4 * found.noiseUs));
  });
});
