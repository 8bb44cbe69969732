import { afterEach, beforeEach, expect, test } from "vitest";
import { openDatabase, type HubDatabase } from "../../src/base/database.ts";
import type { Carrier, Delivery } from "../../src/notify/notice.ts";
import { Notices } from "../../src/notify/notices.ts";
import { parseCameraId, parseClipId, type DeviceId } from "../../src/protocol/ids.ts";
import { testChain, type TestChain } from "../support/test-household.ts";

// Notices that are told already, and not on the disk yet.

const CAMERA = parseCameraId("front");
const CLIP = parseClipId("1".repeat(32));
const NOW_MS = Date.UTC(2026, 10, 22, 12);

class Kept implements Carrier {
  readonly name = "push";
  readonly sent: Delivery[] = [];
  reaches(): boolean {
    return true;
  }
  send(delivery: Delivery): Promise<void> {
    this.sent.push(delivery);
    return Promise.resolve();
  }
}

let database: HubDatabase;
let chain: TestChain;
let notices: Notices;
let push: Kept;
let owner: DeviceId;
let log: string[];

beforeEach(async () => {
  database = openDatabase(":memory:");
  chain = await testChain();
  const keyring = chain.keyring();
  [owner = ("" as DeviceId)] = keyring.devices.keys();
  log = [];
  notices = new Notices({
    ...{ database, nowMs: () => NOW_MS, upMs: () => 1_000_000, boot: "one" },
    keyring: () => keyring,
    cameras: () => [CAMERA],
    isWithin: () => false,
    nextTimeOfDay: () => Number.MAX_SAFE_INTEGER,
    log: (_level, message) => log.push(message),
    onSettled: () => undefined,
  });
  push = new Kept();
  notices.outbox.addCarrier(push);
});
afterEach(async () => {
  await notices[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

function record(): void {
  database
    .prepare(
      `INSERT INTO clips (id, camera, kind, why, event_at_ms, started_at_ms, ended_at_ms, state,
         keyring_head, keyring_epoch, entry_index) VALUES (?, ?, 'bell', '{}', ?, ?, ?, 'closed', ?, 0, 0)`,
    )
    .run(CLIP, CAMERA, NOW_MS, NOW_MS, NOW_MS, "0".repeat(64));
}
const forget = (): unknown => database.prepare("DELETE FROM clips WHERE id = ?").run(CLIP);
const rows = (): number =>
  database.prepare<[], number>("SELECT count(*) FROM notices").pluck().get() ?? -1;

test("a bell whose recording goes before it is written down is not written down after", async () => {
  record();
  notices.rang({ camera: CAMERA, atMs: NOW_MS });
  const [{ id } = { id: "" }] = push.sent;
  expect(notices.look(id, owner)?.clip).toBe(CLIP);
  forget();
  notices.tick();
  expect(notices.look(id, owner)).toBeNull();
  expect(rows()).toBe(0);
});

test("a bell without a recording, and one whose recording stays, are written down", () => {
  notices.rang({ camera: CAMERA, atMs: NOW_MS });
  notices.tick();
  expect(rows()).toBe(1);
  record();
  notices.rang({ camera: CAMERA, atMs: NOW_MS });
  notices.tick();
  expect(rows()).toBe(2);
  forget();
  expect(rows()).toBe(0);
});

test("a full disk is told of on a full disk, and written down when there is room", async () => {
  database.pragma("query_only = ON");
  notices.tell({ kind: "trouble", code: "DISK_FULL" });
  notices.tell({ kind: "house", code: "RECOVERY_PENDING" });
  // One at a time to a device.
  await new Promise<void>((resolve) => void setImmediate(resolve));
  notices.tick();
  const sent = push.sent.map(({ id }) => id);
  expect(sent.map((id) => notices.look(id, owner)?.notice.code)).toEqual([
    "DISK_FULL",
    "RECOVERY_PENDING",
  ]);
  expect(log).toContainEqual(expect.stringMatching(/notice not written down/));
  database.pragma("query_only = OFF");
  expect(rows()).toBe(0);
  notices.tick();
  expect(rows()).toBe(2);
  expect(push.sent).toHaveLength(2);
});

test("of what cannot be written down movement goes first", () => {
  database.pragma("query_only = ON");
  notices.tell({ kind: "house", code: "DEVICE_ADMITTED" });
  const [{ id } = { id: "" }] = push.sent;
  for (let count = 0; count < 300; count += 1) notices.tellOnly(owner, { kind: "motion" });
  expect(notices.look(id, owner)?.notice.code).toBe("DEVICE_ADMITTED");
  expect(notices.look(push.sent.at(1)?.id ?? "", owner)).toBeNull();
  database.pragma("query_only = OFF");
});
