import { spawnSync } from "node:child_process";
import { readFile, rm } from "node:fs/promises";
import net from "node:net";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openKeys } from "../../src/cli/keys-directory.ts";
import { deviceOfBundle } from "../../src/owner/device-bundle.ts";
import { signLogin } from "../../src/owner/household.ts";
import { HubClient } from "../../src/owner/hub-client.ts";
import { ChallengeAnswer, LoginAnswer } from "../../src/protocol/api.ts";
import type { CameraTestAnswer, SettingsAnswer } from "../../src/protocol/api-settings.ts";
import { fromBase64, sha256Hex, utf8Bytes, utf8Text } from "../../src/protocol/bytes.ts";
import { commandLine, startLiveHub, TEST_TIMEOUT_MS, type LiveHub } from "../support/live-hub.ts";
import { missingCommands } from "../support/requirements.ts";
import { RTSP_SERVER_COMMANDS, startRtspServer, type RtspServer } from "../support/rtsp-server.ts";
import { busyDoorFootage, NO_FOOTAGE } from "./door-footage.ts";

// Cameras that an owner adds, changes and tries on a running hub, with a camera's real server.

const PASSWORD = "open-sesame-1";
const isMissing = missingCommands(...RTSP_SERVER_COMMANDS, "mkfifo");

