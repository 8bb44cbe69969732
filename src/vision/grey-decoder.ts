import { spawnSandboxed, SIDE_OUTPUT_FD, type SandboxedChild } from "../base/sandbox.ts";
import type { Fragment, TrackInit } from "../protocol/fragment.ts";
import type { GreyFrame } from "./grey-frame.ts";
import { presentationTimeMs } from "./presentation.ts";

export interface GreyDecoderOptions {
  readonly ffmpegPath: string;
  readonly init: TrackInit;
  readonly width: number;
  readonly height: number;
  readonly monotonicMs: () => number;
  readonly cpuSecondsMax?: number;
  readonly onFrame: (frame: GreyFrame) => void;
  /** The child ended or misbehaved; called at most once, never after `stop`. */
  readonly onEnd: (reason: string) => void;
}

/** A picture is taken when the last one is at least this old: five a second of 10, 15 or 25. */
const FRAME_SPACING_SECONDS = 0.18;
/** Nothing a doorbell films is larger; a header that claims more is not worth the memory. */
const PIXELS_MAX = 16_800_000;
/**
 * Half of the hour after which a decoder is renewed anyway. One that computes without end has this
 * much of one core, and no more.
 */
const CPU_SECONDS_MAX = 1_800;
/** What may wait in front of the child: more than one group of pictures that was held back. */
const QUEUE_MAX_BYTES = 8 * 1024 * 1024;
/** Access units whose wall clock is remembered: ten seconds at 50 fps. */
const TIME_LINE_MAX = 512;
const FRAMES_WAITING_MAX = 8;
const SIDE_LINE_MAX = 4_096;

interface Moment {
  readonly presentationTimeMs: number;
  readonly wallClockMs: number;
}

function ffmpegArguments(options: GreyDecoderOptions): string[] {
  const select = `select='isnan(prev_selected_t)+gte(t-prev_selected_t,${FRAME_SPACING_SECONDS})'`;
  const scale = `scale=${options.width}:${options.height}:flags=area,format=gray`;
  // One thread for the output too: the "encoder" of raw pictures would keep one back otherwise.
  const codec = ["-c:v", "rawvideo", "-threads", "1"];
  const timing = ["-fps_mode", "passthrough", "-enc_time_base", "1:1000", "-flush_packets", "1"];
  return [
    ...["-hide_banner", "-nostdin", "-loglevel", "error", "-protocol_whitelist", "pipe"],
    // Give each picture away as soon as it is decoded, at the time that its fragment says. Not with
    // `-fflags nobuffer`: that throws the first key frame away after looking at it.
    ...["-flags", "low_delay", "-probesize", "32", "-analyzeduration", "0", "-fpsprobesize", "0"],
    ...["-copyts", "-threads", "1", "-max_pixels", String(PIXELS_MAX), "-f", "mp4", "-i", "pipe:0"],
    ...["-filter_threads", "1", "-filter_complex_threads", "1"],
    ...["-filter_complex", `[0:v:0]${select},${scale},split[pixels][times]`],
    ...["-map", "[pixels]", ...codec, ...timing, "-f", "rawvideo", "pipe:1"],
    // The same pictures once more as one line of text each, for their time stamps.
    ...["-map", "[times]", ...codec, ...timing, "-f", "framecrc", `pipe:${SIDE_OUTPUT_FD}`],
  ];
}

/** One ffmpeg child, from a key frame to its end. `GreyFrames` decides when there is another. */
export class GreyDecoder {
  readonly #options: GreyDecoderOptions;
  readonly #frameBytes: number;
  #child: SandboxedChild | undefined;
  readonly #started: Promise<void>;
  /** Fragments that came before the child was there; null once it is. */
  #early: Uint8Array[] | null = [];
  #earlyBytes = 0;
  #waitingForKeyFrame = false;
  #stopped = false;
  #timeLine: Moment[] = [];
  #fedSinceFrame = 0;
  #lastFrameMs: number;
  #partial: Uint8Array;
  #partialBytes = 0;
  #framesWaiting: Uint8Array[] = [];
  #timesWaiting: number[] = [];
  #sideText = "";

  private constructor(options: GreyDecoderOptions) {
    this.#options = options;
    this.#frameBytes = options.width * options.height;
    this.#partial = new Uint8Array(this.#frameBytes);
    this.#lastFrameMs = options.monotonicMs();
    this.#started = this.#start();
  }

