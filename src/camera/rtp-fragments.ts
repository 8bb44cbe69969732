import type { Clock } from "../base/clock.ts";
import { VIDEO_TIMESCALE, type TrackInit } from "../protocol/fragment.ts";
import type { AacParameters, AudioUnit } from "./aac-depacketiser.ts";
import { audioInit, videoInit } from "./fragments.ts";
import type { H264Parameters } from "./h264-parameters.ts";
import type { VideoUnit } from "./h264-depacketiser.ts";
import {
  createDecodeOrder,
  createTrackClock,
  createWallClockEstimate,
  type DecodeOrder,
  type TrackClock,
  type WallClockEstimate,
} from "./media-clock.ts";
import type { Timeline } from "./timeline.ts";

/** Until the second access unit shows how long one lasts, and the stream does not say. */
const FRAMES_PER_SECOND_GUESS = 15;
const DURATION_MAX_TICKS = 10 * VIDEO_TIMESCALE;
/** Audio waits this long for the sender reports that place it beside the video. */
const AUDIO_WAIT_MS = 3_000;
/** Audio that is off by less than this is taken to follow on; clocks and roundings differ. */
const AUDIO_SNAP_MS = 5;
/** Audio that is found to be off by more than this is moved. */
const AUDIO_STEP_MS = 100;

/** Puts the access units of one connection on the time line of its stream. */
export interface RtpFragments {
  readonly videoClock: TrackClock;
  /** Null where the connection has no audio. */
  readonly audioClock: TrackClock | null;
  video(unit: VideoUnit, arrivalMs: number): void;
  audio(unit: AudioUnit, arrivalMs: number): void;
  wallClock(): Pick<WallClockEstimate, "offsetMs" | "source"> | null;
  init(): TrackInit | null;
  framesPerSecond(): number | null;
}

interface VideoState {
  parameters: H264Parameters;
  init: TrackInit;
  order: DecodeOrder;
  frameTicks: number;
  previousDecode: number;
  /** Added to the track clock's ticks to get presentation ticks on the time line. */
  readonly originTicks: number;
  readonly startMs: number;
  readonly startedAtMonotonicMs: number;
  readonly wallClock: WallClockEstimate;
}

export function createRtpFragments(options: {
  readonly clock: Clock;
  readonly timeline: Timeline;
  readonly audio: { readonly parameters: AacParameters; readonly clockRate: number } | null;
}): RtpFragments {
  const { clock, timeline, audio } = options;
  const videoClock = createTrackClock(VIDEO_TIMESCALE);
  let state: VideoState | null = null;

  function video(unit: VideoUnit, arrivalMs: number): void {
    const ticks = videoClock.advance(unit.timestamp, arrivalMs);
    const isFirst = state === null;
    state ??= startVideo({ clock, timeline, videoClock, parameters: unit.parameters, ticks });
    if (unit.parameters !== state.parameters) {
      if (unit.parameters.reorderFrames !== state.parameters.reorderFrames)
        state.order = createDecodeOrder(unit.parameters.reorderFrames);
      state.parameters = unit.parameters;
      state.init = videoInit(unit.parameters);
    }
    const presentation = ticks + state.originTicks;
    const wanted = state.order.next(presentation, state.frameTicks);
    const decodeTicks = Math.max(state.previousDecode + 1, wanted);
    if (!isFirst && unit.lostBefore === 0)
      state.frameTicks = Math.min(DURATION_MAX_TICKS, decodeTicks - state.previousDecode);
    state.previousDecode = decodeTicks;
    timeline.write({
      init: state.init,
      decodeTicks,
      compositionTicks: presentation - decodeTicks,
      // Its real duration is known only with the next one; waiting would add a frame of delay.
      durationTicks: state.frameTicks,
      keyFrame: unit.keyFrame,
      wallClockMs: state.wallClock.at((presentation / VIDEO_TIMESCALE) * 1000),
      lostBefore: isFirst ? 0 : unit.lostBefore,
      bytes: unit.sample,
    });
  }

  const sound =
    audio === null ? null : createSound({ ...audio, timeline, videoClock, state: () => state });

  return {
    videoClock,
    audioClock: sound?.trackClock ?? null,
    video,
    audio: (unit, arrivalMs) => sound?.push(unit, arrivalMs),
    wallClock: () => state?.wallClock ?? null,
    init: () => state?.init ?? null,
    framesPerSecond: () => state?.parameters.framesPerSecond ?? null,
  };
}

