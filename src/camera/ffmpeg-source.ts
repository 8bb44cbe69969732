import { spawn, type ChildProcessByStdio } from "node:child_process";
import type { Readable } from "node:stream";
import { findFfmpeg } from "../base/ffmpeg.ts";
import { SIDE_OUTPUT_FD, spawnSandboxed, type SandboxedChild } from "../base/sandbox.ts";
import type { Clock } from "../base/clock.ts";
import { VIDEO_TIMESCALE, type TrackInit } from "../protocol/fragment.ts";
import { CameraError } from "./camera-error.ts";
import type { Connection, ConnectionReport } from "./connection.ts";
import { videoInitFromRecord } from "./fragments.ts";
import {
  createTrackClock,
  createWallClockEstimate,
  type WallClockEstimate,
} from "./media-clock.ts";
import { createMp4Reader, type Mp4Sample, type Mp4Track } from "./mp4-reader.ts";
import type { Timeline } from "./timeline.ts";

/** Something that ffmpeg turns into H.264: copied where it is H.264 already, else encoded. */
export type FfmpegInput =
  | { readonly kind: "file"; readonly path: string; readonly loop: true }
  | {
      /** A program of this machine that writes raw yuv420p pictures to its output, in real time. */
      readonly kind: "frames";
      readonly command: readonly string[];
      readonly width: number;
      readonly height: number;
      readonly framesPerSecond: number;
    };

export interface FfmpegSourceOptions {
  readonly input: FfmpegInput;
  readonly sub: {
    readonly width: number;
    readonly height: number;
    readonly timeline: Timeline;
  } | null;
  readonly clock: Clock;
  readonly timeline: Timeline;
  readonly silenceMs: number;
  readonly signal: AbortSignal;
}

type FrameProgram = ChildProcessByStdio<null, Readable, null>;

const MEMORY_LIMIT_BYTES = 1024 * 1024 * 1024;
const GROUP_SECONDS = 2;

/**
 * Starts one sandboxed ffmpeg that may reach just this input, and puts what it writes on the time
 * line.
 *
 * @throws CameraError `SOURCE_FAILED`, or HubError where there is no ffmpeg at all.
 */
export async function openFfmpegSource(options: FfmpegSourceOptions): Promise<Connection> {
  const { path: ffmpeg } = await findFfmpeg();
  if (options.input.kind === "frames") return FfmpegConnection.open(ffmpeg, options, "encode");
  try {
    return await FfmpegConnection.open(ffmpeg, options, "copy");
  } catch (cause) {
    if (!(cause instanceof CameraError) || options.signal.aborted) throw cause;
    // Not H.264, or not in a form that can be copied.
    return FfmpegConnection.open(ffmpeg, options, "encode");
  }
}

class FfmpegConnection implements Connection {
  readonly ended: Promise<CameraError>;
  readonly #child: SandboxedChild;
  readonly #program: FrameProgram | null;
  readonly #options: FfmpegSourceOptions;
  readonly #clock = createTrackClock(VIDEO_TIMESCALE);
  readonly #end: (reason: CameraError) => void;
  readonly #ready = Promise.withResolvers<void>();
  /** Of the main stream, and of the sub stream where there is one. */
  readonly #inits: TrackInit[] = [];
  #origin: { readonly ticks: number; readonly wallClock: WallClockEstimate } | null = null;
  #lastFrameMs: number;
  #watchdog: NodeJS.Timeout | null = null;

  private constructor(
    child: SandboxedChild,
    program: FrameProgram | null,
    options: FfmpegSourceOptions,
  ) {
    this.#child = child;
    this.#program = program;
    this.#options = options;
    this.#lastFrameMs = options.clock.monotonicMs();
    const { promise, resolve } = Promise.withResolvers<CameraError>();
    this.ended = promise;
    this.#end = resolve;
  }

