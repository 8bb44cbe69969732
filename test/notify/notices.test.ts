import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Carrier, Delivery, HouseEvent } from "../../src/notify/notice.ts";
import {
  DEFAULT_RULES,
  type NoticeAnswer,
  type NotificationRules,
} from "../../src/protocol/api-notices.ts";
import type { ClipId, EventKind } from "../../src/protocol/ids.ts";
import type { CameraSettings } from "../../src/settings/cameras.ts";
import { typeRequest } from "../support/test-consent.ts";
import { CAMERA, START_AT_MS } from "../clips/test-stream.ts";
import { newReaders } from "../support/test-household.ts";
import { firstClip, startTestHub, type TestDevice, type TestHub } from "../support/test-hub.ts";

const CAMERAS: readonly CameraSettings[] = [
  {
    ...{ id: CAMERA, name: "Front door", audio: false, faces: "keep", source: "rtsp" },
    ...{ main: "rtsp://127.0.0.1:1/main", sub: null, allowBasic: false },
    ...{ username: null, password: null },
  },
];
/** While the first recording is made: a Saturday evening. */
const NOW_MS = START_AT_MS + 5_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** Takes everything at once, and keeps it. */
class Kept implements Carrier {
  readonly name = "push";
  readonly sent: Delivery[] = [];
  reaches(): boolean {
    return true;
  }
  send(delivery: Delivery): Promise<void> {
    this.sent.push(delivery);
    return Promise.resolve();
  }
  to({ key }: TestDevice): Delivery[] {
    return this.sent.filter(({ device }) => device === key.device);
  }
}