/** The first access unit of a connection decides where the connection stands on the time line. */
function startVideo(options: {
  readonly clock: Clock;
  readonly timeline: Timeline;
  readonly videoClock: TrackClock;
  readonly parameters: H264Parameters;
  readonly ticks: number;
}): VideoState {
  const { clock, timeline, videoClock, parameters, ticks } = options;
  timeline.beginConnection();
  const frameTicks = Math.round(
    VIDEO_TIMESCALE / (parameters.framesPerSecond ?? FRAMES_PER_SECOND_GUESS),
  );
  const order = createDecodeOrder(parameters.reorderFrames);
  const startMs = timeline.startMs();
  const startTicks = Math.ceil((startMs / 1000) * VIDEO_TIMESCALE);
  const originTicks = startTicks + order.leadTicks(frameTicks) - ticks;
  const originMs = (originTicks / VIDEO_TIMESCALE) * 1000;
  return {
    parameters,
    init: videoInit(parameters),
    order,
    frameTicks,
    previousDecode: startTicks - frameTicks,
    originTicks,
    startMs,
    startedAtMonotonicMs: clock.monotonicMs(),
    wallClock: createWallClockEstimate(clock, videoClock, originMs),
  };
}

/** Audio starts once the video has, and once it is known where on the video's time line it belongs. */
function createSound(options: {
  readonly parameters: AacParameters;
  readonly clockRate: number;
  readonly timeline: Timeline;
  readonly videoClock: TrackClock;
  readonly state: () => VideoState | null;
}): { trackClock: TrackClock; push(unit: AudioUnit, arrivalMs: number): void } {
  const { parameters, clockRate, timeline, videoClock } = options;
  const { sampleRate, samplesPerUnit } = parameters;
  const trackClock = createTrackClock(clockRate);
  const init = audioInit(parameters);
  let offsetMs: number | null = null;
  let nextDecode: number | null = null;
  let dropped = 0;

  /** Where tick 0 of the audio stands on the time line. */
  function place(video: VideoState): { offsetMs: number; exact: boolean } | null {
    const originMs = (video.originTicks / VIDEO_TIMESCALE) * 1000;
    const videoWall = videoClock.wallClockAtZeroMs();
    const audioWall = trackClock.wallClockAtZeroMs();
    if (videoWall !== null && audioWall !== null)
      return { offsetMs: originMs + audioWall - videoWall, exact: true };
    const videoArrival = videoClock.arrivalAtZeroMs();
    const audioArrival = trackClock.arrivalAtZeroMs();
    if (videoArrival === null || audioArrival === null) return null;
    return { offsetMs: originMs + audioArrival - videoArrival, exact: false };
  }

  function push(unit: AudioUnit, arrivalMs: number): void {
    const ticks = trackClock.advance(unit.timestamp, arrivalMs);
    const video = options.state();
    if (video === null) return;
    const placed = place(video);
    if (placed === null) return;
    const waitedMs = arrivalMs - video.startedAtMonotonicMs;
    if (offsetMs === null && !placed.exact && waitedMs < AUDIO_WAIT_MS) return;
    const isOff = offsetMs !== null && Math.abs(placed.offsetMs - offsetMs) > AUDIO_STEP_MS;
    if (offsetMs === null || (isOff && placed.exact)) offsetMs = placed.offsetMs;

    const streamMs = (ticks / clockRate) * 1000 + offsetMs;
    let decodeTicks = Math.round((streamMs / 1000) * sampleRate);
    const snapTicks = (AUDIO_SNAP_MS / 1000) * sampleRate;
    if (nextDecode !== null && Math.abs(decodeTicks - nextDecode) <= snapTicks)
      decodeTicks = nextDecode;
    // Sound from before the first picture, or from before sound that was already written.
    if (decodeTicks < (nextDecode ?? (video.startMs / 1000) * sampleRate)) {
      dropped += 1;
      return;
    }
    const lostBefore = nextDecode === null ? 0 : unit.lostBefore + dropped;
    dropped = 0;
    nextDecode = decodeTicks + samplesPerUnit;
    timeline.write({
      init,
      decodeTicks,
      compositionTicks: 0,
      durationTicks: samplesPerUnit,
      keyFrame: true,
      wallClockMs: video.wallClock.at(streamMs),
      lostBefore,
      bytes: unit.sample,
    });
  }

  return { trackClock, push };
}
