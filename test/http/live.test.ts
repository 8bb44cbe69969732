import { writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { WebSocket } from "ws";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { VIEWERS_PER_SESSION_MAX } from "../../src/http/live-streams.ts";
import { VIEWER_BYTES_MAX } from "../../src/http/live-viewer.ts";
import type { TrackInit } from "../../src/protocol/fragment.ts";
import { parseCameraId } from "../../src/protocol/ids.ts";
import type { CameraSettings } from "../../src/settings/cameras.ts";
import { openDatabase } from "../../src/base/database.ts";
import { openLive, type LiveSocket } from "../support/live-socket.ts";
import { newReaders } from "../support/test-household.ts";
import { startTestHub, type TestDevice, type TestHub } from "../support/test-hub.ts";
import { FRONT, initOf, pictureOf, type PictureOptions } from "../support/test-live.ts";

/** Nobody answers at this address: all pictures are the test's own. */
const camera = (id: string): CameraSettings => ({
  ...{ id, name: id, source: "rtsp", main: "rtsp://127.0.0.1:1/main", sub: null },
  ...{
    audio: false,
    faces: "keep",
    motion: { objects: false },
    allowBasic: false,
    username: null,
    password: null,
  },
});

const NEVER = parseCameraId("never");

let hub: TestHub;
let adult: TestDevice;
beforeAll(async () => {
  hub = await startTestHub({ settings: { cameras: [camera("front"), camera("back")] } });
  adult = await hub.admit("adult");
});
afterAll(() => hub[Symbol.asyncDispose]());

const look = (
  as: TestDevice | null,
  query = "",
  headers: Record<string, string> = {},
): Promise<LiveSocket> =>
  openLive(hub.hub.url, `front${query}`, { ...(as ? { token: as.token } : {}), headers });

const show = (options: PictureOptions): void => hub.hub.services.live.take(pictureOf(options));
const begin = (): void => hub.hub.services.live.take(initOf());
const liveEntries = (): number => hub.ledgerKinds().filter((kind) => kind === "live").length;
const serverSockets = (): WebSocket[] => [...hub.hub.server.websocketServer.clients];

/** Every test begins with nobody looking, and more than a looking's time after the last one. */
beforeEach(async () => {
  await vi.waitUntil(() => serverSockets().length === 0, { timeout: 10_000 });
  hub.clock.nowMs += 61_000;
});

describe("who may look", () => {
  const own = (): string => hub.hub.url;

  const refused: [string, string, () => Promise<LiveSocket>][] = [
    ["somebody without a session", "401", () => look(null, "", { origin: own() })],
    ["a viewer: nothing live is blurred", "403", async () => look(await hub.admit("viewer"))],
    [
      "a page of another site",
      "403",
      () => look(null, "", { ...cookieOf(hub.owner), origin: "http://elsewhere.example" }),
    ],
    [
      "a page of another port of this machine",
      "403",
      () => look(null, "", { ...cookieOf(hub.owner), origin: "http://localhost:1" }),
    ],
    ["a cookie without an origin", "403", () => look(null, "", cookieOf(hub.owner))],
    [
      "another site's page with a bearer",
      "403",
      () => look(hub.owner, "", { origin: "http://elsewhere.example" }),
    ],
    [
      "somebody under another name of this hub",
      "421",
      () => look(hub.owner, "", { host: "evil.example" }),
    ],
    ["somebody at a camera that is not there", "404", () => openLive(own(), "none", hub.owner)],
    ["somebody at an odd camera's name", "422", () => openLive(own(), "Fro%2Fnt", hub.owner)],
    ["somebody at another stream", "422", () => look(hub.owner, "?stream=other")],
  ];
  test.each(refused)("is not %s", async (_who, status, opening) => {
    const entries = liveEntries();
    await expect(opening()).rejects.toThrow(`refused with ${status}`);
    expect(liveEntries()).toBe(entries);
  });

  test("is owner and adult by bearer, and the hub's own page by cookie", async () => {
    for (const opening of [
      () => look(hub.owner),
      () => look(adult),
      () => look(null, "", { ...cookieOf(hub.owner), origin: own() }),
    ]) {
      using live = await opening();
      expect(live.closedWith).toBe(0);
    }
  });
});

/** As the browser sends it back. */
function cookieOf({ token }: TestDevice): Record<string, string> {
  return { cookie: `doorward-session=${token}` };
}

describe("a viewer", () => {
  test("sees at once what has been since the last key frame, also as the second one", async () => {
    using first = await look(hub.owner);
    begin();
    for (let each = 0; each < 8; each += 1) show({ sequence: each, keyFrame: each % 5 === 0 });
    await first.waitForFragments(8);
    using second = await look(adult);
    show({ sequence: 8 });
    await second.waitForFragments(4);
    expect(second.fragments.map(({ sequence }) => sequence)).toEqual([5, 6, 7, 8]);
    expect(second.received[0]?.type).toBe("init");
    expect(second.fragments[3]).toEqual((await first.waitForFragments(9), first.fragments[8]));
    first[Symbol.dispose]();
    second[Symbol.dispose]();
    await expect.poll(() => hub.hub.services.live.watches).toEqual([]);
    expect(hub.hub.services.live.keptBytes).toBe(0);
  });

  test("begins with a key frame, and sound waits for it", async () => {
    using live = await look(hub.owner);
    live.socket.send(JSON.stringify({ type: "sound", on: true }));
    await expect.poll(() => hub.hub.services.live.watches[0]?.sound).toBe(true);
    begin();
    show({ sequence: 3 });
    hub.hub.services.live.take({ ...initOf(), kind: "init", init: AUDIO_INIT });
    show({ sequence: 1, track: "audio", keyFrame: true });
    show({ sequence: 4, keyFrame: true });
    show({ sequence: 2, track: "audio", keyFrame: true });
    await live.waitForFragments(2);
    const types = live.received.map((each) =>
      each.type === "fragment" ? `${each.fragment.track} ${each.fragment.sequence}` : each.type,
    );
    expect(types.filter((type) => type !== "waiting")).toEqual([
      "init",
      "video 4",
      "init",
      "audio 2",
    ]);
  });

  test("of the sub stream sees the main one where there is none", async () => {
    using live = await look(hub.owner, "?stream=sub");
    expect(hub.hub.services.live.watches).toEqual([{ camera: "front", stream: "main" }]);
    expect(live.closedWith).toBe(0);
  });

  test("is told what is the matter with the camera, once for each reason", async () => {
    const { live: streams } = hub.hub.services;
    using live = await look(hub.owner);
    const problem = { message: "Cannot reach the camera" };
    for (const state of ["waiting-to-retry", "waiting-to-retry", "connecting"])
      streams.setState("front", "main", {
        state,
        problem: state === "connecting" ? null : problem,
      });
    const told = (): unknown[] => live.received.filter(({ type }) => type === "waiting");
    await live.waitFor(
      "the last",
      (each) => each.type === "waiting" && each.reason === "connecting",
    );
    expect(told().slice(-2)).toEqual([
      expect.objectContaining({ reason: "waiting-to-retry", ...problem }),
      expect.objectContaining({ reason: "connecting" }),
    ]);
  });

  test.each<[string, (socket: WebSocket) => void]>([
    ["bytes", (socket) => socket.send(Buffer.from("{}"))],
    ["no JSON", (socket) => socket.send("hello")],
    ["another message", (socket) => socket.send('{"type":"stop"}')],
    ["more than asked for", (socket) => socket.send('{"type":"ping","atMs":1,"more":1}')],
    ["a long text", (socket) => socket.send(`{"type":"ping","atMs":1}${" ".repeat(300)}`)],
    [
      "too many texts",
      (socket) => {
        for (let each = 0; each < 60; each += 1) socket.send('{"type":"ping","atMs":1}');
      },
    ],
  ])("that sends %s is not listened to any longer", async (_what, send) => {
    using live = await look(hub.owner);
    send(live.socket);
    expect(await live.waitForClose()).toBe(1008);
    await expect.poll(() => hub.hub.services.live.watches).toEqual([]);
  });

  test("is one of not too many", async () => {
    const open: LiveSocket[] = [];
    try {
      for (let each = 0; each < VIEWERS_PER_SESSION_MAX; each += 1)
        open.push(await look(hub.owner));
      using over = await look(hub.owner);
      expect(await over.waitForClose()).toBe(4429);
      using other = await look(adult);
      await sleep(200);
      expect([other, ...open].map(({ closedWith }) => closedWith)).not.toContain(4429);
    } finally {
      for (const each of open) each[Symbol.dispose]();
    }
  });
});

const AUDIO_INIT: TrackInit = {
  ...{ track: "audio", codec: "mp4a.40.2", timescale: 48_000, width: 0, height: 0 },
  bytes: new Uint8Array(16),
};

describe("a looking", () => {
  test("is entered before its first picture, and once however often its socket breaks", async () => {
    const { live } = hub.hub.services;
    using keeper = await look(adult);
    begin();
    show({ sequence: 0, keyFrame: true });
    await keeper.waitForFragments(1);
    const before = liveEntries();
    const database = openDatabase(path.join(hub.dataDirectory, "doorward.db"));
    try {
      database.exec(
        `CREATE TRIGGER no_live BEFORE INSERT ON ledger_entries WHEN NEW.kind = 'live'
         BEGIN SELECT raise(ABORT, 'the disk is full'); END`,
      );
      using refused = await look(hub.owner);
      expect(await refused.waitForClose()).toBe(1011);
      expect(refused.received).toEqual([]);
    } finally {
      database.exec("DROP TRIGGER IF EXISTS no_live");
      database.close();
    }
    expect(liveEntries()).toBe(before);
    for (let each = 0; each < 3; each += 1) {
      using again = await look(hub.owner);
      await again.waitForFragments(1);
      expect(liveEntries()).toBe(before + 1);
      hub.clock.nowMs += 20_000;
    }
    await expect.poll(() => serverSockets().length).toBe(1);
    hub.clock.nowMs += 61_000;
    using later = await look(hub.owner);
    await later.waitForFragments(1);
    expect(liveEntries()).toBe(before + 2);
    const [entry] = hub.hub.services.ledger.entries({ kind: "live" }).slice(-1);
    expect(entry?.entry).toMatchObject({ camera: FRONT, device: hub.owner.key.device });
    expect(live.watches).toHaveLength(1);
  });

  test("ends within a second or so when the device is removed", async () => {
    const phone = await hub.admit("owner", { person: hub.owner.bundle.person });
    using live = await look(phone);
    using other = await look(adult);
    const atMs = performance.now();
    await hub.change({
      kind: "remove",
      device: phone.key.device,
      readers: await newReaders(hub.hub.services.household.keyring),
    });
    expect(await live.waitForClose()).toBe(4401);
    expect(performance.now() - atMs).toBeLessThan(1_500);
    expect(other.closedWith).toBe(0);
  });

  test("ends when the session is logged out, and when its time is over", async () => {
    const again = await hub.logIn(adult.bundle);
    using loggedOut = await look(again);
    await hub.call("DELETE", "/api/session", { as: again });
    expect(await loggedOut.waitForClose()).toBe(4401);
    await using own = await startTestHub({ settings: { cameras: [camera("front")] } });
    using expired = await openLive(own.hub.url, "front", own.owner);
    own.clock.nowMs += 12 * 3_600_000;
    expect(await expired.waitForClose()).toBe(4401);
  });

  test("ends with the camera", async () => {
    const cameras = [camera("front"), camera("back")];
    await using own = await startTestHub({ settings: { cameras } });
    const lines = cameras.map(({ id }) => `  - { id: ${id}, main: "rtsp://127.0.0.1:1/main" }`);
    const text = ["name: Test hub", "cameras:", ...lines, ""].join("\n");
    await writeFile(path.join(own.dataDirectory, "doorward.yaml"), text, { mode: 0o600 });
    using live = await openLive(own.hub.url, "front", own.owner);
    using other = await openLive(own.hub.url, "back", own.owner);
    await own.hub.services.settings.removeCamera("front");
    expect(await live.waitForClose()).toBe(4404);
    expect(other.closedWith).toBe(0);
    // Its last pictures may still be on their way; a camera that never was is another matter.
    own.hub.services.live.take(pictureOf({ sequence: 1 }));
    expect(() =>
      own.hub.services.live.take({ ...pictureOf({ sequence: 1 }), camera: NEVER }),
    ).toThrow(/there is no never/);
  });
});

describe("a viewer that does not keep up", () => {
  const SIZE = 100 * 1024;

  test("loses whole groups of pictures, is told, and disturbs nobody", async () => {
    using slow = await look(hub.owner);
    using quick = await look(adult);
    begin();
    show({ sequence: 0, keyFrame: true });
    await slow.waitForFragments(1);
    slow.socket.pause();
    let most = 0;
    let sequence = 1;
    for (; sequence < 400; sequence += 1) {
      show({ sequence, keyFrame: sequence % 10 === 0, sizeBytes: SIZE });
      await quick.waitForFragments(sequence + 1);
      for (const { bufferedAmount } of serverSockets()) most = Math.max(most, bufferedAmount);
    }
    expect(most).toBeGreaterThan(VIEWER_BYTES_MAX / 2);
    expect(most).toBeLessThanOrEqual(VIEWER_BYTES_MAX + SIZE);
    slow.socket.resume();
    await expect
      .poll(() => Math.max(...serverSockets().map((each) => each.bufferedAmount)))
      .toBe(0);
    show({ sequence: 400, keyFrame: true });
    const told = await slow.waitFor("how many", ({ type }) => type === "skipped");
    await slow.waitFor(
      "the next",
      (each) => each.type === "fragment" && each.fragment.sequence === 400,
    );
    const next = slow.received[slow.received.indexOf(told) + 1];
    expect(next).toMatchObject({ fragment: { sequence: 400, keyFrame: true } });
    const skipped = told.type === "skipped" ? told.fragments : 0;
    expect(skipped + slow.fragments.length).toBe(401);
    expect(quick.fragments.map((each) => each.sequence)).toEqual([...Array(400).keys()]);
    expect(quick.received.some(({ type }) => type === "skipped")).toBe(false);
  });

  test("for ten seconds is sent away", async () => {
    using slow = await look(hub.owner);
    begin();
    show({ sequence: 0, keyFrame: true });
    await slow.waitForFragments(1);
    slow.socket.pause();
    for (let sequence = 1; sequence < 200; sequence += 1) {
      show({ sequence, sizeBytes: SIZE });
      await sleep(1);
    }
    const atMs = performance.now();
    await expect.poll(() => hub.hub.services.live.watches.length, { timeout: 20_000 }).toBe(0);
    expect(performance.now() - atMs).toBeGreaterThan(8_000);
    slow.socket.resume();
    expect(await slow.waitForClose()).toBe(1013);
  });
});
