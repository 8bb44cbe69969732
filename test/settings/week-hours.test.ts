import { describe, expect, test } from "vitest";
import {
  hoursNow,
  nextTimeOfDay,
  WEEKDAYS,
  wrongWeekHours,
  type WeekHours,
} from "../../src/settings/week-hours.ts";

// Hours of the week in local time: over midnight, and in the nights in which the clocks change.

const PARIS = "Europe/Paris";
/** Puts its clocks forward and back by half an hour. */
const LORD_HOWE = "Australia/Lord_Howe";
const MINUTE_MS = 60_000;
const every = (from: string, to: string): WeekHours[] => [{ days: [...WEEKDAYS], from, to }];
const at = (text: string): number => Date.parse(text);

/** Every span of `list` from one instant to another, found by asking each minute. */
function spans(list: readonly WeekHours[], from: string, to: string, zone: string): string[] {
  const found: string[] = [];
  let began: number | null = null;
  for (let nowMs = at(from); nowMs <= at(to); nowMs += MINUTE_MS) {
    const { isWithin } = hoursNow(list, nowMs, zone);
    if (isWithin) began ??= nowMs;
    else if (began !== null) {
      found.push(`${short(began)}/${short(nowMs)}`);
      began = null;
    }
  }
  return found;
}
const short = (atMs: number): string => new Date(atMs).toISOString().slice(5, 16);

describe("hours of the week", () => {
  test("begin and end on the minute, and go over midnight into a day that is not named", () => {
    const friday: WeekHours[] = [{ days: ["fri"], from: "22:00", to: "06:00" }];
    // 2026-11-20 is a Friday, and Paris is an hour ahead of UTC.
    expect(spans(friday, "2026-11-16T00:00Z", "2026-11-24T00:00Z", PARIS)).toEqual([
      "11-20T21:00/11-21T05:00",
    ]);
    expect(hoursNow(friday, at("2026-11-20T20:59:59.999Z"), PARIS)).toEqual({
      isWithin: false,
      changesAtMs: at("2026-11-20T21:00Z"),
    });
    expect(hoursNow(friday, at("2026-11-21T04:59:59.999Z"), PARIS)).toEqual({
      isWithin: true,
      changesAtMs: at("2026-11-21T05:00Z"),
    });
  });

  test("join where they touch, so that no instant between two days is outside", () => {
    const whole: WeekHours[] = [
      { days: ["mon", "tue"], from: "00:00", to: "24:00" },
      { days: ["tue"], from: "08:00", to: "12:00" },
    ];
    expect(spans(whole, "2026-11-15T00:00Z", "2026-11-20T00:00Z", "UTC")).toEqual([
      "11-16T00:00/11-18T00:00",
    ]);
    const always = hoursNow(every("00:00", "24:00"), at("2026-11-18T12:00Z"), PARIS);
    expect(always).toEqual({ isWithin: true, changesAtMs: null });
  });

  test("never begin where none are given", () => {
    expect(hoursNow([], 0, PARIS)).toEqual({ isWithin: false, changesAtMs: null });
  });

  test("that are no hours are named", () => {
    expect(wrongWeekHours(every("22:00", "06:00"))).toBeNull();
    expect(wrongWeekHours(every("08:00", "08:00"))).toMatchObject({ index: 0 });
    expect(wrongWeekHours([{ days: ["mon", "mon"], from: "08:00", to: "09:00" }])).not.toBeNull();
  });
});

describe("in the night in which the clocks change", () => {
  test("in Paris forward: what falls into the hour that there is not begins and ends at its edge", () => {
    const window = ["2026-03-28T12:00Z", "2026-03-29T12:00Z", PARIS] as const;
    // 02:00 becomes 03:00 at 01:00 UTC.
    expect(spans(every("22:00", "06:00"), ...window)).toEqual(["03-28T21:00/03-29T04:00"]);
    expect(spans(every("02:30", "05:00"), ...window)).toEqual(["03-29T01:00/03-29T03:00"]);
    expect(spans(every("01:00", "02:30"), ...window)).toEqual(["03-29T00:00/03-29T01:00"]);
    expect(spans(every("02:10", "02:50"), ...window)).toEqual([]);
  });

  test("in Paris back: from the first time that the clock shows it to the last", () => {
    const window = ["2026-10-24T12:00Z", "2026-10-25T12:00Z", PARIS] as const;
    // 03:00 becomes 02:00 at 01:00 UTC.
    expect(spans(every("22:00", "06:00"), ...window)).toEqual(["10-24T20:00/10-25T05:00"]);
    expect(spans(every("22:00", "02:30"), ...window)).toEqual(["10-24T20:00/10-25T01:30"]);
    expect(spans(every("02:30", "05:00"), ...window)).toEqual(["10-25T00:30/10-25T04:00"]);
    expect(spans(every("02:10", "02:50"), ...window)).toEqual(["10-25T00:10/10-25T01:50"]);
  });

  test("on Lord Howe, whose clocks move by half an hour", () => {
    // 02:00 becomes 02:30 at 15:30 UTC of 3 October; 02:00 becomes 01:30 at 15:00 UTC of 4 April.
    const forward = ["2026-10-03T06:00Z", "2026-10-04T00:00Z", LORD_HOWE] as const;
    expect(spans(every("22:00", "06:00"), ...forward)).toEqual(["10-03T11:30/10-03T19:00"]);
    expect(spans(every("02:15", "03:00"), ...forward)).toEqual(["10-03T15:30/10-03T16:00"]);
    const back = ["2026-04-04T06:00Z", "2026-04-05T00:00Z", LORD_HOWE] as const;
    expect(spans(every("22:00", "06:00"), ...back)).toEqual(["04-04T11:00/04-04T19:30"]);
    expect(spans(every("23:00", "01:45"), ...back)).toEqual(["04-04T12:00/04-04T15:15"]);
  });

  test("the announced change is the one that comes", () => {
    for (const zone of [PARIS, LORD_HOWE, "America/St_Johns", "Asia/Kathmandu", "UTC"])
      for (const start of ["2026-03-28T00:00Z", "2026-10-24T00:00Z", "2026-04-04T00:00Z"])
        for (let hour = 0; hour < 48; hour += 1) {
          const nowMs = at(start) + hour * 3_600_000;
          const list = every("21:45", "02:20");
          const { isWithin, changesAtMs } = hoursNow(list, nowMs, zone);
          expect(changesAtMs).toBeGreaterThan(nowMs);
          expect(hoursNow(list, (changesAtMs ?? 0) - 1, zone).isWithin).toBe(isWithin);
          expect(hoursNow(list, changesAtMs ?? 0, zone).isWithin).toBe(!isWithin);
        }
  });
});

test("the next morning is the next time that the clock shows it", () => {
  const morning = (now: string): string => short(nextTimeOfDay("07:00", at(now), PARIS));
  expect(morning("2026-11-20T21:00Z")).toBe("11-21T06:00");
  expect(morning("2026-11-21T05:59Z")).toBe("11-21T06:00");
  expect(morning("2026-11-21T06:00Z")).toBe("11-22T06:00");
  expect(morning("2026-03-28T21:00Z")).toBe("03-29T05:00");
});
