import type { WebSocket } from "ws";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { TrackInit } from "../../src/protocol/fragment.ts";
import type { CameraSettings } from "../../src/settings/cameras.ts";
import { openLive, type LiveSocket } from "../support/live-socket.ts";
import { startTestHub, type TestDevice, type TestHub } from "../support/test-hub.ts";
import { initOf, pictureOf } from "../support/test-live.ts";

const CAMERA: CameraSettings = {
  ...{ id: "front", name: "Front", source: "rtsp", main: "rtsp://127.0.0.1:1/main", sub: null },
  ...{
    audio: true,
    faces: "keep",
    motion: { objects: false },
    allowBasic: false,
    username: null,
    password: null,
  },
};
const AUDIO_INIT: TrackInit = {
  ...{ track: "audio", codec: "mp4a.40.2", timescale: 48_000, width: 0, height: 0 },
  bytes: new Uint8Array(16),
};

let hub: TestHub;
let adult: TestDevice;
beforeAll(async () => {
  hub = await startTestHub({ settings: { cameras: [CAMERA] } });
  adult = await hub.admit("adult");
});
afterAll(() => hub[Symbol.asyncDispose]());

const streams = () => hub.hub.services.live;
const serverSockets = (): WebSocket[] => [...hub.hub.server.websocketServer.clients];
beforeEach(async () => {
  await vi.waitUntil(() => serverSockets().length === 0, { timeout: 10_000 });
});

async function look(as: TestDevice): Promise<LiveSocket> {
  return openLive(hub.hub.url, "front", { token: as.token });
}

/** Asks for sound, or for no more of it, and waits until the hub has read that. */
async function ask(live: LiveSocket, on: boolean): Promise<void> {
  const pongs = (): number => live.received.filter(({ type }) => type === "pong").length;
  const before = pongs();
  live.socket.send(JSON.stringify({ type: "sound", on }));
  live.socket.send(JSON.stringify({ type: "ping", atMs: 1 }));
  await vi.waitUntil(() => pongs() > before);
}

let sequence = 0;
function beginStream(): void {
  streams().take(initOf());
  streams().take({ ...initOf(), kind: "init", init: AUDIO_INIT });
}
function send(count: number): void {
  for (let each = 0; each < count; each += 1, sequence += 1) {
    streams().take(pictureOf({ sequence, keyFrame: sequence % 5 === 0 }));
    streams().take(pictureOf({ sequence, track: "audio", keyFrame: true }));
  }
}

const soundOf = (live: LiveSocket): number[] =>
  live.fragments.filter(({ track }) => track === "audio").map((each) => each.sequence);
const picturesOf = (live: LiveSocket): number[] =>
  live.fragments.filter(({ track }) => track === "video").map((each) => each.sequence);

describe("live sound", () => {
  test("goes to nobody who has not asked; who asks hears it from then on, until he does not want it", async () => {
    sequence = 0;
    using listener = await look(hub.owner);
    using other = await look(adult);
    beginStream();
    send(5);
    await ask(listener, true);
    expect(streams().watches).toEqual([{ camera: "front", stream: "main", sound: true }]);
    send(5);
    await ask(listener, false);
    expect(streams().watches).toEqual([{ camera: "front", stream: "main" }]);
    send(5);
    await vi.waitUntil(() => picturesOf(listener).length === 15);
    await vi.waitUntil(() => picturesOf(other).length === 15);
    expect(soundOf(listener)).toEqual([5, 6, 7, 8, 9]);
    expect(listener.inits.map(({ track }) => track)).toEqual(["video", "audio"]);
    expect(soundOf(other)).toEqual([]);
    expect(other.inits.map(({ track }) => track)).toEqual(["video"]);
  });

  test("is asked of the ingest process for as long as one of several listens", async () => {
    using one = await look(hub.owner);
    using other = await look(adult);
    await ask(one, true);
    await ask(other, true);
    await ask(one, false);
    expect(streams().watches).toEqual([{ camera: "front", stream: "main", sound: true }]);
    other[Symbol.dispose]();
    await vi.waitUntil(() => streams().watches[0]?.sound === undefined);
  });

  test("that nobody listens to is let go, also where the ingest process sends it all the same", async () => {
    sequence = 0;
    using live = await look(hub.owner);
    beginStream();
    send(4);
    const kept = streams().keptBytes;
    streams().take(pictureOf({ sequence: 9, track: "audio", keyFrame: true, sizeBytes: 5_000 }));
    expect(streams().keptBytes).toBe(kept);
    using later = await look(hub.owner);
    await ask(later, true);
    expect(soundOf(later)).toEqual([]);
    expect(live.closedWith).toBe(0);
  });

  test("leaves the hub to no session that may not open what was recorded, whatever it sends", async () => {
    sequence = 0;
    const guest = await hub.admit("guest");
    using owner = await look(hub.owner);
    using live = await look(guest);
    await ask(owner, true);
    await ask(live, true);
    beginStream();
    send(10);
    await vi.waitUntil(() => soundOf(owner).length === 10);
    await vi.waitUntil(() => picturesOf(live).length === 10);
    expect(soundOf(live)).toEqual([]);
    expect(live.inits.map(({ track }) => track)).toEqual(["video"]);
    await ask(live, true);
    send(2);
    await vi.waitUntil(() => picturesOf(live).length === 12);
    expect(soundOf(live)).toEqual([]);
    expect(live.closedWith).toBe(0);
  });

  test("is not sent for something that only looks like asking", async () => {
    for (const text of [
      '{"type":"sound"}',
      '{"type":"sound","on":1}',
      '{"type":"sound","on":true,"x":1}',
    ]) {
      using live = await look(hub.owner);
      live.socket.send(text);
      expect(await live.waitForClose()).toBe(1008);
    }
  });
});