describe("notices", () => {
  let hub: TestHub;
  let push: Kept;
  beforeEach(async () => {
    hub = await startTestHub({
      ...{ clips: 1, timeZone: "UTC", nowMs: NOW_MS },
      settings: { cameras: CAMERAS, retention: { motionMs: 1, bellMs: 1, spaceBytes: 0 } },
    });
    push = new Kept();
    hub.hub.services.notices.addCarrier(push);
  });
  afterEach(() => hub[Symbol.asyncDispose]());

  const look = (id: string, as: TestDevice) => hub.call("GET", `/api/notices/${id}`, { as });
  const setRules = async (as: TestDevice, rules: Partial<NotificationRules>) =>
    hub.call("PUT", "/api/notifications", { as, body: { ...DEFAULT_RULES, ...rules } });

  function moved(clip: ClipId, kind: EventKind = "motion", zone = "door"): void {
    const { keyring } = hub.hub.services.household;
    if (!keyring) throw new Error("nobody has claimed this hub");
    const why = { kind, zone, areaShare: 0.1, score: 1 };
    hub.hub.services.notices.recorded({
      ...{ type: "clip-started", clip, camera: CAMERA, faces: "keep", kind, why },
      ...{ eventAtMs: hub.clock.nowMs, startedAtMs: hub.clock.nowMs },
      ...{ keyringHead: keyring.head, keyringEpoch: keyring.epoch },
    });
  }

  /** Until all that was handed over was taken. */
  async function pass(ms: number): Promise<void> {
    await new Promise<void>((resolve) => void setImmediate(resolve));
    hub.clock.nowMs += ms;
    hub.clock.ranMs += ms;
    hub.hub.services.notices.tick();
    await new Promise<void>((resolve) => void setImmediate(resolve));
  }

  test("a bell is told to every role at once, and says to each no more than it may see", async () => {
    const [adult, viewer, guest] = [
      ...[await hub.admit("adult"), await hub.admit("viewer"), await hub.admit("guest")],
    ] as const;
    push.sent.length = 0;
    hub.hub.services.bells.press(CAMERA, "test");
    expect(new Set(push.sent.map(({ device }) => device)).size).toBe(4);
    const [{ id } = { id: "" }] = push.sent;
    expect(id).toMatch(/^[0-9a-f]{32}$/);
    expect(new Set(push.sent.map((delivery) => delivery.id)).size).toBe(1);
    for (const as of [hub.owner, adult, viewer, guest]) {
      const answer = (await look(id, as)).json<NoticeAnswer>();
      expect(answer).toMatchObject({ kind: "bell", camera: CAMERA, cameraName: "Front door" });
    }
    const seen = await hub.call("POST", `/api/notices/${id}/seen`, { as: guest });
    expect(seen.json()).toEqual({ afterMs: 0 });
    expect((await look("0".repeat(32), adult)).statusCode).toBe(404);
  });

  test("a bell's recording is for those who may see recordings", async () => {
    const [viewer, guest] = [await hub.admit("viewer"), await hub.admit("guest")];
    const [asViewer, asGuest] = [await hub.logIn(viewer.bundle), await hub.logIn(guest.bundle)];
    hub.hub.services.bells.press(CAMERA, "test");
    const { id } = push.sent.at(-1) ?? { id: "" };
    expect((await look(id, asViewer)).json<NoticeAnswer>().clip).toBe(firstClip(hub));
    expect((await look(id, asGuest)).json<NoticeAnswer>().clip).toBeNull();
    await written(id);
    await forgetClips();
    expect((await look(id, asViewer)).statusCode).toBe(404);
  });

  /** A bell is written down a moment after it was told. */
  async function written(id: string): Promise<void> {
    const { notices } = hub.hub.services;
    while (!notices.overview().notices.some((notice) => notice.id === id))
      await new Promise<void>((resolve) => void setImmediate(resolve));
  }

  async function forgetClips(): Promise<void> {
    hub.clock.ranMs += HOUR_MS;
    await hub.hub.services.retention.run();
    expect(hub.hub.services.clips.get(firstClip(hub))).toBeNull();
  }

  test("motion is quiet until a device asks for it; then never twice of a place within ten minutes", async () => {
    const viewer = await hub.admit("viewer");
    const guest = await hub.admit("guest");
    push.sent.length = 0;
    const clip = firstClip(hub);
    moved(clip);
    expect(push.sent).toEqual([]);
    for (const device of [viewer, guest]) await setRules(device, { motion: "each" });
    moved(clip);
    expect(push.sent.map(({ device, kind }) => [device, kind])).toEqual([
      [viewer.key.device, "motion"],
    ]);
    const { id } = push.sent[0] ?? { id: "" };
    expect((await look(id, viewer)).json()).toMatchObject({ clip, zone: "door", class: "motion" });
    expect((await look(id, guest)).statusCode).toBe(404);
    const others = [1, 2, 3].map((each) => String(each).repeat(32) as ClipId);
    moved(others[0] ?? clip);
    await pass(9 * MINUTE_MS);
    moved(others[1] ?? clip);
    expect(push.to(viewer)).toHaveLength(1);
    moved(others[1] ?? clip, "motion", "garden");
    await pass(MINUTE_MS);
    moved(others[2] ?? clip);
    expect(push.to(viewer)).toHaveLength(3);
  });

  test("a notice ends with the recording that it is about", async () => {
    await setRules(hub.owner, { motion: "each" });
    moved(firstClip(hub));
    const { id } = push.sent.at(-1) ?? { id: "" };
    expect((await look(id, hub.owner)).statusCode).toBe(200);
    await forgetClips();
    expect((await look(id, hub.owner)).statusCode).toBe(404);
  });

  test("what is seen only later is told where motion alone was not wanted", async () => {
    await setRules(hub.owner, { motion: "each", classes: ["person"] });
    const events: HouseEvent[] = [];
    hub.hub.services.notices.onEvent((event) => events.push(event));
    const clip = firstClip(hub);
    moved(clip);
    expect(push.sent).toEqual([]);
    const why = { kind: "person", zone: "door", areaShare: 0.1, score: 1 } as const;
    for (let count = 0; count < 2; count += 1)
      hub.hub.services.notices.recorded({ type: "clip-named", clip, why });
    expect(push.sent).toHaveLength(1);
    expect(events.map(({ class: seen, isNamed }) => [seen, isNamed])).toEqual([
      ["motion", false],
      ["person", true],
      ["person", true],
    ]);
  });

  test("a digest comes at its times, says how much was where to its own device only", async () => {
    const other = await hub.admit("owner");
    await setRules(hub.owner, { motion: "digest", digestTimes: ["21:00"] });
    push.sent.length = 0;
    await pass(30 * MINUTE_MS);
    await hub.record();
    moved(firstClip(hub));
    await pass(29 * MINUTE_MS);
    expect(push.sent).toEqual([]);
    await pass(MINUTE_MS);
    const [digest] = push.sent;
    expect(push.sent.map(({ kind, urgency }) => [kind, urgency])).toEqual([["digest", "low"]]);
    if (!digest) throw new Error("no digest came");
    const answer = (await look(digest.id, hub.owner)).json<NoticeAnswer>();
    expect(answer.digest?.places).toEqual([{ camera: CAMERA, zone: "door", count: 1 }]);
    expect((await look(digest.id, other)).statusCode).toBe(404);
    await pass(2 * HOUR_MS);
    expect(push.sent).toHaveLength(1);
    await forgetClips();
    expect((await look(digest.id, await hub.logIn(hub.owner.bundle))).json()).toMatchObject({
      digest: { places: [] },
    });
  });

  test("in quiet hours the bell rings through unless said otherwise; requests wait, motion goes", async () => {
    const quiet = [{ days: ["sat"], from: "20:00", to: "21:00" }];
    await setRules(hub.owner, { motion: "each", quiet });
    hub.hub.services.bells.press(CAMERA, "test");
    expect(push.sent.map(({ kind }) => kind)).toEqual(["bell"]);
    await typeRequest(hub);
    moved(firstClip(hub));
    expect(push.sent.map(({ kind }) => kind)).toEqual(["bell"]);
    await setRules(hub.owner, { quiet, bellInQuiet: false });
    await pass(30 * MINUTE_MS);
    hub.hub.services.bells.press(CAMERA, "test");
    expect(push.sent.map(({ kind }) => kind)).toEqual(["bell"]);
    await pass(31 * MINUTE_MS);
    expect(push.sent.map(({ kind }) => kind)).toEqual(["bell", "request"]);
  });

  test("requests are for those who sign; house matters for owners, whatever they have said", async () => {
    const adult = await hub.admit("adult");
    expect(push.to(hub.owner).map(({ kind }) => kind)).toEqual(["house"]);
    await setRules(hub.owner, { house: false, requests: false });
    push.sent.length = 0;
    await typeRequest(hub);
    hub.hub.services.notices.trouble("CAMERA_AWAY", CAMERA);
    expect(push.sent).toEqual([]);
    const readers = await newReaders(hub.hub.services.household.keyring);
    await hub.change({ kind: "remove", device: adult.key.device, readers });
    const [gone] = push.sent;
    expect(push.sent.map(({ device }) => device)).toEqual([hub.owner.key.device]);
    expect((await look(gone?.id ?? "", hub.owner)).json()).toMatchObject({
      kind: "house",
      code: "DEVICE_REMOVED",
    });
    await setRules(hub.owner, {});
    const { requests } = hub.hub.services;
    const listed = () => requests.list(10).map((each) => each.id);
    const before = listed();
    await typeRequest(hub);
    const [request] = listed().filter((each) => !before.includes(each));
    const { id } = push.sent.at(-1) ?? { id: "" };
    expect((await look(id, hub.owner)).json()).toMatchObject({ request });
  });

  test("a removed device is told nothing more, and nothing stays of what it had set", async () => {
    const phone = await hub.admit("viewer");
    await setRules(phone, { motion: "each" });
    const readers = await newReaders(hub.hub.services.household.keyring);
    await hub.change({ kind: "remove", device: phone.key.device, readers });
    push.sent.length = 0;
    hub.hub.services.bells.press(CAMERA, "test");
    moved(firstClip(hub));
    expect(push.to(phone)).toEqual([]);
  });

  test("a test goes to the device that asks, and is measured", async () => {
    const other = await hub.admit("owner");
    push.sent.length = 0;
    const begun = await hub.call("POST", "/api/notifications/test", { as: other });
    const { id } = begun.json<{ id: string }>();
    expect(begun.json()).toMatchObject({ carriers: ["push"] });
    expect(push.sent.map(({ device, kind }) => [device, kind])).toEqual([
      [other.key.device, "test"],
    ]);
    hub.clock.ranMs += 340;
    await hub.call("POST", `/api/notices/${id}/seen`, { as: other });
    const state = `/api/notifications/test/${id}`;
    expect((await hub.call("GET", state, { as: other })).json()).toMatchObject({
      ...{ id, seenAfterMs: 340 },
      carriers: [{ carrier: "push", takenAfterMs: 0, problem: null }],
    });
    expect((await hub.call("GET", state, { as: hub.owner })).statusCode).toBe(404);
    expect((await look(id, hub.owner)).statusCode).toBe(404);
  });

  test("rules that cannot be are refused, and what held before holds", async () => {
    const hours = [{ days: ["mon"], from: "08:00", to: "08:00" }];
    for (const wrong of [
      ...[{ quiet: hours }, { digestTimes: ["25:00"] }, { coolDownMinutes: -1 }],
      ...[{ motion: "always" as "each" }, { cameras: ["Front Door"] }],
    ])
      expect((await setRules(hub.owner, wrong)).statusCode, JSON.stringify(wrong)).toBe(422);
    const answer = await hub.call("GET", "/api/notifications", { as: hub.owner });
    expect(answer.json()).toMatchObject({ rules: DEFAULT_RULES, timeZone: "UTC" });
  });

  test("a notice is over after eight days", async () => {
    hub.hub.services.bells.press(CAMERA, "test");
    const { id } = push.sent.at(-1) ?? { id: "" };
    hub.clock.nowMs += 8 * 24 * HOUR_MS - 1;
    expect((await look(id, await hub.logIn(hub.owner.bundle))).statusCode).toBe(200);
    hub.clock.nowMs += 1;
    expect((await look(id, await hub.logIn(hub.owner.bundle))).statusCode).toBe(404);
  });
});
