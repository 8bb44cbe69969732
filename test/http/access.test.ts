import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createServer } from "../../src/http/server.ts";
import { generateSigningKey } from "../../src/owner/identity.ts";
import { sealedFileName } from "../../src/protocol/clip.ts";
import { exampleUrl, routesOf, type Route } from "../support/routes.ts";
import { newReaders } from "../support/test-household.ts";
import { firstClip, startTestHub, type TestDevice, type TestHub } from "../support/test-hub.ts";

/**
 * Who may call what. A route that is not in this list fails the first test: nobody can add one
 * without saying here, and in the route itself, who may call it.
 */
const PUBLIC = [
  "GET /",
  "GET /:file",
  "GET /assets/:file",
  "GET /assets/redact/:file",
  "GET /status/:token",
  "POST /status/:token/withdrawal",
  "GET /notice",
  "GET /.well-known/security.txt",
  "GET /api/hub",
  // By a token of its own, and only where the settings say so.
  "GET /api/metrics",
  "GET /api/openapi.json",
  "GET /api/lan/name",
  "POST /api/lan/name",
  "POST /api/claim",
  "POST /api/claim/test",
  "POST /api/session",
  "POST /api/session/challenge",
  "POST /api/pairings",
  "GET /api/pairings/:id",
  "POST /api/pairings/:id/reveal",
  "GET /api/recoveries",
  "POST /api/recoveries",
  "GET /api/bells/:camera/ring/:token",
  "POST /api/bells/:camera/ring/:token",
];
const ANY_DEVICE = [
  "GET /api/lan",
  "GET /api/session",
  "DELETE /api/session",
  "GET /api/health",
  "GET /api/keyring",
  "GET /api/news",
  "GET /api/devices",
  "GET /api/recovery",
  "GET /api/passed-on",
  "DELETE /api/passed-on/:epoch",
  "GET /api/ledger/checkpoint",
  "GET /api/ledger/consistency",
  "GET /api/ledger/counts",
  "GET /api/ledger/entries",
  "GET /api/ledger/inclusion",
  "POST /api/clips/present",
  "GET /api/statements",
  "GET /api/restorations",
  "POST /api/ledger/cosignatures",
  "GET /api/notices/:id",
  "POST /api/notices/:id/seen",
  "GET /api/notifications",
  "GET /api/push",
  "PUT /api/push",
  "DELETE /api/push/:id",
  "PUT /api/notifications",
  "POST /api/notifications/test",
  "GET /api/notifications/test/:id",
  "PUT /api/notifications/ntfy",
  "DELETE /api/notifications/ntfy",
  "PUT /api/notifications/unified-push",
  "DELETE /api/notifications/unified-push",
];
const MAY_VIEW = [
  "GET /api/clips",
  "GET /api/clips/:clip",
  "GET /api/clips/:clip/files/:name",
  "GET /api/clips/:clip/views",
  "GET /api/timeline",
  "GET /api/retention",
];
/** Whoever may see clear pictures may see to it that none are taken. */
const MAY_SWITCH_OFF = ["GET /api/privacy", "POST /api/privacy/:camera"];
/** Live, as a role and not as a person: a viewer sees blurred pictures only, and none is blurred live. */
const MAY_LOOK = ["GET /api/live/:camera"];
/** Whoever sees who stands there may speak to him. */
const MAY_TALK = [
  "GET /api/talk",
  "GET /api/talk/:camera",
  "POST /api/talk/:camera/replies/:id",
  "GET /api/replies/:id",
];
const OWNERS_ONLY = [
  "PUT /api/lan",
  "POST /api/lan/move",
  "POST /api/lan/move/end",
  "GET /api/notices",
  "GET /api/settings",
  "PUT /api/settings/name",
  "PUT /api/settings/retention",
  "PUT /api/settings/cameras/:id",
  "GET /api/clips/:clip/nothing",
  "PUT /api/clips/:clip/nothing",
  "GET /api/settings/cameras/:id/motion",
  "PUT /api/settings/cameras/:id/motion",
  "GET /api/settings/cameras/:id/areas",
  "PUT /api/settings/cameras/:id/areas",
  "POST /api/settings/cameras/:id/masks/in-camera",
  "PUT /api/privacy/:camera/hours",
  "GET /api/chime",
  "GET /api/house",
  "POST /api/house/test",
  "PUT /api/chime",
  "POST /api/chime/test",
  "DELETE /api/settings/cameras/:id",
  "POST /api/cameras/find",
  "POST /api/cameras/probe",
  "POST /api/cameras/test",
  "POST /api/replies",
  "DELETE /api/replies/:id",
  "GET /api/bells",
  "GET /api/bells/:camera/teaching",
  "POST /api/bells/:camera/teaching",
  "DELETE /api/bells/:camera/teaching",
  "POST /api/bells/:camera/rules",
  "DELETE /api/bells/:camera/rules/:rule",
  "POST /api/bells/:camera/test",
  "GET /api/sessions",
  "GET /api/connections",
  "GET /api/health/metrics",
  "POST /api/health/metrics-token",
  "DELETE /api/health/metrics-token",
  "DELETE /api/sessions/:id",
  "DELETE /api/clips/:clip",
  "POST /api/clips/:clip/hold",
  "POST /api/clips/:clip/restore",
  "POST /api/clips/:clip/rewrap",
  "GET /api/sealed-before",
  "POST /api/clips/:clip/renditions",
  "POST /api/clips/:clip/renditions/:id/files/:segment",
  "POST /api/clips/:clip/renditions/:id/close",
  "DELETE /api/clips/:clip/renditions/:id",
  "POST /api/keyring",
  "POST /api/keyring/sheet-test",
  "GET /api/keyring/proposals",
  "POST /api/keyring/proposals/:id",
  "DELETE /api/keyring/proposals/:id",
  "GET /api/pairings",
  "POST /api/pairings/:id/nonce",
  "POST /api/pairings/:id/admit",
  "POST /api/forms",
  "POST /api/requests",
  "POST /api/requests/import",
  "POST /api/statements",
  "POST /api/restorations/acceptances",
  "GET /api/requests",
  "GET /api/requests/:id",
  "POST /api/requests/:id/nonce",
  "POST /api/requests/:id/decision",
  "GET /api/requests/:id/proposal",
  "POST /api/requests/:id/proposal",
  "DELETE /api/requests/:id/proposal",
  "POST /api/requests/:id/proposal/signatures",
  "POST /api/requests/:id/revocation",
  "POST /api/requests/:id/withdrawal",
  "GET /api/requests/:id/handling",
  "POST /api/requests/:id/assurance",
  "POST /api/requests/:id/hold",
  "GET /api/requests/:id/document",
  "POST /api/requests/:id/document",
  "DELETE /api/requests/:id/document",
  "GET /api/notice",
  "GET /api/viewer",
  "GET /api/mailbox",
  "GET /api/copy",
  "POST /api/copy/now",
  "GET /api/requests/:id/shares",
  "POST /api/shares",
];

