import type { LiveFragment } from "../../../src/protocol/live-frame.ts";
import { readSample } from "./fragment-reader.ts";
import type { LiveInit } from "./live-message.ts";
import { decoderConfig, type LivePlayer, type PlayerHandlers } from "./live-player.ts";

const MICROSECONDS = 1_000_000;
const SEQUENCES = 2 ** 32;
/** With more than so many waiting for so long the decoder is not keeping up. */
const QUEUE_PATIENT = 8;
const QUEUE_PATIENCE_MS = 1_000;
/** What a group of pictures that is replayed at the beginning may have. */
const QUEUE_MAX = 600;
const TIMES_MAX = 1_000;
const ERRORS_MAX = 3;

/** WebCodecs onto a canvas: each picture is drawn as soon as it is decoded, only the newest. */
export class CanvasPlayer implements LivePlayer {
  readonly kind = "webcodecs";
  readonly element = document.createElement("canvas");
  readonly #handlers: PlayerHandlers;
  readonly #context: CanvasRenderingContext2D | null;
  readonly #config: VideoDecoderConfig;
  readonly #timescale: number;
  readonly #observer: ResizeObserver;
  #decoder: VideoDecoder | null = null;
  #waitsForKeyFrame = true;
  #sequence: number | null = null;
  #behindSinceMs: number | null = null;
  /** Microseconds of presentation to wall clock, for pictures that are being decoded. */
  readonly #times = new Map<number, number>();
  #next: VideoFrame | null = null;
  #drawing = 0;
  #widthMax = 0;
  #errors = 0;

  constructor(init: LiveInit, handlers: PlayerHandlers) {
    this.#handlers = handlers;
    this.#config = decoderConfig(init);
    this.#timescale = init.timescale;
    this.#context = this.element.getContext("2d", { alpha: false });
    this.#observer = new ResizeObserver(([entry]) => {
      // Not more pixels than are seen: a smaller canvas is drawn and shown quicker.
      this.#widthMax = Math.ceil((entry?.contentRect.width ?? 0) * devicePixelRatio);
    });
    this.#observer.observe(this.element);
  }

  push(fragment: LiveFragment): void {
    if (fragment.track !== "video") return;
    const { sequence, keyFrame } = fragment;
    const isNext = this.#sequence === null || sequence === (this.#sequence + 1) % SEQUENCES;
    this.#sequence = sequence;
    if (!isNext || this.#isBehind()) this.skip();
    if (this.#waitsForKeyFrame && !keyFrame) return;
    try {
      this.#decode(fragment);
    } catch {
      this.#failed();
    }
  }

  #decode({ keyFrame, wallClockMs, bytes }: LiveFragment): void {
    const sample = readSample(bytes);
    const decoder = (this.#decoder ??= this.#start());
    const ticks = sample.decodeTicks + sample.compositionTicks;
    const timestamp = Math.round((ticks / this.#timescale) * MICROSECONDS);
    if (this.#times.size >= TIMES_MAX) this.#times.clear();
    this.#times.set(timestamp, wallClockMs);
    this.#waitsForKeyFrame = false;
    decoder.decode(
      new EncodedVideoChunk({ type: keyFrame ? "key" : "delta", timestamp, data: sample.bytes }),
    );
  }

  /** What waits in the decoder is let go too: it would only be shown late. */
  skip(): void {
    this.#waitsForKeyFrame = true;
    this.#behindSinceMs = null;
    this.#times.clear();
    if (this.#decoder?.state !== "configured" || this.#decoder.decodeQueueSize === 0) return;
    this.#decoder.reset();
    this.#decoder.configure(this.#config);
  }

  close(): void {
    this.#observer.disconnect();
    this.#stop();
    cancelAnimationFrame(this.#drawing);
    this.#next?.close();
    this.#next = null;
    this.element.width = 0;
    this.element.remove();
  }

  #isBehind(): boolean {
    const queued = this.#decoder?.decodeQueueSize ?? 0;
    if (queued <= QUEUE_PATIENT) {
      this.#behindSinceMs = null;
      return false;
    }
    const nowMs = performance.now();
    this.#behindSinceMs ??= nowMs;
    return queued > QUEUE_MAX || nowMs - this.#behindSinceMs > QUEUE_PATIENCE_MS;
  }

  #start(): VideoDecoder {
    const decoder: VideoDecoder = new VideoDecoder({
      output: (frame) => {
        if (decoder === this.#decoder) this.#show(frame);
        else frame.close();
      },
      error: () => {
        if (decoder === this.#decoder) this.#failed();
      },
    });
    decoder.configure(this.#config);
    return decoder;
  }

  #stop(): void {
    const decoder = this.#decoder;
    this.#decoder = null;
    if (decoder && decoder.state !== "closed") decoder.close();
  }

  /** Begins anew with the next key frame, unless that has not helped. */
  #failed(): void {
    this.#stop();
    this.skip();
    this.#errors += 1;
    if (this.#errors > ERRORS_MAX) this.#handlers.onFailure();
  }

  #show(frame: VideoFrame): void {
    this.#next?.close();
    this.#next = frame;
    this.#drawing ||= requestAnimationFrame(() => this.#draw());
  }

  #draw(): void {
    this.#drawing = 0;
    const frame = this.#next;
    this.#next = null;
    if (!frame) return;
    const { displayWidth, displayHeight, timestamp } = frame;
    const scale = this.#widthMax > 0 ? Math.min(1, this.#widthMax / displayWidth) : 1;
    const [width, height] = [Math.round(displayWidth * scale), Math.round(displayHeight * scale)];
    // Setting either clears the canvas, so only when it changes.
    if (this.element.width !== width) this.element.width = width;
    if (this.element.height !== height) this.element.height = height;
    this.#context?.drawImage(frame, 0, 0, width, height);
    frame.close();
    this.#errors = 0;
    const wallClockMs = this.#times.get(timestamp);
    for (const time of this.#times.keys()) if (time <= timestamp) this.#times.delete(time);
    if (wallClockMs !== undefined) this.#handlers.onPicture(wallClockMs);
  }
}
