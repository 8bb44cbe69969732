import { createHmac } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { openDatabase } from "../../src/base/database.ts";
import { HubHouse, type HubHouseOptions } from "../../src/hub/house.ts";
import { isLocalAddress } from "../../src/notify/webhook-address.ts";
import type { LookUp } from "../../src/notify/webhook-post.ts";
import type { WebhookMessage } from "../../src/notify/webhook-message.ts";
import { Webhooks, type Webhook } from "../../src/notify/webhooks.ts";
import type { HouseAnswer } from "../../src/protocol/api-house.ts";
import { parseCameraId, parseClipId, parseSha256Hex } from "../../src/protocol/ids.ts";
import { readSettings } from "../../src/settings/settings.ts";
import { cliOwner } from "../support/cli-owner.ts";
import { startTestHub } from "../support/test-hub.ts";
import { temporaryFolder } from "../support/temporary.ts";

const SECRET = new Uint8Array(32).fill(3);
const BELL: WebhookMessage = { event: "bell", camera: "front", at: "2026-11-22T08:15:00.000Z" };

interface Called {
  readonly path: string;
  readonly body: string;
  readonly signature: string;
}

/** A program of the house that answers as it is told. */
class Program implements AsyncDisposable {
  readonly called: Called[] = [];
  readonly #server: http.Server;
  answer: (response: http.ServerResponse, called: Called) => void = (response) => {
    response.writeHead(200).end("ok");
  };

