import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openDatabase, type HubDatabase } from "../../src/base/database.ts";
import {
  CarrierFailure,
  type Carrier,
  type CarrierName,
  type Delivery,
  type NoticeKind,
} from "../../src/notify/notice.ts";
import { NoticeStore } from "../../src/notify/notice-store.ts";
import { LATE_AFTER_MS, OutboxRows } from "../../src/notify/outbox-rows.ts";
import { Outbox, WAITING_MAX } from "../../src/notify/outbox.ts";
import type { DeviceId } from "../../src/protocol/ids.ts";

const PHONE = "a".repeat(64) as DeviceId;
const TABLET = "b".repeat(64) as DeviceId;
const START_MS = Date.UTC(2026, 10, 22, 12);

/** A carrier that does what it is told. */
class Told implements Carrier {
  readonly name: CarrierName;
  readonly sent: Delivery[] = [];
  /** Called for each; by default it is taken. */
  outcome: (delivery: Delivery) => Promise<void> = () => Promise.resolve();
  constructor(name: CarrierName) {
    this.name = name;
  }
  reaches(): boolean {
    return true;
  }
  send(delivery: Delivery): Promise<void> {
    this.sent.push(delivery);
    return this.outcome(delivery);
  }
}

const later =
  (retryAfterMs: number | null = null) =>
  () =>
    Promise.reject(new CarrierFailure("later", "no network", { retryAfterMs }));
const never = () => new Promise<void>(() => undefined);
/** All that waits for nothing outside has run. */
const turn = () => new Promise<void>((resolve) => void setImmediate(resolve));

