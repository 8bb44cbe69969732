import { expect, test } from "vitest";
import { startPairing } from "../../src/owner/pairing.ts";
import type { PairingList } from "../../src/protocol/api.ts";
import { peopleCalls } from "../../web/page/device/calls/people-calls.ts";
import type { VaultContext } from "../../web/page/device/vault-worker.ts";

/** A hub that holds its second answer of each exchange back for as long as it likes. */
async function lateHub(): Promise<{
  readonly context: (signal: AbortSignal) => VaultContext;
  readonly pairing: string;
  /** Settles when the answer is awaited. */
  readonly asked: Promise<void>;
  readonly answer: () => void;
}> {
  const { reveal, commitment } = await startPairing("a device");
  const pairing = "5".repeat(32);
  const list = (isShown: boolean): PairingList => [
    { pairing, commitment, expiresAtMs: 1, reveal: isShown ? reveal : null },
  ];
  const { promise, resolve } = Promise.withResolvers<PairingList>();
  const waiting = Promise.withResolvers<void>();
  let calls = 0;
  const client = {
    send: async () => undefined,
    get: async () => {
      calls += 1;
      if (calls === 1) return list(false);
      waiting.resolve();
      return promise;
    },
  };
  const context = (signal: AbortSignal) => ({ device: { client }, signal }) as unknown;
  return {
    context: context as (signal: AbortSignal) => VaultContext,
    pairing,
    asked: waiting.promise,
    answer: () => resolve(list(true)),
  };
}

const admit = (context: VaultContext) =>
  peopleCalls.admit(context, { role: "owner", person: null });

test("a device that an owner gave up waiting for is not the one that he admits then", async () => {
  const [slow, real] = [await lateHub(), await lateHub()];
  const stop = new AbortController();
  const givenUp = peopleCalls.meet(slow.context(stop.signal), slow);
  await slow.asked;
  stop.abort();
  real.answer();
  const { signal } = new AbortController();
  const shown = await peopleCalls.meet(real.context(signal), real);
  expect(shown.words).toHaveLength(3);
  slow.answer();
  await expect(givenUp).rejects.toThrow(/abort/);
  // What is met is still the one whose words are shown: it fails for want of keys, not of a device.
  await expect(admit(real.context(signal))).rejects.not.toMatchObject({ code: "NOT_OPEN" });
});

test("nor one that was begun before another, without being given up", async () => {
  const [slow, next] = [await lateHub(), await lateHub()];
  const { signal } = new AbortController();
  const before = peopleCalls.meet(slow.context(signal), slow);
  const begun = peopleCalls.meet(next.context(signal), next);
  slow.answer();
  await expect(before).rejects.toMatchObject({ code: "NOT_OPEN" });
  await expect(admit(next.context(signal))).rejects.toMatchObject({ code: "NOT_OPEN" });
  next.answer();
  expect((await begun).label).toBe("a device");
});
