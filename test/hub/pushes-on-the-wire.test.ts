import { writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { HubNotices } from "../../src/hub-notices.ts";
import { PAYLOAD_BYTES } from "../../src/notify/push-payload.ts";
import type { NotificationsAnswer } from "../../src/protocol/api-notices.ts";
import type { PushAnswer } from "../../src/protocol/api-push.ts";
import { readSettings } from "../../src/settings.ts";
import { CAMERA } from "../clips/test-stream.ts";
import {
  readVapid,
  startPushService,
  type PushService,
  type TestSubscription,
} from "../support/push-service.ts";
import { typeRequest } from "../support/test-consent.ts";
import { startTestHub, type TestDevice, type TestHub } from "../support/test-hub.ts";
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
  const subscribe = (device: TestDevice, browser: TestSubscription): Promise<PushAnswer> => {
    const { endpoint, p256dh, auth } = browser;
    return call<PushAnswer>(device, "PUT", "/api/push", { endpoint, p256dh, auth });
  };
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
        ...{ title: "Doorward", body: "Something at your door. Open to see.", lang: "en" },
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
      const phone = await hub.admit("owner", { person: hub.owner.bundle.person });
      const browser = service.subscription();
      await subscribe(phone, browser);
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
      const before = service.taken.length;
      notices().trouble("CAMERA_AWAY", CAMERA);
      await service.has(before + 1);
      await call(hub.owner, "POST", "/api/notifications/test");
      await service.has(before + 2);
      expect(takenBy(browser)).toEqual([]);
      expect(hub.hub.services.push.answer(phone.key.device).subscriptions).toEqual([]);
    },
  );

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
