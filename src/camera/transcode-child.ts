import { spawnSandboxed, type SandboxedChild } from "../base/sandbox.ts";
import { VIDEO_TIMESCALE, type Fragment, type TrackInit } from "../protocol/fragment.ts";
import { asCameraError } from "./camera-error.ts";
import { movedFragment, presentationTicks, videoInitFromRecord } from "./fragments.ts";
import { createEncodedReader, type EncodedParameters } from "./transcode-output.ts";
import type { PlacedUnit } from "./timeline.ts";

export interface TranscodeChildOptions {
  readonly ffmpegPath: string;
  /** Of the camera; every fragment that is fed belongs to it. */
  readonly init: TrackInit;
  /** What is done to each picture, as ffmpeg's filters. */
  readonly filter: string;
  readonly monotonicMs: () => number;
  /** In the order in which they are shown. `bytes` is valid only until the callback returns. */
  readonly onPicture: (picture: PlacedUnit) => void;
  /** The child ended or misbehaved; called at most once, never after `stop`. */
  readonly onEnd: (reason: string) => void;
}

const PIXELS_MAX = 16_800_000;
const MEMORY_LIMIT_BYTES = 1024 * 1024 * 1024;
/** What may wait in front of the child: some seconds of a main stream. */
const QUEUE_BYTES_MAX = 8 * 1024 * 1024;
/** Pictures that are in the child: four seconds of 60 a second. */
const PICTURES_WAITING_MAX = 240;
/** Times in the child begin here, so that no picture that is shown early is before the beginning. */
const LEAD_TICKS = VIDEO_TIMESCALE;
/** What is encoded says its time in whole milliseconds. */
const ROUNDING_MS = 1;
const GROUP_SECONDS = 2;
const TICKS_PER_MS = VIDEO_TIMESCALE / 1000;

/**
 * Of every encoder that runs while somebody watches: with little delay, and a key frame at least
 * every two seconds of the stream's own time.
 */
export function liveEncoder(): string[] {
  const isDue = `if(isnan(prev_forced_t),1,gte(t,prev_forced_t+${GROUP_SECONDS}))`;
  return [
    ...["-c:v", "libx264", "-preset", "superfast", "-tune", "zerolatency"],
    ...["-fps_mode", "passthrough", "-enc_time_base", `1:${VIDEO_TIMESCALE}`],
    ...["-sc_threshold", "0", "-g", "1000", "-force_key_frames", `expr:${isDue}`],
    ...["-crf", "24", "-maxrate", "6M", "-bufsize", "6M", "-threads", "2"],
  ];
}

/** Of the child between its input and its output. */
export function transcodeArguments(filter: string): string[] {
  return [
    ...["-hide_banner", "-nostdin", "-loglevel", "error", "-protocol_whitelist", "pipe"],
    // Each picture is to be given away as soon as it is decoded, at the time that it came with.
    ...["-probesize", "32", "-analyzeduration", "0", "-fpsprobesize", "0", "-copyts"],
    ...["-threads", "1", "-max_pixels", String(PIXELS_MAX), "-f", "mp4", "-i", "pipe:0"],
    ...["-map", "0:v:0", "-an", "-sn", "-dn", "-map_metadata", "-1", "-filter_threads", "1"],
    // A picture of odd size has no place in 4:2:0.
    ...["-vf", `${filter},crop=trunc(iw/2)*2:trunc(ih/2)*2:0:0`],
    ...liveEncoder(),
    ...["-flvflags", "no_duration_filesize", "-flush_packets", "1", "-f", "flv", "pipe:1"],
  ];
}

/** A picture that was fed and has not come out. */
interface Waiting {
  readonly ticks: number;
  readonly durationTicks: number;
  readonly wallClockMs: number;
  readonly fedAtMs: number;
  /** The camera's own stream has a gap before it. */
  readonly follows: boolean;
}

/**
 * One ffmpeg child that decodes a camera's pictures, changes them and encodes them again, from a key
 * frame to its end. What comes out has the time of what went in. Nothing that went in ever comes out
 * by another way.
 */
export class TranscodeChild {
  readonly #options: TranscodeChildOptions;
  readonly #started: Promise<void>;
  #child: SandboxedChild | undefined;
  /** What came before the child was there; null once it is. */
  #early: Uint8Array[] | null = [];
  #earlyBytes = 0;
  #isStopped = false;
  #isDraining = false;
  #originTicks: number | null = null;
  #lastSequence: number | null = null;
  readonly #waiting: Waiting[] = [];
  #init: TrackInit | null = null;
  #lostBefore = 0;

  private constructor(options: TranscodeChildOptions) {
    this.#options = options;
    this.#started = this.#start();
  }

  /** Returns at once; what is fed meanwhile is kept for the child. */
  static start(options: TranscodeChildOptions): TranscodeChild {
    return new TranscodeChild(options);
  }

  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  /** How long the oldest picture in the child has been there. */
  waitingMs(): number {
    const [oldest] = this.#waiting;
    return oldest === undefined ? 0 : this.#options.monotonicMs() - oldest.fedAtMs;
  }

