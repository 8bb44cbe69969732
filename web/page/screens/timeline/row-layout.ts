import { dayAfter, hoursOfDay, startOfDay } from "./local-days.ts";

/** How much happened in one step of time. */
export interface Counted {
  /** UTC. */
  readonly startMs: number;
  readonly count: number;
}

/** A local clock hour in which something happened. */
export interface HourSection extends Counted {
  readonly day: DaySection;
  readonly showsDay: boolean;
  readonly showsHour: boolean;
  /** Of its newest event, counted from the newest of all. */
  readonly firstIndex: number;
  /** Pixels from the top of the whole list to its headings. */
  readonly top: number;
}

/** A local day in which something happened; `endMs` is the beginning of the next. */
export interface DaySection extends Counted {
  readonly endMs: number;
  readonly firstIndex: number;
}

export interface RowPlace {
  readonly top: number;
  /** With the headings that stand above it. */
  readonly height: number;
  readonly section: HourSection;
  /** It is the first of its section, and carries its headings. */
  readonly isFirst: boolean;
}

/** A row that stays the same one when newer events come and the oldest ones go. */
export interface RowAnchor {
  /** Beginning of its section. */
  readonly startMs: number;
  /** Counted from the oldest of the section, which is 1. */
  readonly fromEnd: number;
}

export const ROW_PX = 80;
export const DAY_HEADING_PX = 56;
export const HOUR_HEADING_PX = 36;
/** From this many on, a day is shown hour by hour. */
const DENSE_DAY = 100;

/**
 * Where each event stands in a list of all of them, newest first, known from counts alone: nothing
 * of an event need be here to scroll to it.
 */
export class RowLayout {
  /** Newest first. */
  readonly sections: readonly HourSection[];
  readonly days: readonly DaySection[];
  readonly count: number;
  readonly heightPx: number;

  /** @param counted - In any order; steps that end in another local hour are counted to their start. */
  constructor(counted: readonly Counted[]) {
    const days = daysOf(counted);
    const sections: HourSection[] = [];
    const kept: DaySection[] = [];
    let [index, top] = [0, 0];
    for (const { dayMs, hours } of days) {
      const count = hours.reduce((sum, hour) => sum + hour.count, 0);
      const day = { startMs: dayMs, endMs: dayAfter(dayMs), count, firstIndex: index };
      kept.push(day);
      for (const [position, hour] of hours.entries()) {
        const [showsDay, showsHour] = [position === 0, count >= DENSE_DAY];
        sections.push({ ...hour, day, showsDay, showsHour, firstIndex: index, top });
        index += hour.count;
        top += headingPx({ showsDay, showsHour }) + hour.count * ROW_PX;
      }
    }
    [this.sections, this.days, this.count, this.heightPx] = [sections, kept, index, top];
  }

  /** @param index - 0 is the newest; must be below `count`. */
  place(index: number): RowPlace {
    const section = this.#section(({ firstIndex }) => firstIndex <= index);
    const heading = headingPx(section);
    const within = index - section.firstIndex;
    return within === 0
      ? { top: section.top, height: heading + ROW_PX, section, isFirst: true }
      : {
          top: section.top + heading + within * ROW_PX,
          height: ROW_PX,
          section,
          isFirst: false,
        };
  }

  /** Index of the row that covers `y`; of the nearest one where none does. */
  indexAt(y: number): number {
    if (this.count === 0) return 0;
    const section = this.#section(({ top }) => top <= Math.max(0, y));
    const within = Math.floor((y - section.top - headingPx(section)) / ROW_PX);
    return section.firstIndex + Math.min(Math.max(0, within), section.count - 1);
  }

  /** Index of the newest event that began before `timeMs`; of the oldest where none did. */
  indexBefore(timeMs: number): number {
    const section = this.sections.find(({ startMs }) => startMs < timeMs);
    return section?.firstIndex ?? Math.max(0, this.count - 1);
  }

  anchorOf(index: number): RowAnchor {
    const { section } = this.place(index);
    const { startMs, count, firstIndex } = section;
    return { startMs, fromEnd: count - (index - firstIndex) };
  }

  /** Index of the row again; of the next older one where its hour is gone. */
  indexOf({ startMs, fromEnd }: RowAnchor): number {
    const section = this.sections.find((each) => each.startMs <= startMs);
    if (!section) return Math.max(0, this.count - 1);
    if (section.startMs !== startMs) return section.firstIndex;
    return section.firstIndex + Math.max(0, section.count - fromEnd);
  }

  dayOf(timeMs: number): DaySection | null {
    return this.days.find(({ startMs, endMs }) => startMs <= timeMs && timeMs < endMs) ?? null;
  }

  /** The last section, newest first, of which `isAtOrAfter` is true. */
  #section(isAtOrAfter: (section: HourSection) => boolean): HourSection {
    let [low, high] = [0, this.sections.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      const section = this.sections[middle];
      if (section && isAtOrAfter(section)) low = middle;
      else high = middle - 1;
    }
    const found = this.sections[low];
    if (!found) throw new RangeError("an empty list has no rows");
    return found;
  }
}

export function headingPx(section: Pick<HourSection, "showsDay" | "showsHour">): number {
  return (section.showsDay ? DAY_HEADING_PX : 0) + (section.showsHour ? HOUR_HEADING_PX : 0);
}

/** Newest first; hours and days in which nothing happened are left out. */
function daysOf(counted: readonly Counted[]): { dayMs: number; hours: Counted[] }[] {
  const sorted = counted
    .filter(({ count }) => count > 0)
    .toSorted((left, right) => right.startMs - left.startMs);
  const days: { dayMs: number; starts: readonly number[]; hours: Counted[] }[] = [];
  for (const { startMs, count } of sorted) {
    let day = days.at(-1);
    if (!day || startMs < day.dayMs) {
      const dayMs = startOfDay(startMs);
      day = { dayMs, starts: hoursOfDay(dayMs), hours: [] };
      days.push(day);
    }
    const hourMs = day.starts.findLast((start) => start <= startMs) ?? day.dayMs;
    const last = day.hours.at(-1);
    if (last?.startMs === hourMs)
      day.hours[day.hours.length - 1] = { startMs: hourMs, count: last.count + count };
    else day.hours.push({ startMs: hourMs, count });
  }
  return days;
}