  static async open(
    ffmpeg: string,
    options: FfmpegSourceOptions,
    mode: "copy" | "encode",
  ): Promise<FfmpegConnection> {
    const { input, sub } = options;
    const child = await spawnSandboxed({
      command: [ffmpeg, ...inputArguments(input), ...outputArguments(mode, sub)],
      readOnlyPaths: input.kind === "file" ? [input.path] : [],
      memoryLimitBytes: MEMORY_LIMIT_BYTES,
      stdin: input.kind === "frames" ? "pipe" : "ignore",
      sideOutput: sub !== null,
    });
    const program = input.kind === "frames" ? startProgram(input.command, child) : null;
    const connection = new FfmpegConnection(child, program, options);
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

  report(): ConnectionReport | null {
    const main = this.#inits[0];
    if (main === undefined || this.#origin === null) return null;
    const { input } = this.#options;
    return {
      codec: main.codec,
      width: main.width,
      height: main.height,
      framesPerSecond: input.kind === "frames" ? input.framesPerSecond : null,
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
    this.#program?.kill("SIGKILL");
    await this.#child[Symbol.asyncDispose]();
  }

  #listen(): void {
    const { clock, silenceMs, signal } = this.#options;
    this.#readOutput(this.#child.stdout, 0);
    if (this.#options.sub !== null) this.#readOutput(this.#child.sideOutput, 1);
    void this.#child.exited.then(({ code, signal: killedBy }) => {
      const said = this.#child.stderrTail().trim().split("\n").at(-1) ?? "";
      const how = killedBy ?? `code ${code}`;
      this.#fail(sourceFailed(`ffmpeg ended with ${how}${said === "" ? "" : `, saying: ${said}`}`));
    });
    this.#program?.on("error", () => this.#fail(sourceFailed("its program does not start")));
    this.#watchdog = setInterval(
      () => {
        if (clock.monotonicMs() - this.#lastFrameMs >= silenceMs)
          this.#fail(
            new CameraError("SILENT", `Cannot keep stream: no frame for ${silenceMs / 1000} s`),
          );
      },
      Math.max(10, silenceMs / 10),
    );
    const abort = (): void => this.#fail(sourceFailed("the hub is closing"));
    signal.addEventListener("abort", abort, { once: true });
    if (signal.aborted) abort();
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
        if (!(cause instanceof CameraError)) throw cause;
        this.#fail(cause);
      }
    });
  }

  #fail(reason: CameraError): void {
    this.#end(reason);
    this.#program?.kill("SIGKILL");
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

function sourceFailed(what: string): CameraError {
  return new CameraError("SOURCE_FAILED", `Cannot read source: ${what}`);
}

/** The program is ours and trusted; only ffmpeg, which parses, is locked in. */
function startProgram(command: readonly string[], child: SandboxedChild): FrameProgram {
  const [name = "", ...rest] = command;
  const program = spawn(name, rest, { stdio: ["ignore", "pipe", "ignore"] });
  program.stdout.pipe(child.stdin);
  return program;
}

function inputArguments(input: FfmpegInput): string[] {
  const common = ["-hide_banner", "-nostdin", "-loglevel", "error"];
  switch (input.kind) {
    case "file":
      return [
        ...common,
        ...["-protocol_whitelist", "file", "-re", "-stream_loop", "-1"],
        ...["-i", `file:${input.path}`],
      ];
    case "frames":
      return [
        ...common,
        ...["-protocol_whitelist", "pipe", "-f", "rawvideo", "-pix_fmt", "yuv420p"],
        ...["-video_size", `${input.width}x${input.height}`],
        ...["-framerate", String(input.framesPerSecond), "-i", "pipe:0"],
      ];
  }
}

/** Two outputs where there is a sub stream: one picture is decoded (or drawn) once for both. */
function outputArguments(
  mode: "copy" | "encode",
  sub: { readonly width: number; readonly height: number } | null,
): string[] {
  const encoder = [
    ...["-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency"],
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
  const main = [...common, ...(mode === "copy" ? ["-c:v", "copy"] : encoder), ...container];
  if (sub === null) return [...main, "pipe:1"];
  const scale = ["-vf", `scale=${sub.width}:${sub.height}`];
  return [
    ...[...main, "pipe:1"],
    ...[...common, ...encoder, ...scale, ...container, `pipe:${SIDE_OUTPUT_FD}`],
  ];
}
