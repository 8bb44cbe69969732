import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { HealthAnswer } from "../../src/protocol/api.ts";
import type { PrivacyAnswer } from "../../src/protocol/api-privacy.ts";
import { LIVE_CLOSE } from "../../src/protocol/live-messages.ts";
import type { LedgerEntryOf } from "../../src/protocol/ledger-entry.ts";
import type { CameraSettings } from "../../src/settings/cameras.ts";
import type { WeekHours } from "../../src/settings/week-hours.ts";
import { openLive } from "../support/live-socket.ts";
import { startTestHub, type TestDevice, type TestHub } from "../support/test-hub.ts";
import { initOf, pictureOf } from "../support/test-live.ts";

// Who may switch a camera off and on, what the ledger says of it, and what holds after a restart.

const HOUR_MS = 3_600_000;
/** A Saturday, 22:00 in Paris. */
const NOW_MS = Date.UTC(2026, 10, 21, 21, 0, 0);
const NIGHT: WeekHours[] = [{ days: ["sat"], from: "23:00", to: "06:00" }];

/** Nobody answers at this address. */
const camera = (id: string, privacy: readonly WeekHours[] = []): CameraSettings => ({
  ...{ id, name: id, source: "rtsp", main: "rtsp://127.0.0.1:1/main", sub: null, privacy },
  ...{
    audio: false,
    faces: "keep",
    motion: { objects: false },
    allowBasic: false,
    username: null,
    password: null,
  },
});
const BELL = { via: "mqtt", topic: "door/bell" } as const;
const SETTINGS = {
  cameras: [{ ...camera("front"), bells: [BELL] }, camera("back"), camera("night", NIGHT)],
};

let hub: TestHub;
let adult: TestDevice;
let otherAdult: TestDevice;
beforeAll(async () => {
  hub = await startTestHub({ nowMs: NOW_MS, timeZone: "Europe/Paris", settings: SETTINGS });
  adult = await hub.admit("adult");
  otherAdult = await hub.admit("adult");
});
afterAll(() => hub[Symbol.asyncDispose]());

beforeEach(async () => {
  hub.clock.nowMs = NOW_MS;
  // The clock goes back for each test; what the hub has counted does not, and ends sessions.
  hub = { ...hub, owner: await hub.logIn(hub.owner.bundle) };
  [adult, otherAdult] = await Promise.all([hub.logIn(adult.bundle), hub.logIn(otherAdult.bundle)]);
  for (const id of ["front", "back", "night"]) await set(hub.owner, id, { state: "on" });
  hub.hub.services.privacy.settle();
});

async function set(as: TestDevice, id: string, body: unknown): Promise<number> {
  return (await hub.call("POST", `/api/privacy/${id}`, { as, body })).statusCode;
}
async function stateOf(id: string, as = hub.owner): Promise<PrivacyAnswer["cameras"][number]> {
  const answer = (await hub.call("GET", "/api/privacy", { as })).json<PrivacyAnswer>();
  const found = answer.cameras.find((each) => each.id === id);
  if (!found) throw new Error(`no camera ${id}`);
  return found;
}
const privacy = () => hub.hub.services.privacy;
function pass(ms: number): void {
  hub.clock.nowMs += ms;
  hub.clock.ranMs += ms;
  privacy().settle();
}
function entries(id: string): LedgerEntryOf<"camera">[] {
  return hub.hub.services.ledger
    .entries({ kind: "camera" })
    .flatMap(({ entry }) => (entry.kind === "camera" && entry.camera === id ? [entry] : []));
}
const words = (id: string, from: number): string[] =>
  entries(id)
    .slice(from)
    .map(({ state, by }) => `${state} ${by.length === 64 ? "device" : by}`);

