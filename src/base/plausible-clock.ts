import { HubError } from "../protocol/errors.ts";

/**
 * When this was written. A clock before it is wrong, and so is one thirty years ahead. Every
 * authority begins here: one that was made while the clock was ahead is of use once it is right.
 */
export const EARLIEST_MS = Date.UTC(2026, 0, 1);
const LATEST_MS = Date.UTC(2056, 0, 1);

/** A board without a clock of its own starts in 1970, or where it was last switched off. */
export function isPlausible(nowMs: number): boolean {
  return nowMs >= EARLIEST_MS && nowMs < LATEST_MS;
}

/**
 * @param doing - What would be done by it: "make a certificate".
 * @throws HubError CLOCK_WRONG.
 */
export function requirePlausibleClock(nowMs: number, doing: string): void {
  if (isPlausible(nowMs)) return;
  throw new HubError(
    "CLOCK_WRONG",
    `Cannot ${doing}: this machine's clock says ${dayOf(nowMs)}; set it, or wait for network time`,
  );
}

/** As people write it; a clock may stand where no date is. */
export function dayOf(nowMs: number): string {
  const date = new Date(nowMs);
  return Number.isNaN(date.getTime()) ? "nothing" : date.toISOString().slice(0, 10);
}
