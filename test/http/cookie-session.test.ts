import cookiePlugin from "@fastify/cookie";
import Fastify, { type LightMyRequestResponse } from "fastify";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sessionTokensOf, setSessionCookie } from "../../src/http/session-cookie.ts";
import { signLogin } from "../../src/owner/household.ts";
import { signingKeyOf, type DeviceBundle } from "../../src/owner/device-bundle.ts";
import { newReaders } from "../support/test-household.ts";
import { startTestHub, type Method, type TestHub } from "../support/test-hub.ts";

const HOUR_MS = 3_600_000;
const OWN = { origin: "http://localhost" };

let hub: TestHub;
beforeAll(async () => {
  hub = await startTestHub();
});
afterAll(() => hub[Symbol.asyncDispose]());

async function logInWith(
  at: TestHub,
  bundle: DeviceBundle,
  body: object,
): Promise<LightMyRequestResponse> {
  const { device } = signingKeyOf(bundle);
  const asked = await at.call("POST", "/api/session/challenge", { body: { device } });
  const login = await signLogin(bundle, asked.json<{ challenge: string }>().challenge);
  return at.call("POST", "/api/session", { body: { login, ...body } });
}

async function cookieOf(at: TestHub, bundle = at.owner.bundle): Promise<string> {
  const answer = await logInWith(at, bundle, { as: "cookie" });
  expect(answer.statusCode).toBe(200);
  const [pair = ""] = String(answer.headers["set-cookie"]).split(";");
  return pair;
}

const ask = (
  at: TestHub,
  cookie: string,
  headers: Record<string, string> = {},
  method: Method = "GET",
  url = "/api/session",
) => at.call(method, url, { headers: { cookie, ...headers } });

