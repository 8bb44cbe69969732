import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  dayAfter,
  hoursOfDay,
  startOfDay,
  startOfHour,
  stepOfZone,
} from "../../web/page/screens/timeline/local-days.ts";
import {
  DAY_HEADING_PX,
  HOUR_HEADING_PX,
  ROW_PX,
  RowLayout,
} from "../../web/page/screens/timeline/row-layout.ts";
import { SCROLL_HEIGHT_MAX_PX, ScrollMap } from "../../web/page/screens/timeline/scroll-map.ts";

const HOUR_MS = 3_600_000;
const before = process.env["TZ"];
afterEach(() => {
  process.env["TZ"] = before ?? "UTC";
});

function hourLabels(dayMs: number): string[] {
  return hoursOfDay(dayMs).map((hourMs) => {
    const date = new Date(hourMs);
    return `${date.getHours()}:${String(date.getMinutes()).padStart(2, "0")}`;
  });
}

describe("days in Europe/Paris", () => {
  beforeEach(() => {
    process.env["TZ"] = "Europe/Paris";
  });

  test("a day of summer, and one of winter", () => {
    expect(startOfDay(Date.UTC(2026, 6, 14, 21, 59))).toBe(Date.UTC(2026, 6, 13, 22));
    expect(startOfDay(Date.UTC(2026, 6, 14, 22))).toBe(Date.UTC(2026, 6, 14, 22));
    expect(startOfDay(Date.UTC(2026, 10, 21, 23))).toBe(Date.UTC(2026, 10, 21, 23));
  });

  test("the day when the clocks go forward has 23 hours, and no 2:00", () => {
    const day = startOfDay(Date.UTC(2026, 2, 29, 12));
    expect((dayAfter(day) - day) / HOUR_MS).toBe(23);
    expect(hoursOfDay(day)).toHaveLength(23);
    expect(hourLabels(day).slice(0, 4)).toEqual(["0:00", "1:00", "3:00", "4:00"]);
  });

  test("the day when they go back has 25 hours, and 2:00 twice", () => {
    const day = startOfDay(Date.UTC(2026, 9, 25, 12));
    expect((dayAfter(day) - day) / HOUR_MS).toBe(25);
    expect(hourLabels(day).slice(0, 5)).toEqual(["0:00", "1:00", "2:00", "2:00", "3:00"]);
    // Both hours of that name are told apart.
    expect(startOfHour(Date.UTC(2026, 9, 25, 0, 30))).toBe(Date.UTC(2026, 9, 25, 0));
    expect(startOfHour(Date.UTC(2026, 9, 25, 1, 30))).toBe(Date.UTC(2026, 9, 25, 1));
  });

  test("days are counted over both changes, there and back", () => {
    const day = startOfDay(Date.UTC(2026, 2, 28, 12));
    expect(dayAfter(dayAfter(day, 2), -2)).toBe(day);
    expect(dayAfter(day, 2) - day).toBe(47 * HOUR_MS);
    expect(stepOfZone(day)).toBe(HOUR_MS);
  });
});

describe("days in Australia/Lord_Howe, where clocks change by half an hour", () => {
  beforeEach(() => {
    process.env["TZ"] = "Australia/Lord_Howe";
  });

  test("forward: 23 and a half hours", () => {
    const day = startOfDay(Date.UTC(2026, 9, 3, 20));
    expect((dayAfter(day) - day) / HOUR_MS).toBe(23.5);
    expect(hourLabels(day).slice(0, 5)).toEqual(["0:00", "1:00", "2:30", "3:00", "4:00"]);
  });

  test("back: 24 and a half, one hour goes on for longer", () => {
    const day = startOfDay(Date.UTC(2026, 3, 4, 20));
    expect((dayAfter(day) - day) / HOUR_MS).toBe(24.5);
    expect(hourLabels(day).slice(0, 5)).toEqual(["0:00", "1:00", "1:30", "2:00", "3:00"]);
  });

  test("its hours begin in the middle of an hour of UTC, so counts come by the half hour", () => {
    expect(stepOfZone(Date.UTC(2026, 5, 1))).toBe(HOUR_MS / 2);
    process.env["TZ"] = "Asia/Kathmandu";
    expect(stepOfZone(Date.UTC(2026, 5, 1))).toBe(HOUR_MS / 4);
    process.env["TZ"] = "Australia/Lord_Howe";
    // 13:00 UTC in June is 23:30; half an hour later another day begins.
    const at = Date.UTC(2026, 5, 1, 13);
    const layout = new RowLayout([
      { startMs: at, count: 3 },
      { startMs: at + HOUR_MS / 2, count: 5 },
    ]);
    expect(layout.days.map(({ count }) => count)).toEqual([5, 3]);
  });
});

