import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { LightMyRequestResponse } from "fastify";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openDatabase } from "../../src/base/database.ts";
import type { HubNotices } from "../../src/hub/notices.ts";
import { PAYLOAD_BYTES } from "../../src/notify/push-payload.ts";
import { PushSubscriptions } from "../../src/notify/push-subscriptions.ts";
import type { NotificationsAnswer } from "../../src/protocol/api-notices.ts";
import type { PushAnswer, PushStored } from "../../src/protocol/api-push.ts";
import { readSettings } from "../../src/settings/settings.ts";
import { CAMERA } from "../clips/test-stream.ts";
import {
  readVapid,
  startPushService,
  type PushService,
  type TestSubscription,
} from "../support/push-service.ts";
import { exampleUrl, routesOf } from "../support/routes.ts";
import { typeRequest } from "../support/test-consent.ts";
import { startTestHub, type Method, type TestDevice, type TestHub } from "../support/test-hub.ts";
import { newReaders } from "../support/test-household.ts";
import { temporaryFolder } from "../support/temporary.ts";

// What a push service gets to see of a house, from the hub that runs to the wire; and whose pushes
// they are.

/** Names that would tell a push service what it is to learn nothing of. */
const TELLING = ["Rosamund", "Wintergarten", "Larkspur", "Verbena"];
const FILE = (service: string): string => `name: Rosamund house
cameras:
  - { id: ${CAMERA}, name: Wintergarten, main: "rtsp://127.0.0.1:9/Larkspur" }
  - { id: verbena, name: Verbena gate, main: "rtsp://127.0.0.1:9/Verbena" }
notify: { services: ["${service}"] }
`;

