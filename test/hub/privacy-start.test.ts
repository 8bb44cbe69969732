import path from "node:path";
import { expect, test } from "vitest";
import { openDatabase } from "../../src/base/database.ts";
import type { SessionDevice } from "../../src/http/sessions.ts";
import { CameraPrivacy } from "../../src/hub/privacy.ts";
import type { LedgerEntry } from "../../src/protocol/ledger-entry.ts";
import type { CameraSettings } from "../../src/settings/cameras.ts";
import { temporaryFolder } from "../support/temporary.ts";

// What holds in the first moment, before anything was entered: whatever says off, says it then too.

const NIGHT_MS = Date.UTC(2026, 10, 21, 23, 30);
const camera = (id: string, isByNight: boolean): CameraSettings => ({
  ...{ id, name: id, source: "demo", audio: false, faces: "keep" },
  ...(isByNight ? { privacy: [{ days: ["sat"], from: "23:00", to: "06:00" }] } : {}),
});

test("a camera is off by its hours from the first moment on, also where no entry can be made", async () => {
  await using folder = temporaryFolder();
  await using database = openDatabase(path.join(folder.path, "hub.db"));
  let isFull = true;
  const cameras = [camera("night", true), camera("day", false)];
  const entered: LedgerEntry[] = [];
  const heard: string[] = [];
  const privacy = new CameraPrivacy({
    ...{ database, cameras: () => cameras, isClaimed: () => true, personOf: () => null },
    ...{ nowMs: () => NIGHT_MS, upMs: () => 0, isClockBelieved: () => true, timeZone: "UTC" },
    appendEntry: (entry) => {
      if (isFull) throw new Error("the disk is full");
      return entered.push(entry);
    },
  });
  privacy.onChange((id, isOff) => heard.push(`${id} ${isOff}`));
  expect(privacy.allOff()).toEqual(["night"]);
  expect(() => privacy.settle()).toThrow("the disk is full");
  expect(privacy.allOff()).toEqual(["night"]);
  // Not at once again: a full disk is not asked every second.
  expect(privacy.isDue()).toBe(false);
  cameras.push(camera("new", true));
  expect(() => privacy.settle()).toThrow("the disk is full");
  expect(privacy.allOff()).toEqual(["night", "new"]);
  isFull = false;
  privacy.settle();
  expect(entered).toMatchObject([
    { kind: "camera", camera: "night", state: "off", by: "schedule", atMs: NIGHT_MS },
    { kind: "camera", camera: "new", state: "off", by: "schedule" },
  ]);
  // Nothing changed for those who follow: both were off all the time.
  expect(heard).toEqual([]);
  privacy.settle();
  expect(entered).toHaveLength(2);
});

async function openOff(forMs: number) {
  const folder = temporaryFolder();
  const database = openDatabase(path.join(folder.path, "hub.db"));
  const clock = { nowMs: NIGHT_MS, upMs: 0, isBelieved: true };
  const open = () =>
    new CameraPrivacy({
      ...{ database, isClaimed: () => true, personOf: () => null, timeZone: "UTC" },
      cameras: () => [camera("day", false)],
      nowMs: () => clock.nowMs,
      upMs: () => clock.upMs,
      isClockBelieved: () => clock.isBelieved,
      appendEntry: () => 1,
    });
  const owner = {
    device: "d".repeat(64),
    person: "p",
    rights: ["administer"],
  } as unknown as SessionDevice;
  open().set("day", { state: "off", forMs }, owner);
  return {
    ...{ clock, open },
    [Symbol.asyncDispose]: async () => {
      await database[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

const HOUR_MS = 3_600_000;

test("a camera that is off for an hour is on again when the clock is set after a start in 1970", async () => {
  await using own = await openOff(HOUR_MS);
  const { clock } = own;
  Object.assign(clock, { nowMs: 60_000, upMs: 5_000, isBelieved: false });
  const privacy = own.open();
  privacy.settle();
  expect(privacy.allOff()).toEqual(["day"]);
  // Network time comes, two hours after the end.
  Object.assign(clock, { nowMs: NIGHT_MS + 3 * HOUR_MS, upMs: 60_000, isBelieved: true });
  expect(privacy.isDue()).toBe(true);
  privacy.settle();
  expect(privacy.allOff()).toEqual([]);
});

test.each([60_000, NIGHT_MS + 20 * 365 * 24 * HOUR_MS])(
  "a camera that is off for an hour stays off no longer by a clock of %d that nobody sets, and no shorter",
  async (nowMs) => {
    await using own = await openOff(HOUR_MS);
    const { clock } = own;
    Object.assign(clock, { nowMs, upMs: 5_000, isBelieved: false });
    const privacy = own.open();
    privacy.settle();
    clock.upMs += HOUR_MS - 1;
    privacy.settle();
    expect(privacy.allOff()).toEqual(["day"]);
    clock.upMs += 1;
    privacy.settle();
    expect(privacy.allOff()).toEqual([]);
  },
);

test("what is set by a clock that is wrong lasts as long as it says, though the clock is set meanwhile", async () => {
  await using own = await openOff(HOUR_MS);
  const { clock } = own;
  Object.assign(clock, { nowMs: NIGHT_MS, upMs: 0, isBelieved: false });
  const privacy = own.open();
  const owner = {
    device: "d".repeat(64),
    person: "p",
    rights: ["administer"],
  } as unknown as SessionDevice;
  privacy.set("day", { state: "off", forMs: 2 * HOUR_MS }, owner);
  Object.assign(clock, { nowMs: NIGHT_MS + 100 * HOUR_MS, isBelieved: true });
  clock.upMs += 2 * HOUR_MS - 1;
  privacy.settle();
  expect(privacy.allOff()).toEqual(["day"]);
  clock.upMs += 1;
  privacy.settle();
  expect(privacy.allOff()).toEqual([]);
});