  /** Takes a fragment of a picture; the first is a key frame. Never waits. */
  feed(fragment: Fragment): void {
    if (this.#isStopped || this.#isDraining) return;
    const inPipe = this.#early ? this.#earlyBytes : (this.#child?.stdin.writableLength ?? 0);
    const isFull = inPipe + fragment.bytes.length > QUEUE_BYTES_MAX;
    if (isFull || this.#waiting.length >= PICTURES_WAITING_MAX)
      return this.#fail(
        `${this.#waiting.length} pictures wait: this machine is too slow for this camera`,
      );
    const decodeTicks = Math.round(fragment.decodeTimeMs * TICKS_PER_MS);
    const origin = (this.#originTicks ??= decodeTicks - LEAD_TICKS);
    this.#note({
      ticks: decodeTicks + presentationTicks(fragment.bytes),
      durationTicks: Math.round(fragment.durationMs * TICKS_PER_MS),
      wallClockMs: fragment.wallClockMs,
      fedAtMs: this.#options.monotonicMs(),
      follows: this.#lastSequence === null || fragment.sequence === this.#lastSequence + 1,
    });
    this.#lastSequence = fragment.sequence;
    this.#write(movedFragment(fragment.bytes, decodeTicks - origin));
  }

  /** Nothing more is fed; what is in the child still comes out, then it ends. */
  drain(): void {
    this.#isDraining = true;
    void this.#started.then(() => this.#child?.stdin.end());
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#started;
    await this.#child?.[Symbol.asyncDispose]();
  }

  /** In the order in which they are shown, which need not be that in which they are decoded. */
  #note(picture: Waiting): void {
    let at = this.#waiting.length;
    while (at > 0 && (this.#waiting[at - 1]?.ticks ?? 0) > picture.ticks) at -= 1;
    this.#waiting.splice(at, 0, picture);
  }

  #write(bytes: Uint8Array): void {
    if (this.#early === null) return void this.#child?.stdin.write(bytes);
    this.#early.push(bytes);
    this.#earlyBytes += bytes.length;
  }

  async #start(): Promise<void> {
    try {
      this.#child = await spawnSandboxed({
        command: [this.#options.ffmpegPath, ...transcodeArguments(this.#options.filter)],
        memoryLimitBytes: MEMORY_LIMIT_BYTES,
        stdin: "pipe",
      });
    } catch (error) {
      return this.#fail(error instanceof Error ? error.message : "the child did not start");
    }
    const child = this.#child;
    const reader = createEncodedReader({
      onParameters: (parameters) => this.#begin(parameters),
      onPicture: ({ atMs, keyFrame, bytes }) => this.#take(atMs, keyFrame, bytes),
    });
    child.stdout.on("data", (chunk: Buffer) => {
      if (this.#isStopped) return;
      try {
        reader.push(chunk);
      } catch (cause) {
        this.#fail(asCameraError(cause, "Cannot read what was encoded").message);
      }
    });
    void child.exited.then(({ inWords }) => {
      const said = child.stderrTail().trim().split("\n").at(-1)?.slice(0, 200) || "no message";
      this.#fail(`the encoder ended (${inWords}): ${said}`);
    });
    child.stdin.write(this.#options.init.bytes);
    for (const bytes of this.#early ?? []) child.stdin.write(bytes);
    this.#early = null;
    if (this.#isStopped) child.kill();
  }

  #fail(reason: string): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#child?.kill();
    this.#options.onEnd(reason);
  }

  /** Where the picture has another size than the camera said, nobody knows what is hidden in it. */
  #begin(parameters: EncodedParameters): void {
    const { width, height } = this.#options.init;
    if (parameters.width !== width - (width % 2) || parameters.height !== height - (height % 2))
      return this.#fail(
        `its pictures are ${parameters.width} x ${parameters.height}, and it says ${width} x ${height}`,
      );
    this.#init = videoInitFromRecord(parameters);
  }

  #take(atMs: number, keyFrame: boolean, bytes: Uint8Array): void {
    const init = this.#init;
    if (this.#isStopped || init === null || this.#originTicks === null) return;
    const fedAtMs = ({ ticks }: Waiting): number =>
      (ticks - (this.#originTicks ?? 0)) / TICKS_PER_MS;
    while ((this.#waiting[0] && fedAtMs(this.#waiting[0]) < atMs - ROUNDING_MS) ?? false) {
      this.#waiting.shift();
      this.#lostBefore += 1;
    }
    const picture = this.#waiting.shift();
    if (picture === undefined || fedAtMs(picture) > atMs + ROUNDING_MS)
      return this.#fail("a picture came out that never went in");
    if (!picture.follows) this.#lostBefore += 1;
    const { ticks: decodeTicks, durationTicks, wallClockMs } = picture;
    const lostBefore = this.#lostBefore;
    this.#lostBefore = 0;
    const placed = { decodeTicks, durationTicks, compositionTicks: 0, wallClockMs, lostBefore };
    this.#options.onPicture({ init, keyFrame, bytes, ...placed });
  }
}