  private constructor() {
    this.#server = http.createServer((request, response) => {
      let body = "";
      request.on("data", (chunk: Buffer) => (body += chunk.toString()));
      request.on("end", () => {
        const signature = String(request.headers["x-doorward-signature"]);
        const called = { path: request.url ?? "", body, signature };
        this.called.push(called);
        this.answer(response, called);
      });
      response.on("error", () => undefined);
    });
  }

  static async start(): Promise<Program> {
    const program = new Program();
    program.#server.listen(0, "127.0.0.1");
    await once(program.#server, "listening");
    return program;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  url(name = "hook", host = "127.0.0.1"): string {
    return `http://${host}:${this.port}/${name}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}

interface Made {
  readonly hooks: Webhooks;
  readonly places: string[];
  readonly log: string[];
}

function hooksOf(
  list: readonly Webhook[],
  options: { lookUp?: LookUp; timeoutMs?: number } = {},
): Made {
  const [places, log]: [string[], string[]] = [[], []];
  const hooks = new Webhooks({
    ...{ hooks: () => list, secretOf: () => SECRET, nowMs: () => 1_795_335_300_000 },
    connections: {
      mention: ({ what, address }) => void places.push(`${what} ${address}`),
      connected: () => undefined,
      disconnected: () => undefined,
    },
    log: (_level, message) => void log.push(message),
    ...{ pausesMs: [1, 1], ...options },
  });
  return { hooks, places, log };
}

afterEach(() => void vi.useRealTimers());

const hookAt = (url: string, rest: Partial<Webhook> = {}): Webhook => ({
  ...{ url, events: ["bell", "motion"], anywhere: false },
  ...rest,
});

test("a call is signed with its time, and says what happened and no more", async () => {
  await using program = await Program.start();
  const { hooks, places } = hooksOf([
    hookAt(program.url("a")),
    hookAt(program.url("b"), { events: ["privacy"] }),
  ]);
  await using _hooks = hooks;
  hooks.tell(BELL);
  await hooks.settled();
  expect(program.called.map((call) => call.path)).toEqual(["/a"]);
  const [call] = program.called;
  expect(JSON.parse(call?.body ?? "")).toEqual(BELL);
  const [, seconds = "", given] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(call?.signature ?? "") ?? [];
  expect(Number(seconds)).toBe(1_795_335_300);
  // As a receiver would check it.
  const own = createHmac("sha256", SECRET).update(`${seconds}.${call?.body}`).digest("hex");
  expect(given).toBe(own);
  expect(places).toEqual([`webhook 127.0.0.1:${program.port}`]);
});

test.each([
  ["127.0.0.1", true],
  ["10.1.2.3", true],
  ["172.31.255.255", true],
  ["172.32.0.1", false],
  ["192.168.1.5", true],
  ["169.254.169.254", false],
  ["100.64.0.1", false],
  ["0.0.0.0", false],
  ["8.8.8.8", false],
  ["::1", true],
  ["fd00::1", true],
  ["fe80::1", false],
  ["2001:db8::1", false],
  ["::ffff:192.168.1.5", true],
  ["::ffff:8.8.8.8", false],
  ["::ffff:808:808", false],
  ["::", false],
  ["localhost", false],
])("%s: of the house %s", (address, isLocal) => {
  expect(isLocalAddress(address)).toBe(isLocal);
});

test("a name is judged at each call, by every address it has, and connected to as judged", async () => {
  await using program = await Program.start();
  const answers = [
    [{ address: "127.0.0.1", family: 4 }],
    [{ address: "203.0.113.9", family: 4 }],
    [
      { address: "127.0.0.1", family: 4 },
      { address: "203.0.113.9", family: 4 },
    ],
    [],
  ];
  let asked = 0;
  const lookUp: LookUp = async () => answers[asked++] ?? [];
  const { hooks, places, log } = hooksOf([hookAt(program.url("x", "home.example"))], { lookUp });
  await using _hooks = hooks;
  const outcomes: (string | null)[] = [];
  for (const _ of answers) outcomes.push((await hooks.test())[0]?.problem?.code ?? null);
  expect(outcomes).toEqual([null, "WEBHOOK_NOT_LOCAL", "WEBHOOK_NOT_LOCAL", "WEBHOOK_UNREACHABLE"]);
  expect(asked).toBe(4);
  expect(program.called).toHaveLength(1);
  // Nothing was connected to, and so nothing entered, where the name led out of the house.
  expect(places).toEqual([`webhook home.example:${program.port}`]);
  expect(log.join("\n")).toContain("anywhere: true");
  // What leads out of the house is not tried again.
  answers.push([{ address: "203.0.113.9", family: 4 }]);
  hooks.tell(BELL);
  await hooks.settled();
  expect(asked).toBe(5);
});

test("anywhere has to be said", async () => {
  await using program = await Program.start();
  // Stands for an address somewhere: the connection goes to where the look-up says.
  const lookUp: LookUp = async () => [
    { address: "::ffff:127.0.0.1", family: 6 },
    { address: "203.0.113.9", family: 4 },
  ];
  const url = program.url("x", "out.example");
  await using inside = hooksOf([hookAt(url)], { lookUp }).hooks;
  await using outside = hooksOf([hookAt(url, { anywhere: true })], { lookUp }).hooks;
  expect((await inside.test())[0]?.problem?.code).toBe("WEBHOOK_NOT_LOCAL");
  expect(program.called).toHaveLength(0);
  expect((await outside.test())[0]?.problem).toBeNull();
});

test("a peer that hangs, answers without end or leads elsewhere is left, and waits for nobody", async () => {
  await using program = await Program.start();
  await using elsewhere = await Program.start();
  let sentBytes = 0;
  program.answer = (response, { path: at }) => {
    if (at === "/hangs") return;
    if (at === "/leads") response.writeHead(302, { location: elsewhere.url() }).end();
    else if (at === "/endless") {
      response.writeHead(200);
      const more = (): void => {
        if (response.destroyed || sentBytes > 64 * 1024 * 1024) return;
        sentBytes += 65_536;
        response.write(Buffer.alloc(65_536), () => setImmediate(more));
      };
      more();
    } else response.writeHead(500).end();
  };
  const names = ["hangs", "leads", "endless", "fails"];
  const list = names.map((name) => hookAt(program.url(name)));
  const { hooks } = hooksOf(list, { timeoutMs: 300 });
  await using _hooks = hooks;
  const codes = (await hooks.test()).map(({ problem }) => problem?.code ?? null);
  expect(codes).toEqual(["WEBHOOK_UNREACHABLE", "WEBHOOK_REFUSED", null, "WEBHOOK_REFUSED"]);
  expect(elsewhere.called).toEqual([]);
  expect(sentBytes).toBeLessThan(32 * 1024 * 1024);
  // Three tries each, and more than fits into a line is given up.
  program.called.length = 0;
  for (let count = 0; count < 40; count += 1) hooks.tell(BELL);
  await expect
    .poll(() => program.called.filter(({ path: at }) => at === "/endless").length)
    .toBe(32);
  await hooks[Symbol.asyncDispose]();
  const fails = program.called.filter(({ path: at }) => at === "/fails").length;
  expect(fails).toBeLessThanOrEqual(96);
});

test("a call that failed is made again, twice at most", async () => {
  await using program = await Program.start();
  let left = 2;
  program.answer = (response) => void response.writeHead(left-- > 0 ? 503 : 204).end();
  const { hooks } = hooksOf([hookAt(program.url())]);
  await using _hooks = hooks;
  hooks.tell(BELL);
  await hooks.settled();
  expect([program.called.length, hooks.tried(program.url())?.problem]).toEqual([3, null]);
  left = 100;
  hooks.tell(BELL);
  await hooks.settled();
  expect(program.called).toHaveLength(6);
});

test("a hub tells what its owner has listed, and nothing of a camera that is off", async () => {
  await using folder = temporaryFolder();
  await using program = await Program.start();
  writeFileSync(
    path.join(folder.path, "doorward.yaml"),
    `cameras:\n  - { id: front, main: "rtsp://127.0.0.1:1/a" }\nwebhooks:\n  - { url: "${program.url("ha")}", events: [bell, motion, privacy] }\n`,
  );
  const settings = { ...(await readSettings(folder.path, null, {})), port: 0 };
  await using hub = await startTestHub({ dataDirectory: folder.path, settings, nowMs: "system" });
  const tried = await hub.call("POST", "/api/house/test", { as: hub.owner });
  const [hook] = tried.json<HouseAnswer>().webhooks;
  expect(hook).toMatchObject({ address: `127.0.0.1:${program.port}`, tried: { problem: null } });
  const { bells, notices, privacy } = hub.hub.services;
  const moves = (): void =>
    notices.recorded({
      ...{
        type: "clip-started",
        clip: parseClipId("c".repeat(32)),
        camera: parseCameraId("front"),
      },
      ...{ faces: "keep", kind: "person", eventAtMs: Date.now(), startedAtMs: Date.now() },
      why: { kind: "person", zone: "Path", areaShare: 0.1, score: 0.9 },
      ...{ keyringHead: parseSha256Hex("0".repeat(64)), keyringEpoch: 1 },
    });
  bells.press("front", "test");
  moves();
  await expect.poll(() => program.called.length).toBe(3);
  await hub.call("POST", "/api/privacy/front", { as: hub.owner, body: { state: "off" } });
  expect(privacy.isOff("front")).toBe(true);
  moves();
  bells.press("front", "test");
  await hub.call("POST", "/api/privacy/front", { as: hub.owner, body: { state: "on" } });
  await expect.poll(() => program.called.length).toBe(5);
  const said = program.called.map(({ body }) => JSON.parse(body) as Record<string, unknown>);
  const at: unknown = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  expect(said).toEqual([
    { event: "test", camera: null, at },
    { event: "bell", camera: "front", at },
    { event: "motion", camera: "front", class: "person", zone: "Path", at },
    { event: "privacy", camera: "front", off: true, at },
    { event: "privacy", camera: "front", off: false, at },
  ]);
  const file = path.join(folder.path, "secrets", "webhooks.json");
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const secrets = JSON.parse(readFileSync(file, "utf8")) as Record<string, string>;
  const secret = Buffer.from(secrets[program.url("ha")] ?? "", "hex");
  const [, seconds, given] = /^t=(\d+),v1=(.*)$/.exec(program.called[1]?.signature ?? "") ?? [];
  expect(given).toBe(
    createHmac("sha256", secret).update(`${seconds}.${program.called[1]?.body}`).digest("hex"),
  );
  const cli = cliOwner(folder.path, hub.owner.bundle, hub.hub.url);
  const shown = await cli.json<HouseAnswer>("house", "--test");
  expect(shown).toMatchObject({ homeAssistant: null, webhooks: [{ tried: { problem: null } }] });
  program.answer = (response) => void response.writeHead(404).end();
  const failed = await cli.owner("house", "--test");
  expect([failed.code, failed.stdout]).toEqual([1, expect.stringContaining("it answered 404")]);
  const places = hub.hub.services.connections
    .list()
    .map(({ what, address }) => `${what} ${address}`);
  expect(places).toContain(`webhook 127.0.0.1:${program.port}`);
});

test("a camera is away after a minute without an answer, once each time, and never while it is off", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  await using folder = temporaryFolder();
  await using program = await Program.start();
  await using database = openDatabase(":memory:");
  mkdirSync(path.join(folder.path, "secrets"), { mode: 0o700 });
  const camera = parseCameraId("front");
  let [nowMs, main, isOff]: [number, string, boolean] = [1_795_335_300_000, "streaming", false];
  const url = program.url();
  const status = (): ReturnType<HubHouseOptions["statuses"]> =>
    // Of a status no more is read.
    [{ id: camera, main }] as unknown as ReturnType<HubHouseOptions["statuses"]>;
  await using house = new HubHouse({
    ...{ database, nowMs: () => nowMs, version: "0", log: () => undefined, statuses: status },
    ...{ onEvent: () => undefined, withRoom: async () => undefined, dataDirectory: folder.path },
    settings: {
      current: { cameras: [], webhooks: [{ url, events: ["camera-away"], anywhere: false }] },
    },
    bells: { publish: async () => undefined, setHouse: () => undefined },
    privacy: {
      ...{ isOff: () => isOff, setByBroker: () => undefined, onChange: () => () => undefined },
    },
    connections: {
      ...{ mention: () => undefined, connected: () => undefined, disconnected: () => undefined },
    },
  });
  house.configure();
  await house.test();
  program.called.length = 0;
  const said: string[] = [];
  /** As the hub sees it, which looks every five seconds. */
  const passes = async (seconds: number): Promise<number> => {
    for (let passed = 0; passed < seconds; passed += 5) {
      nowMs += 5_000;
      vi.advanceTimersByTime(5_000);
    }
    // Called after all that was told before.
    await house.settled();
    said.push(...program.called.splice(0).map(({ body }) => body));
    return said.length;
  };
  expect(await passes(600)).toBe(0);
  main = "waiting-to-retry";
  expect(await passes(60)).toBe(0);
  main = "connecting";
  expect(await passes(5)).toBe(1);
  expect(JSON.parse(said[0] ?? "")).toEqual({
    ...{ event: "camera-away", camera: "front", at: new Date(nowMs).toISOString() },
  });
  expect(await passes(3_600)).toBe(1);
  // Back for a moment, and away again: another time.
  main = "streaming";
  expect(await passes(5)).toBe(1);
  main = "waiting-to-retry";
  expect(await passes(65)).toBe(2);
  // Switched off by somebody: that it does not answer is no news, and not what went before.
  isOff = true;
  expect(await passes(600)).toBe(2);
  isOff = false;
  expect(await passes(60)).toBe(2);
  expect(await passes(5)).toBe(3);
});

test("the settings take no address that would ring, has a password, or stands there twice", async () => {
  await using folder = temporaryFolder();
  const read = async (urls: readonly string[]): Promise<string> => {
    const lines = urls.map((url) => `  - { url: "${url}", events: [bell] }\n`).join("");
    writeFileSync(path.join(folder.path, "doorward.yaml"), `webhooks:\n${lines}`);
    return readSettings(folder.path, null, {}).then(
      () => "taken",
      (error: Error) => error.message,
    );
  };
  expect(await read(["http://localhost:8080/api/bells/front/ring/abc"])).toMatch(/rings a bell/);
  expect(await read(["http://user:word@192.0.2.5/"])).toMatch(/no user, password/);
  expect(await read(["http://192.0.2.5/a", "http://192.0.2.5/a"])).toMatch(/twice/);
  expect(await read(["ftp://192.0.2.5/a"])).toMatch(/an address as http/);
  expect(await read(Array.from({ length: 9 }, (_, index) => `http://192.0.2.5/${index}`))).toMatch(
    /at most 8/,
  );
  expect(await read(["https://192.0.2.5/a"])).toBe("taken");
});