const nameOf = ({ method, url }: Route): string => `${method === "HEAD" ? "GET" : method} ${url}`;

let hub: TestHub;
let routes: Route[];
const devices = new Map<string, TestDevice>();
beforeAll(async () => {
  hub = await startTestHub({ clips: 1 });
  routes = routesOf(hub.hub.server);
  devices.set("owner", hub.owner);
  for (const role of ["adult", "viewer", "guest"] as const)
    devices.set(role, await hub.admit(role));
});
afterAll(() => hub[Symbol.asyncDispose]());

const device = (role: string): TestDevice => {
  const found = devices.get(role);
  if (!found) throw new Error(`no ${role}`);
  return found;
};

async function statusOf(route: Route, as: TestDevice | null, headers = {}): Promise<number> {
  const body = route.method === "POST" ? { body: {} } : {};
  const answer = await hub.call(route.method, exampleUrl(route.url), { as, headers, ...body });
  return answer.statusCode;
}

describe("every route says who may call it", () => {
  test("and the list of all routes is the one in this file", () => {
    const found = [...new Set(routes.map(nameOf))].toSorted();
    const listed = [
      ...[...PUBLIC, ...ANY_DEVICE, ...MAY_VIEW, ...MAY_LOOK, ...MAY_TALK, ...MAY_SWITCH_OFF],
      ...OWNERS_ONLY,
    ].toSorted();
    expect(found).toEqual(listed);
  });

  test("and a server refuses to take one that does not", async () => {
    const server = await createServer({
      sessions: null,
      version: "0",
      hostNames: ["localhost"],
      logLevel: "silent",
    });
    expect(() => server.get("/forgotten", async () => "x")).toThrow(/does not say who/);
    await server.close();
  });

  test("without a session nothing but the public routes answers", async () => {
    for (const route of routes) {
      const status = await statusOf(route, null);
      if (PUBLIC.includes(nameOf(route))) expect(status, nameOf(route)).not.toBe(403);
      else expect(status, nameOf(route)).toBe(401);
    }
  });

  test("a token that is made up, cut, of another scheme or empty is no session", async () => {
    const { token } = hub.owner;
    for (const authorization of [
      `Bearer ${"0".repeat(64)}`,
      `Bearer ${token.slice(0, 63)}`,
      `Bearer ${token.toUpperCase()}`,
      `Bearer  ${token}`,
      `Basic ${token}`,
      token,
      "Bearer",
      "",
    ])
      for (const route of routes.filter((each) => !PUBLIC.includes(nameOf(each))))
        expect(await statusOf(route, null, { authorization }), authorization).toBe(401);
  });

  test.each(["adult", "viewer", "guest"])("a %s reaches no owner's route", async (role) => {
    for (const route of routes.filter((each) => OWNERS_ONLY.includes(nameOf(each))))
      expect(await statusOf(route, device(role)), nameOf(route)).toBe(403);
  });

  test("a guest sees no recordings, not even their list", async () => {
    for (const route of routes.filter((each) => MAY_VIEW.includes(nameOf(each))))
      expect(await statusOf(route, device("guest")), nameOf(route)).toBe(403);
  });

  test("live is for all but viewers", async () => {
    for (const route of routes.filter((each) => MAY_LOOK.includes(nameOf(each)))) {
      expect(await statusOf(route, device("viewer")), nameOf(route)).toBe(403);
      for (const role of ["adult", "guest"])
        expect(await statusOf(route, device(role)), nameOf(route)).toBe(404);
    }
  });

  test("viewers and guests switch no camera off", async () => {
    for (const route of routes.filter((each) => MAY_SWITCH_OFF.includes(nameOf(each)))) {
      for (const role of ["viewer", "guest"])
        expect(await statusOf(route, device(role)), nameOf(route)).toBe(403);
      expect([401, 403], nameOf(route)).not.toContain(await statusOf(route, device("adult")));
    }
  });

  test("talking is for all that may look", async () => {
    for (const route of routes.filter((each) => MAY_TALK.includes(nameOf(each)))) {
      expect(await statusOf(route, device("viewer")), nameOf(route)).toBe(403);
      for (const role of ["adult", "guest"])
        expect([401, 403], nameOf(route)).not.toContain(await statusOf(route, device(role)));
    }
  });

  test("an owner is let in everywhere", async () => {
    const owner = await hub.logIn(hub.owner.bundle);
    for (const route of routes.filter((each) => nameOf(each) !== "DELETE /api/session"))
      expect([401, 403], nameOf(route)).not.toContain(
        PUBLIC.includes(nameOf(route)) ? 0 : await statusOf(route, owner),
      );
  });
});

