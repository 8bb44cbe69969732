import { locale } from "./language.ts";

const format = (options: Intl.DateTimeFormatOptions): ((timeMs: number) => string) => {
  const formatter = new Intl.DateTimeFormat(locale, options);
  return (timeMs) => formatter.format(timeMs);
};

/** Times of events as people read them, in this device's time zone. */
export const clockTime = format({ hour: "2-digit", minute: "2-digit" });
export const clockTimeExact = format({ hour: "2-digit", minute: "2-digit", second: "2-digit" });
export const dayName = format({ weekday: "long", day: "numeric", month: "long" });
export const shortDay = format({ day: "numeric", month: "short", year: "numeric" });
export const dateAndTime = format({ dateStyle: "medium", timeStyle: "short" });
export const dateAndTimeExact = format({ dateStyle: "medium", timeStyle: "medium" });

const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
const STEPS: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
];

/** "in 3 days", "20 minutes ago"; within a minute, seconds. */
export function fromNow(timeMs: number, nowMs: number): string {
  const differenceMs = timeMs - nowMs;
  for (const [unit, lengthMs] of STEPS)
    if (Math.abs(differenceMs) >= lengthMs)
      return relative.format(Math.round(differenceMs / lengthMs), unit);
  return relative.format(Math.round(differenceMs / 1_000), "second");
}

/** "0:07", "12:30", "1:02:03". */
export function durationText(durationMs: number): string {
  const seconds = Math.round(durationMs / 1_000);
  const two = (value: number): string => String(value).padStart(2, "0");
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60];
  return hours > 0
    ? `${hours}:${two(minutes)}:${two(seconds % 60)}`
    : `${minutes}:${two(seconds % 60)}`;
}

const number = new Intl.NumberFormat(locale);
export const count = (value: number): string => number.format(value);

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"] as const;

export function sizeText(bytes: number): string {
  const step = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), UNITS.length - 1);
  return new Intl.NumberFormat(locale, {
    style: "unit",
    unit: UNITS[step] ?? "byte",
    unitDisplay: "short",
    maximumFractionDigits: step < 2 ? 0 : 1,
  }).format(bytes / 1_000 ** step);
}