describe("pushes", () => {
  const folder = temporaryFolder();
  let service: PushService;
  let hub: TestHub;
  const notices = (): HubNotices => hub.hub.services.notices as HubNotices;

  beforeAll(async () => {
    service = await startPushService();
    writeFileSync(path.join(folder.path, "doorward.yaml"), FILE(service.host));
    const settings = await readSettings(folder.path, null, {});
    hub = await startTestHub({
      ...{ dataDirectory: folder.path, settings: { ...settings, port: 0 }, nowMs: "system" },
    });
  });
  afterAll(async () => {
    await hub[Symbol.asyncDispose]();
    await service[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  const call = async <Answer>(
    device: TestDevice,
    method: "GET" | "PUT" | "POST" | "DELETE",
    url: string,
    body?: unknown,
  ): Promise<Answer> => {
    const answer = await hub.call(method, url, {
      ...{ as: device, headers: { host: "localhost" } },
      ...(body === undefined ? {} : { body }),
    });
    expect(answer.statusCode, `${method} ${url}: ${answer.body}`).toBeLessThan(300);
    return answer.json<Answer>();
  };
  const subscribe = (device: TestDevice, browser: TestSubscription): Promise<PushStored> => {
    const { endpoint, p256dh, auth } = browser;
    return call<PushStored>(device, "PUT", "/api/push", { endpoint, p256dh, auth });
  };
  /** As a service worker asks: with its subscription's secret, and no session. */
  const withSecret = async (
    secret: string,
    method: Method,
    url: string,
    headers: Record<string, string> = {},
  ): Promise<LightMyRequestResponse> =>
    hub.call(method, url, {
      headers: { host: "localhost", authorization: `Notice ${secret}`, ...headers },
      ...(method === "POST" || method === "PUT" ? { body: {} } : {}),
    });
  const testNotice = async (device: TestDevice): Promise<string> =>
    (await call<{ id: string }>(device, "POST", "/api/notifications/test")).id;
  const takenBy = (browser: TestSubscription): typeof service.taken =>
    service.taken.filter(({ path: to }) => browser.endpoint.endsWith(to));

  test("of bells, movement, requests and tests are one size, and tell nothing but when and how urgent", async () => {
    const browser = service.subscription();
    const { key } = await subscribe(hub.owner, browser);
    const { rules } = await call<NotificationsAnswer>(hub.owner, "GET", "/api/notifications");
    await call(hub.owner, "PUT", "/api/notifications", {
      ...{ ...rules, motion: "each", coolDownMinutes: 0 },
    });
    for (const camera of [CAMERA, "verbena"])
      expect(hub.hub.bells.press(camera, "test")).toBe("rung");
    const clip = await hub.record();
    notices().recorded({
      ...{ type: "clip-started", clip, camera: CAMERA, faces: "keep", kind: "person" },
      why: { kind: "person", zone: "Larkspur path", threshold: 1, score: 1 },
      ...{ eventAtMs: Date.now(), startedAtMs: Date.now() },
      ...{ keyringHead: "0".repeat(64), keyringEpoch: 1 },
    } as never);
    const request = await typeRequest(hub);
    notices().trouble("CAMERA_AWAY", CAMERA);
    await call(hub.owner, "POST", "/api/notifications/test");
    await service.has(6);

    const pushes = takenBy(browser);
    expect(pushes.length).toBe(service.taken.length);
    expect(new Set(pushes.map(({ body }) => body.length))).toEqual(new Set([PAYLOAD_BYTES + 103]));
    const names = [
      ...TELLING,
      ...[CAMERA, "verbena", "localhost/", request.record.request, clip, hub.owner.key.device],
      ...["person", "bell", "motion", "request", "CAMERA_AWAY"],
    ];
    const clear = new Set<string>();
    const ids = new Set<string>();
    for (const push of pushes) {
      expect(readVapid(push)).toMatchObject({ key, claims: { aud: service.origin } });
      const text = browser.open(push.body);
      expect(Buffer.byteLength(text)).toBe(PAYLOAD_BYTES);
      const { notification } = JSON.parse(text) as { notification: Record<string, string> };
      const { tag = "", ...fixed } = notification;
      expect(tag).toMatch(/^[0-9a-f]{32}$/);
      ids.add(tag);
      expect(fixed).toEqual({
        ...{ title: "Doorward", body: "Something new at home. Open to see.", lang: "en" },
        navigate: `http://localhost/#/notice/${tag}`,
      });
      // Of the wire: the head as it was sent, and the body, which nobody but the browser opens.
      const wire = push.wire.toString("latin1");
      for (const name of names) {
        expect(wire.toLowerCase()).not.toContain(name.toLowerCase());
        if (name !== "localhost/") expect(text.slice(0, 60)).not.toContain(name);
        if (TELLING.includes(name)) expect(text).not.toContain(name);
      }
      const { authorization: _same, ...head } = push.headers;
      clear.add(["ttl", "urgency", "topic"].map((name) => String(head[name])).join(" "));
      expect(Object.keys(head).filter((name) => name !== "topic")).toEqual([
        ...["content-encoding", "content-type", "ttl", "urgency", "content-length", "host"],
        ...["connection"],
      ]);
    }
    expect(ids.size).toBe(pushes.length);
    for (const line of clear)
      expect(line).toMatch(/^(?:[1-9]\d? \w+ undefined|\d{4,6} \w+ (?:undefined|doorward))$/);
    expect([...clear].some((line) => line === "60 high undefined")).toBe(true);
  });

  test("stand for what their device may know, for that long, and a replay changes nothing", async () => {
    const browser = service.subscription();
    const guest = await hub.admit("guest");
    await subscribe(guest, browser);
    const before = service.taken.length;
    const { id } = await call<{ id: string }>(guest, "POST", "/api/notifications/test");
    await service.has(before + 1);
    const rows = (): unknown => hub.ledgerKinds();
    const ledger = rows();
    for (let replay = 0; replay < 3; replay += 1) {
      expect(await call(guest, "GET", `/api/notices/${id}`)).toMatchObject({ id, kind: "test" });
      await call(guest, "POST", `/api/notices/${id}/seen`, {});
    }
    const state = await call<{ seenAfterMs: number }>(
      guest,
      "GET",
      `/api/notifications/test/${id}`,
    );
    expect(state.seenAfterMs).toBeGreaterThanOrEqual(0);
    const other = await hub.call("GET", `/api/notices/${id}`, { as: hub.owner });
    expect(other.statusCode).toBe(404);
    expect(rows()).toEqual(ledger);
    expect(takenBy(browser).length).toBe(1);
  });

  test("a device sets its own subscription and sees no other's; what is no browser's is refused", async () => {
    const [mine, others] = [service.subscription(), service.subscription()];
    const adult = await hub.admit("adult");
    const { subscriptions } = await subscribe(adult, mine);
    expect(subscriptions).toMatchObject([{ service: "localhost", language: "en", problem: null }]);
    expect(JSON.stringify(subscriptions)).not.toContain(mine.endpoint.slice(-20));
    const theirs = await subscribe(hub.owner, others);
    const foreign = theirs.subscriptions[0]?.id ?? "";
    await call(adult, "DELETE", `/api/push/${foreign}`);
    expect(
      (await call<PushAnswer>(hub.owner, "GET", "/api/push")).subscriptions.map(({ id }) => id),
    ).toContain(foreign);
    const { endpoint, p256dh, auth } = mine;
    for (const wrong of [
      { endpoint: "https://192.168.1.1/x", p256dh, auth },
      { endpoint: "https://push.example.org/x", p256dh, auth },
      { endpoint: endpoint.replace("https", "http"), p256dh, auth },
      { endpoint: `${endpoint}${"x".repeat(1_024)}`, p256dh, auth },
      { endpoint, p256dh: `BA${"A".repeat(85)}`, auth },
      { endpoint, p256dh, auth: auth.slice(1) },
      { endpoint, p256dh, auth, also: 1 },
    ]) {
      const refused = await hub.call("PUT", "/api/push", { as: adult, body: wrong });
      expect([400, 422]).toContain(refused.statusCode);
      expect(refused.body).not.toContain(endpoint.slice(-20));
    }
    await call(adult, "DELETE", `/api/push/${subscriptions[0]?.id ?? ""}`);
    expect((await call<PushAnswer>(adult, "GET", "/api/push")).subscriptions).toEqual([]);
    expect(hub.log.join("\n")).not.toContain("/push/");
  });

  test.each(["logs out", "is shown out", "is removed"])(
    "reach no browser of a device that %s",
    async (how) => {
      // Somebody else who is told, so that what is sent can be waited for.
      const told = await call<PushAnswer>(hub.owner, "GET", "/api/push");
      if (told.subscriptions.length === 0) await subscribe(hub.owner, service.subscription());
      const phone = await hub.admit("owner", { person: hub.owner.bundle.person });
      const browser = service.subscription();
      const { secret } = await subscribe(phone, browser);
      const id = await testNotice(phone);
      await expect.poll(() => takenBy(browser).length).toBe(1);
      expect((await withSecret(secret, "GET", `/api/notices/${id}`)).statusCode).toBe(200);
      if (how === "logs out") await hub.call("DELETE", "/api/session", { as: phone });
      else if (how === "is shown out") {
        const sessions = await call<{ session: string; device: string }[]>(
          hub.owner,
          "GET",
          "/api/sessions",
        );
        for (const { session, device } of sessions)
          if (device === phone.key.device)
            await hub.call("DELETE", `/api/sessions/${session}`, { as: hub.owner });
      } else {
        const readers = await newReaders(hub.hub.services.household.keyring);
        await hub.change({ kind: "remove", device: phone.key.device, readers });
      }
      expect((await withSecret(secret, "GET", `/api/notices/${id}`)).statusCode).toBe(401);
      const before = service.taken.length;
      notices().trouble("CAMERA_AWAY", CAMERA);
      await service.has(before + 1);
      await call(hub.owner, "POST", "/api/notifications/test");
      await service.has(before + 2);
      expect(takenBy(browser)).toHaveLength(1);
      expect(hub.hub.services.push.answer(phone.key.device).subscriptions).toEqual([]);
    },
  );

  test("a browser's secret looks up its device's notices, as a session does, and opens no other route", async () => {
    const phone = await hub.admit("guest");
    const { secret, ...answer } = await subscribe(phone, service.subscription());
    expect(secret).toMatch(/^[0-9a-f]{64}$/);
    expect(await call(phone, "GET", "/api/push")).toEqual(answer);
    const mine = await testNotice(phone);
    const others = await testNotice(hub.owner);
    for (const id of [mine, others, "f".repeat(32), "no-id"])
      for (const [method, rest] of [["GET", ""] as const, ["POST", "/seen"] as const]) {
        const url = `/api/notices/${id}${rest}`;
        const bySession = await hub.call(method, url, {
          ...{ as: phone, ...(method === "POST" ? { body: {} } : {}) },
        });
        const bySecret = await withSecret(secret, method, url);
        expect(bySecret.statusCode, url).toBe(id === mine ? 200 : id === "no-id" ? 422 : 404);
        if (rest === "") expect(bySecret.body).toBe(bySession.body);
        expect(bySecret.headers["set-cookie"]).toBeUndefined();
      }
    const closed = new Set<string>();
    const open = new Set<string>();
    for (const { method, url } of routesOf(hub.hub.server)) {
      const body = method === "POST" || method === "PUT" ? { body: {} } : {};
      const asNobody = await hub.call(method, exampleUrl(url), body);
      if (asNobody.statusCode !== 401) continue;
      const { statusCode } = await withSecret(secret, method, exampleUrl(url));
      (statusCode === 401 ? closed : open).add(`${method} ${url}`);
    }
    expect([...open].toSorted()).toEqual(["GET /api/notices/:id", "POST /api/notices/:id/seen"]);
    expect(closed.size).toBeGreaterThan(100);
    const away = await withSecret(secret, "GET", `/api/notices/${mine}`, {
      ...{ origin: "https://example.org", "sec-fetch-site": "cross-site" },
    });
    expect(away.statusCode).toBe(403);
  });

  test("it is kept as a hash, counts as written only, is over with its subscription, and asks so often", async () => {
    const phone = await hub.admit("adult");
    const browser = service.subscription();
    const first = await subscribe(phone, browser);
    const id = await testNotice(phone);
    const status = async (secret: string, scheme = "Notice"): Promise<number> =>
      (
        await withSecret(secret, "GET", `/api/notices/${id}`, {
          authorization: `${scheme} ${secret}`,
        })
      ).statusCode;
    const inDatabase = readdirSync(folder.path)
      .filter((name) => name.startsWith("doorward.db"))
      .map((name) => readFileSync(path.join(folder.path, name)).toString("latin1"))
      .join("");
    const hash = createHash("sha256").update(first.secret).digest("hex");
    expect(inDatabase).toContain(hash);
    expect(inDatabase).not.toContain(first.secret);
    expect(hub.log.join("\n")).not.toContain(first.secret);
    for (const wrong of [
      ...["0".repeat(64), first.secret.slice(1), `${first.secret}0`, first.secret.toUpperCase()],
      ...[hash, phone.token, ""],
    ])
      expect(await status(wrong)).toBe(401);
    for (const scheme of ["Bearer", "notice", "Basic"])
      expect(await status(first.secret, scheme)).toBe(401);
    expect(await status(first.secret)).toBe(200);

    const second = await subscribe(phone, browser);
    expect(await status(first.secret)).toBe(401);
    expect(await status(second.secret)).toBe(200);
    const changed = service.subscription();
    const { endpoint, p256dh, auth } = changed;
    const third = await call<PushStored>(phone, "PUT", "/api/push", {
      ...{ endpoint, p256dh, auth, replaces: browser.endpoint },
    });
    expect(await status(second.secret)).toBe(401);
    let refused = 0;
    for (let asked = 0; asked < 130; asked += 1)
      if ((await status(third.secret)) === 429) refused += 1;
    expect(refused).toBeGreaterThanOrEqual(10);
    expect(refused).toBeLessThan(15);
    await call(phone, "DELETE", `/api/push/${third.subscriptions[0]?.id ?? ""}`);
    expect(await status(third.secret)).toBe(401);
  });

  test("a secret finds nobody whose device has left at this moment, whatever is stored", async () => {
    const phone = await hub.admit("adult");
    const { secret } = await subscribe(phone, service.subscription());
    const { device } = phone.key;
    await using database = openDatabase(path.join(folder.path, "doorward.db"));
    const stored = new PushSubscriptions(database, Date.now);
    const [row] = stored.of(device);
    if (!row) throw new Error("nothing is stored");
    const readers = await newReaders(hub.hub.services.household.keyring);
    await hub.change({ kind: "remove", device, readers });
    expect(stored.of(device)).toEqual([]);
    stored.keep(row, null);
    const asked = await withSecret(secret, "GET", `/api/notices/${"0".repeat(32)}`);
    expect(asked.statusCode).toBe(401);
    stored.forgetDevice(device);
  });

  test("the push service is among all that the hub ever connected to", async () => {
    const listed = await call<{ what: string; address: string }[]>(
      hub.owner,
      "GET",
      "/api/connections",
    );
    expect(listed).toContainEqual(
      expect.objectContaining({ what: "push service", address: service.host }),
    );
  });
});

test("a key for pushes that cannot be used keeps no hub from recording", async () => {
  await using folder = temporaryFolder();
  let owner: TestDevice["bundle"];
  {
    await using hub = await startTestHub({ dataDirectory: folder.path });
    owner = hub.owner.bundle;
  }
  writeFileSync(path.join(folder.path, "secrets", "push.pem"), "no key", { mode: 0o600 });
  await using hub = await startTestHub({ dataDirectory: folder.path, owner });
  expect(hub.log.join("\n")).toContain("nothing is pushed to phones: Cannot use push.pem");
  const answer = await hub.call("GET", "/api/push", { as: hub.owner });
  expect([answer.statusCode, answer.json<{ code: string }>().code]).toEqual([409, "PUSH_OFF"]);
  await hub.record();
});
