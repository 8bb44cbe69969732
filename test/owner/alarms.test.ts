import { describe, expect, test } from "vitest";
import { LedgerWatch, type Alarm } from "../../src/owner/alarms.ts";
import { canonicalJson, type Json } from "../../src/protocol/canonical-json.ts";
import type { LedgerEntry } from "../../src/protocol/ledger-entry.ts";
import { hashLeaf, rootOfLeafHashes } from "../../src/protocol/merkle.ts";

const START = Date.UTC(2026, 10, 21, 12);
const HOUR = 3_600_000;
const HEAD = "a".repeat(64);
const clipId = (digit: number): string => String(digit).repeat(32);
const file = { sizeBytes: 1, payloadSha256: HEAD, fromMs: 0, toMs: 0 } as const;
const video = { ...file, segment: 0, track: "video", rendition: "original" } as const;

const beat = (hours: number, first = false): LedgerEntry => ({
  v: 1,
  kind: "heartbeat",
  atMs: START + hours * HOUR,
  everyMs: HOUR,
  first,
});
const view = (hours: number): LedgerEntry => ({
  v: 1,
  kind: "view",
  atMs: START + hours * HOUR,
  clip: clipId(9),
  device: HEAD,
});
const clock = (hours: number, jumpHours: number): LedgerEntry => ({
  v: 1,
  kind: "clock",
  atMs: START + hours * HOUR,
  jumpMs: jumpHours * HOUR,
});
const clip = (digit: number, files: number): LedgerEntry => ({
  ...{ v: 1, kind: "clip", atMs: START, clip: clipId(digit), camera: "front", event: "bell" },
  ...{ fromMs: START, toMs: START, keyringHead: HEAD },
  files: Array.from({ length: files }, (_, segment) => ({ ...video, segment })),
});
const deletion = (digit: number, hours = 0): LedgerEntry => ({
  ...{ v: 1, kind: "deletion", atMs: START + hours * HOUR, clip: clipId(digit), reason: "age" },
});
const keyring = (change: string, hours: number): LedgerEntry => ({
  ...{ v: 1, kind: "keyring", atMs: START + hours * HOUR, epoch: 1, change, keyringHead: HEAD },
});

function taken(entries: readonly Json[], watch = LedgerWatch.begin()): LedgerWatch {
  for (const entry of entries) watch.take(entry, hashLeaf(canonicalJson(entry)));
  return watch;
}

/** Kinds of alarms at `hours`; the newest entry is a heartbeat of that time where none is given. */
function kinds(entries: readonly LedgerEntry[], hours: number): string[] {
  return taken(entries)
    .alarms(START + hours * HOUR)
    .map(({ kind }) => kind);
}

