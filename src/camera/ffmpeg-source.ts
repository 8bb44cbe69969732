import type { Readable } from "node:stream";
import { findFfmpeg } from "../base/ffmpeg.ts";
import { SIDE_OUTPUT_FD, spawnSandboxed, type SandboxedChild } from "../base/sandbox.ts";
import type { Clock } from "../base/clock.ts";
import { VIDEO_TIMESCALE, type TrackInit } from "../protocol/fragment.ts";
import { asCameraError, CameraError } from "./camera-error.ts";
import type { Connection, ConnectionReport } from "./connection.ts";
import { openFeed, sourceFailed, type Feed } from "./ffmpeg-feed.ts";
import type { FfmpegInput } from "./ffmpeg-inputs.ts";
import { videoInitFromRecord } from "./fragments.ts";
import {
  createTrackClock,
  createWallClockEstimate,
  type WallClockEstimate,
} from "./media-clock.ts";
import { createMp4Reader, type Mp4Sample, type Mp4Track } from "./mp4-reader.ts";
import { createPace, type Pace } from "./pace.ts";
import type { Timeline } from "./timeline.ts";

export interface FfmpegSourceOptions {
  readonly input: FfmpegInput;
  /** What is done to each picture, as ffmpeg's filters; with them nothing is ever copied. */
  readonly filter?: string;
  readonly sub: {
    readonly width: number;
    readonly height: number;
    readonly timeline: Timeline;
  } | null;
  readonly clock: Clock;
  readonly timeline: Timeline;
  readonly silenceMs: number;
  /** For tests: over how long it is measured whether the machine keeps up with encoding. */
  readonly paceWindowMs?: number;
  readonly signal: AbortSignal;
}

const MEMORY_LIMIT_BYTES = 1024 * 1024 * 1024;
/** A stream can be joined at its next key frame only, and ffmpeg looks at it for a while before. */
const FIRST_PICTURE_SILENCES = 3;
/** Over so much time, what is encoded must come out almost as fast as it is filmed. */
const PACE_WINDOW_MS = 15_000;
const PACE_MIN = 0.8;
const GROUP_SECONDS = 2;

/**
 * Starts one sandboxed ffmpeg that may reach just this input, and puts what it writes on the time
 * line.
 *
 * @throws CameraError `SOURCE_FAILED`, or HubError where there is no ffmpeg at all.
 */
export async function openFfmpegSource(options: FfmpegSourceOptions): Promise<Connection> {
  const { path: ffmpeg } = await findFfmpeg();
  const { input, filter, signal } = options;
  if (filter !== undefined) {
    const changed = await openFeed(input, { isCopy: false, signal });
    return FfmpegConnection.open(ffmpeg, options, changed, "encode");
  }
  const copied = await openFeed(input, { isCopy: true, signal });
  if (!copied.mayBeCopied) return FfmpegConnection.open(ffmpeg, options, copied, "encode");
  try {
    return await FfmpegConnection.open(ffmpeg, options, copied, "copy");
  } catch (cause) {
    if (!isOfTheForm(cause) || signal.aborted) throw cause;
    const encoded = await openFeed(input, { isCopy: false, signal });
    return FfmpegConnection.open(ffmpeg, options, encoded, "encode");
  }
}

/** Whether it may only be that this is not H.264, or not in a form that can be copied. */
function isOfTheForm(cause: unknown): boolean {
  if (!(cause instanceof CameraError)) return false;
  return ["SOURCE_FAILED", "UNSUPPORTED_CODEC", "PROTOCOL_ERROR"].includes(cause.code);
}

class FfmpegConnection implements Connection {
  readonly ended: Promise<CameraError>;
  readonly #child: SandboxedChild;
  readonly #feed: Feed;
  readonly #mode: "copy" | "encode";
  readonly #options: FfmpegSourceOptions;
  readonly #clock = createTrackClock(VIDEO_TIMESCALE);
  readonly #end: (reason: CameraError) => void;
  readonly #ready = Promise.withResolvers<void>();
  /** Of the main stream, and of the sub stream where there is one. */
  readonly #inits: TrackInit[] = [];
  #origin: { readonly ticks: number; readonly wallClock: WallClockEstimate } | null = null;
  #lastFrameMs: number;
  #hasPicture = false;
  readonly #pace: Pace;
  #watchdog: NodeJS.Timeout | null = null;