describe("a session in a cookie", () => {
  test("hands no token out, and the cookie is out of reach for scripts and other sites", async () => {
    const answer = await logInWith(hub, hub.owner.bundle, { as: "cookie" });
    expect(Object.keys(answer.json()).toSorted()).toEqual(["expiresAtMs", "role", "session"]);
    expect(answer.headers["set-cookie"]).toMatch(
      /^doorward-session=[0-9a-f]{64}; Max-Age=43200; Path=\/; HttpOnly; SameSite=Strict$/,
    );
  });

  test("over TLS is bound to this very host as well", async () => {
    await using server = Fastify();
    await server.register(cookiePlugin, { hook: false });
    server.get("/", async (_request, reply) => {
      setSessionCookie(reply, "a".repeat(64), true);
      return {};
    });
    expect((await server.inject({ url: "/" })).headers["set-cookie"]).toBe(
      `__Host-doorward-session=${"a".repeat(64)}; Max-Age=43200; Path=/; HttpOnly; Secure; SameSite=Strict`,
    );
    const plain = `doorward-session=${"a".repeat(64)}`;
    expect(sessionTokensOf(plain, true)).toBeNull();
    expect(sessionTokensOf(`__Host-${plain}`, true)).toEqual(["a".repeat(64)]);
  });

  test("is not what a device gets that does not ask for it", async () => {
    for (const body of [{}, { as: "bearer" }]) {
      const answer = await logInWith(hub, hub.owner.bundle, body);
      expect(answer.headers["set-cookie"]).toBeUndefined();
      expect(answer.json()).toHaveProperty("token");
    }
    expect((await logInWith(hub, hub.owner.bundle, { as: "both" })).statusCode).toBe(422);
  });

  test("tells a page that was loaded again who it is", async () => {
    const answer = await ask(hub, await cookieOf(hub));
    expect(answer.statusCode).toBe(200);
    const open = (await hub.call("GET", "/api/sessions", { as: hub.owner })).json<
      { session: string }[]
    >();
    const { session } = answer.json<{ session: string }>();
    // Its name among the open sessions, so that a page knows which of them is its own.
    expect(open.filter((each) => each.session === session)).toHaveLength(1);
    expect(answer.json()).toEqual({
      session,
      device: hub.owner.key.device,
      person: hub.owner.bundle.person,
      role: "owner",
      rights: ["view_originals", "view_blurred", "live", "sign", "administer"],
      label: "founder",
      expiresAtMs: hub.clock.nowMs + 12 * HOUR_MS,
    });
    expect((await hub.call("GET", "/api/session")).statusCode).toBe(401);
  });

  test("ends with its log-out, which takes the cookie away", async () => {
    const cookie = await cookieOf(hub);
    const answer = await ask(hub, cookie, OWN, "DELETE");
    expect(answer.statusCode).toBe(204);
    expect(answer.headers["set-cookie"]).toMatch(/^doorward-session=; Max-Age=0; Path=\//);
    expect((await ask(hub, cookie)).statusCode).toBe(401);
  });

  test("ends at once when its device is removed", async () => {
    await using own = await startTestHub();
    const phone = await own.admit("owner", { person: own.owner.bundle.person });
    const cookie = await cookieOf(own, phone.bundle);
    expect((await ask(own, cookie)).statusCode).toBe(200);
    const readers = await newReaders(own.hub.services.household.keyring);
    await own.change({ kind: "remove", device: phone.key.device, readers });
    const answer = await ask(own, cookie);
    expect(answer.statusCode).toBe(401);
    expect(answer.headers["set-cookie"]).toMatch(/^doorward-session=; Max-Age=0/);
  });
});

describe("a session's time", () => {
  test("goes on where it is used in its second half, and only then", async () => {
    await using own = await startTestHub();
    const cookie = await cookieOf(own);
    own.clock.nowMs += 6 * HOUR_MS;
    expect((await ask(own, cookie)).headers["set-cookie"]).toBeUndefined();
    for (let day = 0; day < 6; day += 1) {
      own.clock.nowMs += 11 * HOUR_MS - (day === 0 ? 6 * HOUR_MS : 0);
      const answer = await ask(own, cookie);
      expect(answer.json()).toMatchObject({ expiresAtMs: own.clock.nowMs + 12 * HOUR_MS });
      expect(answer.headers["set-cookie"]).toBe(
        `${cookie}; Max-Age=43200; Path=/; HttpOnly; SameSite=Strict`,
      );
    }
    own.clock.nowMs += 12 * HOUR_MS;
    const late = await ask(own, cookie);
    expect(late.statusCode).toBe(401);
    expect(late.headers["set-cookie"]).toMatch(/^doorward-session=; Max-Age=0/);
  });

  test("ends seven days after the log-in, however much it is used", async () => {
    await using own = await startTestHub();
    const cookie = await cookieOf(own);
    const startMs = own.clock.nowMs;
    for (let hours = 8; hours < 7 * 24; hours += 8) {
      own.clock.nowMs = startMs + hours * HOUR_MS;
      expect((await ask(own, cookie)).statusCode, `${hours} h`).toBe(200);
    }
    own.clock.nowMs = startMs + 7 * 24 * HOUR_MS - 1_000;
    const last = await ask(own, cookie);
    expect(last.json()).toMatchObject({ expiresAtMs: startMs + 7 * 24 * HOUR_MS });
    expect(last.headers["set-cookie"]).toBeUndefined();
    own.clock.nowMs = startMs + 7 * 24 * HOUR_MS;
    expect((await ask(own, cookie)).statusCode).toBe(401);
  });

  test("a log-out in the second half sets no cookie that lives", async () => {
    await using own = await startTestHub();
    const cookie = await cookieOf(own);
    own.clock.nowMs += 11 * HOUR_MS;
    const answer = await ask(own, cookie, OWN, "DELETE");
    expect(String(answer.headers["set-cookie"])).toMatch(/^doorward-session=; Max-Age=0/);
  });
});

describe("another site's page and a session in a cookie", () => {
  const FOREIGN: Record<string, string>[] = [
    {},
    { origin: "http://evil.example" },
    { origin: "http://localhost:1" },
    { origin: "https://localhost" },
    { origin: "null" },
    { origin: "" },
    { origin: "http://localhost/" },
    { "sec-fetch-site": "none" },
    { "sec-fetch-site": "same-site" },
    { "sec-fetch-site": "cross-site" },
    { origin: "http://evil.example", "sec-fetch-site": "same-origin" },
  ];

  test("changes nothing: a change needs this hub's own origin", async () => {
    const cookie = await cookieOf(hub);
    for (const headers of FOREIGN) {
      const answer = await ask(hub, cookie, headers, "DELETE");
      expect([answer.statusCode, answer.json<{ code: string }>().code]).toEqual([
        403,
        "WRONG_ORIGIN",
      ]);
    }
    expect((await ask(hub, cookie)).statusCode).toBe(200);
    for (const headers of [OWN, { "sec-fetch-site": "same-origin" }]) {
      const own = await cookieOf(hub);
      expect((await ask(hub, own, headers, "DELETE")).statusCode).toBe(204);
    }
  });

  test("a form that another page posts here does nothing", async () => {
    const cookie = await cookieOf(hub);
    const before = (await hub.call("GET", "/api/sessions", { as: hub.owner })).body;
    for (const type of ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data"]) {
      const answer = await hub.call("POST", "/api/forms", {
        headers: { cookie, origin: "http://evil.example", "content-type": type },
        body: "tokenSha256=0",
      });
      expect(answer.statusCode).toBe(403);
      const unsaid = await hub.call("POST", "/api/forms", {
        headers: { cookie, "content-type": type },
        body: "tokenSha256=0",
      });
      expect(unsaid.statusCode).toBe(403);
    }
    expect((await hub.call("GET", "/api/sessions", { as: hub.owner })).body).toBe(before);
  });

  test("does not even read: a picture's address on another port's page is refused", async () => {
    const cookie = await cookieOf(hub);
    for (const site of ["same-site", "cross-site"])
      expect((await ask(hub, cookie, { "sec-fetch-site": site })).statusCode).toBe(403);
    for (const site of ["same-origin", "none"])
      expect((await ask(hub, cookie, { "sec-fetch-site": site })).statusCode).toBe(200);
  });

  test("and under another name for this machine (DNS rebinding) it gets nothing", async () => {
    const cookie = await cookieOf(hub);
    const answer = await ask(hub, cookie, { host: "evil.example", origin: "http://evil.example" });
    expect(answer.statusCode).toBe(421);
  });
});

describe("cookies that are not a session's", () => {
  test("a made-up, cut or old one is nobody, and is taken away", async () => {
    const cookie = await cookieOf(hub);
    for (const wrong of [
      "doorward-session=",
      "doorward-session",
      `doorward-session=${"0".repeat(64)}`,
      cookie.slice(0, -1),
      `${cookie}=`,
      "doorward-session=%00%ff; doorward-session",
    ]) {
      const answer = await ask(hub, wrong);
      expect(answer.statusCode, wrong).toBe(401);
      expect(answer.headers["set-cookie"], wrong).toMatch(/^doorward-session=; Max-Age=0/);
    }
    for (const other of ["", ";;;", "a=b", `x${cookie}`, "__Host-doorward-session=1"]) {
      const answer = await ask(hub, other);
      expect(answer.statusCode, other).toBe(401);
      expect(answer.headers["set-cookie"], other).toBeUndefined();
    }
  });

  test("one that another port's server set beside ours does not lock the page out", async () => {
    const cookie = await cookieOf(hub);
    for (const header of [
      `doorward-session=planted; ${cookie}`,
      `${cookie}; doorward-session=${"0".repeat(64)}`,
      `a=b; ${cookie} ; doorward-session=`,
      // One for each part of a path, which browsers send before ours.
      `${`doorward-session=${"0".repeat(64)}; `.repeat(20)}${cookie}`,
    ])
      expect((await ask(hub, header)).statusCode, header).toBe(200);
  });

  test("two that both hold are none: nobody's page acts as somebody else", async () => {
    const viewer = await hub.admit("viewer");
    const [ours, planted] = [await cookieOf(hub), await cookieOf(hub, viewer.bundle)];
    const answer = await ask(hub, `${planted}; ${ours}`);
    expect(answer.statusCode).toBe(401);
    expect(answer.headers["set-cookie"]).toMatch(/^doorward-session=; Max-Age=0/);
    expect((await ask(hub, `${ours}; ${"doorward-session=x; ".repeat(500)}`)).statusCode).toBe(200);
  });

  test("a bearer token counts before a cookie", async () => {
    const viewer = await hub.admit("viewer");
    const cookie = await cookieOf(hub);
    const headers = { cookie, authorization: `Bearer ${viewer.token}` };
    expect((await hub.call("GET", "/api/session", { headers })).json()).toMatchObject({
      role: "viewer",
    });
    const wrong = { cookie, authorization: `Bearer ${"0".repeat(64)}` };
    expect((await hub.call("GET", "/api/session", { headers: wrong })).statusCode).toBe(401);
  });
});
