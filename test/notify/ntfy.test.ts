import { createECDH, randomBytes } from "node:crypto";
import http from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { NTFY_WORDS } from "../../src/notify/ntfy.ts";
import { DEFAULT_RULES, type NotificationsAnswer } from "../../src/protocol/api-notices.ts";
import type { CameraSettings } from "../../src/settings/cameras.ts";
import { CAMERA, START_AT_MS } from "../clips/test-stream.ts";
import { NtfyServer, subscribe, type NtfyMessage } from "../support/ntfy-server.ts";
import { typeRequest } from "../support/test-consent.ts";
import { requireOk, startTestHub, type TestDevice, type TestHub } from "../support/test-hub.ts";

const CAMERAS: readonly CameraSettings[] = [
  {
    ...{ id: CAMERA, name: "Front door", audio: false, faces: "keep", source: "rtsp" },
    ...{ main: "rtsp://127.0.0.1:1/main", sub: null, allowBasic: false },
    ...{ username: null, password: null },
  },
];

function unmarked(wire: string): string {
  return wire
    .replace(/notice\/[0-9a-f]{32}/, "notice/ID")
    .replace(/priority: \d/i, "priority: N")
    .replace(/cache: \d/i, "cache: N");
}

/** Looks again after whatever is under way. */
async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => void setImmediate(resolve));
}

