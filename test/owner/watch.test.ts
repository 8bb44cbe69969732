import { rmSync, truncateSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openDatabase } from "../../src/base/database.ts";
import { LedgerWatch, type StoredWatch } from "../../src/owner/alarms.ts";
import { follow, logIn, type FollowedHub } from "../../src/owner/hub-client.ts";
import { watchLedger, type WatchResult } from "../../src/owner/watch.ts";
import type { Seen } from "../../src/owner/witness.ts";
import { HubError } from "../../src/protocol/errors.ts";
import type { ClipId } from "../../src/protocol/ids.ts";
import { LedgerClock, HEARTBEAT_MS } from "../../src/ledger/clock-work.ts";
import { firstClip, startTestHub, type TestHub } from "../support/test-hub.ts";

let hub: TestHub;
beforeAll(async () => {
  hub = await startTestHub({ clips: 3 });
});
afterAll(() => hub[Symbol.asyncDispose]());

/** A device at a contact, as the command line and the page make one. */
async function contact(seenBefore: Seen | null = null): Promise<FollowedHub & { asked: string[] }> {
  const { bundle } = hub.owner;
  const client = await logIn(hub.hub.url, bundle);
  const { keyring, seen } = await follow(client, bundle, seenBefore);
  const asked: string[] = [];
  const get = client.get.bind(client);
  client.get = async (path, schema) => {
    asked.push(path);
    return get(path, schema);
  };
  return {
    ...{ client, keyring, seen, asked },
    followTo: async () => (await follow(client, bundle, seen)).seen,
  };
}

async function look(stored: StoredWatch | null = null): Promise<WatchResult> {
  return watchLedger(await contact(), stored, () => hub.clock.nowMs);
}

function pathOf(clip: ClipId): string {
  const [file] = hub.hub.services.clips.files(clip);
  if (!file) throw new Error("no file");
  return hub.hub.services.clips.pathOf(clip, file);
}

describe("a device at a contact", () => {
  test("finds nothing where all is as it should be, and reads no entry twice", async () => {
    const first = await look();
    expect(first.alarms).toEqual([]);
    expect(first.judged).toBe(hub.hub.services.ledger.size());
    const at = await contact();
    const kept = JSON.parse(JSON.stringify(first.watch)) as StoredWatch;
    const again = await watchLedger(at, kept, () => hub.clock.nowMs);
    expect(again.alarms).toEqual([]);
    expect(at.asked.filter((path) => path.includes("/entries"))).toEqual([]);
  });

  test("finds the recording of which a file is gone or cut, and no other", async () => {
    const clip = await hub.record();
    const file = pathOf(clip);
    truncateSync(file, 100);
    const [cut] = (await look()).alarms;
    expect(cut).toMatchObject({ kind: "missing_clip", clip });
    rmSync(file);
    const { alarms, watch } = await look();
    expect(alarms).toHaveLength(1);
    const files = watch.filesOf(clip) ?? 0;
    expect(alarms[0]).toEqual({ kind: "missing_clip", clip, files, found: files - 1 });
    await forget(clip);
    const gone = { kind: "missing_clip" as const, clip, files, found: null };
    expect((await look()).alarms).toEqual([gone]);
    watch.acknowledge([gone]);
    expect((await look(watch.toJSON())).alarms).toEqual([]);
    hub.hub.services.ledger.append({
      ...{ v: 1, kind: "deletion", atMs: hub.clock.nowMs, clip, reason: "owner" },
    });
    expect((await look()).alarms).toEqual([]);
  });

  test("counts nothing as missing that is deleted while it looks", async () => {
    const clip = await hub.record();
    const at = await contact();
    await forget(clip);
    hub.hub.services.ledger.append({
      ...{ v: 1, kind: "deletion", atMs: hub.clock.nowMs, clip, reason: "age" },
    });
    const found = await watchLedger(at, null, () => hub.clock.nowMs);
    expect(found.alarms).toEqual([]);
    expect(found.size).toBe(at.seen.size + 1);
  });

  test("takes no entries that are not those of the checkpoint, one byte apart", async () => {
    const at = await contact();
    const get = at.client.get.bind(at.client);
    at.client.get = async (path, schema) => {
      const answer = await get(path, schema);
      if (!path.includes("/entries")) return answer;
      const [first, ...rest] = answer as { index: number; entry: string }[];
      const text = atob(first?.entry ?? "").replace('"v":1', '"v":2');
      return [{ index: 0, entry: btoa(text) }, ...rest] as never;
    };
    const looked = watchLedger(at, null, () => hub.clock.nowMs);
    await expect(looked).rejects.toMatchObject({ code: "LEDGER_CHANGED" });
  });

  test("begins anew where what it remembers is of no ledger that it knows", async () => {
    const { watch } = await look();
    const stored = watch.toJSON();
    const other = { ...stored, frontier: stored.frontier.map(() => "0".repeat(64)) };
    expect((await look(other)).watch.toJSON()).toEqual((await look()).watch.toJSON());
    expect((await look({ ...stored, ...LedgerWatch.begin().toJSON() })).alarms).toEqual([]);
  });

  test("does not go on for ever where the hub leaves entries out", async () => {
    const at = await contact();
    const get = at.client.get.bind(at.client);
    at.client.get = async (path, schema) =>
      path.includes("/entries") ? ([] as never) : get(path, schema);
    const looked = watchLedger(at, null, () => hub.clock.nowMs);
    await expect(looked).rejects.toBeInstanceOf(HubError);
  });
});