describe("silence", () => {
  test("is none while entries come as often as announced (control)", () => {
    expect(kinds([beat(0), beat(1), view(1.5), beat(2.5), beat(3.5)], 4.5)).toEqual([]);
  });

  test("is none of a camera that is off for days, nor of the entries that say so", () => {
    const switched = (hours: number, state: "off" | "on"): LedgerEntry => ({
      ...{ v: 1, kind: "camera", atMs: START + hours * HOUR, camera: "front", state, by: HEAD },
    });
    const beats = Array.from({ length: 72 }, (_, hour) => beat(hour + 1));
    const entries = [clip(1, 1), switched(0.5, "off"), ...beats, switched(72.5, "on")];
    expect(kinds(entries, 73)).toEqual([]);
    expect(kinds([clip(1, 1), beat(0.2), switched(0.5, "off"), switched(72.5, "on")], 73)).toEqual([
      "silence",
    ]);
  });

  test("shows where no entry came for longer than announced, and stays shown", () => {
    expect(kinds([beat(0), beat(1), beat(5), beat(6), beat(7)], 7)).toEqual(["silence"]);
    const watch = taken([beat(0), beat(1), beat(5), beat(6)]);
    expect(watch.alarms(START + 6 * HOUR)).toEqual([
      { kind: "silence", index: 2, fromMs: START + HOUR, toMs: START + 5 * HOUR },
    ]);
  });

  test("shows at a contact in which the newest entry is too old, and ends with the next one", () => {
    const watch = taken([beat(0)]);
    expect(watch.alarms(START + 1.1 * HOUR)).toEqual([]);
    const [alarm] = watch.alarms(START + 1.2 * HOUR);
    expect(alarm).toEqual({ kind: "withheld", newestMs: START, nowMs: START + 1.2 * HOUR });
    taken([beat(1, true)], watch);
    expect(watch.alarms(START + 1.3 * HOUR)).toEqual([]);
  });

  test("of a hub that says it was off, or whose clock jumped, is told apart and no alarm", () => {
    const off = taken([beat(0), beat(1), beat(9, true), beat(10)]);
    expect(off.alarms(START + 10 * HOUR)).toEqual([]);
    expect(off.pauses.map(({ kind }) => kind)).toEqual(["off"]);
    const afterAnother = taken([beat(0), beat(1), view(9), beat(9, true), beat(10)]);
    expect(afterAnother.alarms(START + 10 * HOUR)).toEqual([]);
    const moved = taken([beat(0), beat(1), clock(9, 8), beat(10)]);
    expect(moved.alarms(START + 10 * HOUR)).toEqual([]);
    expect(moved.pauses.map(({ kind }) => kind)).toEqual(["clock"]);
  });

  test("is not explained by a jump that is too small, nor by a word that comes much later", () => {
    expect(kinds([beat(0), beat(1), clock(9, 2), beat(10)], 10)).toEqual(["silence"]);
    expect(kinds([beat(0), beat(1), view(9), beat(9.5, true)], 10)).toEqual(["silence"]);
  });

  test("is no alarm before the first heartbeat has announced anything", () => {
    expect(kinds([view(0), view(30)], 80)).toEqual([]);
  });

  test("shows at once where the step is the newest entry and nothing has explained it", () => {
    expect(kinds([beat(0), view(5)], 5.01)).toEqual([]);
    expect(kinds([beat(0), view(5)], 5.1)).toEqual(["silence"]);
  });
});

describe("times that run back", () => {
  test("are an alarm unless an entry says that the clock was set", () => {
    expect(kinds([view(5), view(2), view(3)], 4)).toEqual(["backwards"]);
    expect(kinds([view(5), clock(2, -3), view(3)], 4)).toEqual([]);
    expect(kinds([view(5), view(2), clock(2, -3), view(3)], 4)).toEqual([]);
    expect(kinds([view(5), clock(2, -1), view(3)], 4)).toEqual(["backwards"]);
  });

  test("in many small steps are as much as one large one", () => {
    const steps = Array.from({ length: 20 }, (_, step) => view(5 - step * 0.01));
    expect(kinds([...steps, view(5.5)], 6)).toContain("backwards");
  });

  test("and a newest entry ahead of this device's clock is one as well", () => {
    expect(kinds([view(5)], 4)).toEqual(["clock_ahead"]);
    expect(kinds([view(5)], 4.9)).toEqual([]);
  });
});

describe("a recovery", () => {
  test("is shown while it waits, and not after an objection or in its time", () => {
    expect(kinds([keyring("recovery_notice", 0)], 1)).toEqual(["recovery_pending"]);
    const objected = [keyring("recovery_notice", 0), keyring("recovery_objection", 1)];
    expect(kinds(objected, 2)).toEqual([]);
    const inTime = [keyring("recovery_notice", 0), keyring("recovery_complete", 72)];
    expect(kinds(inTime, 73)).toEqual([]);
  });

  test("that took effect early, or without a notice, stays an alarm", () => {
    const early = [keyring("recovery_notice", 0), keyring("recovery_complete", 71.9)];
    expect(kinds(early, 73)).toEqual(["recovery_early"]);
    expect(kinds([keyring("recovery_complete", 100)], 101)).toEqual(["recovery_early"]);
    const overruled = [
      keyring("recovery_notice", 0),
      keyring("recovery_objection", 1),
      keyring("recovery_complete", 80),
    ];
    expect(kinds(overruled, 81)).toEqual(["recovery_early"]);
  });
});

