import type { Clock } from "../base/clock.ts";
import { wrappedDifference32, type SenderReport } from "./rtp.ts";

/** A camera clock further off than this is not believed; the hub's own is used and the offset shown. */
export const CAMERA_CLOCK_TOLERANCE_MS = 2_000;
/** RTP time and arrival may disagree by this much before the camera is taken to have started over. */
const JUMP_MS = 10_000;
/** Over this long, RTP time may run as far away from arrival as a jump; further, it is no clock. */
const RATE_WINDOW_MS = 30_000;
/** The fastest arrival is remembered this long, so that crystals may drift. */
const ARRIVAL_WINDOW_MS = 30_000;
/** How fast wall-clock times are moved when a better estimate comes: 100 ms a second. */
const SLEW = 0.1;
/** Beyond this there is nothing to smooth. */
const STEP_MS = 5_000;
const REORDER_MAX = 16;
/** What encoders with B-pictures do where the stream does not say; costs nothing where it has none. */
const REORDER_GUESS = 2;

/** Turns the 32-bit RTP times of one track into ticks that run on, and relates them to both clocks. */
export interface TrackClock {
  /**
   * Ticks since the first timestamp. Wraps are undone; a camera that starts over is carried on. One
   * whose time stands still, or runs at a wrong rate, is given the times of arrival from then on.
   */
  advance(timestamp: number, arrivalMonotonicMs: number): number;
  report(report: SenderReport): void;
  /** Camera wall clock at tick 0, or null without a (sane) sender report. */
  wallClockAtZeroMs(): number | null;
  /** Monotonic time at tick 0 by the fastest arrival of late; null before the first packet. */
  arrivalAtZeroMs(): number | null;
}

export function createTrackClock(clockRate: number): TrackClock {
  let last: { timestamp: number; ticks: number; arrivalMs: number } | null = null;
  let pendingReport: SenderReport | null = null;
  let wallAtZeroMs: number | null = null;
  const fastest = createFastestArrival();
  const rate = createRateCheck();
  let isTrusted = true;
  const toMs = (ticks: number): number => (ticks / clockRate) * 1000;

  function forget(): void {
    wallAtZeroMs = null;
    fastest.forget();
  }

  function advance(timestamp: number, arrivalMs: number): number {
    if (last === null) {
      last = { timestamp, ticks: 0, arrivalMs };
      rate.begin(0, arrivalMs);
    } else {
      let delta = wrappedDifference32(timestamp, last.timestamp);
      const elapsedMs = arrivalMs - last.arrivalMs;
      const jumps = Math.abs(toMs(delta) - elapsedMs) > JUMP_MS;
      if (isTrusted && !jumps && !rate.holds(toMs(last.ticks + delta), arrivalMs)) {
        isTrusted = false;
        forget();
      }
      if (jumps || !isTrusted) {
        delta = Math.max(1, Math.round((elapsedMs / 1000) * clockRate));
        if (jumps) forget();
        rate.begin(toMs(last.ticks + delta), arrivalMs);
      }
      last = { timestamp, ticks: last.ticks + delta, arrivalMs };
    }
    fastest.note(arrivalMs - toMs(last.ticks), arrivalMs);
    if (pendingReport !== null) {
      const report = pendingReport;
      pendingReport = null;
      apply(report);
    }
    return last.ticks;
  }

  function apply(report: SenderReport): void {
    if (!isTrusted) return;
    if (last === null) {
      pendingReport = report;
      return;
    }
    const distance = wrappedDifference32(report.timestamp, last.timestamp);
    if (Math.abs(toMs(distance)) > JUMP_MS) return;
    wallAtZeroMs = report.wallClockMs - toMs(last.ticks + distance);
  }

  return {
    advance,
    report: apply,
    wallClockAtZeroMs: () => wallAtZeroMs,
    arrivalAtZeroMs: () => fastest.best(),
  };
}

/** The least of what was noted of late: the time of a packet that nothing held up. */
function createFastestArrival() {
  let older = Number.POSITIVE_INFINITY;
  let newer = Number.POSITIVE_INFINITY;
  let windowStartMs: number | null = null;
  return {
    note(atZeroMs: number, nowMs: number): void {
      windowStartMs ??= nowMs;
      if (nowMs - windowStartMs > ARRIVAL_WINDOW_MS) {
        older = newer;
        newer = Number.POSITIVE_INFINITY;
        windowStartMs = nowMs;
      }
      newer = Math.min(newer, atZeroMs);
    },
    best(): number | null {
      const best = Math.min(older, newer);
      return Number.isFinite(best) ? best : null;
    },
    forget(): void {
      older = Number.POSITIVE_INFINITY;
      newer = Number.POSITIVE_INFINITY;
    },
  };
}

