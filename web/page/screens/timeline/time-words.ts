import { clockTime, dayName } from "../../words/times.ts";
import { locale } from "../../words/language.ts";
import { words } from "./event-look.ts";
import { dayAfter, startOfDay } from "./local-days.ts";

const withYear = new Intl.DateTimeFormat(locale, {
  ...{ weekday: "long", day: "numeric", month: "long", year: "numeric" },
});
const brief = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short" });

/** "Today, 21 Nov", "Saturday 21 November", with the year where it is another one. */
export function relativeDay(dayMs: number, nowMs: number): string {
  const today = startOfDay(nowMs);
  if (dayMs === today) return `${words.today}, ${briefDay(dayMs)}`;
  if (dayMs === dayAfter(today, -1)) return `${words.yesterday}, ${briefDay(dayMs)}`;
  const isThisYear = new Date(dayMs).getFullYear() === new Date(nowMs).getFullYear();
  return isThisYear ? dayName(dayMs) : withYear.format(dayMs);
}

export function hourText(hourMs: number): string {
  return words.hourAt(clockTime(hourMs));
}

/** "21 Nov". */
export function briefDay(dayMs: number): string {
  return brief.format(dayMs);
}