describe("a viewer", () => {
  test("sees that there are recordings, and fetches no original, not by any name", async () => {
    const viewer = device("viewer");
    expect((await hub.call("GET", "/api/clips", { as: viewer })).statusCode).toBe(200);
    const clip = firstClip(hub);
    const names = hub.hub.services.clips.files(clip).map(sealedFileName);
    expect(names.length).toBeGreaterThan(3);
    for (const name of names) {
      const url = `/api/clips/${clip}/files/${name}`;
      const refused = await hub.call("GET", url, { as: viewer });
      expect(refused.statusCode, name).toBe(403);
      expect(refused.json()).toMatchObject({ code: "NOT_ALLOWED" });
      expect((await hub.call("GET", url, { as: device("adult") })).statusCode).toBe(200);
    }
    const odd = [
      "../000.video.original.age",
      "000.video.original.age%00",
      "000.VIDEO.original.age",
    ];
    for (const name of odd)
      expect([403, 404, 422]).toContain(
        (await hub.call("GET", `/api/clips/${clip}/files/${name}`, { as: viewer })).statusCode,
      );
  });
});

describe("a session", () => {
  test("ends when its time is over", async () => {
    await using own = await startTestHub();
    const sees = async (): Promise<number> =>
      (await own.call("GET", "/api/clips", { as: own.owner })).statusCode;
    expect(await sees()).toBe(200);
    own.clock.nowMs += 12 * 3_600_000 - 1;
    expect(await sees()).toBe(200);
    own.clock.nowMs += 1;
    expect(await sees()).toBe(401);
  });

  test("ends when it is logged out, and when an owner ends it", async () => {
    const [one, two] = [await hub.logIn(hub.owner.bundle), await hub.logIn(hub.owner.bundle)];
    await hub.call("DELETE", "/api/session", { as: one });
    expect((await hub.call("GET", "/api/clips", { as: one })).statusCode).toBe(401);
    const before = await hub.call("GET", "/api/sessions", { as: hub.owner });
    const sessions = before.json<{ session: string; createdAtMs: number }[]>();
    for (const { session } of sessions)
      await hub.call("DELETE", `/api/sessions/${session}`, { as: two });
    expect((await hub.call("GET", "/api/clips", { as: two })).statusCode).toBe(401);
    for (const [role, { bundle }] of devices) devices.set(role, await hub.logIn(bundle));
    hub = { ...hub, owner: device("owner") };
  });

  test("is its device's, and is over within one request when the device is removed", async () => {
    await using own = await startTestHub();
    const phone = await own.admit("owner", { person: own.owner.bundle.person });
    expect((await own.call("GET", "/api/requests", { as: phone })).statusCode).toBe(200);
    const readers = await newReaders(own.hub.services.household.keyring);
    await own.change({ kind: "remove", device: phone.key.device, readers });
    expect((await own.call("GET", "/api/requests", { as: phone })).statusCode).toBe(401);
    expect((await own.call("GET", "/api/requests", { as: own.owner })).statusCode).toBe(200);
    await expect(own.logIn(phone.bundle)).rejects.toThrow(/LOGIN_REFUSED/);
  });

  test("is kept as a hash: the database holds no token", () => {
    const rows = hub.hub.services.sessions.list();
    expect(rows.length).toBeGreaterThan(0);
    expect(JSON.stringify(rows)).not.toContain(hub.owner.token);
  });

  test("is not for a key that is in no keyring, and says nothing of who is", async () => {
    const stranger = generateSigningKey();
    const asked = await hub.call("POST", "/api/session/challenge", {
      body: { device: stranger.device },
    });
    expect(asked.statusCode).toBe(200);
    expect(Object.keys(asked.json()).toSorted()).toEqual(["challenge", "expiresAtMs"]);
  });
});