describe("recordings that the ledger lists", () => {
  const rendition = {
    ...({ v: 3, kind: "rendition", atMs: START, clip: clipId(1) } as const),
    files: [],
  } satisfies LedgerEntry;

  test("are to be there until their deletion entry, with every file that was added", () => {
    const derivedFrom = video.payloadSha256;
    const blurred = { ...video, rendition: "blurred", derivedFrom, pixelated: "faces" } as const;
    const watch = taken([clip(1, 3), { ...rendition, files: [blurred] }, clip(2, 1), deletion(2)]);
    expect(watch.nextClips(10)).toEqual([clipId(1)]);
    expect(watch.filesOf(clipId(1))).toBe(4);
    watch.compare(clipId(1), 4);
    watch.compare(clipId(2), null);
    expect(watch.alarms(START)).toEqual([]);
    watch.compare(clipId(1), 3);
    const missing = { kind: "missing_clip", clip: clipId(1), files: 4, found: 3 };
    expect(watch.alarms(START)).toEqual([missing]);
    watch.compare(clipId(1), null);
    expect(watch.alarms(START)).toEqual([{ ...missing, found: null }]);
    taken([deletion(1)], watch);
    expect(watch.alarms(START)).toEqual([]);
  });

  test("come to their turn, however many there are", () => {
    const watch = taken([1, 2, 3, 4, 5].map((digit) => clip(digit, 1)));
    const asked = [watch.nextClips(2), watch.nextClips(2), watch.nextClips(2)].flat();
    expect(new Set(asked).size).toBe(5);
  });
});

describe("what a device remembers", () => {
  const life: LedgerEntry[] = [
    ...[beat(0), clip(1, 2), clip(2, 1), beat(1), beat(5), view(6), deletion(2, 6.1), view(2)],
    ...[clock(2.1, -2), keyring("recovery_notice", 3), beat(3.5), beat(3.9, true)],
    { v: 1, kind: "statement", atMs: START + 3.95 * HOUR, month: "2026-10", statementSha256: HEAD },
  ];
  const asked = (watch: LedgerWatch): readonly Alarm[] => {
    watch.compare(clipId(1), 1);
    return watch.alarms(START + 4 * HOUR);
  };

  test("gives the same judgement wherever it stopped in between, and the same root", () => {
    const atOnce = taken(life);
    const expected = asked(atOnce);
    expect(expected.map(({ kind }) => kind).toSorted()).toEqual(
      ["backwards", "missing_clip", "recovery_pending", "silence"].toSorted(),
    );
    for (let stop = 0; stop <= life.length; stop += 1) {
      const kept: unknown = JSON.parse(JSON.stringify(taken(life.slice(0, stop))));
      const watch = taken(life.slice(stop), LedgerWatch.read(kept));
      expect(asked(watch)).toEqual(expected);
      expect(watch.toJSON()).toEqual(atOnce.toJSON());
      expect(watch.tree.root()).toEqual(
        rootOfLeafHashes(life.map((entry) => hashLeaf(canonicalJson(entry)))),
      );
    }
  });

  test("leaves out what a person has looked at, and nothing that only its end can end", () => {
    const watch = taken(life);
    watch.acknowledge(asked(watch));
    expect(asked(watch).map(({ kind }) => kind)).toEqual(["recovery_pending"]);
    taken([beat(20)], watch);
    expect(watch.alarms(START + 20.1 * HOUR).map(({ kind }) => kind)).toContain("silence");
  });

  test("is refused where it was altered", () => {
    const stored = taken(life).toJSON();
    expect(() => LedgerWatch.read({ ...stored, size: stored.size + 2 })).toThrow(/Cannot read/);
    expect(() => LedgerWatch.read({ ...stored, clips: [["x", 1]] })).toThrow();
  });

  test("takes in what it does not judge, or does not know, by its time", () => {
    const release = { decisionSha256: HEAD, files: 3, request: clipId(7), v: 1, kind: "release" };
    expect(taken([{ ...release, atMs: START }]).clipCount).toBe(0);
    const watch = taken([beat(0), { v: 9, kind: "tomorrow", atMs: START + HOUR, x: [] }, beat(2)]);
    expect(watch.alarms(START + 2 * HOUR)).toEqual([]);
  });
});
