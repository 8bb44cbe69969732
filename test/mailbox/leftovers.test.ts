import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { openDatabase } from "../../src/base/database.ts";
import { Mailbox, type MailboxHouse, type WantedFile } from "../../src/mailbox/mailbox.ts";
import { MailboxRows } from "../../src/mailbox/rows.ts";
import { HubError } from "../../src/protocol/errors.ts";
import type { Carrier } from "../../src/protocol/mailbox-carriers.ts";

// What a server keeps of what was put there, whatever becomes of its answers.

const FILE = { clip: "c".repeat(32), name: "video.age", sizeBytes: 900_000 };

function field() {
  const database = openDatabase(":memory:");
  const rows = new MailboxRows(database);
  rows.settlePlace({ kind: "webdav", url: "https://files.example.org/door" });
  const there = new Map<string, number>();
  const line = { isAnswerLost: false, refused: new Set<string>() };
  const carrier: Carrier = {
    put: async (item, bytes) => {
      there.set(item, bytes.length);
      if (line.isAnswerLost) throw new HubError("CARRIER_UNREACHABLE", "lost");
      return { expiresAtMs: null };
    },
    get: async () => new Map(),
    remove: async (item) => {
      if (line.refused.has(item)) throw new HubError("CARRIER_FAILED", "403");
      there.delete(item);
    },
  };
  const wanted: WantedFile[] = [FILE];
  let nowMs = 1_000_000;
  const house: MailboxHouse = {
    nowMs: () => (nowMs += 1),
    random: (size) => new Uint8Array(randomBytes(size)),
    devices: () => [],
    wanted: () => wanted,
    material: () => "",
    compose: () => {
      throw new Error("nobody is there");
    },
    prepare: async () => undefined,
    ledgerSize: () => 1,
    readFile: async ({ sizeBytes }) => new Uint8Array(sizeBytes),
    give: () => undefined,
    seal: (content) => content,
    sign: (message) => message,
    take: async () => undefined,
  };
  const mailbox = new Mailbox(house, rows);
  const turn = async () => mailbox.turn(carrier, 4_000_000);
  return { database, rows, there, line, carrier, wanted, mailbox, turn };
}

test("a piece whose answer is lost is put again under the same name, and goes with its recording", async () => {
  const { there, line, wanted, turn, rows } = field();
  line.isAnswerLost = true;
  for (let count = 0; count < 20; count += 1)
    await expect(turn()).rejects.toMatchObject({ code: "CARRIER_UNREACHABLE" });
  expect(there.size).toBe(1);
  // Deleted before anything was ever answered.
  wanted.length = 0;
  await turn();
  expect(there.size).toBe(0);
  wanted.push(FILE);
  await expect(turn()).rejects.toThrow("lost");
  line.isAnswerLost = false;
  await turn();
  expect(rows.parts()).toMatchObject([{ isThere: true }]);
  expect([...there.keys()]).toEqual(rows.parts().map(({ item }) => item));
});

test("what a server does not let go holds up neither the turn nor what comes after it", async () => {
  const { there, line, turn, rows } = field();
  const stuck = Array.from({ length: 6 }, (_, index) => `${index}`.repeat(32));
  const other = "a".repeat(32);
  for (const item of [...stuck, other]) {
    there.set(item, 1);
    rows.unwanted(item, stuck.indexOf(item));
  }
  rows.unwanted(other, 100);
  line.refused = new Set(stuck);
  await turn();
  await turn();
  expect(there.has(other)).toBe(false);
  expect(rows.unwantedItems(10)).toHaveLength(6);
  line.refused.clear();
  await turn();
  await turn();
  expect(rows.unwantedItems(10)).toEqual([]);
});

test("leaving removes all of it, and goes on where it was held up", async () => {
  const { there, line, turn, rows, carrier, mailbox } = field();
  rows.addDevice("d".repeat(64), "e".repeat(32), { item: "f".repeat(32), key: randomBytes(32) });
  there.set("e".repeat(32), 1);
  await turn();
  const piece = rows.parts()[0]?.item ?? "";
  line.refused = new Set([piece]);
  await expect(mailbox.leave(carrier)).rejects.toMatchObject({ code: "CARRIER_FAILED" });
  line.refused.clear();
  await mailbox.leave(carrier);
  expect(there.size).toBe(0);
  expect([rows.devices(), rows.parts()]).toEqual([[], []]);
});

test("with a device go the names of the pieces that it was given; they lie there under others then", async () => {
  const { there, turn, rows } = field();
  const device = "d".repeat(64);
  rows.addDevice(device, "e".repeat(32), { item: "f".repeat(32), key: randomBytes(32) });
  rows.give(device, FILE.clip);
  await turn();
  const [before] = rows.parts();
  // It is not among the devices of the house: the turn has taken it out.
  rows.addDevice(device, "e".repeat(32), { item: "f".repeat(32), key: randomBytes(32) });
  rows.give(device, FILE.clip);
  await turn();
  const [after] = rows.parts();
  expect(after?.item).not.toBe(before?.item);
  expect([...there.keys()]).toEqual([after?.item]);
});
