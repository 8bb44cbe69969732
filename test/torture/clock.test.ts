import { expect, test } from "vitest";
import { openDatabase } from "../../src/base/database.ts";
import { isDigestDue } from "../../src/notify/digest.ts";
import {
  AHEAD_MAX_MS,
  AHEAD_RUNNING_MAX_MS,
  BELIEVED_AFTER_MS,
  ClockTrust,
  START_MS,
} from "../../src/ledger/clock-trust.ts";
import { nextTimeOfDay } from "../../src/settings/week-hours.ts";
import { generateReader } from "../../src/owner/identity.ts";
import { approve, decide, prepareApproval, typeRequest } from "../support/test-consent.ts";
import { firstClip, startTestHub } from "../support/test-hub.ts";
import { temporaryFolder } from "../support/temporary.ts";

const NOW_MS = Date.UTC(2026, 10, 22, 12);
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const { recipient } = await generateReader("x25519");

async function openTrust() {
  const folder = temporaryFolder();
  const database = openDatabase(`${folder.path}/hub.db`);
  const clock = { nowMs: NOW_MS, countedMs: 1_000 };
  const said: string[] = [];
  const open = () =>
    new ClockTrust({
      database,
      nowMs: () => clock.nowMs,
      countedMs: () => clock.countedMs,
      log: (level, message) => said.push(`${level} ${message}`),
    });
  return {
    ...{ clock, said, open },
    [Symbol.asyncDispose]: async () => {
      await database[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

test.each([HOUR_MS, -HOUR_MS, -3 * HOUR_MS, AHEAD_MAX_MS])(
  "a clock that is moved by %d ms is followed",
  async (ms) => {
    await using own = await openTrust();
    const trust = own.open();
    trust.look();
    own.clock.nowMs += ms;
    trust.look();
    expect([trust.isBelieved(), trust.trouble(), own.said]).toEqual([true, null, []]);
  },
);

test.each([
  ["1970", 60_000 - NOW_MS, /1970-01-01, which cannot be right/],
  ["eleven years ahead", 11 * 365 * DAY_MS, /a year ahead/],
  ["two days back", -2 * DAY_MS, /set back by more than a day/],
])(
  "a clock of %s is not believed, is said once, and is again when it is right",
  async (_, ms, words) => {
    await using own = await openTrust();
    own.open().look();
    own.clock.nowMs += ms;
    // Also where that is how a hub begins.
    const trust = own.open();
    trust.look();
    trust.look();
    expect(trust.isBelieved()).toBe(false);
    expect(trust.trouble()?.message).toMatch(words);
    expect(own.said).toEqual([expect.stringMatching(words)]);
    own.clock.nowMs -= ms;
    trust.look();
    expect([trust.isBelieved(), own.said.length]).toEqual([true, 2]);
  },
);

test("while a hub runs, a clock that is set ahead by a month is not believed; over a stop it is", async () => {
  await using own = await openTrust();
  const { clock } = own;
  const trust = own.open();
  trust.look();
  clock.countedMs += START_MS;
  clock.nowMs += START_MS + AHEAD_RUNNING_MAX_MS;
  trust.look();
  expect(trust.isBelieved()).toBe(true);
  clock.nowMs += 30 * DAY_MS;
  trust.look();
  expect(trust.trouble()?.message).toMatch(/more than three days ahead/);
  expect(own.open().isBelieved()).toBe(true);
});

test("a clock that is doubted for a week and then moves again is doubted for another", async () => {
  await using own = await openTrust();
  const { clock } = own;
  own.open().look();
  clock.nowMs += 11 * 365 * DAY_MS;
  const trust = own.open();
  trust.look();
  clock.countedMs += BELIEVED_AFTER_MS - 1;
  clock.nowMs += BELIEVED_AFTER_MS - 1 + 365 * DAY_MS;
  trust.look();
  clock.countedMs += 1;
  expect([trust.isBelieved(), own.open().isBelieved()]).toEqual([false, false]);
  clock.countedMs += BELIEVED_AFTER_MS;
  clock.nowMs += BELIEVED_AFTER_MS;
  expect(trust.isBelieved()).toBe(true);
});

test("what a clock says for a week of running is so, but never that it is 1970", async () => {
  await using own = await openTrust();
  const trust = own.open();
  trust.look();
  own.clock.nowMs += 11 * 365 * DAY_MS;
  trust.look();
  own.clock.countedMs += BELIEVED_AFTER_MS - 1;
  own.clock.nowMs += BELIEVED_AFTER_MS - 1;
  expect(own.open().isBelieved()).toBe(false);
  own.clock.countedMs += 1;
  expect(own.open().isBelieved()).toBe(true);
  own.clock.nowMs = 60_000;
  trust.look();
  own.clock.countedMs += 2 * BELIEVED_AFTER_MS;
  expect(own.open().isBelieved()).toBe(false);
});

test("eleven years ahead close what is open and end nothing; what the hub has counted does", async () => {
  await using hub = await startTestHub({ clips: 1 });
  const { requests, decisions, household, clockTrust } = hub.hub.services;
  const settle = (): void => {
    clockTrust.look();
    decisions.settle();
    requests.expireDue(household.keyring?.head ?? ("" as never));
  };
  settle();
  const open = await typeRequest(hub, { recipient });
  const approved = await typeRequest(hub, { recipient });
  await approve(hub, approved, { clip: firstClip(hub) });
  const before = hub.ledgerKinds();
  hub.clock.nowMs += 11 * 365 * DAY_MS;
  settle();
  expect(hub.ledgerKinds()).toEqual(before);
  expect((await hub.call("GET", new URL(approved.statusUrl).pathname)).statusCode).toBe(404);
  hub.clock.nowMs -= 11 * 365 * DAY_MS;
  settle();
  expect((await hub.call("GET", new URL(approved.statusUrl).pathname)).statusCode).toBe(200);
  hub.clock.ranMs += 45 * DAY_MS;
  settle();
  expect((await hub.call("GET", new URL(approved.statusUrl).pathname)).statusCode).toBe(404);
  expect(requests.get(open.record.request as never)?.state).toBe("expired");
});

test("an approval, a request and a session that are over stay so when the clock is set back", async () => {
  await using hub = await startTestHub({ clips: 1 });
  const request = await typeRequest(hub, { recipient });
  const id = request.record.request;
  const { decision } = await prepareApproval(hub, id, { clip: firstClip(hub) });
  // A quarter of an hour has passed, and the clock was set back by it.
  hub.clock.ranMs += 16 * 60_000;
  expect((await decide(hub, id, decision)).statusCode).toBeGreaterThanOrEqual(400);
  expect(hub.hub.services.requests.get(id as never)?.state).toBe("received");
  hub.clock.ranMs += 12 * HOUR_MS;
  expect((await hub.call("GET", "/api/clips", { as: hub.owner })).statusCode).toBe(401);
});

test.each(["Europe/Paris", "Australia/Lord_Howe"])(
  "a digest at eight comes once a day through both changes of %s",
  (timeZone) => {
    let untilMs = Date.UTC(2026, 0, 1);
    const seen = new Set<string>();
    let count = 0;
    for (let nowMs = untilMs; nowMs < Date.UTC(2027, 0, 1); nowMs += 30 * 60_000) {
      const next = (time: string, afterMs: number) => nextTimeOfDay(time, afterMs, timeZone);
      if (!isDigestDue(["08:00"], { sinceMs: untilMs, nowMs }, next)) continue;
      untilMs = nowMs;
      count += 1;
      seen.add(new Intl.DateTimeFormat("en-CA", { timeZone }).format(nowMs));
    }
    expect([count, seen.size]).toEqual([365, 365]);
  },
);