  private constructor(
    child: SandboxedChild,
    feed: Feed,
    options: FfmpegSourceOptions,
    mode: "copy" | "encode",
  ) {
    this.#child = child;
    this.#feed = feed;
    this.#mode = mode;
    this.#pace = createPace(options.paceWindowMs ?? PACE_WINDOW_MS);
    this.#options = options;
    this.#lastFrameMs = options.clock.monotonicMs();
    const { promise, resolve } = Promise.withResolvers<CameraError>();
    this.ended = promise;
    this.#end = resolve;
  }

  /** @param feed - Closed with the connection, also where it does not come about. */
  static async open(
    ffmpeg: string,
    options: FfmpegSourceOptions,
    feed: Feed,
    mode: "copy" | "encode",
  ): Promise<FfmpegConnection> {
    const connection = await FfmpegConnection.#launch(ffmpeg, options, feed, mode);
    connection.#listen();
    try {
      const failed = connection.ended.then((reason) => Promise.reject(reason));
      await Promise.race([connection.#ready.promise, failed]);
    } catch (cause) {
      await connection[Symbol.asyncDispose]();
      throw cause;
    }
    return connection;
  }

  static async #launch(
    ffmpeg: string,
    options: FfmpegSourceOptions,
    feed: Feed,
    mode: "copy" | "encode",
  ): Promise<FfmpegConnection> {
    try {
      const child = await spawnSandboxed({
        command: [ffmpeg, ...feed.arguments, ...outputArguments(mode, options)],
        readOnlyPaths: feed.readOnlyPaths,
        devicePaths: feed.devicePaths,
        memoryLimitBytes: MEMORY_LIMIT_BYTES,
        stdin: feed.pump === null ? "ignore" : "pipe",
        sideOutput: options.sub !== null,
      });
      feed.pump?.(child.stdin);
      return new FfmpegConnection(child, feed, options, mode);
    } catch (cause) {
      await feed[Symbol.asyncDispose]();
      throw cause;
    }
  }

  report(): ConnectionReport | null {
    const main = this.#inits[0];
    if (main === undefined || this.#origin === null) return null;
    return {
      codec: main.codec,
      width: main.width,
      height: main.height,
      framesPerSecond: this.#feed.framesPerSecond,
      sound: { state: "off" },
      wallClock: "hub",
      clockOffsetMs: null,
      lostPackets: 0,
      droppedUnits: 0,
      garbageBytes: 0,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#watchdog !== null) clearInterval(this.#watchdog);
    await this.#feed[Symbol.asyncDispose]();
    await this.#child[Symbol.asyncDispose]();
  }

  #listen(): void {
    const { clock, silenceMs, signal } = this.#options;
    this.#readOutput(this.#child.stdout, 0);
    if (this.#options.sub !== null) this.#readOutput(this.#child.sideOutput, 1);
    void this.#child.exited.then(({ inWords }) => {
      const said = this.#child.stderrTail().trim().split("\n").at(-1) ?? "";
      this.#fail(
        sourceFailed(`ffmpeg ended with ${inWords}${said === "" ? "" : `, saying: ${said}`}`),
      );
    });
    void this.#feed.ended.then((reason) => this.#fail(reason));
    this.#watchdog = setInterval(
      () => {
        const limitMs = this.#hasPicture ? silenceMs : silenceMs * FIRST_PICTURE_SILENCES;
        if (clock.monotonicMs() - this.#lastFrameMs >= limitMs)
          this.#fail(
            new CameraError("SILENT", `Cannot keep stream: no frame for ${limitMs / 1000} s`),
          );
      },
      Math.max(10, silenceMs / 10),
    );
    const abort = (): void => this.#fail(sourceFailed("the hub is closing"));
    signal.addEventListener("abort", abort, { once: true });
    if (signal.aborted) abort();
    // The signal lives as long as the camera: it would keep every connection that ever was.
    void this.ended.then(() => signal.removeEventListener("abort", abort));
  }

  #readOutput(output: Readable, index: number): void {
    const reader = createMp4Reader({
      onTracks: (tracks) => this.#begin(tracks, index),
      onSample: (sample) => this.#take(sample, index),
    });
    output.on("data", (chunk: Buffer) => {
      try {
        reader.push(chunk);
      } catch (cause) {
        this.#fail(asCameraError(cause, "Cannot keep stream: it cannot be read"));
      }
    });
  }

  #fail(reason: CameraError): void {
    this.#end(reason);
    this.#child.kill();
  }

  #begin(tracks: readonly Mp4Track[], index: number): void {
    const [track] = tracks;
    if (track?.timescale !== VIDEO_TIMESCALE)
      throw new CameraError("PROTOCOL_ERROR", "Cannot read MP4 from ffmpeg: another timescale");
    this.#inits[index] = videoInitFromRecord(track);
    if (index === 0) this.#ready.resolve();
  }

  #take(sample: Mp4Sample, index: number): void {
    const { clock, timeline, sub } = this.#options;
    const arrivalMs = clock.monotonicMs();
    const init = this.#inits[index];
    const ownTimeline = index === 0 ? timeline : sub?.timeline;
    if (init === undefined || ownTimeline === undefined) return;
    if (index === 0) {
      this.#lastFrameMs = arrivalMs;
      this.#hasPicture = true;
      this.#requirePace(sample.decodeTicks, arrivalMs);
      this.#clock.advance(sample.decodeTicks % 2 ** 32, arrivalMs);
    }
    const origin = (this.#origin ??= this.#start(sample));
    const decodeTicks = sample.decodeTicks + origin.ticks;
    if (decodeTicks < 0) return;
    const shownMs = ((decodeTicks + sample.compositionTicks) / VIDEO_TIMESCALE) * 1000;
    ownTimeline.write({
      init,
      decodeTicks,
      durationTicks: sample.durationTicks,
      compositionTicks: sample.compositionTicks,
      keyFrame: sample.keyFrame,
      wallClockMs: origin.wallClock.at(shownMs),
      lostBefore: 0,
      bytes: sample.bytes,
    });
  }

  /** What a machine cannot encode is said with what was measured, instead of falling behind. */
  #requirePace(ticks: number, atMs: number): void {
    if (this.#mode === "copy") return;
    const pace = this.#pace.take((ticks / VIDEO_TIMESCALE) * 1000, atMs);
    if (pace === null || pace >= PACE_MIN) return;
    this.#fail(
      sourceFailed(
        `pictures come at ${Math.round(pace * 100)} % of their pace: choose a smaller picture, fewer a second, or a source of H.264, which is not encoded again`,
      ),
    );
  }

  /** Both streams come from one child, so they share the place where it stands on the time line. */
  #start(first: Mp4Sample): { ticks: number; wallClock: WallClockEstimate } {
    const { clock, timeline, sub } = this.#options;
    timeline.beginConnection();
    sub?.timeline.beginConnection();
    const startMs = Math.max(timeline.startMs(), sub?.timeline.startMs() ?? 0);
    const ticks = Math.ceil((startMs / 1000) * VIDEO_TIMESCALE) - first.decodeTicks;
    return { ticks, wallClock: createWallClockEstimate(clock, this.#clock, startMs) };
  }
}

