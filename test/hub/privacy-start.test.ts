import path from "node:path";
import { expect, test } from "vitest";
import { openDatabase } from "../../src/base/database.ts";
import { CameraPrivacy } from "../../src/hub-privacy.ts";
import type { LedgerEntry } from "../../src/protocol/ledger-entry.ts";
import type { CameraSettings } from "../../src/settings-cameras.ts";
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
    ...{ nowMs: () => NIGHT_MS, upMs: () => 0, timeZone: "UTC" },
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
