import { chmodSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { openDatabase, type HubDatabase } from "../../src/base/database.ts";
import { CarrierFailure, type Delivery } from "../../src/notify/notice.ts";
import {
  isInsideAddress,
  placeOf,
  pushKeysOf,
  PUSH_SERVICES,
} from "../../src/notify/push-endpoint.ts";
import { openPushKeys, type PushKeys } from "../../src/notify/push-keys.ts";
import { PAYLOAD_BYTES, pushPayload } from "../../src/notify/push-payload.ts";
import { InsideAddress, PushConnections } from "../../src/notify/push-send.ts";
import { PushSubscriptions } from "../../src/notify/push-subscriptions.ts";
import { PushCarrier, retryAfterMsOf, SUBJECT, TOPIC } from "../../src/notify/push.ts";
import { parseDeviceId, type DeviceId } from "../../src/protocol/ids.ts";
import {
  readVapid,
  startPushService,
  type PushService,
  type TestSubscription,
} from "../support/push-service.ts";
import { temporaryFolder } from "../support/temporary.ts";

// Web Push as a way out of the house, against a push service of our own.

const PHONE = parseDeviceId("a".repeat(64));
const ORIGIN = "https://doorward.local:8443";
const signal = new AbortController().signal;
let ids = 0;
function delivery(more: Partial<Delivery> = {}): Delivery {
  ids += 1;
  return {
    ...{ device: PHONE, id: ids.toString(16).padStart(32, "0"), kind: "bell" },
    ...{ ttlSeconds: 60, urgency: "high", isReplacing: false },
    ...more,
  };
}

describe("the hub's own key", () => {
  test("is made once, for its user's eyes only, and is a point of P-256", async () => {
    await using folder = temporaryFolder();
    const made = await openPushKeys(folder.path);
    expect(await openPushKeys(folder.path)).toEqual(made);
    expect(statSync(path.join(folder.path, "push.pem")).mode & 0o777).toBe(0o600);
    expect(pushKeysOf({ p256dh: made.publicKey, auth: "A".repeat(22) }).p256dh.length).toBe(65);
    expect(Buffer.from(made.privateKey, "base64url").length).toBe(32);
  });

  test("is not used where others could read it, or where it is none", async () => {
    await using folder = temporaryFolder();
    const file = path.join(folder.path, "push.pem");
    await openPushKeys(folder.path);
    chmodSync(file, 0o640);
    await expect(openPushKeys(folder.path)).rejects.toThrow(/run chmod 600/);
    writeFileSync(file, "no key\n");
    chmodSync(file, 0o600);
    await expect(openPushKeys(folder.path)).rejects.toThrow(/holds no key/);
  });
});

describe("where an endpoint may lie", () => {
  test.each([
    "https://fcm.googleapis.com/fcm/send/abc:def",
    "https://updates.push.services.mozilla.com/wpush/v2/x",
    "https://autoconnect.push.services.mozilla.com/x",
    "https://web.push.apple.com/x",
    "https://api.push.apple.com/x",
    "https://wns2-by3p.notify.windows.com/w/?token=x",
    "https://push.example.org/x",
    "https://push.example.org:8443/x",
  ])("%s is one", (endpoint) => {
    expect(placeOf(endpoint, ["push.example.org", "push.example.org:8443"]).port).toBeGreaterThan(
      0,
    );
  });

  test.each([
    "http://fcm.googleapis.com/x",
    "https://fcm.googleapis.com:8443/x",
    "https://fcm.googleapis.com.example.org/x",
    "https://evilfcm.googleapis.com/x",
    "https://evilnotify.windows.com/x",
    "https://notify.windows.com/x",
    "https://user:word@web.push.apple.com/x",
    "https://web.push.apple.com@192.0.2.1/x",
    "https://192.168.1.1/x",
    "https://[::1]/x",
    "https://push.example.org:9443/x",
    "ftp://web.push.apple.com/x",
    "an address of nobody",
    `https://web.push.apple.com/${"x".repeat(1_024)}`,
  ])("%s is none, and is not told again in the refusal", (endpoint) => {
    let said = "";
    try {
      placeOf(endpoint, ["push.example.org"]);
    } catch (error) {
      said = String(error);
    }
    expect(said).toMatch(/Cannot push to this device/);
    expect(said).not.toContain(endpoint.slice(0, 40));
  });

  test("no name of a service covers another's", () => {
    for (const service of PUSH_SERVICES) expect(service).toMatch(/^\.?(?:[a-z]+\.){2,}com$/);
  });

  test.each([
    ...["127.0.0.1", "10.1.2.3", "192.168.1.1", "172.31.255.255", "169.254.169.254", "0.0.0.0"],
    ...["100.64.0.1", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fd00::1"],
    ...["::ffff:127.0.0.1", "::ffff:8.8.8.8", "64:ff9b::7f00:1", "2002:7f00:1::", "ff02::1", "x"],
  ])("%s is no place on the Internet", (address) => {
    expect(isInsideAddress(address)).toBe(true);
  });

  test.each(["8.8.8.8", "172.32.0.1", "100.63.0.1", "2a00:1450:4001::1", "2607:f8b0::1"])(
    "%s is one",
    (address) => {
      expect(isInsideAddress(address)).toBe(false);
    },
  );

  test("keys that are no browser's are refused", () => {
    const good = { p256dh: `BA${"A".repeat(85)}`, auth: "A".repeat(22) };
    expect(() => pushKeysOf(good)).toThrow(/keys are not those/);
    expect(() => pushKeysOf({ ...good, auth: "A".repeat(20) })).toThrow(/keys are not those/);
  });
});

test("the one payload is one size, in every language and from every house", () => {
  const id = "0123456789abcdef".repeat(2);
  for (const lang of ["en", "fr"] as const)
    for (const origin of ["http://localhost:1", ORIGIN, `https://${"a".repeat(200)}.example.org`]) {
      const text = pushPayload(id, origin, lang);
      expect(Buffer.byteLength(text)).toBe(PAYLOAD_BYTES);
      expect(JSON.parse(text)).toMatchObject({
        web_push: 8030,
        mutable: true,
        notification: { lang, navigate: `${origin}/#/notice/${id}` },
      });
    }
  expect(() => pushPayload(id, `https://${"a".repeat(900)}`, "en")).toThrow(/too long/);
});

test("a service's wish to wait is read, and never for ever", () => {
  const nowMs = Date.UTC(2026, 10, 22);
  expect(retryAfterMsOf("120", nowMs)).toBe(120_000);
  expect(retryAfterMsOf("Sun, 22 Nov 2026 00:05:00 GMT", nowMs)).toBe(300_000);
  expect(retryAfterMsOf("0", nowMs)).toBe(1_000);
  expect(retryAfterMsOf("999999999", nowMs)).toBe(3_600_000);
  for (const text of [null, "", "soon", "-5", "1e9"])
    expect(retryAfterMsOf(text, nowMs)).toBe(30_000);
});

describe("over the wire", () => {
  const folder = temporaryFolder();
  let service: PushService;
  let database: HubDatabase;
  let keys: PushKeys;
  let subscriptions: PushSubscriptions;
  let connections: PushConnections;
  let browser: TestSubscription;
  let services: string[];
  let nowMs: number;
  const members = new Set<DeviceId>();
  const reached: string[] = [];

  const carrier = (): PushCarrier =>
    new PushCarrier({
      ...{ keys, subscriptions, connections },
      services: () => services,
      isInHouse: (device) => members.has(device),
      onConnect: (address, hasAnswered) => reached.push(`${address} ${hasAnswered}`),
      warn: () => undefined,
      nowMs: () => nowMs,
    });
  const subscribe = (device: DeviceId, found: TestSubscription, replaces: string | null = null) =>
    subscriptions.keep(
      {
        ...{ device, endpoint: found.endpoint, origin: ORIGIN, language: "en" },
        ...pushKeysOf(found),
        secretSha256: null,
      },
      replaces,
    );
  async function failureOf(sent: Promise<void>): Promise<CarrierFailure> {
    try {
      await sent;
    } catch (error) {
      if (error instanceof CarrierFailure) return error;
      throw error;
    }
    throw new Error("it was taken");
  }

  beforeAll(async () => {
    service = await startPushService();
    const secrets = path.join(folder.path, "secrets");
    mkdirSync(secrets, { mode: 0o700 });
    keys = await openPushKeys(secrets);
    database = openDatabase(path.join(folder.path, "doorward.db"));
    connections = new PushConnections({ timeoutMs: 400 });
  });
  afterAll(async () => {
    connections[Symbol.dispose]();
    await database[Symbol.asyncDispose]();
    await service[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    nowMs = Date.now();
    subscriptions = new PushSubscriptions(database, () => nowMs);
    subscriptions.forgetDevice(PHONE);
    members.clear();
    members.add(PHONE);
    services = [service.host];
    service.taken.length = 0;
    service.answer = () => ({ status: 201 });
    browser = service.subscription();
    subscribe(PHONE, browser);
  });

  test("whatever it is about, a push is one size, is signed, and opens to the id alone", async () => {
    const sender = carrier();
    const kinds = ["bell", "motion", "digest", "request", "house", "trouble", "test"] as const;
    for (const kind of kinds) {
      const isNow = kind === "bell" || kind === "test";
      const ttl = isNow ? 60 : 7 * 86_400;
      const sent = delivery({
        kind,
        ttlSeconds: ttl,
        urgency: kind === "bell" ? "high" : "normal",
        isReplacing: kind === "digest",
      });
      await sender.send(sent, signal);
      const push = service.taken.at(-1);
      if (!push) throw new Error("nothing came");
      const text = browser.open(push.body);
      // Of the page's address and language nothing shows either.
      expect(Buffer.byteLength(text)).toBe(1_024);
      expect(JSON.parse(text)).toEqual({
        web_push: 8030,
        mutable: true,
        notification: {
          title: "Doorward",
          body: "Something new at home. Open to see.",
          lang: "en",
          tag: sent.id,
          navigate: `${ORIGIN}/#/notice/${sent.id}`,
        },
      });
      const { key, claims } = readVapid(push);
      expect(key).toBe(keys.publicKey);
      expect(claims).toMatchObject({ aud: service.origin, sub: SUBJECT });
      expect(claims.exp).toBeLessThan(Date.now() / 1_000 + 86_400);
      expect(push.headers).toMatchObject({ ttl: String(ttl), "content-encoding": "aes128gcm" });
      expect(push.headers["topic"]).toBe(kind === "digest" ? TOPIC : undefined);
      expect(`https://${service.host}${push.path}`).toBe(browser.endpoint);
    }
    expect(new Set(service.taken.map(({ body }) => body.length)).size).toBe(1);
    expect(new Set(service.taken.map(({ headers }) => headers["authorization"])).size).toBe(1);
    expect(
      new Set(service.taken.flatMap(({ headers }) => Object.keys(headers).join())),
    ).toHaveProperty("size", 2);
    expect(reached.slice(-2)).toEqual([`${service.host} false`, `${service.host} true`]);
    expect(subscriptions.of(PHONE)).toMatchObject([{ takenAtMs: nowMs, problem: null }]);
  });

  test.each([404, 410])("a browser that is gone (%i) is forgotten", async (status) => {
    service.answer = () => ({ status });
    expect(await failureOf(carrier().send(delivery(), signal))).toMatchObject({ kind: "gone" });
    expect(subscriptions.of(PHONE)).toEqual([]);
    expect(carrier().reaches(PHONE)).toBe(false);
  });

  test("a service that asks to wait is left alone until then", async () => {
    service.answer = () => ({ status: 429, headers: { "retry-after": "120" } });
    const sender = carrier();
    const request = (): Delivery => delivery({ kind: "request" });
    const first = await failureOf(sender.send(request(), signal));
    expect(first).toMatchObject({ kind: "later", retryAfterMs: 120_000 });
    nowMs += 60_000;
    const second = await failureOf(sender.send(request(), signal));
    expect(second).toMatchObject({ kind: "later", retryAfterMs: 60_000 });
    expect(service.taken.length).toBe(1);
    expect(subscriptions.of(PHONE)).toMatchObject([{ problem: "BUSY" }]);
    nowMs += 60_001;
    service.answer = () => ({ status: 201 });
    await sender.send(request(), signal);
    expect(subscriptions.of(PHONE)).toMatchObject([{ problem: null }]);
  });

  test("one that fails is tried again, and one that says no is not, and says why", async () => {
    service.answer = () => ({ status: 503 });
    expect(await failureOf(carrier().send(delivery(), signal))).toMatchObject({ kind: "later" });
    service.answer = () => ({ status: 403, body: '{"reason":"BadJwtToken"}' });
    const refused = await failureOf(carrier().send(delivery(), signal));
    expect(refused.kind).toBe("refused");
    expect(refused.message).toMatch(/refused this hub's key.*403/);
    expect(refused.message).not.toContain("BadJwtToken");
    service.answer = () => ({ status: 413 });
    expect(await failureOf(carrier().send(delivery(), signal))).toMatchObject({ kind: "refused" });
    expect(subscriptions.of(PHONE)).toMatchObject([{ problem: "NOT_TAKEN" }]);
  });

  test("no redirect is followed, and no long answer or silence is waited for", async () => {
    service.answer = () => ({ status: 307, headers: { location: `${service.origin}/elsewhere` } });
    expect(await failureOf(carrier().send(delivery(), signal))).toMatchObject({ kind: "refused" });
    expect(service.taken.map(({ path: asked }) => asked)).not.toContain("/elsewhere");
    service.answer = () => ({ status: 201, body: "x".repeat(5_000_000) });
    await carrier().send(delivery(), signal);
    service.answer = () => ({ status: 201, isSilent: true });
    expect(await failureOf(carrier().send(delivery(), signal))).toMatchObject({ kind: "later" });
    expect(subscriptions.of(PHONE)).toMatchObject([{ problem: "UNREACHABLE" }]);
  });

  test("a name on the Internet that leads into the house is not connected to", async () => {
    const { connections: before } = service;
    const [, port = ""] = service.host.split(":");
    for (const host of ["localhost", "127.0.0.1", "::1"]) {
      const place = {
        ...{ host, port: Number(port), path: "/x", audience: service.origin, isNamed: false },
      };
      const sent = connections.send({ place, headers: {}, body: Buffer.of(1), signal });
      await expect(sent).rejects.toThrow(InsideAddress);
    }
    expect(service.connections).toBe(before);
  });

  test("a host that the settings name no more is not asked", async () => {
    services = [];
    const failure = await failureOf(carrier().send(delivery(), signal));
    expect(failure).toMatchObject({ kind: "refused" });
    expect(service.taken).toEqual([]);
    expect(subscriptions.of(PHONE)).toMatchObject([{ problem: "NOT_ALLOWED" }]);
  });

  test("a device that has left the house is sent nothing, and its endpoint is forgotten", async () => {
    members.clear();
    expect(carrier().reaches(PHONE)).toBe(false);
    expect(await failureOf(carrier().send(delivery(), signal))).toMatchObject({ kind: "gone" });
    expect(service.taken).toEqual([]);
    members.add(PHONE);
    expect(carrier().reaches(PHONE)).toBe(false);
  });

  test("a device has two at most, a changed one takes the old one's place, and one endpoint is one device's", async () => {
    const other = parseDeviceId("b".repeat(64));
    const [second, third] = [service.subscription(), service.subscription()];
    nowMs += 1;
    subscribe(PHONE, second, browser.endpoint);
    expect(subscriptions.of(PHONE).map(({ endpoint }) => endpoint)).toEqual([second.endpoint]);
    nowMs += 1;
    subscribe(PHONE, third);
    nowMs += 1;
    subscribe(PHONE, browser);
    expect(subscriptions.of(PHONE).map(({ endpoint }) => endpoint)).toEqual([
      browser.endpoint,
      third.endpoint,
    ]);
    subscribe(other, third);
    expect(subscriptions.of(PHONE).map(({ endpoint }) => endpoint)).toEqual([browser.endpoint]);
    expect(subscriptions.devices()).toEqual([PHONE, other]);
    subscriptions.forgetDevice(other);
  });

  test("one browser of a device that takes it is enough", async () => {
    const second = service.subscription();
    subscribe(PHONE, second);
    service.answer = ({ path: asked }) => ({ status: second.endpoint.endsWith(asked) ? 201 : 410 });
    await carrier().send(delivery(), signal);
    expect(service.taken.length).toBe(2);
    expect(subscriptions.of(PHONE).map(({ endpoint }) => endpoint)).toEqual([second.endpoint]);
  });
});