describe("who may switch", () => {
  test("owners and adults switch off; on again whoever did it, and owners", async () => {
    expect(await set(adult, "front", { state: "off" })).toBe(200);
    expect(await stateOf("front", adult)).toMatchObject({ mayTurnOn: true });
    expect(await stateOf("front", otherAdult)).toMatchObject({ mayTurnOn: false });
    expect(await set(otherAdult, "front", { state: "on" })).toBe(403);
    expect(privacy().isOff("front")).toBe(true);
    expect(await set(adult, "front", { state: "on" })).toBe(200);
    expect(await set(hub.owner, "front", { state: "off" })).toBe(200);
    expect(await set(adult, "front", { state: "on" })).toBe(403);
    expect(await set(hub.owner, "front", { state: "on" })).toBe(200);
  });

  test("an off that would end sooner is an on, and refused as one", async () => {
    await set(hub.owner, "front", { state: "off", forMs: 8 * HOUR_MS });
    expect(await set(adult, "front", { state: "off", forMs: HOUR_MS })).toBe(403);
    expect(await set(adult, "front", { state: "off", forMs: 9 * HOUR_MS })).toBe(200);
    expect(await set(hub.owner, "front", { state: "off" })).toBe(200);
    expect(await set(adult, "front", { state: "off", until: "morning" })).toBe(403);
  });

  test("an off on top of another's off undoes neither of them", async () => {
    for (const first of [hub.owner, otherAdult])
      for (const body of [{ state: "off" }, { state: "off", forMs: 9 * HOUR_MS }]) {
        await set(first, "front", { state: "off", forMs: 8 * HOUR_MS });
        // Twice, since the second time it is on top of his own.
        for (let times = 0; times < 2; times++) expect(await set(adult, "front", body)).toBe(200);
        expect(await stateOf("front", adult)).toMatchObject({ mayTurnOn: false });
        expect(await set(adult, "front", { state: "on" })).toBe(403);
        expect(await set(adult, "front", { state: "off", forMs: HOUR_MS })).toBe(403);
        if (first === otherAdult) expect(await set(first, "front", { state: "on" })).toBe(403);
        expect(privacy().isOff("front")).toBe(true);
        expect(await set(hub.owner, "front", { state: "on" })).toBe(200);
      }
    // Over at its end, and nothing of it is left.
    await set(otherAdult, "front", { state: "off", forMs: HOUR_MS });
    await set(adult, "front", { state: "off", forMs: 2 * HOUR_MS });
    pass(HOUR_MS);
    expect(privacy().isOff("front")).toBe(true);
    pass(HOUR_MS);
    expect(privacy().isOff("front")).toBe(false);
    expect(await set(adult, "front", { state: "off" })).toBe(200);
    expect(await set(adult, "front", { state: "on" })).toBe(200);
  });

  test("an owner takes over what others switched off", async () => {
    await set(adult, "front", { state: "off" });
    await set(otherAdult, "front", { state: "off" });
    expect(await set(hub.owner, "front", { state: "off", forMs: HOUR_MS })).toBe(200);
    for (const each of [adult, otherAdult])
      expect(await set(each, "front", { state: "on" })).toBe(403);
    pass(HOUR_MS);
    expect(privacy().isOff("front")).toBe(false);
  });

  test("in its hours only an owner switches it on", async () => {
    pass(HOUR_MS);
    expect(privacy().isOff("night")).toBe(true);
    expect(await set(adult, "night", { state: "on" })).toBe(403);
    expect(await set(adult, "night", { state: "off" })).toBe(200);
    // His own off is gone with this, and the hours are not his to undo.
    expect(await set(adult, "night", { state: "on" })).toBe(403);
  });

  test("nobody else, and no camera that there is not", async () => {
    for (const role of ["viewer", "guest"] as const)
      expect(await set(await hub.admit(role), "front", { state: "off" })).toBe(403);
    expect(await set(hub.owner, "none", { state: "off" })).toBe(404);
    for (const body of [
      { state: "off", forMs: 1 },
      { state: "off", forMs: 40 * 24 * HOUR_MS },
      { state: "off", until: "noon" },
      { state: "on", forMs: HOUR_MS },
      {},
    ])
      expect(await set(hub.owner, "front", body)).toBe(422);
    expect(privacy().isOff("front")).toBe(false);
  });
});

