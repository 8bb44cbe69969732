import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { follow, logIn, type HubClient } from "../../src/owner/hub-client.ts";
import { passOn, receivePassedOn, startPairing } from "../../src/owner/pairing.ts";
import { LedgerChanged, type Seen } from "../../src/owner/witness.ts";
import { startTestHub, type TestHub } from "../support/test-hub.ts";

/**
 * A device that has only just joined has seen nothing itself: genesis and checkpoint came from the
 * device that admitted it, not from the hub.
 */
let hub: TestHub;
let other: TestHub;
beforeAll(async () => {
  [hub, other] = await Promise.all([startTestHub({ clips: 1 }), startTestHub()]);
});
afterAll(async () => {
  await Promise.all([hub[Symbol.asyncDispose](), other[Symbol.asyncDispose]()]);
});

async function seenBy(of: TestHub): Promise<Seen> {
  return (await follow(await logIn(of.hub.url, of.owner.bundle), of.owner.bundle, null)).seen;
}

async function joined(seen: Seen): ReturnType<typeof receivePassedOn> {
  const newcomer = await startPairing("phone");
  const as = { reveal: newcomer.reveal, person: "1".repeat(32), role: "adult" } as const;
  return receivePassedOn(newcomer, await passOn(hub.owner.bundle, as, seen));
}

/** The hub's answers, some of them exchanged for what a lying one would give. */
async function lying(answers: Readonly<Record<string, unknown>>): Promise<HubClient> {
  const client = await logIn(hub.hub.url, hub.owner.bundle);
  const get = client.get.bind(client);
  client.get = async (path, schema) =>
    path in answers ? (answers[path] as never) : get(path, schema);
  return client;
}

describe("a rolled-back ledger or a replaced household", () => {
  test("is noticed by a device that has only just joined", async () => {
    const older = { checkpoint: hub.hub.services.ledger.checkpoint(), cosigned: null };
    await hub.record();
    const { bundle, seen } = await joined(await seenBy(hub));
    const honest = await follow(await lying({}), bundle, seen);
    expect(honest.seen.size).toBe(seen.size);

    const rolledBack = await lying({ "/api/ledger/checkpoint": older });
    await expect(follow(rolledBack, bundle, seen)).rejects.toBeInstanceOf(LedgerChanged);
    const statements = other.hub.services.household.statements();
    const replaced = await lying({
      "/api/keyring": { statements },
      "/api/ledger/checkpoint": {
        ...{ checkpoint: other.hub.services.ledger.checkpoint(), cosigned: null },
      },
    });
    await expect(follow(replaced, bundle, seen)).rejects.toThrow(/keyring|genesis|household/i);
    // Even with nothing seen, the genesis it was told of does not fit.
    await expect(follow(replaced, bundle, null)).rejects.toThrow(/keyring|genesis|household/i);
  });

  test("is noticed as well where only the keyring went back to before it was admitted", async () => {
    const before = hub.hub.services.household.statements();
    await hub.admit("viewer");
    const { bundle, seen } = await joined(await seenBy(hub));
    const client = await lying({ "/api/keyring": { statements: before } });
    await expect(follow(client, bundle, seen)).rejects.toBeInstanceOf(LedgerChanged);
  });
});
