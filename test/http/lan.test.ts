import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import net from "node:net";
import path from "node:path";
import { describe, expect, test } from "vitest";
import WebSocket from "ws";
import { openLanDoor, openProxyDoor } from "../../src/hub/lan-doors.ts";
import { LanCertificates } from "../../src/lan/lan-certificates.ts";
import { ProvenPeers } from "../../src/lan/lanes.ts";
import { LAN_DEFAULT, type LanSettings } from "../../src/settings/listen.ts";
import { signLogin } from "../../src/owner/household.ts";
import { readSettings } from "../../src/settings/settings.ts";
import { askLan, lanPort, shownTo } from "../support/lan-client.ts";
import { exampleUrl, routesOf } from "../support/routes.ts";
import { newReaders } from "../support/test-household.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { claimHub, startTestHub, type Call, type TestHub } from "../support/test-hub.ts";

const LAN = { addresses: () => ["127.0.0.1"], mdns: false } as const;

/** A hub with a settings file of its own and listeners on ports of the system's choice. */
async function lanHub(
  listen: string,
  folder: string,
  options: Parameters<typeof startTestHub>[0] = {},
): Promise<TestHub> {
  writeFileSync(path.join(folder, "doorward.yaml"), `# ours\nlisten: ${listen}\n`);
  const environment = { DOORWARD_PORT: "0" };
  const settings = await readSettings(folder, null, environment);
  return startTestHub({
    ...{ dataDirectory: folder, settings, environment, lan: LAN, nowMs: "system" },
    ...options,
  });
}

const authorityOf = (folder: string, name = "doorward.local"): string =>
  readFileSync(path.join(folder, "secrets", "lan", `authority-${name}.pem`), "utf8");
const settingsOf = (folder: string): string =>
  readFileSync(path.join(folder, "doorward.yaml"), "utf8");
const codeOf = (body: string): unknown => (JSON.parse(body) as { code?: unknown }).code;

/** Of a listener without an address: requests are put in, each a minute after the one before. */
function doorOptions({ hub, dataDirectory }: TestHub, settings: LanSettings) {
  let nowMs = 0;
  return {
    ...{ services: hub.services, pageDirectory: "/nowhere", settings },
    hostNames: ["doorward.local"],
    certificates: new LanCertificates({
      ...{ directory: dataDirectory, nowMs: Date.now, isClockBelieved: () => true },
    }),
    proven: new ProvenPeers(() => 0),
    monotonicMs: () => (nowMs += 60_000),
  };
}

/** As `TestHub.call`, over the local network. */
function lanCall(hub: TestHub): Call {
  return async (method, url, { body, as, headers } = {}) => {
    const answer = await askLan(hub, url, {
      ...{ method, body },
      headers: { ...headers, ...(as ? { authorization: `Bearer ${as.token}` } : {}) },
    });
    return {
      statusCode: answer.status,
      body: answer.body,
      json: () => JSON.parse(answer.body) as never,
    } as unknown as Awaited<ReturnType<Call>>;
  };
}

