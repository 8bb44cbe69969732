import type { Clock } from "../base/clock.ts";
import { VIDEO_TIMESCALE } from "../protocol/fragment.ts";
import type { AacParameters, AudioUnit } from "./aac-depacketiser.ts";
import { EncodedSound } from "./encoded-sound.ts";
import { audioInit } from "./fragments.ts";
import type { G711Unit } from "./g711-depacketiser.ts";
import { createTrackClock, type TrackClock, type WallClockEstimate } from "./media-clock.ts";
import { ENCODED_SOUND } from "./sound-encoder.ts";
import type { SoundFormat } from "./sound-format.ts";
import type { Timeline } from "./timeline.ts";

/** Audio waits this long for the sender reports that place it beside the video. */
const AUDIO_WAIT_MS = 3_000;
/** Audio that is off by less than this is taken to follow on; clocks and roundings differ. */
const AUDIO_SNAP_MS = 5;
/** Audio that is found to be off by more than this is moved: AAC by whole frames of the camera. */
const AAC_STEP_MS = 100;
/** What is encoded here can be moved by single samples. */
const G711_STEP_MS = 25;
/** By arrival alone a place is known less well. */
const ARRIVAL_STEP_MS = 250;

/** Where the video of the same connection stands. */
export interface VideoPlace {
  /** Added to the video clock's ticks to get presentation ticks on the time line. */
  readonly originTicks: number;
  readonly startMs: number;
  readonly startedAtMonotonicMs: number;
  readonly wallClock: WallClockEstimate;
}

export interface SoundOptions {
  readonly format: SoundFormat;
  /** Of the RTP times. */
  readonly clockRate: number;
  readonly clock: Clock;
  readonly timeline: Timeline;
  readonly videoClock: TrackClock;
  /** Null before the first picture. */
  readonly video: () => VideoPlace | null;
}

/** The sound of one connection, on its way to the time line. */
export interface Sound extends AsyncDisposable {
  readonly trackClock: TrackClock;
  push(unit: AudioUnit | G711Unit, arrivalMs: number): void;
  /** Why there is none just now; null where all is well. */
  problem(): string | null;
}

export function createSound(options: SoundOptions): Sound {
  const { format } = options;
  return format.kind === "aac"
    ? createAacSound(options, format.parameters)
    : createG711Sound(options, format);
}

interface Placed {
  readonly video: VideoPlace;
  /** Where the unit stands on the time line. */
  readonly streamMs: number;
}

/** Audio starts once the video has, and once it is known where on the video's time line it belongs. */
function createPlacing(
  { clockRate, videoClock, video: videoPlace }: SoundOptions,
  trackClock: TrackClock,
  exactStepMs: number,
): (timestamp: number, arrivalMs: number) => Placed | null {
  let offsetMs: number | null = null;

  /** Where tick 0 of the audio stands on the time line. */
  function find(video: VideoPlace): { offsetMs: number; exact: boolean } | null {
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

  return (timestamp, arrivalMs) => {
    const ticks = trackClock.advance(timestamp, arrivalMs);
    const video = videoPlace();
    if (video === null) return null;
    const found = find(video);
    if (found === null) return null;
    const waitedMs = arrivalMs - video.startedAtMonotonicMs;
    if (offsetMs === null && !found.exact && waitedMs < AUDIO_WAIT_MS) return null;
    const stepMs = found.exact ? exactStepMs : ARRIVAL_STEP_MS;
    if (offsetMs === null || Math.abs(found.offsetMs - offsetMs) > stepMs)
      offsetMs = found.offsetMs;
    return { video, streamMs: (ticks / clockRate) * 1000 + offsetMs };
  };
}

/** The camera's own AAC, frame by frame as it comes. */
function createAacSound(options: SoundOptions, parameters: AacParameters): Sound {
  const { timeline } = options;
  const { sampleRate, samplesPerUnit } = parameters;
  const trackClock = createTrackClock(options.clockRate);
  const place = createPlacing(options, trackClock, AAC_STEP_MS);
  const init = audioInit(parameters);
  let nextDecode: number | null = null;
  let dropped = 0;

  function push(unit: AudioUnit, arrivalMs: number): void {
    const placed = place(unit.timestamp, arrivalMs);
    if (placed === null) return;
    const { video, streamMs } = placed;
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

  return {
    trackClock,
    push: (unit, arrivalMs) => {
      if ("sample" in unit) push(unit, arrivalMs);
    },
    problem: () => null,
    [Symbol.asyncDispose]: async () => undefined,
  };
}

/** Telephone sound, which is encoded here. */
function createG711Sound(
  options: SoundOptions,
  format: Extract<SoundFormat, { kind: "g711" }>,
): Sound {
  const { clock, timeline } = options;
  const { law, sampleRate } = format;
  const trackClock = createTrackClock(options.clockRate);
  const place = createPlacing(options, trackClock, G711_STEP_MS);
  const init = audioInit(ENCODED_SOUND);
  const encoded = new EncodedSound({
    ...{ law, sampleRate, clock },
    onFrame: ({ decodeTicks, isNext, bytes }) => {
      const video = options.video();
      const streamMs = (decodeTicks / ENCODED_SOUND.sampleRate) * 1000;
      if (video === null || streamMs < video.startMs) return;
      timeline.write({
        init,
        decodeTicks,
        compositionTicks: 0,
        durationTicks: ENCODED_SOUND.samplesPerUnit,
        keyFrame: true,
        wallClockMs: video.wallClock.at(streamMs),
        lostBefore: isNext ? 0 : 1,
        bytes,
      });
    },
  });
  return {
    trackClock,
    push: (unit, arrivalMs) => {
      if (!("codes" in unit)) return;
      const placed = place(unit.timestamp, arrivalMs);
      if (placed !== null) encoded.push(unit.codes, placed.streamMs);
    },
    problem: () => encoded.problem,
    [Symbol.asyncDispose]: () => encoded[Symbol.asyncDispose](),
  };
}
