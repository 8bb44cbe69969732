import Type, { type Static } from "typebox";

/** Hours of a week: as the settings file writes them, days and a time of day to a time of day; and what they mean. */

export const WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
export type Weekday = (typeof WEEKDAYS)[number];
export const WEEK_HOURS_MAX = 20;

const timeOfDay = (pattern: string, description: string) =>
  Type.String({ pattern, maxLength: 5, description });

export const WeekHoursSchema = Type.Object(
  {
    days: Type.Array(
      Type.Union(
        WEEKDAYS.map((day) => Type.Literal(day)),
        { description: `one of ${WEEKDAYS.join(", ")}` },
      ) as unknown as Type.TUnsafe<Weekday>,
      { minItems: 1, maxItems: 7, description: "a list of days as [mon, tue]" },
    ),
    from: timeOfDay("^([01][0-9]|2[0-3]):[0-5][0-9]$", 'a time from "00:00" to "23:59"'),
    to: timeOfDay("^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$", 'a time from "00:00" to "24:00"'),
  },
  { additionalProperties: false },
);

/**
 * From `from` on each of the days until the next `to`: of the same day, or of the next one where
 * `to` is not after `from`. Local time of the machine.
 */
export type WeekHours = Static<typeof WeekHoursSchema>;

export const WeekHoursListSchema = Type.Array(WeekHoursSchema, {
  maxItems: WEEK_HOURS_MAX,
  description: `a list of at most ${WEEK_HOURS_MAX} times`,
});

/** @returns What is wrong beyond the shape, in the words of the settings' errors, or null. */
export function wrongWeekHours(list: readonly WeekHours[]): { index: number; why: string } | null {
  for (const [index, { days, from, to }] of list.entries()) {
    if (from === to)
      return {
        index,
        why: 'from and to are the same: for a whole day write from "00:00" to "24:00"',
      };
    if (new Set(days).size !== days.length) return { index, why: "a day stands in it twice" };
  }
  return null;
}

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** A change of the clocks is looked for this far around a time; no zone has two in such a span. */
const AROUND_MS = 30 * 60 * MINUTE_MS;
/** From the day before yesterday, whose night may still go on, to what comes within a week. */
const DAYS_BACK = 2;
const DAYS_AHEAD = 9;

export interface HoursNow {
  readonly isWithin: boolean;
  /** UTC of the next change; null where nothing changes within a week. */
  readonly changesAtMs: number | null;
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** @throws RangeError for a zone that there is not. */
function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone);
  if (known) return known;
  const format = new Intl.DateTimeFormat("en-US", {
    ...{ timeZone, calendar: "gregory", numberingSystem: "latn", hourCycle: "h23" },
    ...{ year: "numeric", month: "numeric", day: "numeric" },
    ...{ hour: "numeric", minute: "numeric", second: "numeric" },
  });
  formats.set(timeZone, format);
  return format;
}

/** What the clock on the wall shows at an instant, as if it were UTC. */
function wallMs(atMs: number, timeZone: string): number {
  const parts = new Map(
    formatOf(timeZone)
      .formatToParts(atMs)
      .map(({ type, value }) => [type, Number(value)]),
  );
  const part = (name: Intl.DateTimeFormatPartTypes): number => parts.get(name) ?? 0;
  const secondsMs = Date.UTC(
    ...([part("year"), part("month") - 1, part("day")] as const),
    ...([part("hour"), part("minute"), part("second")] as const),
  );
  return secondsMs + (((atMs % 1_000) + 1_000) % 1_000);
}

/**
 * When a wall clock shows a time: the first and the last instant of it where the clocks are put
 * back over it, and where they are put forward over it the instant at which they are.
 */
