import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  planDeletions,
  RETENTION_DEFAULT,
  type RetentionClip,
  type RetentionState,
} from "../../src/clips/retention-plan.ts";
import { parseClipId } from "../../src/protocol/ids.ts";

const DAY_MS = 24 * 3_600_000;
const rules = { motionMs: 7 * DAY_MS, bellMs: 30 * DAY_MS, spaceBytes: null };
const idOf = (sequence: number) => parseClipId(sequence.toString(16).padStart(32, "0"));

function clip(sequence: number, more: Partial<RetentionClip> = {}): RetentionClip {
  return {
    ...{ clip: idOf(sequence), sequence, class: "motion", ageMs: 0, sizeBytes: 10 },
    ...{ keep: null, goesInMs: null, ...more },
  };
}

function plan(clips: readonly RetentionClip[], more: Partial<RetentionState> = {}): string[] {
  const usedBytes = clips.reduce((bytes, { sizeBytes }) => bytes + sizeBytes, 0);
  return planDeletions({ clips, rules, usedBytes, missingBytes: 0, ...more }).map(
    ({ clip: id, reason }) => `${Number.parseInt(id, 16)} ${reason}`,
  );
}

describe("what goes", () => {
  test("is what is too old for its class, to the millisecond, and nothing younger", () => {
    const clips = [
      clip(1, { ageMs: 7 * DAY_MS }),
      clip(2, { ageMs: 7 * DAY_MS - 1 }),
      clip(3, { class: "bell", ageMs: 30 * DAY_MS }),
      clip(4, { class: "bell", ageMs: 30 * DAY_MS - 1 }),
    ];
    expect(plan(clips)).toEqual(["1 age", "3 age"]);
  });

  test("is what an owner has deleted, once that can no longer be undone", () => {
    const clips = [clip(1, { goesInMs: 1 }), clip(2, { goesInMs: 0 }), clip(3, { goesInMs: -5 })];
    expect(plan(clips)).toEqual(["2 owner", "3 owner"]);
  });

  test("is the oldest motion first where there is too little room, and bells after all of it", () => {
    const clips = [clip(1, { class: "bell" }), clip(2), clip(3), clip(4, { class: "bell" })];
    const space = (spaceBytes: number) => plan(clips, { rules: { ...rules, spaceBytes } });
    expect(space(40)).toEqual([]);
    expect(space(39)).toEqual(["2 space"]);
    expect(space(20)).toEqual(["2 space", "3 space"]);
    expect(space(19)).toEqual(["2 space", "3 space", "1 space"]);
    expect(plan(clips, { missingBytes: 25 })).toEqual([
      "2 disk-full",
      "3 disk-full",
      "1 disk-full",
    ]);
  });

  test("counts what went for its age as room that is there", () => {
    const clips = [clip(1, { ageMs: 8 * DAY_MS }), clip(2), clip(3)];
    expect(plan(clips, { missingBytes: 10 })).toEqual(["1 age"]);
    expect(plan(clips, { missingBytes: 11 })).toEqual(["1 age", "2 disk-full"]);
  });

  test("goes by the order in which the hub learnt of clips, not by the order of a list", () => {
    expect(plan([clip(9), clip(3), clip(5)], { missingBytes: 15 })).toEqual([
      "3 disk-full",
      "5 disk-full",
    ]);
  });

  test("is nothing for weeks where the settings say nothing and the disk has room", () => {
    const clips = [clip(1, { ageMs: 29 * DAY_MS }), clip(2, { class: "bell", ageMs: 89 * DAY_MS })];
    expect(plan(clips, { rules: RETENTION_DEFAULT })).toEqual([]);
  });
});

const anyClip = fc.record({
  class: fc.constantFrom("motion" as const, "bell" as const),
  ageMs: fc.integer({ min: -DAY_MS, max: 60 * DAY_MS }),
  sizeBytes: fc.integer({ min: 0, max: 1_000 }),
  keep: fc.constantFrom(
    null,
    null,
    null,
    "held" as const,
    "released" as const,
    "recording" as const,
  ),
  goesInMs: fc.option(fc.integer({ min: -10, max: 10 })),
});
const anyState = fc
  .record({
    clips: fc.array(anyClip, { maxLength: 40 }),
    spaceBytes: fc.option(fc.integer({ min: 0, max: 20_000 })),
    missingBytes: fc.integer({ min: 0, max: 20_000 }),
  })
  .map(({ clips, spaceBytes, missingBytes }): RetentionState => {
    const numbered = clips.map((each, index) => clip(index + 1, each));
    const usedBytes = numbered.reduce((bytes, { sizeBytes }) => bytes + sizeBytes, 0);
    return { clips: numbered, rules: { ...rules, spaceBytes }, usedBytes, missingBytes };
  });

describe("whatever the disk and the clips are", () => {
  test("what is held, recorded or released never goes, and nothing goes twice", () => {
    fc.assert(
      fc.property(anyState, (state) => {
        const planned = planDeletions(state).map(({ clip: id }) => id);
        expect(new Set(planned).size).toBe(planned.length);
        for (const { clip: id, keep } of state.clips)
          if (keep !== null) expect(planned).not.toContain(id);
      }),
      { numRuns: 500 },
    );
  });

  test("no bell goes for room while unheld motion is left, and no younger clip of a class before an older", () => {
    fc.assert(
      fc.property(anyState, (state) => {
        const planned = new Map(planDeletions(state).map(({ clip: id, reason }) => [id, reason]));
        const left = state.clips.filter(({ clip: id, keep }) => keep === null && !planned.has(id));
        for (const gone of state.clips) {
          const reason = planned.get(gone.clip);
          if (reason !== "space" && reason !== "disk-full") continue;
          if (gone.class === "bell")
            expect(left.filter((each) => each.class === "motion")).toEqual([]);
          for (const each of left.filter((other) => other.class === gone.class))
            expect(each.sequence).toBeGreaterThan(gone.sequence);
        }
      }),
      { numRuns: 500 },
    );
  });

  test("there is room afterwards or nothing left to take, and no clip went that was not needed", () => {
    fc.assert(
      fc.property(anyState, (state) => {
        const planned = planDeletions(state);
        const freed = planned.reduce((bytes, { sizeBytes }) => bytes + sizeBytes, 0);
        const { spaceBytes } = state.rules;
        const isEnough = (bytes: number): boolean =>
          bytes >= state.missingBytes &&
          (spaceBytes === null || state.usedBytes - bytes <= spaceBytes);
        const free = state.clips.filter(({ keep }) => keep === null).length;
        expect(isEnough(freed) || planned.length === free).toBe(true);
        const last = planned.at(-1);
        if (last?.reason === "space" || last?.reason === "disk-full")
          expect(isEnough(freed - last.sizeBytes)).toBe(false);
      }),
      { numRuns: 500 },
    );
  });
});
