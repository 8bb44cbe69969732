import type { Clock } from "../base/clock.ts";
import { G711_SILENCE, type G711Law } from "../protocol/g711.ts";
import { ENCODED_SOUND, SoundEncoder, type SoundEncoderOptions } from "./sound-encoder.ts";

/** An AAC frame that was made here, with its place on the stream's time line. */
export interface EncodedFrame {
  /** At {@link ENCODED_SOUND}'s rate. */
  readonly decodeTicks: number;
  /** Whether it follows the frame before it. */
  readonly isNext: boolean;
  /** Valid only until the callback returns. */
  readonly bytes: Uint8Array;
}

export interface EncodedSoundOptions {
  readonly law: G711Law;
  readonly sampleRate: number;
  readonly clock: Clock;
  readonly onFrame: (frame: EncodedFrame) => void;
  /** For tests; {@link SoundEncoder.start}. */
  readonly startEncoder?: (
    options: SoundEncoderOptions,
  ) => Pick<SoundEncoder, "feed" | "frames" | typeof Symbol.asyncDispose>;
}

/** What is off by less than this follows on: cameras round their times. */
const TOLERANCE_MS = 15;
/** A longer hole is none: the sound was off, and begins anew where it is. */
const SILENCE_MAX_MS = 5_000;
/** An encoder that was given this much of time and sound without a frame hangs. */
const STALL_MS = 3_000;
const RETRY_FIRST_MS = 1_000;
const RETRY_MAX_MS = 30_000;

interface Run {
  readonly encoder: Pick<SoundEncoder, "feed" | "frames" | typeof Symbol.asyncDispose>;
  /** Where the first sample that it was fed stands on the time line. */
  readonly startMs: number;
  samples: number;
  /** When the newest frame came, or it was begun. */
  lastFrameMs: number;
  samplesAtLastFrame: number;
}

/**
 * Telephone sound as AAC on the time line of its stream. Samples are counted, not timed: what is
 * missing is filled with silence and what is too much is left out, so that a frame's number says
 * when it was heard. An encoder that fails costs the sound until the next one runs.
 */
export class EncodedSound implements AsyncDisposable {
  readonly #options: EncodedSoundOptions;
  readonly #ending = new Set<Promise<void>>();
  #run: Run | null = null;
  #nextTicks: number | null = null;
  #retryAtMs = 0;
  #failures = 0;
  #problem: string | null = null;
  #isDisposed = false;

  constructor(options: EncodedSoundOptions) {
    this.#options = options;
  }

  /** Why there is no sound just now; null where all is well. */
  get problem(): string | null {
    return this.#problem;
  }

  /** @param streamMs - Where the first of these samples stands on the time line. */
  push(codes: Uint8Array, streamMs: number): void {
    const nowMs = this.#options.clock.monotonicMs();
    if (this.#isDisposed || (this.#run === null && nowMs < this.#retryAtMs)) return;
    const before = this.#run;
    if (before !== null && Math.abs(streamMs - this.#endMs(before)) > SILENCE_MAX_MS) this.#leave();
    const run = (this.#run ??= this.#begin(streamMs, nowMs));
    this.#fill(run, codes, streamMs);
    const { sampleRate } = this.#options;
    const fedMs = ((run.samples - run.samplesAtLastFrame) / sampleRate) * 1000;
    if (nowMs - run.lastFrameMs > STALL_MS && fedMs > STALL_MS / 2)
      this.#failed(run, "it gives nothing any more");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true;
    this.#leave();
    await Promise.all(this.#ending);
  }

  #endMs({ startMs, samples }: Run): number {
    return startMs + (samples / this.#options.sampleRate) * 1000;
  }

  #fill(run: Run, codes: Uint8Array, streamMs: number): void {
    const { law, sampleRate } = this.#options;
    const offMs = streamMs - this.#endMs(run);
    const off = Math.round((Math.abs(offMs) / 1000) * sampleRate);
    let fed = codes;
    if (offMs > TOLERANCE_MS) {
      run.encoder.feed(new Uint8Array(off).fill(G711_SILENCE[law]));
      run.samples += off;
    } else if (offMs < -TOLERANCE_MS) fed = codes.subarray(off);
    if (fed.length === 0) return;
    run.samples += fed.length;
    run.encoder.feed(fed);
  }

  #begin(startMs: number, nowMs: number): Run {
    const { law, sampleRate, startEncoder } = this.#options;
    const start = startEncoder ?? ((options) => SoundEncoder.start(options));
    const encoder = start({
      ...{ law, sampleRate },
      onFrame: (frame, index) => this.#take(run, frame, index),
      onEnd: (reason) => this.#failed(run, reason),
    });
    const run: Run = {
      ...{ encoder, startMs, samples: 0 },
      ...{ lastFrameMs: nowMs, samplesAtLastFrame: 0 },
    };
    return run;
  }

  #take(run: Run, bytes: Uint8Array, index: number): void {
    if (run !== this.#run) return;
    run.lastFrameMs = this.#options.clock.monotonicMs();
    run.samplesAtLastFrame = run.samples;
    this.#problem = null;
    this.#failures = 0;
    const { sampleRate, samplesPerUnit } = ENCODED_SOUND;
    const startTicks = Math.round((run.startMs / 1000) * sampleRate);
    const decodeTicks = startTicks + (index - 1) * samplesPerUnit;
    // Before what was fed first, or over sound of an encoder before this one.
    if (index === 0 || decodeTicks < (this.#nextTicks ?? 0)) return;
    const isNext = this.#nextTicks === null || this.#nextTicks === decodeTicks;
    this.#nextTicks = decodeTicks + samplesPerUnit;
    this.#options.onFrame({ decodeTicks, isNext, bytes });
  }

  #failed(run: Run, reason: string): void {
    if (run !== this.#run) return;
    this.#problem = `Cannot record sound: the encoder fails (${reason}); it is tried again`;
    const waitMs = Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** this.#failures);
    this.#failures = Math.min(10, this.#failures + 1);
    this.#retryAtMs = this.#options.clock.monotonicMs() + waitMs;
    this.#leave();
  }

  #leave(): void {
    const run = this.#run;
    this.#run = null;
    if (run === null) return;
    const ending = run.encoder[Symbol.asyncDispose]().finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
  }
}