/** Two outputs where there is a sub stream: one picture is decoded (or drawn) once for both. */
function outputArguments(
  mode: "copy" | "encode",
  { sub, filter }: Pick<FfmpegSourceOptions, "sub" | "filter">,
): string[] {
  const encoder = [
    ...["-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency"],
    ...["-fps_mode", "passthrough", "-enc_time_base", `1:${VIDEO_TIMESCALE}`],
    ...["-pix_fmt", "yuv420p", "-sc_threshold", "0"],
    ...["-force_key_frames", `expr:gte(t,n_forced*${GROUP_SECONDS})`],
    ...["-crf", "25", "-maxrate", "4M", "-bufsize", "4M", "-threads", "2"],
  ];
  const common = ["-map", "0:v:0", "-an", "-sn", "-dn", "-map_metadata", "-1"];
  const container = [
    ...["-video_track_timescale", String(VIDEO_TIMESCALE), "-use_editlist", "0"],
    ...["-movflags", "empty_moov+default_base_moof+frag_every_frame", "-flush_packets", "1"],
    ...["-f", "mp4"],
  ];
  // First: shares of the picture are shares of the whole.
  const changed = (then: string): string => (filter === undefined ? then : `${filter},${then}`);
  // A picture of odd size has no place in 4:2:0.
  const even = ["-vf", changed("crop=trunc(iw/2)*2:trunc(ih/2)*2:0:0")];
  const coded = mode === "copy" ? ["-c:v", "copy"] : [...encoder, ...even];
  const main = [...common, ...coded, ...container];
  if (sub === null) return [...main, "pipe:1"];
  const scale = ["-vf", changed(`scale=${sub.width}:${sub.height}`)];
  return [
    ...[...main, "pipe:1"],
    ...[...common, ...encoder, ...scale, ...container, `pipe:${SIDE_OUTPUT_FD}`],
  ];
}
