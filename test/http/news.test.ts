import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { newReaders } from "../support/test-household.ts";
import { firstClip, startTestHub, type TestDevice, type TestHub } from "../support/test-hub.ts";
import { typeRequest } from "../support/test-consent.ts";

let hub: TestHub;
beforeAll(async () => {
  hub = await startTestHub({ clips: 1 });
});
afterAll(() => hub[Symbol.asyncDispose]());

interface Told {
  readonly type: string;
  readonly [name: string]: unknown;
}

interface Listener extends AsyncDisposable {
  readonly socket: WebSocket;
  readonly told: Told[];
  /** Waits for a message of this type. */
  hear(type: string): Promise<Told>;
  closed(): Promise<number>;
}

function open(at: TestHub, headers: Record<string, string>): WebSocket {
  const url = `${at.hub.url.replace("http", "ws")}/api/news`;
  return new WebSocket(url, { headers: { origin: at.hub.url, ...headers } });
}

async function listen(at: TestHub, as: TestDevice): Promise<Listener> {
  const socket = open(at, { authorization: `Bearer ${as.token}` });
  const told: Told[] = [];
  socket.on("message", (data: Buffer) => told.push(JSON.parse(data.toString()) as Told));
  const closed = once(socket, "close").then(([code]) => code as number);
  await once(socket, "open");
  return {
    socket,
    told,
    hear: async (type) => {
      for (let tries = 0; tries < 300; tries += 1) {
        const found = told.find((message) => message.type === type);
        if (found) return found;
        await sleep(10);
      }
      throw new Error(`heard ${JSON.stringify(told)}, and nothing of ${type}`);
    },
    closed: () => closed,
    [Symbol.asyncDispose]: async () => {
      socket.terminate();
      await closed;
    },
  };
}

/** The status with which an upgrade is refused, or 101. */
async function statusOf(at: TestHub, headers: Record<string, string | undefined>): Promise<number> {
  const given = Object.entries({ origin: at.hub.url, ...headers });
  const url = `${at.hub.url.replace("http", "ws")}/api/news`;
  const socket = new WebSocket(url, {
    headers: Object.fromEntries(given.filter(([, value]) => value !== undefined)),
  });
  return new Promise((resolve) => {
    socket.on("open", () => {
      socket.terminate();
      resolve(101);
    });
    socket.on("unexpected-response", (_request, answer) => {
      answer.destroy();
      resolve(answer.statusCode ?? 0);
    });
    socket.on("error", () => undefined);
  });
}

describe("a page that listens", () => {
  test("hears of a recording, with its id and state, and that the ledger grew", async () => {
    await using page = await listen(hub, hub.owner);
    const clip = await hub.record();
    // Recorded here by the store itself; what says so is the entry that lists its files.
    expect(await page.hear("clips")).toEqual({ type: "clips", clip, state: "closed" });
    expect(await page.hear("ledger")).toEqual({
      type: "ledger",
      size: hub.hub.services.ledger.size(),
    });
  });

  test("hears of requests, decisions of the household and pairings, and never what they are", async () => {
    await using page = await listen(hub, hub.owner);
    await typeRequest(hub);
    expect(await page.hear("requests")).toEqual({ type: "requests" });
    await hub.call("POST", "/api/pairings", { body: { commitment: "0".repeat(64) } });
    expect(await page.hear("pairings")).toEqual({ type: "pairings" });
    await hub.admit("viewer");
    const { epoch } = hub.hub.services.household.keyring ?? { epoch: -1 };
    expect(await page.hear("keyring")).toEqual({ type: "keyring", epoch });
  });

  test("hears nothing that its device has no right to", async () => {
    const [viewer, guest] = [await hub.admit("viewer"), await hub.admit("guest")];
    await using ofViewer = await listen(hub, viewer);
    await using ofGuest = await listen(hub, guest);
    await using ofOwner = await listen(hub, hub.owner);
    await typeRequest(hub);
    await hub.call("POST", "/api/pairings", { body: { commitment: "1".repeat(64) } });
    await hub.call("POST", `/api/clips/${firstClip(hub)}/hold`, {
      as: hub.owner,
      body: { untilMs: hub.clock.nowMs + 60_000 },
    });
    for (const type of ["requests", "pairings", "clips", "ledger"]) await ofOwner.hear(type);
    await ofViewer.hear("ledger");
    await ofGuest.hear("ledger");
    await sleep(300);
    const typesOf = ({ told }: Listener) => [...new Set(told.map(({ type }) => type))].toSorted();
    expect(typesOf(ofViewer)).toEqual(["clips", "ledger"]);
    expect(typesOf(ofGuest)).toEqual(["ledger"]);
  });

  test("hears of a storm at most four times a second", async () => {
    await using page = await listen(hub, hub.owner);
    const startedAtMs = performance.now();
    let entries = 0;
    while (performance.now() - startedAtMs < 1_500) {
      hub.hub.services.ledger.append({ v: 1, kind: "clock", atMs: 1, jumpMs: entries });
      entries += 1;
      await sleep(5);
    }
    await sleep(300);
    expect(entries).toBeGreaterThan(50);
    expect(page.told.length).toBeGreaterThan(3);
    expect(page.told.length).toBeLessThanOrEqual(9);
    expect(page.told.at(-1)).toEqual({ type: "ledger", size: hub.hub.services.ledger.size() });
  });

  test("is told one recording by its id, several by none", async () => {
    await using page = await listen(hub, hub.owner);
    const { news } = hub.hub.services;
    const ids = ["1", "2", "3"].map((digit) => digit.repeat(32)) as (typeof hub.clips)[number][];
    for (const id of ids) news.tell("clips", id);
    expect(await page.hear("clips")).toEqual({ type: "clips", clip: null, state: null });
  });

  test("may ask whether the hub is there, and say nothing else", async () => {
    await using page = await listen(hub, hub.owner);
    page.socket.send('{"type":"ping"}');
    expect(await page.hear("alive")).toEqual({ type: "alive" });
    for (const wrong of ["", "x", "{}", '{"type":"ping","more":1}', "[".repeat(10_000)]) {
      await using other = await listen(hub, hub.owner);
      other.socket.send(wrong);
      expect(await other.closed(), wrong.slice(0, 30)).toBe(1008);
    }
    await using binary = await listen(hub, hub.owner);
    binary.socket.send(Buffer.from('{"type":"ping"}'));
    expect(await binary.closed()).toBe(1008);
    await using flood = await listen(hub, hub.owner);
    for (let count = 0; count < 100; count += 1) flood.socket.send('{"type":"ping"}');
    expect(await flood.closed()).toBe(1008);
  });
});