describe("a million rows", () => {
  beforeEach(() => {
    process.env["TZ"] = "Europe/Paris";
  });
  const MILLION = 1_000_000;
  /** A year, some hours without anything. */
  function year(): RowLayout {
    const newestMs = Date.UTC(2026, 10, 21, 22);
    const counted: { startMs: number; count: number }[] = [];
    for (let left = MILLION, hour = 0; left > 0; hour += 1) {
      const count = Math.min(left, hour % 5 === 0 ? 0 : hour % 7 === 0 ? 1 : 150);
      counted.push({ startMs: newestMs - hour * HOUR_MS, count });
      left -= count;
    }
    return new RowLayout(counted);
  }

  test("are all there, one below the other without a gap", () => {
    const layout = year();
    expect(layout.count).toBe(MILLION);
    let top = 0;
    for (let index = 0; index < MILLION; index += 1) {
      const place = layout.place(index);
      if (place.top !== top) throw new Error(`row ${index} at ${place.top}, not ${top}`);
      top += place.height;
    }
    expect(top).toBe(layout.heightPx);
    expect(layout.heightPx).toBeGreaterThan(33_554_428);
  });

  test("are found again by their place, first, last and in between", () => {
    const layout = year();
    for (const index of [0, 1, 149, 150, 151, 499_999, 500_000, MILLION - 2, MILLION - 1]) {
      const { top, height } = layout.place(index);
      expect(layout.indexAt(top)).toBe(index);
      expect(layout.indexAt(top + height - 1)).toBe(index);
    }
    expect(layout.indexAt(-50)).toBe(0);
    expect(layout.indexAt(layout.heightPx + 1_000)).toBe(MILLION - 1);
  });

  test("the end of a day leads to its newest event", () => {
    const layout = year();
    const day = startOfDay(Date.UTC(2026, 9, 25, 12));
    const { section, isFirst } = layout.place(layout.indexBefore(dayAfter(day)));
    expect(section.day.startMs).toBe(day);
    expect([section.showsDay, isFirst]).toEqual([true, true]);
    expect(layout.dayOf(day)?.endMs).toBe(dayAfter(day));
  });

  test("headings take room where they stand, and hours only where there is much", () => {
    const at = Date.UTC(2026, 10, 21, 10);
    const few = new RowLayout([
      { startMs: at, count: 2 },
      { startMs: at - HOUR_MS, count: 1 },
    ]);
    expect(few.heightPx).toBe(DAY_HEADING_PX + 3 * ROW_PX);
    const many = new RowLayout([
      { startMs: at, count: 90 },
      { startMs: at - HOUR_MS, count: 10 },
    ]);
    expect(many.heightPx).toBe(DAY_HEADING_PX + 2 * HOUR_HEADING_PX + 100 * ROW_PX);
    expect(new RowLayout([]).count).toBe(0);
  });
});

describe("a scroll bar of bounded height", () => {
  const HEIGHT = 80_000_000;
  const VIEW = 700;
  function map(): ScrollMap {
    const made = new ScrollMap();
    made.resize(HEIGHT, VIEW);
    return made;
  }

  test("is as high as browsers can lay out, and reaches both ends", () => {
    const scroll = map();
    expect(scroll.scrollHeight).toBe(SCROLL_HEIGHT_MAX_PX);
    scroll.scrolled(SCROLL_HEIGHT_MAX_PX - VIEW);
    expect(scroll.listTop).toBe(HEIGHT - VIEW);
    scroll.scrolled(0);
    expect(scroll.listTop).toBe(0);
  });

  test("near where one is, a pixel is a pixel", () => {
    const scroll = map();
    scroll.goTo(40_000_000);
    const from = scroll.scrollTop;
    for (let step = 1; step <= 100; step += 1) {
      expect(scroll.scrolled(from + step * 30)).toBeNull();
      expect(scroll.listTop).toBe(40_000_000 + step * 30);
    }
  });

  test("settling moves the bar, and nothing that is shown", () => {
    const scroll = map();
    scroll.goTo(30_000_000);
    const from = scroll.scrollTop;
    for (let step = 1; step <= 500; step += 1) scroll.scrolled(from + step * 100);
    const { listTop, scrollTop } = scroll;
    expect(scroll.settle()).toBeLessThan(scrollTop);
    expect(scroll.listTop).toBe(listTop);
    expect(scroll.scrollTop + scroll.shift).toBe(listTop);
  });

  test("scrolling up by the wheel comes to the very top, and not before", () => {
    const scroll = map();
    scroll.goTo(1_020_000);
    // What was scrolled before and has not been settled: the bar is nearer to its end.
    for (let step = 1; step <= 30; step += 1) scroll.scrolled(scroll.scrollTop + 2_000);
    let at = scroll.scrollTop;
    for (let steps = 0; scroll.listTop > 0; steps += 1) {
      const before = scroll.listTop;
      // A browser does not scroll beyond the end of the bar, so such a step is a shorter one.
      at = Math.max(0, at - 100);
      at = scroll.scrolled(at) ?? at;
      expect(before - scroll.listTop).toBeGreaterThan(0);
      expect(before - scroll.listTop).toBeLessThanOrEqual(100);
      expect(steps).toBeLessThan(11_000);
    }
    expect(at).toBe(0);
    expect(scroll.listTop).toBe(0);
  });

  test("a list that fits needs no mapping", () => {
    const scroll = new ScrollMap();
    scroll.resize(5_000, VIEW);
    expect(scroll.scrolled(4_300)).toBeNull();
    expect([scroll.listTop, scroll.shift, scroll.scrollHeight]).toEqual([4_300, 0, 5_000]);
  });
});
