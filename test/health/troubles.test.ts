import path from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { openDatabase, type HubDatabase } from "../../src/base/database.ts";
import { troublesOf, TroubleWatch, type Trouble } from "../../src/hub/trouble-watch.ts";
import { ToldTroubles } from "../../src/hub/told-troubles.ts";
import type { CameraStatus } from "../../src/protocol/api.ts";
import { parseCameraId } from "../../src/protocol/ids.ts";
import { temporaryFolder } from "../support/temporary.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const front = parseCameraId("front");
const AWAY: Trouble = { code: "CAMERA_AWAY", camera: front };
const FULL: Trouble = { code: "DISK_FULL", camera: null };

function database(): HubDatabase {
  const folder = temporaryFolder();
  const opened = openDatabase(path.join(folder.path, "doorward.db"));
  onTestFinished(async () => {
    opened.close();
    await folder[Symbol.asyncDispose]();
  });
  return opened;
}

/** A watch whose time moves only here. */
function watching(rows: HubDatabase = database()) {
  const clock = { upMs: 0, nowMs: Date.UTC(2026, 10, 22) };
  const begin = () =>
    new TroubleWatch({
      upMs: () => clock.upMs,
      nowMs: () => clock.nowMs,
      settings: () => ({ cameraAwayMs: 10 * MINUTE_MS }),
      rows: new ToldTroubles(rows),
    });
  let watch = begin();
  return {
    look: (found: readonly Trouble[], isOff = false) =>
      watch.look(found, () => isOff).map(({ code, isOver }) => (isOver ? `${code} is over` : code)),
    ongoing: () => watch.ongoing(),
    pass: (ms: number) => {
      clock.upMs += ms;
      clock.nowMs += ms;
    },
    restart: () => {
      clock.upMs = 5;
      watch = begin();
    },
    clock,
  };
}

