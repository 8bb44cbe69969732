/**
 * Days and hours as the clocks of this device's time zone show them. A day with a change of the
 * clocks has 23 or 25 hours, or half an hour more or less; in some zones it does not begin at 0:00.
 */

/** UTC of the first moment of the local day that `timeMs` is in. */
export function startOfDay(timeMs: number): number {
  const date = new Date(timeMs);
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}

/** UTC of the first moment of the local day after `days` more days (negative: before). */
export function dayAfter(dayMs: number, days = 1): number {
  const date = new Date(dayMs);
  return new Date(date.getFullYear(), date.getMonth(), date.getDate() + days).getTime();
}

/** UTC of the first moment of the local clock hour that `timeMs` is in. */
export function startOfHour(timeMs: number): number {
  const hours = hoursOfDay(startOfDay(timeMs));
  return hours.findLast((hourMs) => hourMs <= timeMs) ?? timeMs;
}

/** UTC of the beginning of each clock hour of a local day; after a change one may be shorter. */
export function hoursOfDay(dayMs: number): number[] {
  const endMs = dayAfter(dayMs);
  const hours: number[] = [];
  for (let hourMs = dayMs; hourMs < endMs;) {
    hours.push(hourMs);
    hourMs += (60 - new Date(hourMs).getMinutes()) * 60_000;
  }
  return hours;
}

const STEPS_MS = [3_600_000, 1_800_000, 900_000] as const;
export type StepMs = (typeof STEPS_MS)[number];

/**
 * The longest steps of UTC that no local hour begins in the middle of, at both ends of a year:
 * 30 minutes where the zone is off by half an hour, 15 where it is by a quarter.
 */
export function stepOfZone(nowMs: number): StepMs {
  const year = new Date(nowMs).getFullYear();
  const offsets = [0, 3, 6, 9].map((month) => new Date(year, month, 1).getTimezoneOffset());
  const fits = (stepMs: number): boolean =>
    offsets.every((minutes) => (minutes * 60_000) % stepMs === 0);
  return STEPS_MS.find(fits) ?? 900_000;
}
