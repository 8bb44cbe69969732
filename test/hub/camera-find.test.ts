import { ChildProcess } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { createServer } from "node:http";
import { createServer as createTcpServer, type AddressInfo, type Socket } from "node:net";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { probeCamera } from "../../src/probe/camera-probe.ts";
import { CameraProbeAnswer } from "../../src/protocol/api-cameras.ts";
import { checkShape } from "../../src/protocol/check.ts";
import { readSettings } from "../../src/settings/settings.ts";
import { DOORBELL_PROFILES, FakeOnvifDevice } from "../support/onvif-device.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { startTestHub, type TestHub } from "../support/test-hub.ts";

// An owner asks a camera over the hub, and keeps what it said.

const FILE = `name: A house   # ours
cameras:
  # above the door
  - id: front
    main: rtsp://192.0.2.10/main   # the good one
`;
const SECRETS = `front: { user: admin, password: "first-secret" }\n`;
const PASSWORD = "pässword & <b>";

describe("a camera over the hub", () => {
  const folder = temporaryFolder();
  const file = path.join(folder.path, "doorward.yaml");
  const secrets = path.join(folder.path, "secrets", "cameras.yaml");
  let fake: FakeOnvifDevice;
  let hub: TestHub;
  const ask = (method: "GET" | "POST" | "PUT", url: string, body?: unknown) =>
    hub.call(method, url, { as: hub.owner, body });
  const probe = async (body: unknown): Promise<CameraProbeAnswer> => {
    const answer = await ask("POST", "/api/cameras/probe", body);
    expect(answer.statusCode).toBe(200);
    return checkShape(CameraProbeAnswer, answer.json(), "answer");
  };

  beforeAll(async () => {
    fake = await FakeOnvifDevice.start({
      password: PASSWORD,
      profiles: DOORBELL_PROFILES("rtsp://127.0.0.1:8554"),
      snapshot: null,
    });
    writeFileSync(file, FILE);
    mkdirSync(path.dirname(secrets), { mode: 0o700 });
    writeFileSync(secrets, SECRETS, { mode: 0o600 });
    const settings = await readSettings(folder.path, null, {});
    hub = await startTestHub({ dataDirectory: folder.path, settings: { ...settings, port: 0 } });
  });
  afterAll(async () => {
    await hub[Symbol.asyncDispose]();
    await fake[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  test("is asked in a process of its own, one at a time, and remembered as connected to", async () => {
    const before = processes();
    const first = probe({ address: fake.url, username: "admin", password: PASSWORD });
    const second = await ask("POST", "/api/cameras/probe", { address: fake.url });
    expect(second.json()).toMatchObject({ code: "CAMERA_TEST_BUSY" });
    expect(await first).toMatchObject({
      ...{ onvif: fake.url, problem: null, maker: "Doormaker", main: 0, sub: 1 },
      streams: [{ url: "rtsp://127.0.0.1:8554/main" }, { url: "rtsp://127.0.0.1:8554/sub" }],
    });
    expect(processes().filter((pid) => !before.includes(pid))).toEqual([]);
    const { body } = await ask("GET", "/api/connections");
    expect(JSON.parse(body)).toContainEqual(
      expect.objectContaining({ what: "camera trial", address: `127.0.0.1:${fake.port}` }),
    );
    expect(body).not.toContain("ssword");
  });

  test("says what is wrong with the password, and the hub's own words name none", async () => {
    const answer = await ask("POST", "/api/cameras/probe", {
      ...{ address: fake.url, username: "admin", password: "no-such-word" },
    });
    expect(answer.json()).toMatchObject({ problem: { code: "WRONG_PASSWORD" }, streams: [] });
    expect(answer.body).not.toContain("no-such-word");
  });

  test("that is asked under an address that is none is refused by name", async () => {
    for (const address of [
      "http://a:b@127.0.0.1/",
      "rtsp://a:b@127.0.0.1/",
      "file:///etc/passwd",
    ]) {
      const answer = await ask("POST", "/api/cameras/probe", { address });
      expect(answer.body).toMatch(/Cannot use (?:the camera's address|camera URL)/);
    }
  });

  test("is kept with its device service; comments stay, the password lies apart", async () => {
    const saved = await ask("PUT", "/api/settings/cameras/bell", {
      ...{ name: "Bell", main: "rtsp://127.0.0.1:8554/main", sub: "rtsp://127.0.0.1:8554/sub" },
      ...{ onvif: fake.url, username: "admin", password: PASSWORD },
    });
    expect(saved.statusCode).toBe(200);
    const text = readFileSync(file, "utf8");
    expect(text).toContain(`onvif: ${fake.url}`);
    expect(text).toMatch(/# above the door[^]*# the good one/);
    expect(text).not.toContain(PASSWORD);
    expect(readFileSync(secrets, "utf8")).toContain(PASSWORD);
    const { cameras } = await readSettings(folder.path, null, {});
    expect(cameras[1]).toMatchObject({ id: "bell", onvif: fake.url, password: PASSWORD });
  });

  test("keeps its password from another host's device service", async () => {
    for (const onvif of ["http://198.51.100.9/onvif/device_service", "https://evil.example/"]) {
      const answer = await ask("PUT", "/api/settings/cameras/front", { onvif });
      expect(answer.json()).toMatchObject({ code: "MALFORMED_INPUT", field: "password" });
    }
    const same = await ask("PUT", "/api/settings/cameras/front", {
      onvif: "http://192.0.2.10:8899/onvif/device_service",
    });
    expect(same.statusCode).toBe(200);
  });

  test("that moves to another host leaves its device service behind", async () => {
    const moved = await ask("PUT", "/api/settings/cameras/front", {
      ...{ main: "rtsp://192.0.2.77/main", password: "second-secret" },
    });
    expect(moved.statusCode).toBe(200);
    expect(readFileSync(file, "utf8")).not.toContain("8899");
  });
});

test("a probe that is stopped ends its process at once", async () => {
  await using fake = await FakeOnvifDevice.start();
  const controller = new AbortController();
  fake.instead.set("GetServices", () => controller.abort());
  const camera = { address: fake.url, username: null, password: null };
  await expect(probeCamera(camera, { signal: controller.signal })).rejects.toMatchObject({
    code: "CAMERA_PROBE_STOPPED",
  });
  expect(processes()).toEqual([]);
});

test("a probe that is stopped while RTSP is tried ends that process and its connection at once", async () => {
  await using silent = await startSilentServer();
  const controller = new AbortController();
  const kill = vi.spyOn(ChildProcess.prototype, "kill");
  const closed = silent.connected.then(async (socket) => {
    expect(kill).not.toHaveBeenCalled();
    controller.abort();
    // Not only when the trial's own ten seconds are over.
    expect(kill).toHaveBeenCalledWith("SIGKILL");
    kill.mockRestore();
    if (!socket.closed) await once(socket, "close");
  });
  const camera = { username: null, password: null };
  const address = `rtsp://127.0.0.1:${silent.port}/main`;
  const stopped = { code: "CAMERA_TEST_STOPPED" };
  await expect(
    probeCamera({ ...camera, address }, { signal: controller.signal }),
  ).rejects.toMatchObject(stopped);
  await closed;
  expect(processes()).toEqual([]);

  await using web = await startWebServer();
  const later = new AbortController();
  const onConnect = ({ port }: { port: number }): void => {
    if (port === 554) later.abort();
  };
  await expect(
    probeCamera(
      { ...camera, address: `http://127.0.0.1:${web.port}/` },
      { onConnect, signal: later.signal },
    ),
  ).rejects.toMatchObject(stopped);
  expect(processes()).toEqual([]);
});

test("a host without ONVIF is tried as RTSP, and that is said", async () => {
  await using web = await startWebServer();
  const answer = await probeCamera({
    ...{ address: `http://127.0.0.1:${web.port}/`, username: null, password: null },
  });
  expect(answer).toMatchObject({ problem: { code: "NO_ONVIF" }, onvif: null, streams: [] });
  expect(web.credentials).toEqual([]);
});

async function startWebServer() {
  const credentials: string[] = [];
  const server = createServer((request, response) => {
    if (request.headers.authorization !== undefined)
      credentials.push(request.headers.authorization);
    response.writeHead(200, { "content-type": "text/html" }).end("<!DOCTYPE html><p>Hello");
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return { port, credentials, [Symbol.asyncDispose]: async () => void server.close() };
}

/** Takes connections and never says anything. */
async function startSilentServer() {
  const { promise: connected, resolve } = Promise.withResolvers<Socket>();
  const server = createTcpServer((socket) => {
    // What asked is killed: its connection may end either way.
    socket.on("error", () => undefined).resume();
    resolve(socket);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return { port, connected, [Symbol.asyncDispose]: async () => void server.close() };
}

/** Processes of the probe and the trial that this one runs now. */
function processes(): string[] {
  return readdirSync("/proc").filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      const parent = / [A-Z] (\d+) /.exec(readFileSync(`/proc/${pid}/stat`, "latin1"))?.[1];
      const line = readFileSync(`/proc/${pid}/cmdline`, "utf8");
      return Number(parent) === process.pid && /camera-(?:probe|test)-main/.test(line);
    } catch {
      return false;
    }
  });
}