describe.skipIf(isMissing)("cameras set over HTTP", { timeout: TEST_TIMEOUT_MS }, () => {
  const door = isMissing ? NO_FOOTAGE : busyDoorFootage();
  let server: RtspServer;
  let camera: string;
  let hub: LiveHub;
  let token: string;

  const ask = async (method: string, route: string, body?: unknown): Promise<Response> =>
    fetch(hub.url + route, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const statusOf = async (id: string) =>
    (await hub.health()).cameras.find((camera) => camera.id === id) ?? null;
  const tried = async (body: unknown): Promise<CameraTestAnswer> => {
    const answer = await ask("POST", "/api/cameras/test", body);
    expect(answer.status).toBe(200);
    return (await answer.json()) as CameraTestAnswer;
  };

  beforeAll(async () => {
    server = await startRtspServer({
      ...{ media: door.file, username: "door", password: PASSWORD },
    });
    // The one without sound: where only one of two tracks is asked for, this server (it has no live
    // source) now and then waits for the other one and sends nothing.
    camera = server.subUrl;
    hub = await startLiveHub();
    await hub.claim();
    token = await sessionToken(hub);
  });
  afterAll(async () => {
    await hub?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });

  test("a trial says what a camera sends, or what is wrong, and leaves nothing behind", async () => {
    const right = { main: camera, username: "door", password: PASSWORD };
    expect(await tried(right)).toMatchObject({
      ok: true,
      problem: null,
      codec: expect.any(String),
    });
    expect((await tried(right)).width).toBeGreaterThan(0);
    const wrong = await tried({ ...right, password: "wrong-guess" });
    expect(wrong).toMatchObject({ ok: false, codec: null, problem: { code: "WRONG_PASSWORD" } });
    const inUrl = right.main.replace("//", `//door:${PASSWORD}@`);
    expect(await tried({ main: inUrl })).toMatchObject({ ok: true });
    const elsewhere = await tried({ ...right, main: server.url("none") });
    expect(elsewhere).toMatchObject({ ok: false, problem: { code: "NO_SUCH_STREAM" } });
    for (const pid of await hub.tree())
      expect(await commandLine(pid)).not.toContain("camera-test-main");
    expect(hub.log() + hub.output()).not.toContain(PASSWORD);
  });

  test("one trial at a time, of up to ten seconds, and no process of it shows a password", async () => {
    await using silent = await silentServer();
    const startedMs = performance.now();
    const first = tried({ main: silent.url, username: "u", password: "shown-nowhere" });
    await sleep(1_000);
    const second = await ask("POST", "/api/cameras/test", { main: silent.url });
    expect([second.status, await second.json()]).toMatchObject([409, { code: "CAMERA_TEST_BUSY" }]);
    const lines = await Promise.all((await hub.tree()).map(commandLine));
    expect(lines.filter((line) => line.includes("camera-test-main"))).toHaveLength(1);
    expect(lines.join("\n")).not.toContain("shown-nowhere");
    expect(await first).toMatchObject({ ok: false, problem: { code: "SILENT" } });
    expect(performance.now() - startedMs).toBeLessThan(12_000);
  });

  test("the first camera ends the demo, streams, and what it records is listed", async () => {
    await hub.waitFor("the demo", async () =>
      (await statusOf("demo"))?.main === "streaming" ? true : null,
    );
    const answer = await ask("PUT", "/api/settings/cameras/front", {
      ...{ name: "Front door", main: camera.replace("//", `//door:${PASSWORD}@`) },
    });
    expect(answer.status).toBe(200);
    const text = await answer.text();
    expect(text).not.toContain(PASSWORD);
    expect(JSON.parse(text)).toMatchObject({ isDemo: false, cameras: [{ id: "front" }] });
    const front = await hub.waitFor("its pictures", async () => {
      const status = await statusOf("front");
      return status?.main === "streaming" && status.lastPictureMs !== null ? status : null;
    });
    expect(Math.abs(Date.now() - (front.lastPictureMs ?? 0))).toBeLessThan(15_000);
    expect(Math.min(front.width ?? 0, front.height ?? 0)).toBeGreaterThan(0);
    expect(await statusOf("demo")).toBeNull();
    const clip = await hub.waitForClip("closed", { camera: "front" });
    expect(clip.segments).toBeGreaterThan(0);
    expect(await readFile(path.join(hub.dataDirectory, "doorward.yaml"), "utf8")).not.toContain(
      PASSWORD,
    );
  });

  test("another camera is added without cutting what the first one records", async () => {
    const ingest = await hub.ingestPid();
    const before = (await hub.clips()).map(({ id }) => id);
    const running = await hub.waitForClip("recording", { camera: "front", but: [] });
    await ask("PUT", "/api/settings/cameras/front", { name: "Renamed" });
    await ask("PUT", "/api/settings/cameras/side", {
      ...{ main: camera, username: "door", password: PASSWORD },
    });
    await hub.waitFor("its pictures", async () =>
      (await statusOf("side"))?.main === "streaming" ? true : null,
    );
    const closed = await hub.waitForClip("closed", {
      but: before.filter((id) => id !== running.id),
    });
    expect(await hub.ingestPid()).toBe(ingest);
    // Not connected to again.
    expect(hub.log().match(/front main: streaming/g)).toHaveLength(1);
    const detail = await hub.clip(running.id);
    expect(["recording", "closed"]).toContain(detail.state);
    expect(detail.torn).toEqual([]);
    expect(closed.state).toBe("closed");
    expect((await hub.clips()).filter(({ state }) => state === "torn")).toEqual([]);
  });

  test("a camera that goes while it records leaves a whole clip", async () => {
    const running = await hub.waitForClip("recording", { camera: "side" });
    const answer = await ask("DELETE", "/api/settings/cameras/side");
    expect(answer.status).toBe(200);
    const clip = await hub.waitFor("its end", async () => {
      const detail = await hub.clip(running.id);
      return detail.state === "recording" ? null : detail;
    });
    expect([clip.state, clip.torn]).toEqual(["closed", []]);
    expect(await statusOf("side")).toBeNull();
  });

  test("a hub that is killed between entry and file has entered it, and enters what holds", async () => {
    const file = path.join(hub.dataDirectory, "doorward.yaml");
    const before = await readFile(file, "utf8");
    // Opening a pipe that nobody reads waits: the entry is written, and the file is not.
    expect(spawnSync("mkfifo", [`${file}.partial`]).status).toBe(0);
    const entered = await settingsEntries();
    void ask("PUT", "/api/settings/name", { name: "Never written" }).catch(() => undefined);
    await hub.waitFor("the entry", async () =>
      (await settingsEntries()).length > entered.length ? true : null,
    );
    expect(await readFile(file, "utf8")).toBe(before);
    await hub.kill9();
    await rm(`${file}.partial`);
    await hub.restart();
    token = await sessionToken(hub);
    expect(await readFile(file, "utf8")).toBe(before);
    const after = await settingsEntries();
    expect(after).toHaveLength(entered.length + 2);
    expect(after.at(-1)).toBe(sha256Hex(utf8Bytes(before)));
    const settings = (await (await ask("GET", "/api/settings")).json()) as SettingsAnswer;
    expect(settings.cameras).toMatchObject([{ id: "front", hasPassword: true }]);
    expect(hub.log() + hub.output()).not.toContain(PASSWORD);
  });

  /** Hashes of the settings that the ledger holds, in their order. */
  async function settingsEntries(): Promise<string[]> {
    const answer = await ask("GET", "/api/ledger/entries?from=0");
    return ((await answer.json()) as { entry: string }[])
      .map(({ entry }) => utf8Text(fromBase64(entry, "entry"), "entry"))
      .map((text) => JSON.parse(text) as { kind: string; settingsSha256?: string })
      .flatMap(({ settingsSha256 }) => settingsSha256 ?? []);
  }
});

async function sessionToken(hub: LiveHub): Promise<string> {
  const { bundle } = await openKeys(hub.keysDirectory);
  const client = new HubClient(hub.url);
  const { challenge } = await client.post(
    "/api/session/challenge",
    { device: deviceOfBundle(bundle) },
    ChallengeAnswer,
  );
  const login = await signLogin(bundle, challenge);
  const { token } = await client.post("/api/session", { login }, LoginAnswer);
  if (token === undefined) throw new Error("a log-in without a token");
  return token;
}

async function silentServer(): Promise<AsyncDisposable & { url: string }> {
  const server = net.createServer(() => undefined);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("a server without a port");
  return {
    url: `rtsp://127.0.0.1:${address.port}/main`,
    [Symbol.asyncDispose]: async () => void server.close(),
  };
}
