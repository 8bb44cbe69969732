import Type, { type Static } from "typebox";

/** Hours of a week as the settings file writes them: days, and a time of day to a time of day. */

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