describe("how long it holds", () => {
  test("for a time, until the morning by the hub's clock, or until somebody switches it on", async () => {
    const before = entries("front").length;
    await set(adult, "front", { state: "off", forMs: HOUR_MS });
    expect(await stateOf("front")).toMatchObject({ off: { untilMs: NOW_MS + HOUR_MS } });
    pass(HOUR_MS - 1);
    expect(privacy().isOff("front")).toBe(true);
    pass(1);
    expect(privacy().isOff("front")).toBe(false);
    await set(adult, "front", { state: "off", until: "morning" });
    // Seven in Paris.
    expect(await stateOf("front")).toMatchObject({ off: { untilMs: Date.UTC(2026, 10, 22, 6) } });
    await set(hub.owner, "front", { state: "off" });
    expect(await stateOf("front")).toMatchObject({ off: { untilMs: null } });
    pass(400 * 24 * HOUR_MS);
    expect(privacy().isOff("front")).toBe(true);
    expect(words("front", before)).toEqual(["off device", "on timer", "off device"]);
  });

  test("its hours switch it off and on, and what is set by hand goes first until its end", async () => {
    const before = entries("night").length;
    expect(await stateOf("night")).toMatchObject({ off: null, hoursChangeAtMs: NOW_MS + HOUR_MS });
    pass(HOUR_MS);
    expect(await stateOf("night")).toMatchObject({
      off: { by: "schedule", sinceMs: NOW_MS + HOUR_MS, untilMs: NOW_MS + 8 * HOUR_MS },
    });
    await set(hub.owner, "night", { state: "on" });
    expect(await stateOf("night")).toMatchObject({ off: null, onUntilMs: NOW_MS + 8 * HOUR_MS });
    pass(7 * HOUR_MS);
    expect(privacy().isOff("night")).toBe(false);
    // The next Saturday they hold again: what was set by hand ended with the hours it was set in.
    pass(6 * 24 * HOUR_MS + 17 * HOUR_MS);
    expect(privacy().isOff("night")).toBe(true);
    expect(words("night", before)).toEqual(["off schedule", "on device", "off schedule"]);
  });

  test("what ends by hand inside its hours stays off with them, and no entry says otherwise", async () => {
    const before = entries("night").length;
    await set(adult, "night", { state: "off", forMs: 2 * HOUR_MS });
    expect(await stateOf("night")).toMatchObject({ off: { untilMs: NOW_MS + 8 * HOUR_MS } });
    pass(2 * HOUR_MS);
    expect(privacy().isOff("night")).toBe(true);
    pass(6 * HOUR_MS);
    expect(privacy().isOff("night")).toBe(false);
    expect(words("night", before)).toEqual(["off device", "on schedule"]);
  });

  test("what is off by hand without an end, no hours switch on", async () => {
    await set(adult, "night", { state: "off" });
    pass(9 * HOUR_MS);
    expect(privacy().isOff("night")).toBe(true);
  });
});

