import { expect, test } from "vitest";
import type { LedgerEntry } from "../../src/protocol/ledger-entry.ts";
import { verifyBundle } from "../../src/protocol/verify-bundle.ts";
import { releasedBundle } from "../support/test-consent.ts";
import { firstClip, startTestHub } from "../support/test-hub.ts";

test("a hub that enters other amounts than were asked or signed gives no bundle that holds", async () => {
  await using hub = await startTestHub({ clips: 1 });
  const { ledger } = hub.hub.services;
  const append = ledger.append.bind(ledger);
  const failureOf = async (lie: (entry: LedgerEntry) => LedgerEntry): Promise<string | null> => {
    ledger.append = (entry) => append(lie(entry));
    const { bundle } = await releasedBundle(hub, { clip: firstClip(hub), segments: [0, 0] });
    const { checks } = await verifyBundle(bundle);
    return checks.find(({ holds }) => !holds)?.check ?? null;
  };
  expect(await failureOf((entry) => entry)).toBeNull();
  for (const change of [{ secondsGranted: 1 }, { clearFaces: false }, { audio: true }])
    expect(
      await failureOf((entry) =>
        entry.kind === "decision" && entry.v === 2 ? { ...entry, ...change } : entry,
      ),
    ).toBe("the owners signed this approval");
  expect(
    await failureOf((entry) =>
      entry.kind === "request" && entry.v === 2 ? { ...entry, secondsAsked: 1 } : entry,
    ),
  ).toBe("the request is the one in the ledger");
});