describe("the outbox", () => {
  let database: HubDatabase;
  const clock = { nowMs: START_MS, upMs: 1_000_000, boot: "one" };
  let store: NoticeStore;
  let outbox: Outbox;
  let rows: OutboxRows;
  let push: Told;
  let settled: string[];

  function open(): Outbox {
    const { boot } = clock;
    const nowMs = () => clock.nowMs;
    const upMs = () => clock.upMs;
    settled = [];
    rows = new OutboxRows(database, { nowMs, upMs, boot, log: () => undefined });
    return new Outbox({
      ...{ nowMs, upMs },
      rows,
      isStill: ({ notice }) => store.get(notice) !== null,
      isHeld: () => false,
      onSettled: ({ kind }, problem) => settled.push(`${kind} ${problem ?? "taken"}`),
      log: () => undefined,
      random: () => 1,
    });
  }

  function tell(kind: NoticeKind, devices: readonly DeviceId[] = [PHONE]): string {
    const notice = store.make({ kind });
    store.keep(notice);
    outbox.queue(notice, devices);
    outbox.keep(notice.id);
    outbox.pump();
    return notice.id;
  }

  /** Both clocks run. */
  async function pass(ms: number): Promise<void> {
    clock.nowMs += ms;
    clock.upMs += ms;
    outbox.pump();
    await turn();
  }

  async function restart(): Promise<void> {
    await outbox[Symbol.asyncDispose]();
    outbox = open();
    push = new Told("push");
    outbox.addCarrier(push);
    outbox.pump();
    await turn();
  }

  const kept = (): number => {
    rows.flush();
    return database.prepare<[], number>("SELECT count(*) FROM notice_outbox").pluck().get() ?? -1;
  };

  beforeEach(() => {
    Object.assign(clock, { nowMs: START_MS, upMs: 1_000_000, boot: "one" });
    database = openDatabase(":memory:");
    store = new NoticeStore(database, () => clock.nowMs);
    outbox = open();
    push = new Told("push");
    outbox.addCarrier(push);
  });
  afterEach(async () => {
    await outbox[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });

  test("hands a bell over before it returns, and strikes off what was taken", async () => {
    const id = tell("bell");
    expect(push.sent).toEqual([
      { device: PHONE, id, kind: "bell", ttlSeconds: 60, urgency: "high", isReplacing: false },
    ]);
    expect(kept()).toBe(1);
    await turn();
    expect(kept()).toBe(0);
    await pass(120_000);
    expect(push.sent).toHaveLength(1);
  });

  test("tries again until it is through, ever more slowly, and only once more after", async () => {
    push.outcome = later();
    tell("request");
    await turn();
    const gaps: number[] = [];
    for (let count = 0, since = 0; gaps.length < 10 && count < 5_000; count += 1) {
      const before = push.sent.length;
      await pass(1_000);
      since += 1;
      if (push.sent.length === before) continue;
      gaps.push(since);
      since = 0;
    }
    expect(gaps).toEqual([2, 4, 8, 16, 32, 64, 128, 256, 512, 900]);
    push.outcome = () => Promise.resolve();
    await pass(900_000);
    expect(settled).toEqual(["request taken"]);
    const all = push.sent.length;
    await pass(3_600_000);
    expect(push.sent).toHaveLength(all);
  });

  test("a bell of a minute ago is not sent late; a request is after six days", async () => {
    push.outcome = later();
    const bell = tell("bell");
    const request = tell("request");
    for (let count = 0; count < 59; count += 1) await pass(1_000);
    const bells = push.sent.filter(({ id }) => id === bell);
    expect(bells.length).toBeGreaterThan(5);
    expect(bells.every(({ ttlSeconds }, index) => index === 0 || ttlSeconds < 60)).toBe(true);
    push.sent.length = 0;
    push.outcome = () => Promise.resolve();
    await pass(2_000);
    await pass(6 * 86_400_000);
    expect(push.sent.map(({ id }) => id)).toEqual([request]);
    expect(outbox.sumOf("push")).toMatchObject({ dropped: 1, taken: 1, waiting: 0 });
    expect(kept()).toBe(0);
  });

  test("a machine that slept with a bell to send says nothing of it when it wakes", async () => {
    push.outcome = later();
    tell("bell");
    await turn();
    push.outcome = () => Promise.resolve();
    await pass(LATE_AFTER_MS.bell);
    expect(push.sent).toHaveLength(1);
    expect(outbox.sumOf("push")).toMatchObject({ waiting: 0, dropped: 1, taken: 0 });
  });

  test("what waits outlives a restart of the hub, with the time that is left", async () => {
    push.outcome = later();
    const [bell, request] = [tell("bell"), tell("request")];
    await turn();
    await pass(20_000);
    await restart();
    const byId = new Map(push.sent.map((delivery) => [delivery.id, delivery.ttlSeconds]));
    expect([...byId.keys()].toSorted()).toEqual([bell, request].toSorted());
    expect(byId.get(bell)).toBe(40);
    expect(kept()).toBe(0);
  });

  test("a bell is not sent after a restart that took too long, nor after one of the machine", async () => {
    push.outcome = later();
    tell("bell");
    await turn();
    clock.upMs += LATE_AFTER_MS.bell;
    // The clock on the wall stood still, or was put back.
    await restart();
    expect(push.sent).toEqual([]);
    push.outcome = later();
    tell("bell");
    const request = tell("request");
    await turn();
    Object.assign(clock, { upMs: 5_000, boot: "two" });
    await restart();
    expect(push.sent.map(({ id }) => id)).toEqual([request]);
  });

  test.each([
    ["forward by a day", 86_400_000],
    ["back by a day", -86_400_000],
  ])("the clock put %s makes no bell older or younger", async (_how, jumpMs) => {
    push.outcome = later();
    tell("bell");
    await turn();
    clock.nowMs += jumpMs;
    for (let count = 0; count < 30; count += 1) await pass(1_000);
    expect(push.sent.length).toBeGreaterThan(3);
    expect(push.sent.at(-1)?.ttlSeconds).toBeLessThan(40);
    const before = push.sent.length;
    for (let count = 0; count < 40; count += 1) await pass(1_000);
    const late = push.sent.slice(before).filter(({ ttlSeconds }) => ttlSeconds < 1);
    expect(late).toEqual([]);
    expect(outbox.sumOf("push")).toMatchObject({ waiting: 0, dropped: 1 });
  });

  test("after the machine was started with its clock put back, nothing of the future is sent", async () => {
    push.outcome = later();
    tell("motion");
    await turn();
    Object.assign(clock, { nowMs: START_MS - 7 * 86_400_000, upMs: 5_000, boot: "two" });
    await restart();
    expect(push.sent).toEqual([]);
    expect(kept()).toBe(0);
  });

  test("a carrier that hangs delays neither another one nor a bell of its own", async () => {
    push.outcome = never;
    const ntfy = new Told("ntfy");
    outbox.addCarrier(ntfy);
    for (let count = 0; count < 20; count += 1) tell("motion", [PHONE, TABLET]);
    await turn();
    expect(push.sent).toHaveLength(2);
    for (let count = 0; count < 20; count += 1) await turn();
    expect(ntfy.sent).toHaveLength(40);
    const bell = tell("bell", [PHONE, TABLET]);
    expect(push.sent.filter(({ id }) => id === bell)).toHaveLength(2);
    expect(ntfy.sent.filter(({ id }) => id === bell)).toHaveLength(2);
  });

  test("waits as long as it is asked to; no bell and no other device waits with it", async () => {
    push.outcome = later(30_000);
    tell("motion");
    await turn();
    push.outcome = () => Promise.resolve();
    tell("motion");
    await pass(29_000);
    expect(push.sent).toHaveLength(1);
    tell("motion", [TABLET]);
    expect(push.sent.at(-1)).toMatchObject({ device: TABLET, kind: "motion" });
    tell("bell");
    expect(push.sent).toHaveLength(3);
    await pass(1_000);
    await turn();
    expect(push.sent).toHaveLength(5);
  });

  test("a bell is tried again within its minute, however long it is asked to wait", async () => {
    push.outcome = later(86_400_000);
    tell("bell");
    await turn();
    push.outcome = () => Promise.resolve();
    await pass(29_000);
    expect(push.sent).toHaveLength(1);
    await pass(1_000);
    expect(settled).toEqual(["bell taken"]);
  });

  test("a way that is gone is forgotten with all that waits for it", async () => {
    push.outcome = later();
    tell("motion", [PHONE, TABLET]);
    await turn();
    push.outcome = ({ device }) =>
      device === PHONE
        ? Promise.reject(new CarrierFailure("gone", "it answered 410"))
        : Promise.resolve();
    tell("request", [PHONE, TABLET]);
    await turn();
    expect(outbox.stateOf("push", PHONE)).toMatchObject({ waiting: 0, taken: 0 });
    await pass(60_000);
    expect(push.sent.filter(({ device }) => device === PHONE)).toHaveLength(2);
    expect(kept()).toBe(0);
  });

  test("what was deleted meanwhile is not sent", async () => {
    push.outcome = later();
    const id = tell("request");
    await turn();
    database.prepare("DELETE FROM notices WHERE id = ?").run(id);
    expect(kept()).toBe(0);
    push.outcome = () => Promise.resolve();
    await pass(60_000);
    expect(push.sent).toHaveLength(1);
    expect(settled).toEqual([]);
  });

  test("keeps no more than it may; bells are the last to go", async () => {
    push.outcome = never;
    const devices = Array.from(
      { length: 30 },
      (_, index) => index.toString(16).padStart(64, "0") as DeviceId,
    );
    const bell = tell("bell", devices);
    for (let count = 0; count < 40; count += 1) tell("motion", devices);
    const { waiting, dropped } = outbox.sumOf("push");
    expect(waiting).toBe(WAITING_MAX);
    expect(dropped).toBe(30 * 41 - WAITING_MAX);
    expect(kept()).toBe(WAITING_MAX);
    const bells = database
      .prepare<[string], number>("SELECT count(*) FROM notice_outbox WHERE notice = ?")
      .pluck();
    expect(bells.get(bell)).toBe(30);
  });
});