describe("a socket ends", () => {
  test("within a second or so when its session is ended or its device removed", async () => {
    await using own = await startTestHub();
    const phone = await own.admit("owner", { person: own.owner.bundle.person });
    await using page = await listen(own, phone);
    const again = await own.logIn(own.owner.bundle);
    await using loggedOut = await listen(own, again);
    await using stays = await listen(own, own.owner);
    const startedAtMs = performance.now();
    const readers = await newReaders(own.hub.services.household.keyring);
    await own.change({ kind: "remove", device: phone.key.device, readers });
    await own.call("DELETE", "/api/session", { as: again });
    expect(await Promise.all([page.closed(), loggedOut.closed()])).toEqual([4401, 4401]);
    expect(performance.now() - startedAtMs).toBeLessThan(1_500);
    expect(page.told.filter(({ type }) => type === "requests")).toEqual([]);
    await stays.hear("keyring");
    expect(stays.socket.readyState).toBe(WebSocket.OPEN);
  });

  test("when its time is over", async () => {
    await using own = await startTestHub();
    await using page = await listen(own, own.owner);
    own.clock.nowMs += 12 * 3_600_000;
    expect(await page.closed()).toBe(4401);
  });

  test("at once where one session has too many", async () => {
    await using own = await startTestHub();
    await using stack = new AsyncDisposableStack();
    for (let count = 0; count < 8; count += 1) stack.use(await listen(own, own.owner));
    await using ninth = await listen(own, own.owner);
    expect(await ninth.closed()).toBe(1013);
  });

  test("with the hub, which does not wait for a page that sleeps", async () => {
    const own = await startTestHub();
    await using page = await listen(own, own.owner);
    page.socket.pause();
    const startedAtMs = performance.now();
    await own[Symbol.asyncDispose]();
    expect(performance.now() - startedAtMs).toBeLessThan(5_000);
    page.socket.resume();
  });
});

describe("who may open a socket", () => {
  test("a device with a session, and no page of another site", async () => {
    const authorization = `Bearer ${hub.owner.token}`;
    const { host } = new URL(hub.hub.url);
    expect(await statusOf(hub, { authorization })).toBe(101);
    expect(await statusOf(hub, { authorization: `Bearer ${"0".repeat(64)}` })).toBe(401);
    expect(await statusOf(hub, {})).toBe(401);
    // No browser's page can open a socket with a bearer token.
    expect(await statusOf(hub, { authorization, origin: undefined })).toBe(101);
    for (const origin of [
      "http://evil.example",
      "http://localhost",
      "http://localhost:1",
      `https://${host}`,
      "null",
    ])
      expect(await statusOf(hub, { authorization, origin }), String(origin)).toBe(403);
    expect(await statusOf(hub, { authorization, host: "evil.example" })).toBe(421);
    const rebound = { authorization, host: "evil.example", origin: "http://evil.example" };
    expect(await statusOf(hub, rebound)).toBe(421);
  });

  test("with a cookie just so, and no page of another port", async () => {
    const cookie = `doorward-session=${hub.owner.token}`;
    expect(await statusOf(hub, { cookie })).toBe(101);
    expect(await statusOf(hub, { cookie, origin: "http://localhost:1" })).toBe(403);
    expect(await statusOf(hub, { cookie, origin: undefined })).toBe(403);
    const site = { "sec-fetch-site": "same-site" };
    expect(await statusOf(hub, { cookie, origin: undefined, ...site })).toBe(403);
  });

  test("and an upgrade elsewhere opens nothing", async () => {
    const headers = { authorization: `Bearer ${hub.owner.token}`, origin: hub.hub.url };
    for (const url of ["/api/hub", "/api/clips", "/", "/nothing"]) {
      const socket = new WebSocket(`${hub.hub.url.replace("http", "ws")}${url}`, { headers });
      const messages: unknown[] = [];
      socket.on("message", (data) => messages.push(data));
      socket.on("error", () => undefined);
      await once(socket, "close");
      expect(messages, url).toEqual([]);
    }
    const plain = await hub.call("GET", "/api/news", { as: hub.owner });
    expect(plain.statusCode).toBe(404);
  });
});