function instantsOf(wall: number, timeZone: string): { firstMs: number; lastMs: number } {
  const offsetAt = (atMs: number): number => wallMs(atMs, timeZone) - atMs;
  const candidates = [wall - offsetAt(wall - AROUND_MS), wall - offsetAt(wall + AROUND_MS)];
  const shown = candidates.filter((atMs) => wallMs(atMs, timeZone) === wall);
  if (shown.length > 0) return { firstMs: Math.min(...shown), lastMs: Math.max(...shown) };
  let [before, after] = [Math.min(...candidates), Math.max(...candidates)];
  // Never shown: the first instant that shows a later time.
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (wallMs(middle, timeZone) < wall) before = middle;
    else after = middle;
  }
  return { firstMs: after, lastMs: after };
}

const minutesOf = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3));

interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

interface KnownSpans {
  readonly today: number;
  readonly timeZone: string;
  readonly spans: readonly Span[];
}

/** Asked for every second, and the same all day. */
const known = new WeakMap<readonly WeekHours[], KnownSpans>();

function spansAround(list: readonly WeekHours[], nowMs: number, timeZone: string): readonly Span[] {
  const today = Math.floor(wallMs(nowMs, timeZone) / DAY_MS) * DAY_MS;
  const before = known.get(list);
  if (before?.today === today && before.timeZone === timeZone) return before.spans;
  const spans = spansOf(list, today, timeZone);
  known.set(list, { today, timeZone, spans });
  return spans;
}

/** All spans around a day, joined where they touch, in their order. */
function spansOf(list: readonly WeekHours[], today: number, timeZone: string): Span[] {
  const spans: Span[] = [];
  for (let day = -DAYS_BACK; day <= DAYS_AHEAD; day += 1) {
    const midnight = today + day * DAY_MS;
    // Of a date, whatever the zone: 1970-01-01 was a Thursday, and Monday is the first here.
    const weekday = WEEKDAYS[(((midnight / DAY_MS + 3) % 7) + 7) % 7];
    for (const { days, from, to } of list) {
      if (!days.some((named) => named === weekday)) continue;
      const [begin, end] = [minutesOf(from), minutesOf(to)];
      const endDay = end > begin ? midnight : midnight + DAY_MS;
      // The longer of the two nights when the clocks are put back: off early, on late.
      const fromMs = instantsOf(midnight + begin * MINUTE_MS, timeZone).firstMs;
      const toMs = instantsOf(endDay + end * MINUTE_MS, timeZone).lastMs;
      if (toMs > fromMs) spans.push({ fromMs, toMs });
    }
  }
  return joined(spans);
}

function joined(spans: readonly Span[]): Span[] {
  const result: Span[] = [];
  for (const span of spans.toSorted((one, other) => one.fromMs - other.fromMs)) {
    const last = result.at(-1);
    if (last && span.fromMs <= last.toMs)
      result[result.length - 1] = {
        fromMs: last.fromMs,
        toMs: Math.max(last.toMs, span.toMs),
      };
    else result.push(span);
  }
  return result;
}

/** @param timeZone - Of the IANA list, as `Europe/Paris`. */
export function hoursNow(list: readonly WeekHours[], nowMs: number, timeZone: string): HoursNow {
  if (list.length === 0) return { isWithin: false, changesAtMs: null };
  const spans = spansAround(list, nowMs, timeZone);
  const current = spans.find(({ fromMs, toMs }) => fromMs <= nowMs && nowMs < toMs);
  const next = current ? current.toMs : spans.find(({ fromMs }) => fromMs > nowMs)?.fromMs;
  const isFar = next === undefined || next - nowMs > (DAYS_AHEAD - 1) * DAY_MS;
  return { isWithin: current !== undefined, changesAtMs: isFar ? null : next };
}

/** The next instant at which a wall clock shows a time of day; the later one where it does so twice. */
export function nextTimeOfDay(time: string, nowMs: number, timeZone: string): number {
  const today = Math.floor(wallMs(nowMs, timeZone) / DAY_MS) * DAY_MS;
  for (let day = 0; ; day += 1) {
    const { lastMs } = instantsOf(today + day * DAY_MS + minutesOf(time) * MINUTE_MS, timeZone);
    if (lastMs > nowMs) return lastMs;
  }
}
