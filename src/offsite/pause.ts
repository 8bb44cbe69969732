const RETRY_MS = 60_000;
const RETRY_MAX_MS = 3_600_000;

/**
 * How long nothing is tried: `everyMs` where the last turn went, else a minute, two, four and at most an
 * hour. A quarter more or less, so that not all hubs of a store come at the same moment after it was away.
 *
 * @param failures - Turns that failed one after the other.
 * @param chance - From 0 up to 1.
 */
export function pauseMs(failures: number, everyMs: number, chance: number): number {
  const spread = 0.75 + chance / 2;
  if (failures === 0) return everyMs * spread;
  return Math.min(RETRY_MAX_MS, RETRY_MS * 2 ** (failures - 1)) * spread;
}