/** What somebody with the database does: the rows go, and the ledger says nothing of it. */
async function forget(clip: ClipId): Promise<void> {
  await using database = openDatabase(`${hub.dataDirectory}/doorward.db`);
  database.pragma("foreign_keys = OFF");
  database.prepare("DELETE FROM clip_files WHERE clip = ?").run(clip);
  database.prepare("DELETE FROM clips WHERE id = ?").run(clip);
}

describe("the hub", () => {
  test("enters a heartbeat when nothing else happened for an hour, and only then", () => {
    const { ledger } = hub.hub.services;
    const time = { nowMs: hub.clock.nowMs + 1_000, countedMs: 0 };
    const clock = new LedgerClock({
      ledger,
      nowMs: () => time.nowMs,
      monotonicMs: () => time.countedMs,
    });
    const pass = (milliseconds: number): void => {
      time.nowMs += milliseconds;
      time.countedMs += milliseconds;
      clock.tick();
    };
    const start = ledger.size();
    for (let minutes = 0; minutes < 24 * 60; minutes += 1) pass(60_000);
    expect(ledger.entries({ from: start }).map(({ entry }) => entry.kind)).toEqual(
      Array.from({ length: 24 }, () => "heartbeat"),
    );
    const beats = ledger.size();
    ledger.append({ v: 1, kind: "clock", atMs: time.nowMs, jumpMs: 0 });
    pass(HEARTBEAT_MS - 1);
    expect(ledger.size()).toBe(beats + 1);
    pass(1);
    expect(ledger.entry(beats + 1)?.entry).toMatchObject({ kind: "heartbeat", first: false });
    time.nowMs += 5 * HEARTBEAT_MS;
    pass(10_000);
    expect(ledger.entry(beats + 2)?.entry).toMatchObject({
      kind: "clock",
      jumpMs: 5 * HEARTBEAT_MS,
    });
    time.nowMs -= HEARTBEAT_MS;
    pass(600_000);
    expect(ledger.entry(beats + 3)?.entry).toMatchObject({ kind: "clock", jumpMs: -HEARTBEAT_MS });
    hub.clock.nowMs = time.nowMs;
  });

  test("says at its start that it had been off, once, and a device believes it as that", async () => {
    const { ledger } = hub.hub.services;
    const { watch } = await look();
    hub.clock.nowMs += 9 * HEARTBEAT_MS;
    const withheld = await look(watch.toJSON());
    expect(withheld.alarms.map(({ kind }) => kind)).toEqual(["withheld"]);
    const clock = new LedgerClock({
      ledger,
      nowMs: () => hub.clock.nowMs,
      monotonicMs: () => 0,
    });
    clock.begin();
    clock.begin();
    const found = await look(watch.toJSON());
    expect(found.alarms).toEqual([]);
    expect(found.pauses.map(({ kind }) => kind)).toEqual(["off"]);
    expect(firstClip(hub)).toBeDefined();
  });

  test("answers for each recording that it is asked about, in that order", async () => {
    const [one = "", two = ""] = hub.clips;
    const owner = await hub.logIn(hub.owner.bundle);
    const answer = await hub.call("POST", "/api/clips/present", {
      as: owner,
      body: { clips: [two, "0".repeat(32), one] },
    });
    const expected = [two, one].map((id) => hub.hub.services.clips.files(id as ClipId).length);
    expect(answer.json()).toEqual({ files: [expected[0], null, expected[1]] });
    for (const clips of [[], Array.from({ length: 1_001 }, () => one), ["../etc"]]) {
      const refused = await hub.call("POST", "/api/clips/present", {
        ...{ as: owner, body: { clips } },
      });
      expect(refused.statusCode).toBe(422);
    }
  });

  test("answers a guest's device more rarely, from whatever address, and nobody else for it", async () => {
    const guest = await hub.admit("guest");
    const owner = await hub.logIn(hub.owner.bundle);
    const ask = async (as: typeof owner): Promise<number> => {
      const body = { clips: [hub.clips[0] ?? ""] };
      return (await hub.call("POST", "/api/clips/present", { as, body })).statusCode;
    };
    for (let count = 0; count < 40; count += 1) expect(await ask(guest)).toBe(200);
    expect([await ask(guest), await ask(owner)]).toEqual([429, 200]);
    for (let count = 0; count < 40; count += 1) expect(await ask(owner)).toBe(200);
  });
});
