import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { statusTokenOf } from "../../src/protocol/status-token.ts";
import { decide, fill, makeForm, requestDocument, typeRequest } from "../support/test-consent.ts";
import { routesOf, exampleUrl } from "../support/routes.ts";
import { startTestHub, type TestHub } from "../support/test-hub.ts";

let hub: TestHub;
beforeAll(async () => {
  hub = await startTestHub({ outside: true });
});
afterAll(() => hub[Symbol.asyncDispose]());

const get = (headers: Record<string, string>) => hub.call("GET", "/api/hub", { headers });
const post = (headers: Record<string, string>) =>
  hub.call("POST", "/api/session/challenge", { headers, body: { device: "0".repeat(64) } });

describe("the hub answers to its own names only (DNS rebinding)", () => {
  test.each(["localhost", "localhost:8080", "127.0.0.1", "127.0.0.1:1", "[::1]", "[::1]:8080"])(
    "as %s it answers",
    async (host) => {
      expect((await get({ host })).statusCode).toBe(200);
    },
  );

  test.each([
    "evil.example",
    "localhost.evil.example",
    "evil.example:8080",
    "192.0.2.1",
    "doorward.local",
    "localhost:8080@evil.example",
    "localhost:",
    "localhost:8080:8080",
    "localhost, evil.example",
  ])("as %s it does not", async (host) => {
    const answer = await get({ host });
    expect(answer.statusCode).not.toBe(200);
    expect(answer.body).not.toContain("ledgerKey");
  });

  test("and on no route at all", async () => {
    for (const { method, url } of routesOf(hub.hub.server)) {
      const answer = await hub.call(method, exampleUrl(url), {
        as: hub.owner,
        headers: { host: "evil.example" },
      });
      expect(answer.statusCode, url).toBe(421);
    }
  });
});

describe("another site's page may not act for the owner", () => {
  test("a request from another origin is refused, also one that only reads", async () => {
    for (const origin of ["http://evil.example", "http://localhost:1", "null", ""]) {
      expect((await post({ origin })).statusCode, origin).toBe(403);
      expect((await get({ origin })).statusCode, origin).toBe(403);
    }
    expect((await post({ origin: "http://localhost" })).statusCode).toBe(200);
  });

  test("a browser that says it comes from another site changes nothing", async () => {
    for (const site of ["cross-site", "same-site"]) {
      const headers = { "sec-fetch-site": site };
      expect((await post(headers)).statusCode).toBe(403);
      expect(
        (await hub.call("DELETE", "/api/session", { as: hub.owner, headers })).statusCode,
      ).toBe(403);
    }
    for (const site of ["same-origin", "none"])
      expect((await post({ "sec-fetch-site": site })).statusCode).toBe(200);
  });

  test("no answer allows another origin to read it", async () => {
    for (const { method, url } of routesOf(hub.hub.server)) {
      const answer = await hub.call(method, exampleUrl(url), { as: hub.owner, body: {} });
      expect(answer.headers["access-control-allow-origin"], url).toBeUndefined();
      // For the page's own files, page-files.test.ts.
      expect(answer.headers["content-security-policy"], url).toContain("default-src 'none'");
      expect(answer.headers["cache-control"], url).toBe("no-store");
      expect(answer.headers["referrer-policy"], url).toBe("no-referrer");
      expect(answer.headers["x-content-type-options"], url).toBe("nosniff");
    }
    hub = { ...hub, owner: await hub.logIn(hub.owner.bundle) };
  });
});

