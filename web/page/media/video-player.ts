import type { LiveFragment } from "../../../src/protocol/live-frame.ts";
import { readSample } from "./fragment-reader.ts";
import type { LiveInit } from "./live-message.ts";
import { mediaSourceClass, mimeOf, type LivePlayer, type PlayerHandlers } from "./live-player.ts";

/** How far behind the newest picture it plays: less stutters, more is late. */
const EDGE_S = 0.12;
const EDGE_LATE_S = 0.3;
/** Further behind than this it jumps instead of hurrying. */
const JUMP_S = 1.5;
const RATE_HURRIED = 1.1;
const RATE_CALM = 0.95;
const STEER_MS = 250;
const KEPT_BEHIND_S = 4;
const KEPT_MAX_S = 12;
const WAITING_BYTES_MAX = 24 * 1024 * 1024;
const TIMES_MAX = 1_000;
const SEQUENCES = 2 ** 32;

/** Media source extensions into a video element, which is kept close to the newest picture. */
export class VideoPlayer implements LivePlayer {
  readonly kind = "mse";
  readonly element = document.createElement("video");
  readonly #handlers: PlayerHandlers;
  readonly #init: LiveInit;
  readonly #source: MediaSource;
  readonly #address: string;
  readonly #steering: ReturnType<typeof setInterval>;
  #buffer: SourceBuffer | null = null;
  #waiting: Uint8Array[];
  #waitingBytes = 0;
  #waitsForKeyFrame = true;
  #sequence: number | null = null;
  /** Presentation in seconds, and the wall clock, of pictures that are not shown yet. */
  #times: { readonly atS: number; readonly wallClockMs: number }[] = [];
  #callback = 0;
  #isClosed = false;

  /** @throws Error where there is no media source at all. */
  constructor(init: LiveInit, handlers: PlayerHandlers) {
    this.#handlers = handlers;
    this.#init = init;
    const Source = mediaSourceClass();
    if (!Source) throw new Error("no media source");
    this.#waiting = [init.bytes];
    this.#source = new Source();
    this.#address = URL.createObjectURL(this.#source);
    const video = this.element;
    video.muted = true;
    video.playsInline = true;
    video.autoplay = true;
    // An iPhone gives a managed source only to a video that is not sent to another screen.
    video.disableRemotePlayback = true;
    video.addEventListener("error", () => this.#fail());
    video.src = this.#address;
    this.#source.addEventListener("sourceopen", () => this.#opened(), { once: true });
    this.#steering = setInterval(() => this.#steer(), STEER_MS);
    this.#watch();
  }

  push(fragment: LiveFragment): void {
    if (fragment.track !== "video" || this.#isClosed) return;
    const { sequence, keyFrame, wallClockMs, bytes } = fragment;
    const isNext = this.#sequence === null || sequence === (this.#sequence + 1) % SEQUENCES;
    this.#sequence = sequence;
    if (!isNext) this.skip();
    if (this.#waitsForKeyFrame && !keyFrame) return;
    this.#waitsForKeyFrame = false;
    const { decodeTicks, compositionTicks } = readSample(bytes);
    this.#times.push({ atS: (decodeTicks + compositionTicks) / this.#init.timescale, wallClockMs });
    if (this.#times.length > TIMES_MAX) this.#times.shift();
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    // Only a tab that does not run gets here.
    if (this.#waitingBytes > WAITING_BYTES_MAX) this.#fail();
    else this.#append();
  }

  skip(): void {
    this.#waitsForKeyFrame = true;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearInterval(this.#steering);
    const video = this.element;
    if (HAS_FRAME_CALLBACK) video.cancelVideoFrameCallback(this.#callback);
    video.pause();
    video.removeAttribute("src");
    video.load();
    URL.revokeObjectURL(this.#address);
    this.#waiting = [];
    video.remove();
  }

  #fail(): void {
    if (!this.#isClosed) this.#handlers.onFailure();
  }

  #opened(): void {
    try {
      this.#buffer = this.#source.addSourceBuffer(mimeOf(this.#init));
    } catch {
      this.#fail();
      return;
    }
    this.#buffer.addEventListener("updateend", () => {
      this.#steer();
      this.#append();
    });
    this.#buffer.addEventListener("error", () => this.#fail());
    this.#append();
  }

  /** Everything that waits, in one piece. */
  #append(): void {
    const buffer = this.#buffer;
    if (!buffer || buffer.updating || this.#source.readyState !== "open" || this.#isClosed) return;
    try {
      if (this.#trim(buffer) || this.#waiting.length === 0) return;
      const piece = new Uint8Array(this.#waiting.reduce((sum, { length }) => sum + length, 0));
      let at = 0;
      for (const bytes of this.#waiting) {
        piece.set(bytes, at);
        at += bytes.length;
      }
      this.#waiting = [];
      this.#waitingBytes = 0;
      buffer.appendBuffer(piece);
    } catch {
      this.#fail();
    }
  }

  /** True where it has begun to remove what nobody sees any more. */
  #trim(buffer: SourceBuffer): boolean {
    const { buffered } = buffer;
    if (buffered.length === 0) return false;
    const start = buffered.start(0);
    const { currentTime } = this.element;
    if (currentTime - start < KEPT_MAX_S) return false;
    buffer.remove(start, currentTime - KEPT_BEHIND_S);
    return true;
  }

  /** Keeps it close to the newest picture: by its speed, and where that is not enough by a jump. */
  #steer(): void {
    const video = this.element;
    const { buffered } = video;
    if (buffered.length === 0) return;
    const last = buffered.length - 1;
    const [start, end] = [buffered.start(last), buffered.end(last)];
    const behindS = end - video.currentTime;
    if (behindS > JUMP_S || behindS < -EDGE_S || video.currentTime < start)
      video.currentTime = Math.max(start, end - EDGE_S);
    else
      video.playbackRate =
        behindS > EDGE_LATE_S ? RATE_HURRIED : behindS < EDGE_S / 2 ? RATE_CALM : 1;
    // Refused where the browser wants a tap first; the picture then stands still and says so.
    if (video.paused) video.play().catch(() => undefined);
  }

  #watch(): void {
    const video = this.element;
    if (!HAS_FRAME_CALLBACK) {
      video.addEventListener("timeupdate", () => this.#shown(video.currentTime));
      return;
    }
    this.#callback = video.requestVideoFrameCallback((_nowMs, { mediaTime }) => {
      if (this.#isClosed) return;
      this.#shown(mediaTime);
      this.#watch();
    });
  }

  #shown(mediaS: number): void {
    let wallClockMs: number | null = null;
    while (this.#times[0] && this.#times[0].atS <= mediaS + TOLERANCE_S)
      wallClockMs = this.#times.shift()?.wallClockMs ?? null;
    if (wallClockMs !== null) this.#handlers.onPicture(wallClockMs);
  }
}

const HAS_FRAME_CALLBACK = "requestVideoFrameCallback" in HTMLVideoElement.prototype;
/** Less than half a picture at any rate; times were rounded on their way. */
const TOLERANCE_S = 0.005;