describe("before the claim", () => {
  test("only what the claim needs is answered on the local network, of all routes", async () => {
    await using hub = await startTestHub({ claimed: false });
    await using door = await openLanDoor(doorOptions(hub, LAN_DEFAULT));
    const routes = routesOf(door.server);
    expect(routes.length).toBeGreaterThan(100);
    const open: string[] = [];
    for (const { method, url } of routes) {
      const answer = await door.server.inject({
        ...{ method, url: exampleUrl(url), remoteAddress: "127.0.0.9" },
        headers: { host: "doorward.local:8443" },
        ...(method === "POST" || method === "PUT" ? { payload: {} } : {}),
      });
      const isShut = answer.statusCode === 409 && codeOf(answer.body) === "NOT_CLAIMED";
      if (!isShut) open.push(`${method} ${url}`);
    }
    expect(open.toSorted()).toEqual([
      "GET /",
      "GET /:file",
      "GET /api/hub",
      "GET /api/lan/name",
      "GET /assets/:file",
      "GET /assets/redact/:file",
      "POST /api/claim",
      "POST /api/claim/test",
      "POST /api/lan/name",
    ]);
    const unknown = await door.server.inject({
      url: "/api/none/x",
      headers: { host: "doorward.local" },
    });
    expect(unknown.statusCode).toBe(404);
  });

  test("a claim through it leaves it open, and writes so beside what stands in the settings", async () => {
    await using folder = temporaryFolder();
    await using hub = await lanHub("{}", folder.path, { claimed: false });
    expect((await askLan(hub, "/api/hub", { trust: authorityOf(folder.path) })).status).toBe(200);
    await claimHub(lanCall(hub), hub.hub.services.claimDesk.code, {
      kind: "x25519",
      nowMs: hub.clock.nowMs,
    });
    expect(settingsOf(folder.path)).toMatch(/^# ours\n/);
    expect(settingsOf(folder.path)).toContain("lan: true");
    expect(settingsOf(folder.path)).toContain("name: doorward.local");
    await hub.hub.services.lan.configure();
    expect((await askLan(hub, "/api/keyring")).status).toBe(401);
  });

  test("a claim through it leaves it open where the settings cannot say so", async () => {
    await using folder = temporaryFolder();
    await using hub = await lanHub("{}", folder.path, { claimed: false });
    const wrong = "cameras: [";
    writeFileSync(path.join(folder.path, "doorward.yaml"), wrong);
    await claimHub(lanCall(hub), hub.hub.services.claimDesk.code, {
      kind: "x25519",
      nowMs: hub.clock.nowMs,
    });
    expect(settingsOf(folder.path)).toBe(wrong);
    await hub.hub.services.lan.configure();
    expect((await askLan(hub, "/api/keyring")).status).toBe(401);
    expect(hub.log.join("\n")).toContain("stays open, though the settings do not say so");
  });

  test("a claim on the hub's own machine closes it, where the settings say nothing", async () => {
    await using folder = temporaryFolder();
    await using hub = await lanHub("{}", folder.path, { claimed: false });
    const port = lanPort(hub);
    await claimHub(hub.call, hub.hub.services.claimDesk.code, {
      kind: "x25519",
      nowMs: Date.now(),
    });
    await hub.hub.services.lan.configure();
    expect(hub.hub.services.lan.state()).toMatchObject({ isOpen: false, origin: null });
    await expect(once(net.connect(port, "127.0.0.1"), "connect")).rejects.toThrow("ECONNREFUSED");
  });

  test("a name is chosen once it is one, and an authority of its own is made for it", async () => {
    await using folder = temporaryFolder();
    await using hub = await lanHub("{}", folder.path, { claimed: false });
    const choose = (name: string) =>
      askLan(hub, "/api/lan/name", { method: "POST", body: { name } });
    expect((await choose("192.168.1.5")).status).toBe(422);
    expect((await choose("elm.local")).status).toBe(200);
    expect(hub.hub.services.lan.state().name).toBe("elm.local");
    const trust = authorityOf(folder.path, "elm.local");
    expect((await askLan(hub, "/api/hub", { trust })).status).toBe(200);
    // The former one is nobody's any more.
    expect(await shownTo(hub, "doorward.local")).toBeNull();
  });
});

describe("after the claim, on the owner's setting", () => {
  test("all that holds on this machine holds there: name, origin, what a browser says, session", async () => {
    await using folder = temporaryFolder();
    await using hub = await lanHub("{ lan: true }", folder.path);
    const origin = hub.hub.services.lan.state().origin ?? "";
    const status = async (path_: string, ask = {}) => (await askLan(hub, path_, ask)).status;
    const bearer = { authorization: `Bearer ${hub.owner.token}` };
    expect(await status("/api/clips", { headers: bearer })).toBe(200);
    expect(await status("/api/clips")).toBe(401);
    for (const host of ["127.0.0.1", "evil.example.org", "localhost", "doorward.local.evil.org"])
      expect(await status("/api/hub", { headers: { host } }), host).toBe(421);
    const change = (headers: Record<string, string>) =>
      status("/api/session/challenge", {
        ...{ method: "POST", body: { device: "0".repeat(64) }, headers },
      });
    expect(await change({ origin })).toBe(200);
    for (const other of [
      "https://doorward.local",
      "http://localhost",
      `${origin}.evil.org`,
      "null",
    ])
      expect(await change({ origin: other }), other).toBe(403);
    expect(await change({ "sec-fetch-site": "cross-site" })).toBe(403);
    expect(await change({ "sec-fetch-site": "same-site" })).toBe(403);
    expect(await change({ "sec-fetch-site": "same-origin" })).toBe(200);
    // Without its name, and under another one, there is not even a certificate to see.
    expect(await shownTo(hub, "other.local")).toBeNull();
    expect((await shownTo(hub, "doorward.local"))?.subjectaltname).toBe("DNS:doorward.local");
  });

  test("a cookie of it is Secure and for that name, and is none on this machine's listener", async () => {
    await using folder = temporaryFolder();
    await using hub = await lanHub("{ lan: true }", folder.path);
    const asked = await askLan(hub, "/api/session/challenge", {
      ...{ method: "POST", body: { device: hub.owner.key.device } },
    });
    const { challenge } = JSON.parse(asked.body) as { challenge: string };
    const login = await signLogin(hub.owner.bundle, challenge);
    const origin = hub.hub.services.lan.state().origin ?? "";
    const answer = await askLan(hub, "/api/session", {
      ...{ method: "POST", body: { login, as: "cookie" }, headers: { origin } },
    });
    const [cookie = ""] = (answer.headers["set-cookie"] ?? []) as string[];
    expect(cookie).toMatch(
      /^__Host-doorward-session=[0-9a-f]{64};.*HttpOnly; Secure; SameSite=Strict/,
    );
    const [pair = ""] = cookie.split(";");
    const own = { cookie: pair, "sec-fetch-site": "same-origin" };
    expect((await askLan(hub, "/api/session", { headers: own })).status).toBe(200);
    expect((await hub.call("GET", "/api/session", { headers: own })).statusCode).toBe(401);
    expect(
      (await askLan(hub, "/api/session", { headers: { ...own, "sec-fetch-site": "cross-site" } }))
        .status,
    ).toBe(403);
  });

  test("a removed device is out with its next request, and its sockets end", async () => {
    await using folder = temporaryFolder();
    await using hub = await lanHub("{ lan: true }", folder.path);
    const adult = await hub.admit("adult");
    const headers = { authorization: `Bearer ${adult.token}` };
    expect((await askLan(hub, "/api/session", { headers })).status).toBe(200);
    const socket = new WebSocket(`wss://127.0.0.1:${lanPort(hub)}/api/news`, {
      ...{ servername: "doorward.local", rejectUnauthorized: false },
      headers: { ...headers, host: `doorward.local:${lanPort(hub)}` },
    });
    await once(socket, "open");
    const closed = once(socket, "close");
    const readers = await newReaders(hub.hub.services.household.keyring);
    await hub.change({ kind: "remove", device: adult.key.device, readers });
    expect((await askLan(hub, "/api/session", { headers })).status).toBe(401);
    await closed;
  });

  test("closing it is answered first, and opening it is, too", async () => {
    await using folder = temporaryFolder();
    await using hub = await lanHub("{ lan: true }", folder.path);
    const headers = { authorization: `Bearer ${hub.owner.token}` };
    const answer = await askLan(hub, "/api/lan", {
      method: "PUT",
      body: { isOpen: false },
      headers,
    });
    expect(answer.status).toBe(200);
    await hub.hub.services.lan.configure();
    expect(hub.hub.services.lan.state().isOpen).toBe(false);
    expect(settingsOf(folder.path)).toContain("lan: false");
    const again = await hub.call("PUT", "/api/lan", { as: hub.owner, body: { isOpen: true } });
    expect(again.json()).toMatchObject({ isOpen: true, name: "doorward.local" });
    expect((await askLan(hub, "/api/session", { headers })).status).toBe(200);
  });

  test("two names are served while the household moves, each by an authority of its own", async () => {
    await using folder = temporaryFolder();
    await using hub = await lanHub("{ lan: true }", folder.path);
    const post = (url: string, name: string) =>
      hub.call("POST", url, { as: hub.owner, body: { name } });
    const moved = (await post("/api/lan/move", "door.example.org")).json<{
      moving: { words: string[] };
      words: string[];
    }>();
    expect(moved.moving.words).toHaveLength(8);
    expect(moved.moving.words).not.toEqual(moved.words);
    expect((await post("/api/lan/move", "third.example.org")).statusCode).toBe(409);
    for (const name of ["doorward.local", "door.example.org"])
      expect(
        (await askLan(hub, "/api/hub", { name, trust: authorityOf(folder.path, name) })).status,
      ).toBe(200);
    expect((await post("/api/lan/move/end", "third.example.org")).statusCode).toBe(422);
    expect((await post("/api/lan/move/end", "door.example.org")).statusCode).toBe(200);
    await hub.hub.services.lan.configure();
    expect(hub.hub.services.lan.state()).toMatchObject({ name: "door.example.org", moving: null });
    expect(settingsOf(folder.path)).toContain("name: door.example.org");
    expect(await shownTo(hub, "doorward.local")).toBeNull();
  });
});

describe("a reverse proxy", () => {
  test("speaks for the household's origin, and nobody else does", async () => {
    await using hub = await startTestHub();
    const proxy = { origin: "https://door.example.org", from: ["127.0.0.1"] };
    await using door = await openProxyDoor(doorOptions(hub, { ...LAN_DEFAULT, port: 0, proxy }));
    const ask = (headers: Record<string, string>, remoteAddress = "127.0.0.1") =>
      door.server.inject({
        ...{ method: "POST", url: "/api/session/challenge", remoteAddress },
        headers,
        payload: { device: "0".repeat(64) },
      });
    const host = "door.example.org";
    expect((await ask({ host, origin: "https://door.example.org" })).statusCode).toBe(200);
    expect((await ask({ host, origin: "http://door.example.org" })).statusCode).toBe(403);
    expect((await ask({ host: "localhost" })).statusCode).toBe(421);
    expect((await ask({ host: "127.0.0.1", "x-forwarded-host": host })).statusCode).toBe(421);
    expect((await ask({ host }, "127.0.0.2")).statusCode).toBe(421);
    // Limits are of whoever the proxy names last, whatever he says himself.
    const statuses: number[] = [];
    for (let count = 0; count < 300; count += 1) {
      const chain = `198.51.100.${count % 250}, 203.0.113.7`;
      statuses.push((await ask({ host, "x-forwarded-for": chain })).statusCode);
    }
    expect(statuses.filter((status) => status === 429).length).toBeGreaterThan(0);
    expect((await ask({ host, "x-forwarded-for": "203.0.113.8" })).statusCode).toBe(200);
  });

  test("is the only one that gets a connection where it calls", async () => {
    await using hub = await startTestHub();
    const proxy = { origin: "https://door.example.org", from: ["127.0.0.1"] };
    await using door = await openProxyDoor(doorOptions(hub, { ...LAN_DEFAULT, port: 0, proxy }));
    await door.listener.listenOn(["127.0.0.1"]);
    const { port } = door.listener;
    const other = net.connect({ host: "127.0.0.1", port, localAddress: "127.0.0.2" });
    await expect(once(other, "close")).rejects.toMatchObject({ code: "ECONNRESET" });
    const own = await fetch(`http://127.0.0.1:${port}/api/hub`);
    expect(own.status).toBe(421);
  });
});
