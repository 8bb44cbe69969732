import { expect, test } from "vitest";
import { admissionShown, Meeting } from "../../src/owner/admission.ts";
import type { HubClient } from "../../src/owner/hub-client.ts";
import { startPairing } from "../../src/owner/pairing.ts";
import type { PairingList } from "../../src/protocol/api.ts";
import { signingKeyWords } from "../../src/protocol/words.ts";
import { newDevice, newReaders, testChain } from "../support/test-household.ts";

/** A hub that holds its second answer of each exchange back for as long as it likes. */
async function lateHub(): Promise<{
  readonly client: HubClient;
  readonly find: () => Promise<{ readonly pairing: string; readonly commitment: string }>;
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
  return {
    client: client as unknown as HubClient,
    find: async () => ({ pairing, commitment }),
    asked: waiting.promise,
    answer: () => resolve(list(true)),
  };
}
type LateHub = Awaited<ReturnType<typeof lateHub>>;

const begin = (meeting: Meeting, { client, find }: LateHub, signal: AbortSignal) =>
  meeting.begin(signal, client, find, async (look) => {
    for (;;) {
      const reveal = await look();
      if (reveal) return reveal;
    }
  });

test("a device that an owner gave up waiting for is not the one that he admits then", async () => {
  const [slow, real] = [await lateHub(), await lateHub()];
  const meeting = new Meeting();
  const stop = new AbortController();
  const givenUp = begin(meeting, slow, stop.signal);
  await slow.asked;
  stop.abort();
  real.answer();
  const shown = await begin(meeting, real, new AbortController().signal);
  slow.answer();
  await expect(givenUp).rejects.toThrow(/abort/);
  expect(meeting.met).toBe(shown);
});

test("nor one that was begun with before another, without being given up", async () => {
  const [slow, next] = [await lateHub(), await lateHub()];
  const meeting = new Meeting();
  const { signal } = new AbortController();
  const before = begin(meeting, slow, signal);
  const begun = begin(meeting, next, signal);
  slow.answer();
  await expect(before).rejects.toMatchObject({ code: "NOT_OPEN" });
  expect(meeting.met).toBeNull();
  next.answer();
  const shown = await begun;
  expect(meeting.met).toBe(shown);
  meeting.end();
  expect(meeting.met).toBeNull();
});

test("who co-signs sees the role, whether it is one more person, and the newcomer's key", async () => {
  const chain = await testChain();
  const newcomer = newDevice("owner");
  const keyring = chain.keyring();
  expect(admissionShown(keyring, newcomer.change)).toEqual({
    ...{ role: "owner", isNewPerson: true, devices: [] },
    words: signingKeyWords(newcomer.key.publicKey),
  });
  const second = newDevice("owner", { person: chain.founderPerson });
  const shown = admissionShown(keyring, second.change);
  expect(shown).toMatchObject({ isNewPerson: false, devices: [chain.founder.device] });
  expect(shown.words).not.toEqual(admissionShown(keyring, newcomer.change).words);
});

test("somebody whose devices are all gone is not a new person", async () => {
  const chain = await testChain();
  const guest = newDevice("guest");
  await chain.add(guest.change);
  const keyring = await chain.add({
    ...{ kind: "remove", device: guest.key.device },
    readers: await newReaders(chain.keyring()),
  });
  const back = newDevice("guest", { person: guest.person });
  expect(admissionShown(keyring, back.change)).toMatchObject({
    ...{ role: "guest", isNewPerson: false, devices: [] },
  });
});
