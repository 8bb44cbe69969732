import type { Clock } from "../base/clock.ts";
import { VIDEO_TIMESCALE, type TrackInit } from "../protocol/fragment.ts";
import type { AudioUnit } from "./aac-depacketiser.ts";
import { videoInit } from "./fragments.ts";
import type { G711Unit } from "./g711-depacketiser.ts";
import {
  createDecodeOrder,
  createTrackClock,
  createWallClockEstimate,
  type DecodeOrder,
  type TrackClock,
  type WallClockEstimate,
} from "./media-clock.ts";
import type { VideoParameters, VideoUnit } from "./nal-depacketiser.ts";
import { createSound, type Sound, type VideoPlace } from "./rtp-sound.ts";
import type { SoundFormat } from "./sound-format.ts";
import type { Timeline } from "./timeline.ts";

/** Until the second access unit shows how long one lasts, and the stream does not say. */
const FRAMES_PER_SECOND_GUESS = 15;
const DURATION_MAX_TICKS = 10 * VIDEO_TIMESCALE;
/** Puts the access units of one connection on the time line of its stream. */
export interface RtpFragments {
  readonly videoClock: TrackClock;
  /** Null where the connection has no audio. */
  readonly audioClock: TrackClock | null;
  video(unit: VideoUnit, arrivalMs: number): void;
  /** Null where the connection has no audio; to be disposed of with the connection. */
  readonly sound: Sound | null;
  audio(unit: AudioUnit | G711Unit, arrivalMs: number): void;
  wallClock(): Pick<WallClockEstimate, "offsetMs" | "source"> | null;
  init(): TrackInit | null;
  framesPerSecond(): number | null;
}

interface VideoState extends VideoPlace {
  parameters: VideoParameters;
  init: TrackInit;
  order: DecodeOrder;
  frameTicks: number;
  previousDecode: number;
}

export function createRtpFragments(options: {
  readonly clock: Clock;
  readonly timeline: Timeline;
  readonly audio: { readonly format: SoundFormat; readonly clockRate: number } | null;
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
    audio === null
      ? null
      : createSound({ ...audio, clock, timeline, videoClock, video: () => state });

  return {
    videoClock,
    audioClock: sound?.trackClock ?? null,
    sound,
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
  readonly parameters: VideoParameters;
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