describe("owners are told of a trouble", () => {
  test("once when it has lasted, and once when it is over, however often it is looked at", () => {
    const { look, pass, ongoing } = watching();
    expect(look([AWAY])).toEqual([]);
    pass(10 * MINUTE_MS - 1);
    expect(look([AWAY])).toEqual([]);
    pass(1);
    expect(look([AWAY])).toEqual(["CAMERA_AWAY"]);
    for (let turns = 0; turns < 40; turns += 1) {
      pass(15_000);
      expect(look([AWAY])).toEqual([]);
    }
    expect(ongoing()).toMatchObject([{ code: "CAMERA_AWAY", camera: "front" }]);
    // It has to stay well for a while before that is said.
    expect(look([])).toEqual([]);
    pass(MINUTE_MS);
    expect(look([AWAY])).toEqual([]);
    expect(look([])).toEqual([]);
    pass(2 * MINUTE_MS);
    expect(look([])).toEqual(["CAMERA_AWAY is over"]);
    expect(look([])).toEqual([]);
    expect(ongoing()).toEqual([]);
  });

  test("not again for an hour where a camera comes and goes, and then where it is away", () => {
    const { look, pass } = watching();
    look([AWAY]);
    pass(10 * MINUTE_MS);
    expect(look([AWAY])).toEqual(["CAMERA_AWAY"]);
    look([]);
    pass(2 * MINUTE_MS);
    expect(look([])).toEqual(["CAMERA_AWAY is over"]);
    look([AWAY]);
    pass(20 * MINUTE_MS);
    expect(look([AWAY])).toEqual([]);
    pass(HOUR_MS - 22 * MINUTE_MS - 1);
    expect(look([AWAY])).toEqual([]);
    pass(1);
    expect(look([AWAY])).toEqual(["CAMERA_AWAY"]);
  });

  test("at once where the disk is full; and that it came and went is told once in six hours", () => {
    const { look, pass } = watching();
    expect(look([FULL])).toEqual(["DISK_FULL"]);
    for (let turns = 0; turns < 5; turns += 1) {
      look([]);
      pass(2 * MINUTE_MS);
      expect(look([])).toEqual(turns === 0 ? ["DISK_FULL is over"] : []);
      expect(look([FULL])).toEqual([]);
    }
    pass(6 * HOUR_MS);
    expect(look([FULL])).toEqual(["DISK_FULL"]);
    // However long it goes on.
    pass(24 * HOUR_MS);
    expect(look([FULL])).toEqual([]);
  });

  test("not that a camera is back which was switched off", () => {
    const { look, pass } = watching();
    look([AWAY]);
    pass(10 * MINUTE_MS);
    expect(look([AWAY])).toEqual(["CAMERA_AWAY"]);
    expect(look([], true)).toEqual([]);
    pass(HOUR_MS);
    expect(look([])).toEqual([]);
  });

  test("over a restart neither twice nor never of its end", () => {
    const { look, pass, restart, ongoing } = watching();
    look([AWAY, FULL]);
    pass(10 * MINUTE_MS);
    look([AWAY, FULL]);
    restart();
    expect(ongoing()).toHaveLength(2);
    expect(look([AWAY, FULL])).toEqual([]);
    look([FULL]);
    pass(2 * MINUTE_MS);
    expect(look([FULL])).toEqual(["CAMERA_AWAY is over"]);
    restart();
    look([]);
    pass(2 * MINUTE_MS);
    expect(look([])).toEqual(["DISK_FULL is over"]);
  });

  test("once where the hub's clock jumped by years between two starts", () => {
    const { look, pass, restart, clock } = watching();
    expect(look([FULL])).toEqual(["DISK_FULL"]);
    look([]);
    pass(2 * MINUTE_MS);
    look([]);
    clock.nowMs -= 40 * 366 * 24 * HOUR_MS;
    restart();
    expect(look([FULL])).toEqual([]);
    pass(6 * HOUR_MS);
    expect(look([FULL])).toEqual(["DISK_FULL"]);
  });

  test("also while nothing can be written down", () => {
    const rows = database();
    const { look, pass } = watching(rows);
    rows.exec(
      "CREATE TRIGGER full BEFORE INSERT ON told_troubles BEGIN SELECT raise(ABORT, 'full'); END",
    );
    expect(look([FULL])).toEqual(["DISK_FULL"]);
    expect(look([FULL])).toEqual([]);
    rows.exec("DROP TRIGGER full");
    pass(15_000);
    look([FULL]);
    expect(new ToldTroubles(rows).all()).toMatchObject([{ code: "DISK_FULL", overAtMs: null }]);
  });
});

function status(main: CameraStatus["main"], codes: readonly string[] = []): CameraStatus {
  return {
    ...{ id: "front", name: "Front", main, sub: null, problem: null, codec: null },
    ...{ lastPictureMs: null, width: null, height: null, fps: null, recording: false },
    ...{ seenFps: null, clockOffsetMs: null, gaps: { watchedMs: 0, gapMs: 0 } },
    ...{ sound: "off", notes: codes.map((code) => ({ code, message: "" })) },
  };
}

test("a camera is away unless it streams or is off; a warning that is no news is none", () => {
  const codesOf = (main: CameraStatus["main"], codes: readonly string[] = []) =>
    troublesOf({ cameras: [status(main, codes)], warnings: [] }).map(({ code }) => code);
  expect(codesOf("connecting")).toEqual(["CAMERA_AWAY"]);
  expect(codesOf("waiting-to-retry")).toEqual(["CAMERA_AWAY"]);
  expect(codesOf("off")).toEqual([]);
  expect(codesOf("streaming", ["BELL_LOST", "SOUND_ABSENT"])).toEqual(["BELL_LOST"]);
  const warnings = ["DISK_FULL", "SWAP_ON", "CERTIFICATE_ENDS", "CLOCK_WRONG"].map((code) => ({
    ...{ code, message: "" },
  }));
  expect(troublesOf({ cameras: [], warnings }).map(({ code }) => code)).toEqual([
    ...["DISK_FULL", "CERTIFICATE_ENDS", "CLOCK_WRONG"],
  ]);
});