describe("what comes in has limits", () => {
  test("a body over its limit is refused before it is read", async () => {
    const large = { asked: requestDocument(), personal: "A".repeat(70_000) };
    const answer = await hub.call("POST", "/api/requests", { as: hub.owner, body: large });
    expect(answer.statusCode).toBe(413);
    const request = await typeRequest(hub);
    const huge = { payloadType: "x", payload: "A".repeat(5 * 1024 * 1024), signatures: [] };
    expect((await decide(hub, request.record.request, huge)).statusCode).toBe(413);
  });

  test("a wrong field is named, with 422", async () => {
    const form = (body: unknown) => hub.call("POST", "/api/forms", { as: hub.owner, body });
    const cases: [unknown, string][] = [
      [{ tokenSha256: "0".repeat(64) }, "expiresAtMs"],
      [{ tokenSha256: "x", expiresAtMs: 1 }, "tokenSha256"],
      [{ tokenSha256: "0".repeat(64), expiresAtMs: "1" }, "expiresAtMs"],
      [{ tokenSha256: "0".repeat(64), expiresAtMs: 1, extra: 1 }, "extra"],
    ];
    for (const [body, field] of cases) {
      const answer = await form(body);
      expect(answer.statusCode).toBe(422);
      expect(answer.json()).toMatchObject({ code: "MALFORMED_INPUT", field });
    }
    const early = await form({ tokenSha256: "0".repeat(64), expiresAtMs: 1 });
    expect([early.statusCode, early.json<{ code: string }>().code]).toEqual([
      422,
      "EXPIRY_OUT_OF_RANGE",
    ]);
  });

  test("a request's own fields are named as its document has them", async () => {
    const form = await makeForm(hub);
    const sealed = await fill(form);
    const wrong = {
      ...sealed,
      asked: { ...sealed.asked, sought: { ...sealed.asked.sought, to: "" } },
    };
    const late = structuredClone(sealed);
    late.asked.sought.to = late.asked.sought.from;
    for (const body of [wrong, late]) {
      const answer = await hub.call("POST", "/api/requests/import", { as: hub.owner, body });
      expect(answer.statusCode).toBe(422);
      expect(answer.json<{ field: string }>().field).toContain("sought.to");
    }
    // What could not be read spent no token.
    const taken = await hub.call("POST", "/api/requests/import", { as: hub.owner, body: sealed });
    expect(taken.statusCode).toBe(200);
  });

  test("a recipient that is no key is refused at the edge", async () => {
    const form = await makeForm(hub);
    const sealed = await fill(form);
    const body = { ...sealed, asked: { ...sealed.asked, recipient: "age1nokey" } };
    const answer = await hub.call("POST", "/api/requests/import", { as: hub.owner, body });
    expect(answer.statusCode).toBe(422);
    expect(answer.json()).toMatchObject({ field: "recipient" });
  });

  test("garbage of any kind is an answer below 500 on every route", async () => {
    const bodies: unknown[] = [null, [], "x", 1, { a: { b: [] } }, "{", "\u0000"];
    for (const { method, url } of routesOf(hub.hub.server).filter((each) => each.method !== "HEAD"))
      for (const body of bodies) {
        const answer = await hub.call(method, exampleUrl(url, { name: "%ff", id: "x" }), {
          as: hub.owner,
          body,
          headers: { "content-type": "application/json" },
        });
        expect(answer.statusCode, `${method} ${url}`).toBeLessThan(500);
        if (url === "/api/session" && method === "DELETE")
          hub = { ...hub, owner: await hub.logIn(hub.owner.bundle) };
      }
  });

  test("an error says nothing of how the hub is made", async () => {
    const answers = [
      await hub.call("GET", `/api/clips/${"0".repeat(32)}/files/x.age`, { as: hub.owner }),
      await hub.call("GET", "/api/ledger/consistency?from=9&to=1", { as: hub.owner }),
      await hub.call("GET", "/nowhere"),
    ];
    for (const { body } of answers)
      expect(body).not.toMatch(/\/src\/|node_modules|at \w+ \(|SQLITE/);
  });
});

describe("one address asks too often", () => {
  test.each(["/api/claim", "/api/session", "/api/pairings"])(
    "%s stops answering it",
    async (url) => {
      const statuses = new Set<number>();
      for (let count = 0; count < 250; count += 1) {
        const answer = await hub.hub.server.inject({
          method: "POST",
          url,
          headers: { host: "localhost" },
          payload: {},
          remoteAddress: "192.0.2.77",
        });
        statuses.add(answer.statusCode);
      }
      expect(statuses).toContain(429);
      expect((await hub.call("POST", url, { body: {} })).statusCode).not.toBe(429);
    },
  );
});

describe("a one-time form", () => {
  const bring = (body: unknown) =>
    hub.call("POST", "/api/requests/import", { as: hub.owner, body });

  test("is taken once; used, unknown and expired answer alike", async () => {
    const sealed = await fill(await makeForm(hub));
    expect((await bring(sealed)).statusCode).toBe(200);
    const used = await bring(sealed);
    const unknown = await bring({ ...sealed, token: "e".repeat(64) });
    const old = await fill(await makeForm(hub, 1_000));
    hub.clock.nowMs += 1_000;
    const expired = await bring(old);
    expect([used, unknown, expired].map(({ statusCode }) => statusCode)).toEqual([410, 410, 410]);
    expect(new Set([used, unknown, expired].map(({ body }) => body)).size).toBe(1);
  });

  test("comes in over the outside listener as well, once, and reading it spends nothing", async () => {
    const outside = hub.hub.outsideUrl ?? "";
    const sealed = await fill(await makeForm(hub));
    const send = async (type: string): Promise<Response> =>
      fetch(`${outside}/intake`, {
        method: "POST",
        headers: { "content-type": type, origin: "null" },
        body: JSON.stringify(sealed),
      });
    for (const path of ["/intake", `/status/${statusTokenOf(sealed.token)}`])
      expect((await fetch(`${outside}${path}`)).status).toBe(404);
    const first = await send("text/plain");
    expect(first.status).toBe(200);
    const { statusUrl } = (await first.json()) as { statusUrl: string };
    expect(statusUrl).toBe(`${outside}/status/${statusTokenOf(sealed.token)}`);
    expect((await send("text/plain")).status).toBe(410);
    expect((await send("application/json")).status).toBe(410);
  });

  test("and the outside listener has nothing else: no page, no interface, no session", async () => {
    const outside = hub.hub.outsideUrl ?? "";
    for (const { method, url } of routesOf(hub.hub.server)) {
      if (/^\/(?:status|share)\//.test(url) || url === "/notice") continue;
      const answer = await fetch(`${outside}${exampleUrl(url)}`, {
        method,
        headers: { authorization: `Bearer ${hub.owner.token}` },
      });
      expect([404, 429], `${method} ${url}`).toContain(answer.status);
    }
  });
});
