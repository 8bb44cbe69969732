/**
 * The only way the hub reads time, so that tests can stand it still.
 * `wallClockMs` is UTC and may jump; `monotonicMs` only runs forward and has no meaning as a date.
 */
export interface Clock {
  wallClockMs(): number;
  monotonicMs(): number;
}

export const systemClock: Clock = {
  wallClockMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};
