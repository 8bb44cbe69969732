import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { Connections } from "../../src/http/connections.ts";
import { CameraConnections } from "../../src/hub/connections.ts";
import { openDatabase } from "../../src/base/database.ts";
import type { FromIngest } from "../../src/ingest/messages.ts";
import type { ConnectionList } from "../../src/protocol/api-connections.ts";
import type { CameraSettings } from "../../src/settings/cameras.ts";
import { startTestHub } from "../support/test-hub.ts";
import { temporaryFolder } from "../support/temporary.ts";

function camera(id: string, main: string, sub: string | null = null): CameraSettings {
  return {
    ...{ id, name: id, audio: false, faces: "keep", source: "rtsp", main, sub },
    ...{ username: null, password: null, allowBasic: false },
  } as const;
}

const report = (id: string, role: "main" | "sub", state: "streaming" | "connecting"): FromIngest =>
  ({
    type: "camera",
    ...{ camera: id, role },
    report: { state, problem: null, codec: null, picture: null },
  }) as const;

describe("what this hub connects to", () => {
  test("is also a camera that ffmpeg shows, and no film or device of this machine", async () => {
    await using folder = temporaryFolder();
    await using database = openDatabase(`${folder.path}/doorward.db`);
    const log = new Connections(database, () => 1_000_000);
    const read = (id: string, input: string): CameraSettings => ({
      ...{ id, name: id, audio: false, faces: "keep", source: "ffmpeg", input },
    });
    const connections = new CameraConnections(log, [
      read("film", "/srv/door.mp4"),
      read("usb", "/dev/video0"),
      read("old", "http://192.0.2.12/video.mjpg"),
      read("push", "rtmp://192.0.2.13/live/door?password={password}"),
    ]);
    connections.observe(report("old", "main", "streaming"));
    expect(log.list().map(({ what, address, open }) => ({ what, address, open }))).toEqual([
      { what: "camera old", address: "192.0.2.12:80", open: true },
      { what: "camera push", address: "192.0.2.13:1935", open: false },
    ]);
  });

  test("ends nothing where it cannot be written down, and is said once", async () => {
    await using folder = temporaryFolder();
    await using database = openDatabase(`${folder.path}/doorward.db`);
    const warnings: string[] = [];
    const log = new Connections(
      database,
      () => 1_000_000,
      (message) => warnings.push(message),
    );
    const place = { what: "talk front", address: "192.0.2.10:554" };
    database.pragma("query_only = ON");
    log.mention(place);
    log.connected(place);
    log.disconnected(place);
    log.tried("rtsp://192.0.2.11/main", true);
    expect(warnings).toEqual([expect.stringContaining("readonly")]);
    database.pragma("query_only = OFF");
    log.connected(place);
    expect(log.list()).toMatchObject([{ ...place, open: true }]);
  });

  test("is every place it was told of, with when it answered, and that is kept", async () => {
    await using folder = temporaryFolder();
    await using database = openDatabase(`${folder.path}/doorward.db`);
    const clock = { nowMs: 1_000_000 };
    const log = new Connections(database, () => clock.nowMs);
    const front = camera("front", "rtsp://192.0.2.10/main", "rtsp://192.0.2.10/sub");
    const connections = new CameraConnections(log, [front, camera("back", "rtsp://[::1]:8554/x")]);
    const never = { firstAtMs: null, lastAtMs: null, open: false };
    expect(log.list()).toEqual([
      { what: "camera back", address: "[::1]:8554", ...never },
      { what: "camera front", address: "192.0.2.10:554", ...never },
    ]);
    const ofFront = () => log.list().find(({ what }) => what === "camera front");
    connections.observe(report("front", "main", "streaming"));
    connections.observe(report("front", "sub", "streaming"));
    clock.nowMs += 7_000;
    expect(ofFront()).toMatchObject({ firstAtMs: 1_000_000, lastAtMs: 1_007_000, open: true });
    connections.observe(report("front", "main", "connecting"));
    expect(ofFront()?.open).toBe(true);
    connections.observe(report("front", "sub", "connecting"));
    clock.nowMs += 1_000;
    expect(ofFront()).toMatchObject({ firstAtMs: 1_000_000, lastAtMs: 1_007_000, open: false });
    connections.observe(report("front", "main", "streaming"));
    // A camera that moved: where it was before stays in the list.
    connections.configure([camera("front", "rtsp://192.0.2.11/main")]);
    expect(new Connections(database, () => 0).list()).toEqual([
      { what: "camera back", address: "[::1]:8554", ...never },
      {
        ...{ what: "camera front", address: "192.0.2.10:554" },
        ...{ firstAtMs: 1_000_000, lastAtMs: 1_008_000, open: false },
      },
      { what: "camera front", address: "192.0.2.11:554", ...never },
    ]);
  });

  test("is written now and then while it lasts, not at every report", async () => {
    await using folder = temporaryFolder();
    await using database = openDatabase(`${folder.path}/doorward.db`);
    const clock = { nowMs: 0 };
    const log = new Connections(database, () => clock.nowMs);
    const connections = new CameraConnections(log, [camera("front", "rtsp://192.0.2.10/main")]);
    const written = () => database.prepare("SELECT last_at_ms FROM connections").pluck().get();
    connections.observe(report("front", "main", "streaming"));
    for (clock.nowMs = 0; clock.nowMs < 299_000; clock.nowMs += 10_000) connections.keep();
    expect(written()).toBe(0);
    clock.nowMs = 300_000;
    connections.keep();
    expect(written()).toBe(300_000);
  });

  test("is told an owner, for a real hub: what is configured, what was tried, nothing else", async () => {
    await using camera1 = createServer((socket) =>
      // Read to its end, or it is never closed.
      socket.on("error", () => undefined).resume(),
    );
    camera1.listen(0, "127.0.0.1");
    await once(camera1, "listening");
    const bound = camera1.address();
    const port = typeof bound === "object" ? bound?.port : 0;
    await using hub = await startTestHub({
      settings: { cameras: [camera("front", `rtsp://127.0.0.1:${port}/main`)] },
    });
    const list = async () =>
      (await hub.call("GET", "/api/connections", { as: hub.owner })).json<ConnectionList>();
    expect(await list()).toEqual([
      {
        ...{ what: "camera front", address: `127.0.0.1:${port}` },
        ...{ firstAtMs: null, lastAtMs: null, open: false },
      },
    ]);
    // It accepts and says nothing: reached, and never answered.
    await sleep(500);
    const tried = await hub.call("POST", "/api/cameras/test", {
      as: hub.owner,
      body: { main: "rtsp://user:secret@127.0.0.1:1/x" },
    });
    expect(tried.json()).toMatchObject({ ok: false });
    expect((await list()).map(({ what, address }) => `${what} ${address}`)).toEqual([
      `camera front 127.0.0.1:${port}`,
      "camera trial 127.0.0.1:1",
    ]);
    expect(JSON.stringify(await list())).not.toContain("secret");
  });
});
