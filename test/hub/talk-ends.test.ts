import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { openDatabase } from "../../src/base/database.ts";
import { Connections } from "../../src/http/connections.ts";
import type { SessionDevice } from "../../src/http/sessions.ts";
import { HubTalk } from "../../src/hub/talk.ts";
import { parseDeviceId, parsePersonId } from "../../src/protocol/ids.ts";
import type { LedgerEntry } from "../../src/protocol/ledger-entry.ts";
import type { CameraSettings } from "../../src/settings/cameras.ts";
import { temporaryFolder } from "../support/temporary.ts";

// What ends a conversation besides its speaker, and what of it is entered. Its process is one that
// takes everything, since no camera has a part in this.

const LOOK_MS = 1_000;
const camera = {
  ...{ id: "door", name: "Door", source: "rtsp", main: "rtsp://127.0.0.1:1/main", sub: null },
  ...{ audio: false, faces: "keep", allowBasic: false, username: null, password: null },
} as const satisfies CameraSettings;

function speaker(device: string, session: string): SessionDevice {
  return {
    ...{ device: parseDeviceId(device.repeat(64)), person: parsePersonId("0".repeat(32)) },
    ...{ role: "guest", rights: ["live"], session, createdAtMs: 0, expiresAtMs: 1 },
    ...{ expiresCountedMs: 1, ageCountedMs: 1 },
  };
}

function openDesk() {
  const folder = temporaryFolder();
  const database = openDatabase(path.join(folder.path, "hub.db"));
  const entries: LedgerEntry[] = [];
  const state = { nowMs: 1_000_000, isOff: false, cameras: [camera] as CameraSettings[] };
  const connections = new Connections(database, () => state.nowMs);
  const talk = new HubTalk({
    cameras: () => state.cameras,
    isOff: () => state.isOff,
    maySpeak: () => true,
    append: (entry) => void entries.push(entry),
    connections: () => connections,
    nowMs: () => state.nowMs,
    entry: fileURLToPath(new URL("../support/willing-talk-child.ts", import.meta.url)),
  });
  const say = async (who: SessionDevice): Promise<void> => {
    const said = talk.begin("door", who, 1_000);
    await said.opened;
    said.end();
    await said.ended;
  };
  return {
    ...{ talk, state, entries, say },
    async [Symbol.asyncDispose]() {
      await talk[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

// Nothing is looked at but when a test says so.
beforeEach(() => void vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] }));
afterEach(() => void vi.useRealTimers());

test("a camera that is switched off is not talked at any more, whenever it is looked at", async () => {
  await using desk = openDesk();
  const said = desk.talk.begin("door", speaker("a", "one"), 1_000);
  await said.opened;
  desk.talk.switchedOff("back");
  desk.talk.switchedOff("door");
  expect(await said.ended).toMatchObject({ code: "CAMERA_OFF" });
});

const changes: readonly (readonly [string, string, CameraSettings[]])[] = [
  ["takes no talk any more", "TALK_OFF", [{ ...camera, talk: false }]],
  ["has another address", "NOT_FOUND", [{ ...camera, main: "rtsp://127.0.0.1:2/main" }]],
  ["is gone", "NOT_FOUND", []],
];
test.each(changes)("a conversation ends where its camera %s: %s", async (_what, code, cameras) => {
  await using desk = openDesk();
  const said = desk.talk.begin("door", speaker("a", "one"), 1_000);
  await said.opened;
  desk.state.cameras = [{ ...camera, name: "Front door" }];
  vi.advanceTimersByTime(LOOK_MS);
  desk.state.cameras = cameras;
  vi.advanceTimersByTime(LOOK_MS);
  expect(await said.ended).toMatchObject({ code });
});

test("who takes turns with himself, or with somebody else, does not fill the ledger", async () => {
  await using desk = openDesk();
  const [one, other, guest] = [speaker("a", "one"), speaker("a", "other"), speaker("b", "third")];
  for (const who of [one, guest, other, guest]) {
    desk.state.nowMs += 1_000;
    await desk.say(who);
  }
  expect(desk.entries.map((entry) => entry.kind === "talk" && entry.device[0])).toEqual(["a", "b"]);
  desk.state.nowMs += 60_001;
  await desk.say(one);
  expect(desk.entries.length).toBe(3);
});