  /** Returns at once; what is fed meanwhile is kept for the child. */
  static start(options: GreyDecoderOptions): GreyDecoder {
    return new GreyDecoder(options);
  }

  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  /** False where the child is behind: then everything up to the next key frame is left out. */
  feed(fragment: Fragment): boolean {
    const waitingBytes = this.#early ? this.#earlyBytes : (this.#child?.stdin.writableLength ?? 0);
    if (this.#waitingForKeyFrame && fragment.keyFrame) this.#waitingForKeyFrame = false;
    if (waitingBytes + fragment.bytes.length > QUEUE_MAX_BYTES) this.#waitingForKeyFrame = true;
    if (this.#waitingForKeyFrame || this.#stopped) return false;
    if (this.#fedSinceFrame === 0) this.#lastFrameMs = this.#options.monotonicMs();
    this.#fedSinceFrame += 1;
    this.#timeLine.push({
      presentationTimeMs: presentationTimeMs(fragment),
      wallClockMs: fragment.wallClockMs,
    });
    if (this.#timeLine.length > TIME_LINE_MAX) this.#timeLine.shift();
    if (this.#early) {
      this.#early.push(fragment.bytes);
      this.#earlyBytes += fragment.bytes.length;
    } else {
      this.#child?.stdin.write(fragment.bytes);
    }
    return true;
  }

  /** How long the child has been fed without giving a picture. */
  silentMs(): number {
    return this.#fedSinceFrame === 0 ? 0 : this.#options.monotonicMs() - this.#lastFrameMs;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#started;
    await this.#child?.[Symbol.asyncDispose]();
  }

  async #start(): Promise<void> {
    try {
      this.#child = await spawnSandboxed({
        command: [this.#options.ffmpegPath, ...ffmpegArguments(this.#options)],
        stdin: "pipe",
        sideOutput: true,
        cpuSecondsMax: this.#options.cpuSecondsMax ?? CPU_SECONDS_MAX,
      });
    } catch (error) {
      this.#fail(error instanceof Error ? error.message : "the child did not start");
      return;
    }
    const child = this.#child;
    child.stdout.on("data", (bytes: Uint8Array) => this.#takePixels(bytes));
    child.sideOutput.setEncoding("latin1").on("data", (text: string) => this.#takeTimes(text));
    // What it said may be of the pictures, and this is written into a log.
    void child.exited.then(({ inWords }) => this.#fail(`the decoder ended (${inWords})`));
    child.stdin.write(this.#options.init.bytes);
    for (const bytes of this.#early ?? []) child.stdin.write(bytes);
    this.#early = null;
  }

  #fail(reason: string): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#options.onEnd(reason);
  }

  #takePixels(bytes: Uint8Array): void {
    for (let offset = 0; offset < bytes.length;) {
      const part = bytes.subarray(offset, offset + this.#frameBytes - this.#partialBytes);
      this.#partial.set(part, this.#partialBytes);
      this.#partialBytes += part.length;
      offset += part.length;
      if (this.#partialBytes < this.#frameBytes) break;
      this.#framesWaiting.push(this.#partial);
      this.#partial = new Uint8Array(this.#frameBytes);
      this.#partialBytes = 0;
      this.#deliver();
    }
  }

  /** Lines of the framecrc format: `0, dts, pts, duration, size, crc`, comments start with `#`. */
  #takeTimes(text: string): void {
    const lines = (this.#sideText + text).split("\n");
    this.#sideText = lines.pop() ?? "";
    if (this.#sideText.length > SIDE_LINE_MAX) return this.#fail("a line of times without an end");
    for (const line of lines) {
      if (line.startsWith("#") || line.trim() === "") continue;
      const presentationTimeMs = Number(line.split(",")[2]);
      if (!Number.isFinite(presentationTimeMs)) return this.#fail("a picture without a time");
      this.#timesWaiting.push(presentationTimeMs);
    }
    this.#deliver();
  }

  /** The n-th line belongs to the n-th picture, whichever of the two comes first. */
  #deliver(): void {
    while (!this.#stopped && this.#framesWaiting.length > 0 && this.#timesWaiting.length > 0) {
      const pixels = this.#framesWaiting.shift();
      const presentationTimeMs = this.#timesWaiting.shift();
      if (pixels === undefined || presentationTimeMs === undefined) return;
      const atMs = this.#wallClockOf(presentationTimeMs);
      if (atMs === null) return this.#fail("a picture of a time that was never fed");
      this.#fedSinceFrame = 0;
      const { width, height } = this.#options;
      this.#options.onFrame({ width, height, pixels, atMs });
    }
    if (Math.max(this.#framesWaiting.length, this.#timesWaiting.length) > FRAMES_WAITING_MAX) {
      this.#fail("pictures and times do not match");
    }
  }

  /** Camera clocks drift, so each picture is dated by the access unit at or just before it. */
  #wallClockOf(shownAtMs: number): number | null {
    // Half a millisecond of rounding on either side of the tick.
    const isAtOrBefore = (moment: Moment): boolean => moment.presentationTimeMs <= shownAtMs + 1;
    const [first] = this.#timeLine;
    if (!first) return null;
    // Units come in the order in which they are decoded, which need not be that of their times.
    const moment = this.#timeLine
      .filter(isAtOrBefore)
      .reduce((last, each) => (each.presentationTimeMs >= last.presentationTimeMs ? each : last), {
        ...first,
        presentationTimeMs: Math.min(first.presentationTimeMs, shownAtMs),
      });
    this.#timeLine = this.#timeLine.filter(
      (each) => each.presentationTimeMs >= moment.presentationTimeMs,
    );
    return moment.wallClockMs + Math.max(0, shownAtMs - moment.presentationTimeMs);
  }
}