describe("what is off", () => {
  test("shows nothing: open sockets are closed with a reason, and new ones refused", async () => {
    const look = (id: string) => openLive(hub.hub.url, id, { token: adult.token });
    const [front, back] = [await look("front"), await look("back")];
    hub.hub.services.live.take(initOf());
    hub.hub.services.live.take(pictureOf({ sequence: 0, keyFrame: true }));
    const reason = new Promise((resolve) => {
      front.socket.once("close", (_code, words: Buffer) => resolve(words.toString("utf8")));
    });
    const cutOff = vi.spyOn(hub.hub.services.talk, "switchedOff");
    await set(adult, "front", { state: "off" });
    expect(cutOff.mock.calls).toEqual([["front"]]);
    cutOff.mockRestore();
    expect(await reason).toMatch(/^The camera is switched off/);
    expect(await front.waitForClose()).toBe(LIVE_CLOSE.cameraOff);
    await expect(look("front")).rejects.toThrow("409");
    expect(hub.hub.services.live.watches).toEqual([{ camera: "back", stream: "main" }]);
    await set(adult, "front", { state: "on" });
    const again = await look("front");
    for (const { socket } of [back, again]) socket.close();
    await vi.waitUntil(() => hub.hub.services.live.watches.length === 0);
  });

  test("is said to be off, and to have nothing wrong with it", async () => {
    hub.hub.services.privacy.settle();
    await set(adult, "front", { state: "off" });
    const health = (await hub.call("GET", "/api/health", { as: hub.owner })).json<HealthAnswer>();
    expect(health.cameras[0]).toMatchObject({
      ...{ id: "front", main: "off", problem: null, notes: [] },
      off: { by: expect.stringMatching(/^[0-9a-f]{64}$/), untilMs: null },
    });
    expect(health.cameras[1]).not.toHaveProperty("off");
    const notice = await hub.call("GET", "/notice");
    expect(notice.body).toContain("At this moment 1 of them is switched off.");
    const facts = (await hub.call("GET", "/api/notice", { as: hub.owner })).json();
    expect(facts).not.toHaveProperty("switchedOff");
  });

  test("still rings, so a bell that is not heard is said of it too", async () => {
    await set(adult, "front", { state: "off" });
    pass(60_000);
    const health = (await hub.call("GET", "/api/health", { as: hub.owner })).json<HealthAnswer>();
    expect(health.cameras[0]).toMatchObject({ main: "off", problem: null });
    expect(health.cameras[0]?.notes.map(({ code }) => code)).toEqual(["BELL_LOST"]);
  });

  test("stays off over a restart, and was off before anything could be connected to", async () => {
    await set(otherAdult, "front", { state: "off" });
    await set(adult, "front", { state: "off" });
    await set(adult, "back", { state: "off", forMs: HOUR_MS });
    const { dataDirectory, owner } = hub;
    await hub.hub[Symbol.asyncDispose]();
    hub = await startTestHub({
      ...{ dataDirectory, owner: owner.bundle, settings: SETTINGS },
      ...{ nowMs: NOW_MS + 2 * HOUR_MS, timeZone: "Europe/Paris" },
    });
    adult = await hub.logIn(adult.bundle);
    otherAdult = await hub.logIn(otherAdult.bundle);
    expect(privacy().allOff()).toEqual(["front", "night"]);
    expect(entries("back").at(-1)).toMatchObject({ state: "on", by: "timer" });
    // It changed while the hub was off, and is entered when the hub knows.
    expect(entries("night").at(-1)).toMatchObject({ state: "off", by: "schedule" });
    for (const each of [adult, otherAdult])
      expect(await stateOf("front", each)).toMatchObject({ mayTurnOn: false });
  });
});

test("no entry, no switch: what the ledger cannot take does not happen", async () => {
  const { ledger } = hub.hub.services;
  const append = vi.spyOn(ledger, "append").mockImplementation(() => {
    throw new Error("the disk is full");
  });
  const before = entries("front").length;
  expect(await set(adult, "front", { state: "off" })).toBe(500);
  expect(privacy().isOff("front")).toBe(false);
  append.mockRestore();
  expect(entries("front").length).toBe(before);
  expect(await stateOf("front")).toMatchObject({ off: null });
});

describe("its hours in the settings", () => {
  const put = (id: string, hours: unknown, as = hub.owner) =>
    hub.call("PUT", `/api/privacy/${id}/hours`, { as, body: { hours } });

  test("are an owner's to change, in the file's own words where they are wrong", async () => {
    expect((await put("front", NIGHT, adult)).statusCode).toBe(403);
    // These cameras stand in no file.
    expect((await put("front", NIGHT)).statusCode).toBe(404);
  });
});