describe("ntfy and UnifiedPush", () => {
  let ntfy: NtfyServer;
  let hub: TestHub;
  beforeEach(async () => {
    ntfy = await NtfyServer.start();
    hub = await startTestHub({
      ...{ nowMs: START_AT_MS, clips: 1 },
      settings: {
        name: "Smith household",
        cameras: CAMERAS,
        notify: { ntfy: { url: ntfy.url }, services: ["push.example.org"] },
      },
    });
  });
  afterEach(async () => {
    await hub[Symbol.asyncDispose]();
    await ntfy[Symbol.asyncDispose]();
  });

  const begin = async (as: TestDevice): Promise<NotificationsAnswer> =>
    requireOk(await hub.call("PUT", "/api/notifications/ntfy", { as })).json();
  const ring = (): void => void hub.hub.services.bells.press(CAMERA, "test");

  function pass(ms: number): void {
    hub.clock.nowMs += ms;
    hub.clock.ranMs += ms;
    hub.hub.services.notices.tick();
  }

  /** One of each kind that leaves the house. */
  async function tellAll(): Promise<void> {
    const { notices } = hub.hub.services;
    const body = { ...DEFAULT_RULES, motion: "each" };
    await hub.call("PUT", "/api/notifications", { as: hub.owner, body });
    ring();
    await typeRequest(hub);
    notices.trouble("CAMERA_AWAY", CAMERA);
    await hub.call("POST", "/api/notifications/test", { as: hub.owner });
    const [clip = "" as never] = hub.clips;
    const why = { kind: "person", zone: "Garden gate", areaShare: 0.1, score: 1 } as const;
    notices.recorded({ type: "clip-named", clip, why });
  }

  test("what is on the wire has one size, and no name, camera, place, time or kind", async () => {
    const { ntfy: own } = await begin(hub.owner);
    await tellAll();
    await ntfy.until(() => ntfy.published.length === 5);
    const wires = ntfy.published.map(({ wire }) => wire);
    expect(new Set(wires.map(({ length }) => length)).size).toBe(1);
    for (const wire of wires) {
      expect(wire).not.toMatch(
        /front|door|smith|garden|camera|person|motion|bell|request|trouble/i,
      );
      expect(wire).not.toMatch(/^(title|tags|attach|actions|icon|email|delay|date):/im);
      expect(wire).not.toContain(hub.owner.key.device.slice(0, 8));
      // But for the id and two digits they are the same bytes.
      expect(unmarked(wire)).toBe(unmarked(wires[0] ?? ""));
    }
    expect(own?.subscribe).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/dw[0-9a-f]{32}$/);
    expect(own?.link).toBe(`${own?.subscribe?.replace("http:", "ntfy:")}?secure=false`);
  });

  test("comes over the subscribe stream, and leads to what it stands for; a bell is not kept there", async () => {
    const { ntfy: own } = await begin(hub.owner);
    const topicUrl = own?.subscribe ?? "";
    using ending = { signal: new AbortController(), [Symbol.dispose]: () => ending.signal.abort() };
    const stream = subscribe(topicUrl, ending.signal.signal);
    expect((await stream.next()).value).toMatchObject({ event: "open" });
    ring();
    const message = (await stream.next()).value as NtfyMessage;
    expect(message).toMatchObject({ message: NTFY_WORDS, priority: 5 });
    const [, id = ""] = /\/#\/notice\/([0-9a-f]{32})$/.exec(message.click ?? "") ?? [];
    expect((await hub.call("GET", `/api/notices/${id}`, { as: hub.owner })).json()).toMatchObject({
      ...{ kind: "bell", camera: CAMERA },
    });
    await typeRequest(hub);
    await stream.next();
    const cached = await (await fetch(`${topicUrl}/json?poll=1`)).text();
    expect(cached.trim().split("\n")).toHaveLength(1);
  });

  test("a topic is a device's own secret, and is forgotten with it", async () => {
    const viewer = await hub.admit("viewer");
    const topics = [await begin(hub.owner), await begin(viewer)].map((own) => own.ntfy?.subscribe);
    expect(new Set(topics).size).toBe(2);
    expect((await begin(viewer)).ntfy?.subscribe).toBe(topics[1]);
    await hub.call("DELETE", "/api/notifications/ntfy", { as: viewer });
    ring();
    await ntfy.until(() => ntfy.published.length > 0);
    expect(ntfy.published.map(({ message }) => `${ntfy.url}/${message.topic}`)).toEqual([
      topics[0],
    ]);
    const other = (await begin(viewer)).ntfy?.subscribe;
    expect(topics).not.toContain(other);
  });

  test("what cannot be sent waits for the network, a bell for no longer than a minute", async () => {
    await begin(hub.owner);
    const { port } = ntfy;
    await ntfy[Symbol.asyncDispose]();
    ring();
    await typeRequest(hub);
    const problem = async (): Promise<string | null> => {
      const answer = await hub.call("GET", "/api/notifications", { as: hub.owner });
      const { carriers } = answer.json<NotificationsAnswer>();
      return carriers.find(({ carrier }) => carrier === "ntfy")?.problem ?? null;
    };
    await until(async () => (await problem()) !== null);
    expect(await problem()).toMatch(/nothing answers there/);
    pass(61_000);
    ntfy = await NtfyServer.start(port);
    await until(() => {
      pass(1_000);
      return ntfy.published.length > 0;
    });
    expect(ntfy.published.map(({ message }) => message.priority)).toEqual([3]);
    const state = () => hub.hub.services.notices.overview().carriers[0];
    await until(() => state()?.taken === 1);
    expect(state()).toMatchObject({ carrier: "ntfy", dropped: 1, waiting: 0, problem: null });
  });

  test("waits where the server has had enough, and says so", async () => {
    await begin(hub.owner);
    ntfy.answer = { status: 429, retryAfter: "60" };
    await typeRequest(hub);
    await ntfy.until(() => ntfy.refused === 1);
    ntfy.answer = null;
    const taken = () => ntfy.published.length;
    const state = () => hub.hub.services.notices.overview().carriers;
    await until(() => state()[0]?.problem !== null);
    pass(59_000);
    expect(taken()).toBe(0);
    pass(1_000);
    await ntfy.until(() => taken() === 1);
  });

  test("every server that it sends to is in the list of connections before a bell", async () => {
    const list = async () =>
      (await hub.call("GET", "/api/connections", { as: hub.owner })).json<
        { what: string; firstAtMs: number | null }[]
      >();
    expect(await list()).toContainEqual(
      expect.objectContaining({ what: "ntfy", address: `127.0.0.1:${ntfy.port}`, firstAtMs: null }),
    );
    await begin(hub.owner);
    ring();
    await ntfy.until(() => ntfy.published.length === 1);
    const isEntered = async () =>
      (await list()).some(({ what, firstAtMs }) => what === "ntfy" && firstAtMs !== null);
    await until(isEntered);
  });

  test("an endpoint anywhere else is refused: at no address of this network, at no other host", async () => {
    const other = ntfy.port === 65_535 ? 65_534 : ntfy.port + 1;
    for (const endpoint of [
      ...[`http://127.0.0.1:${other}/up`, "https://127.0.0.1/up", "http://push.example.org/up"],
      ...["https://push.example.org.evil.example/up", "https://push.example.org@evil.example/up"],
      ...["https://user:word@push.example.org/up", "http://[::1]:22/", "https://192.168.1.1/"],
      ...["https://push.example.org:22/up", "https://push.example.org:2376/containers"],
    ]) {
      const put = { as: hub.owner, body: { endpoint } };
      const answer = await hub.call("PUT", "/api/notifications/unified-push", put);
      expect(answer.statusCode, endpoint).toBe(422);
    }
  });

  test("UnifiedPush gets what is encrypted to the device, of one size; its end is heeded", async () => {
    const bodies: { size: number; ttl: string | undefined; encoding: string | undefined }[] = [];
    let status = 201;
    const server = http.createServer((request, response) => {
      void (async () => {
        const chunks: Buffer[] = [];
        for await (const chunk of request) chunks.push(chunk as Buffer);
        const { ttl, "content-encoding": encoding } = request.headers;
        bodies.push({ size: Buffer.concat(chunks).length, ttl: ttl?.toString(), encoding });
        response.writeHead(status).end();
      })();
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const key = createECDH("prime256v1");
    await using own = await startTestHub({
      nowMs: START_AT_MS,
      settings: {
        cameras: CAMERAS,
        notify: { ntfy: { url: `http://127.0.0.1:${port}` }, services: [] },
      },
    });
    const body = {
      endpoint: `http://127.0.0.1:${port}/up/abc`,
      p256dh: key.generateKeys("base64url"),
      auth: randomBytes(16).toString("base64url"),
    };
    const put = (value: unknown) =>
      own.call("PUT", "/api/notifications/unified-push", { as: own.owner, body: value });
    expect((await put({ ...body, p256dh: `A${body.p256dh.slice(1)}` })).statusCode).toBe(422);
    requireOk(await put(body));
    own.hub.services.bells.press(CAMERA, "test");
    await until(() => bodies.length === 1);
    status = 410;
    await typeRequest(own);
    await until(() => bodies.length === 2);
    expect(new Set(bodies.map(({ size }) => size)).size).toBe(1);
    expect(bodies[0]).toMatchObject({ ttl: "60", encoding: "aes128gcm" });
    const isOn = async () =>
      (await own.call("GET", "/api/notifications", { as: own.owner })).json<NotificationsAnswer>()
        .unifiedPush !== null;
    await until(async () => !(await isOn()));
    server.closeAllConnections();
    server.close();
  });
});
