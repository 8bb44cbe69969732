import { locale } from "../../words/language.ts";

const UNITS = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
] as const;

/** "4 days", "2 hours", "12 seconds": how far a clock is out. */
export function amountOfTime(milliseconds: number): string {
  const [unit, lengthMs] = UNITS.find(([, length]) => milliseconds >= length) ?? ["second", 1_000];
  const format = { style: "unit", unit, unitDisplay: "long", maximumFractionDigits: 0 } as const;
  return new Intl.NumberFormat(locale, format).format(Math.round(milliseconds / lengthMs));
}
