import type { Clock } from "../base/clock.ts";
import type { Fragment, TrackInit } from "../protocol/fragment.ts";
import { GreyDecoder } from "./grey-decoder.ts";
import { GREY_HEIGHT, GREY_WIDTH, type GreyFrame } from "./grey-frame.ts";

export interface GreyFramesOptions {
  /** Path of ffmpeg, see `findFfmpeg`. */
  readonly ffmpegPath: string;
  readonly clock: Clock;
  readonly onFrame: (frame: GreyFrame) => void;
  /**
   * Told in one printable line why a decoder had to be started again, and how often in a row that
   * was needed: 1 after it had worked for a while.
   */
  readonly onProblem?: (problem: string, inARow: number) => void;
  readonly width?: number;
  readonly height?: number;
  /** How long a decoder that is fed may stay silent before it is replaced. */
  readonly stallAfterMs?: number;
  readonly retryFirstMs?: number;
  /** Processor time after which the decoder is replaced, whatever it does. */
  readonly cpuSecondsMax?: number;
  /** A decoder this old makes room for a new one at the next key frame. */
  readonly renewAfterMs?: number;
}

/** Counters since the start, for the health page. */
export interface GreyFramesCounts {
  readonly frames: number;
  readonly fragmentsDropped: number;
  readonly restarts: number;
}

const STALL_AFTER_MS = 5_000;
const RETRY_FIRST_MS = 500;
const RETRY_MAX_MS = 60_000;
/** A decoder that worked for this long makes the next failure a first one again. */
const STABLE_MS = 30_000;
const WATCH_EVERY_MS = 500;
/** Long before a decoder of a busy stream has used up its processor time and dies of it. */
const RENEW_AFTER_MS = 3_600_000;

type State =
  | { readonly name: "waiting-for-key-frame" }
  | { readonly name: "decoding"; readonly decoder: GreyDecoder; readonly init: TrackInit }
  | { readonly name: "waiting-to-retry"; readonly untilMs: number }
  | { readonly name: "closed" };

/**
 * Turns the fragments of one camera's video into small grey pictures, at most five a second, with a
 * sandboxed ffmpeg child that only ever lives as long as it behaves. What a hostile camera can
 * break is that child: it is replaced after a growing pause, and the pictures start again at the
 * next key frame.
 */
export class GreyFrames implements AsyncDisposable {
  readonly #options: GreyFramesOptions;
  readonly #watch: NodeJS.Timeout;
  #state: State = { name: "waiting-for-key-frame" };
  #lastDecodeTimeMs = -Infinity;
  #retryMs: number;
  #failuresInARow = 0;
  #decodingSinceMs = 0;
  #frames = 0;
  #fragmentsDropped = 0;
  #restarts = 0;
  /** Decoders that were told to end and have not ended yet. */
  readonly #ending = new Set<Promise<void>>();

  private constructor(options: GreyFramesOptions) {
    this.#options = options;
    this.#retryMs = options.retryFirstMs ?? RETRY_FIRST_MS;
    this.#watch = setInterval(() => this.#checkForStall(), WATCH_EVERY_MS).unref();
  }

  static open(options: GreyFramesOptions): GreyFrames {
    return new GreyFrames(options);
  }

  get counts(): GreyFramesCounts {
    return {
      frames: this.#frames,
      fragmentsDropped: this.#fragmentsDropped,
      restarts: this.#restarts,
    };
  }

  /** Process id of the decoder at work, null while there is none. */
  get decoderPid(): number | null {
    return this.#state.name === "decoding" ? this.#state.decoder.pid : null;
  }

  get isDecoding(): boolean {
    return this.#state.name === "decoding";
  }

  /** Takes the next fragment. Never waits: what the decoder cannot take is dropped and counted. */
  push(fragment: Fragment): void {
    if (fragment.track !== "video" || this.#state.name === "closed") return;
    if (this.#state.name === "decoding" && !this.#goesOn(this.#state.init, fragment)) {
      this.#end(this.#state.decoder);
      this.#state = { name: "waiting-for-key-frame" };
    }
    this.#lastDecodeTimeMs = fragment.decodeTimeMs;
    if (this.#state.name === "waiting-to-retry" && this.#nowMs() >= this.#state.untilMs) {
      this.#state = { name: "waiting-for-key-frame" };
    }
    if (this.#state.name === "waiting-for-key-frame" && fragment.keyFrame) {
      this.#state = { name: "decoding", decoder: this.#begin(fragment), init: fragment.init };
    }
    const fed = this.#state.name === "decoding" && this.#state.decoder.feed(fragment);
    if (!fed) this.#fragmentsDropped += 1;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#watch);
    if (this.#state.name === "decoding") this.#end(this.#state.decoder);
    this.#state = { name: "closed" };
    await Promise.all(this.#ending);
  }

  #nowMs(): number {
    return this.#options.clock.monotonicMs();
  }

  /** A decoder knows one set of parameters and one time line that only runs forward, for an hour. */
  #goesOn(init: TrackInit, fragment: Fragment): boolean {
    const ageMs = this.#nowMs() - this.#decodingSinceMs;
    const isRenewed = fragment.keyFrame && ageMs > (this.#options.renewAfterMs ?? RENEW_AFTER_MS);
    return !isRenewed && fragment.init === init && fragment.decodeTimeMs >= this.#lastDecodeTimeMs;
  }

  #begin(fragment: Fragment): GreyDecoder {
    this.#decodingSinceMs = this.#nowMs();
    const { cpuSecondsMax } = this.#options;
    const decoder: GreyDecoder = GreyDecoder.start({
      ffmpegPath: this.#options.ffmpegPath,
      init: fragment.init,
      width: this.#options.width ?? GREY_WIDTH,
      height: this.#options.height ?? GREY_HEIGHT,
      monotonicMs: () => this.#nowMs(),
      ...(cpuSecondsMax === undefined ? {} : { cpuSecondsMax }),
      onFrame: (frame) => {
        this.#frames += 1;
        if (this.#nowMs() - this.#decodingSinceMs > STABLE_MS) {
          this.#retryMs = this.#options.retryFirstMs ?? RETRY_FIRST_MS;
          this.#failuresInARow = 0;
        }
        this.#options.onFrame(frame);
      },
      onEnd: (reason) => this.#failed(decoder, reason),
    });
    return decoder;
  }

  #checkForStall(): void {
    if (this.#state.name !== "decoding") return;
    const silentMs = this.#state.decoder.silentMs();
    if (silentMs > (this.#options.stallAfterMs ?? STALL_AFTER_MS)) {
      this.#failed(this.#state.decoder, `no picture for ${Math.round(silentMs)} ms`);
    }
  }

  #failed(decoder: GreyDecoder, reason: string): void {
    // One that was replaced already may still report its end.
    if (this.#state.name !== "decoding" || this.#state.decoder !== decoder) return;
    this.#end(decoder);
    this.#restarts += 1;
    this.#failuresInARow += 1;
    this.#state = { name: "waiting-to-retry", untilMs: this.#nowMs() + this.#retryMs };
    this.#options.onProblem?.(
      `Cannot decode for motion: ${reason}; next try in ${this.#retryMs} ms`,
      this.#failuresInARow,
    );
    this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MAX_MS);
  }

  #end(decoder: GreyDecoder): void {
    const ended = decoder.stop().finally(() => this.#ending.delete(ended));
    this.#ending.add(ended);
  }
}
