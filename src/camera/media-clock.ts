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
  let older = Number.POSITIVE_INFINITY;
  let newer = Number.POSITIVE_INFINITY;
  let windowStartMs = 0;
  let rateStart = { ticks: 0, arrivalMs: 0 };
  let isTrusted = true;
  const toMs = (ticks: number): number => (ticks / clockRate) * 1000;

  function noteArrival(ticks: number, arrivalMs: number): void {
    if (arrivalMs - windowStartMs > ARRIVAL_WINDOW_MS) {
      older = newer;
      newer = Number.POSITIVE_INFINITY;
      windowStartMs = arrivalMs;
    }
    newer = Math.min(newer, arrivalMs - toMs(ticks));
  }

  /** Whether RTP time and arrival have run as far in this window; crystals are off by far less. */
  function keepsTime(ticks: number, arrivalMs: number): boolean {
    const elapsedMs = arrivalMs - rateStart.arrivalMs;
    const isOff = Math.abs(toMs(ticks - rateStart.ticks) - elapsedMs) > JUMP_MS;
    if (elapsedMs > RATE_WINDOW_MS) rateStart = { ticks, arrivalMs };
    return !isOff;
  }

  function forget(): void {
    wallAtZeroMs = null;
    older = Number.POSITIVE_INFINITY;
    newer = Number.POSITIVE_INFINITY;
  }

  function advance(timestamp: number, arrivalMs: number): number {
    if (last === null) {
      last = { timestamp, ticks: 0, arrivalMs };
      windowStartMs = arrivalMs;
      rateStart = { ticks: 0, arrivalMs };
    } else {
      let delta = wrappedDifference32(timestamp, last.timestamp);
      const elapsedMs = arrivalMs - last.arrivalMs;
      const jumps = Math.abs(toMs(delta) - elapsedMs) > JUMP_MS;
      if (isTrusted && !jumps && !keepsTime(last.ticks + delta, arrivalMs)) {
        isTrusted = false;
        forget();
      }
      if (jumps || !isTrusted) {
        delta = Math.max(1, Math.round((elapsedMs / 1000) * clockRate));
        if (jumps) forget();
        rateStart = { ticks: last.ticks + delta, arrivalMs };
      }
      last = { timestamp, ticks: last.ticks + delta, arrivalMs };
    }
    noteArrival(last.ticks, arrivalMs);
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
    arrivalAtZeroMs: () => {
      const best = Math.min(older, newer);
      return Number.isFinite(best) ? best : null;
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
