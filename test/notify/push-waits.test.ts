import { afterEach, beforeEach, expect, test } from "vitest";
import webPush from "web-push";
import { openDatabase, type HubDatabase } from "../../src/base/database.ts";
import { CarrierFailure, type Delivery } from "../../src/notify/notice.ts";
import { pushKeysOf } from "../../src/notify/push-endpoint.ts";
import type { PushReply } from "../../src/notify/push-send.ts";
import { PushSubscriptions } from "../../src/notify/push-subscriptions.ts";
import { PushCarrier } from "../../src/notify/push.ts";
import { parseDeviceId, type DeviceId } from "../../src/protocol/ids.ts";

// What one device's trouble, or the hub's own, must not do to a bell.

const [PHONE, TABLET] = [parseDeviceId("a".repeat(64)), parseDeviceId("b".repeat(64))];
const NOW_MS = Date.UTC(2026, 10, 22, 12);
const keys = webPush.generateVAPIDKeys();

let database: HubDatabase;
let subscriptions: PushSubscriptions;
let reply: PushReply;
let asked: string[];
let warned: string[];

beforeEach(() => {
  database = openDatabase(":memory:");
  subscriptions = new PushSubscriptions(database, () => NOW_MS);
  [reply, asked, warned] = [{ status: 201, retryAfter: null }, [], []];
  const browser = { p256dh: webPush.generateVAPIDKeys().publicKey, auth: "A".repeat(22) };
  for (const device of [PHONE, TABLET])
    subscriptions.keep(
      {
        ...{ device, endpoint: endpointOf(device), origin: "https://doorward.local:8443" },
        ...{ language: "en", secretSha256: null },
        ...pushKeysOf(browser),
      },
      null,
    );
});
afterEach(() => database[Symbol.asyncDispose]());

function carrier(privateKey = keys.privateKey): PushCarrier {
  return new PushCarrier({
    ...{ keys: { ...keys, privateKey }, subscriptions, services: () => [] },
    connections: {
      send: ({ place }) => {
        asked.push(place.path);
        return Promise.resolve(reply);
      },
    },
    isInHouse: () => true,
    onConnect: () => undefined,
    warn: (message) => warned.push(message),
    nowMs: () => NOW_MS,
  });
}

/** Says how it ended. */
async function send(
  sender: PushCarrier,
  device: DeviceId,
  kind: Delivery["kind"],
): Promise<string> {
  const more = { ttlSeconds: 60, urgency: "high", isReplacing: false } as const;
  const delivery = { device, kind, id: "0".repeat(32), ...more };
  try {
    await sender.send(delivery, new AbortController().signal);
    return "taken";
  } catch (error) {
    return error instanceof CarrierFailure ? error.kind : "thrown";
  }
}

function endpointOf(device: DeviceId): string {
  return `https://fcm.googleapis.com/${device.slice(0, 1)}`;
}

test("one device that is to wait silences no other, and no bell of its own", async () => {
  const sender = carrier();
  reply = { status: 429, retryAfter: "86400" };
  expect(await send(sender, PHONE, "request")).toBe("later");
  reply = { status: 201, retryAfter: null };
  expect(await send(sender, PHONE, "request")).toBe("later");
  expect(asked).toEqual(["/a"]);
  expect(await send(sender, TABLET, "request")).toBe("taken");
  expect(await send(sender, TABLET, "bell")).toBe("taken");
  expect(await send(sender, PHONE, "bell")).toBe("taken");
  expect(asked).toEqual(["/a", "/b", "/b", "/a"]);
});

test("on a full disk a push is what its service says of it, and no way is gone", async () => {
  const sender = carrier();
  database.pragma("query_only = ON");
  expect(await send(sender, PHONE, "bell")).toBe("taken");
  reply = { status: 503, retryAfter: null };
  expect(await send(sender, PHONE, "bell")).toBe("later");
  expect(warned).toEqual([expect.stringMatching(/push not written down/)]);
  expect(sender.reaches(PHONE)).toBe(true);
});

test("what goes wrong in the hub itself is worth another try", async () => {
  const broken = carrier("no key");
  expect(await send(broken, PHONE, "bell")).toBe("later");
  expect(asked).toEqual([]);
  expect(broken.reaches(PHONE)).toBe(true);
});