/** Whether RTP time runs as fast as time does. Crystals are off by far less than is allowed here. */
function createRateCheck() {
  let start = { trackMs: 0, arrivalMs: 0 };
  const begin = (trackMs: number, arrivalMs: number): void => void (start = { trackMs, arrivalMs });
  return {
    begin,
    holds(trackMs: number, arrivalMs: number): boolean {
      const elapsedMs = arrivalMs - start.arrivalMs;
      const isOff = Math.abs(trackMs - start.trackMs - elapsedMs) > JUMP_MS;
      if (elapsedMs > RATE_WINDOW_MS) begin(trackMs, arrivalMs);
      return !isOff;
    },
  };
}

/** Decode times for access units that come in decode order with presentation times. */
export interface DecodeOrder {
  /** Strictly rising decode ticks, never later than needed for the stream's reordering. */
  next(presentationTicks: number, frameTicks: number): number;
  /** How far decode times start before the first presentation time. */
  leadTicks(frameTicks: number): number;
}

/**
 * A stream without B-pictures decodes when it shows. With them, the decode time of a unit is the
 * smallest of the last n + 1 presentation times, where n pictures may be shown out of order: known
 * from the stream, else guessed and raised when a time runs backward further than that.
 */
export function createDecodeOrder(reorderFrames: number | null): DecodeOrder {
  let depth = Math.min(reorderFrames ?? REORDER_GUESS, REORDER_MAX);
  let window: number[] | null = null;
  let previous = Number.NEGATIVE_INFINITY;

  return {
    leadTicks: (frameTicks) => depth * frameTicks,
    next(presentationTicks, frameTicks) {
      window ??= Array.from(
        { length: depth },
        (_, index) => presentationTicks - (depth - index) * frameTicks,
      );
      window.push(presentationTicks);
      window.sort((left, right) => left - right);
      const smallest = window.length > depth ? (window.shift() ?? 0) : previous + 1;
      if (smallest <= previous && reorderFrames === null && depth < REORDER_MAX) depth += 1;
      previous = Math.max(previous + 1, smallest);
      return previous;
    },
  };
}

/** Wall-clock time of capture for one connection, and where it comes from. */
export interface WallClockEstimate {
  /** Unix milliseconds of capture of what stands at `streamMs` on the time line. */
  at(streamMs: number): number;
  /** Camera clock minus hub clock, where the camera says its time; null where it does not. */
  offsetMs(): number | null;
  source(): "camera" | "hub";
}

/** @param originMs - Where tick 0 of the video track stands on the time line. */
export function createWallClockEstimate(
  clock: Clock,
  video: TrackClock,
  originMs: number,
): WallClockEstimate {
  let shiftMs: number | null = null;
  let lastStreamMs = 0;
  let offsetMs: number | null = null;
  let source: "camera" | "hub" = "hub";

  function target(): number {
    const arrivalMs = video.arrivalAtZeroMs() ?? clock.monotonicMs();
    const byHub = arrivalMs + (clock.wallClockMs() - clock.monotonicMs());
    const byCamera = video.wallClockAtZeroMs();
    offsetMs = byCamera === null ? null : Math.round(byCamera - byHub);
    const isSane = offsetMs !== null && Math.abs(offsetMs) <= CAMERA_CLOCK_TOLERANCE_MS;
    source = isSane ? "camera" : "hub";
    return (isSane ? (byCamera ?? byHub) : byHub) - originMs;
  }

  return {
    at(streamMs) {
      const wantedMs = target();
      const missingMs = shiftMs === null ? 0 : wantedMs - shiftMs;
      const mayMoveMs = Math.abs(streamMs - lastStreamMs) * SLEW;
      if (shiftMs === null || Math.abs(missingMs) > STEP_MS) shiftMs = wantedMs;
      else shiftMs += Math.max(-mayMoveMs, Math.min(mayMoveMs, missingMs));
      lastStreamMs = Math.max(lastStreamMs, streamMs);
      return Math.round(streamMs + shiftMs);
    },
    offsetMs: () => offsetMs,
    source: () => source,
  };
}
