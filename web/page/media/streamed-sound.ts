import type { LiveFragment } from "../../../src/protocol/live-frame.ts";
import type { LiveInit } from "./live-message.ts";
import { mediaSourceClass } from "./live-player.ts";
import type { OutputHandlers, SoundOutput } from "./sound-output.ts";

/** How far behind the newest sound it plays at least. */
const EDGE_S = 0.12;
/** Further off than this it jumps instead of hurrying. */
const JUMP_S = 0.4;
const HURRY_S = 0.04;
const RATE_HURRIED = 1.05;
const RATE_CALM = 0.95;
const STEER_MS = 250;
const KEPT_BEHIND_S = 4;
const KEPT_MAX_S = 12;
const WAITING_MAX = 600;

function mimeOf({ codec }: LiveInit): string {
  return `audio/mp4; codecs="${codec}"`;
}

export function canStreamSound(init: LiveInit): boolean {
  return mediaSourceClass()?.isTypeSupported(mimeOf(init)) === true;
}

/** Media source extensions, for browsers that decode no sound otherwise. */
export class StreamedSound implements SoundOutput {
  readonly #element = new Audio();
  readonly #init: LiveInit;
  readonly #source: MediaSource;
  readonly #handlers: OutputHandlers;
  readonly #address: string;
  readonly #steering: ReturnType<typeof setInterval>;
  #buffer: SourceBuffer | null = null;
  #waiting: Uint8Array<ArrayBuffer>[];
  /** Wall clock less decode time of the newest frame. */
  #wallMs: number | null = null;
  #leastMs = Number.NEGATIVE_INFINITY;
  #isClosed = false;

  /** @throws Error where there is no media source at all. */
  constructor(init: LiveInit, handlers: OutputHandlers) {
    this.#init = init;
    this.#handlers = handlers;
    const Source = mediaSourceClass();
    if (!Source) throw new Error("no media source");
    this.#waiting = [init.bytes];
    this.#source = new Source();
    this.#address = URL.createObjectURL(this.#source);
    this.#element.disableRemotePlayback = true;
    this.#element.addEventListener("error", () => this.#fail());
    this.#element.src = this.#address;
    this.#source.addEventListener("sourceopen", () => this.#opened(), { once: true });
    this.#steering = setInterval(() => this.#steer(), STEER_MS);
  }

  get lagMs(): number | null {
    const { paused, currentTime, readyState } = this.#element;
    if (this.#wallMs === null || paused || readyState < HTMLMediaElement.HAVE_FUTURE_DATA)
      return null;
    return performance.now() - (currentTime * 1_000 + this.#wallMs);
  }

  push({ bytes, wallClockMs, decodeTimeMs }: LiveFragment): void {
    this.#wallMs = wallClockMs - decodeTimeMs;
    this.#waiting.push(bytes as Uint8Array<ArrayBuffer>);
    // Only a tab that does not run gets here.
    if (this.#waiting.length > WAITING_MAX) this.#fail();
    else this.#append();
  }

  waitFor(lagMs: number): void {
    this.#leastMs = lagMs;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearInterval(this.#steering);
    this.#element.pause();
    this.#element.removeAttribute("src");
    this.#element.load();
    URL.revokeObjectURL(this.#address);
    this.#waiting = [];
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
    this.#buffer.addEventListener("updateend", () => this.#append());
    this.#buffer.addEventListener("error", () => this.#fail());
    this.#append();
  }

  #append(): void {
    const buffer = this.#buffer;
    if (!buffer || buffer.updating || this.#source.readyState !== "open" || this.#isClosed) return;
    const { currentTime } = this.#element;
    try {
      const start = buffer.buffered.length > 0 ? buffer.buffered.start(0) : currentTime;
      const next = this.#waiting[0];
      if (currentTime - start > KEPT_MAX_S) buffer.remove(start, currentTime - KEPT_BEHIND_S);
      else if (next) {
        this.#waiting.shift();
        buffer.appendBuffer(next);
      }
    } catch {
      this.#fail();
    }
  }

  /** Towards the lag of the pictures, and no closer to the newest sound than it can stand. */
  #steer(): void {
    const { buffered, currentTime } = this.#element;
    if (buffered.length === 0 || this.#wallMs === null) return;
    const last = buffered.length - 1;
    const withPicturesS = (performance.now() - this.#leastMs - this.#wallMs) / 1_000;
    const wantedS = Math.max(
      buffered.start(last),
      Math.min(buffered.end(last) - EDGE_S, withPicturesS),
    );
    const offS = wantedS - currentTime;
    if (Math.abs(offS) > JUMP_S) this.#element.currentTime = wantedS;
    else
      this.#element.playbackRate = offS > HURRY_S ? RATE_HURRIED : offS < -HURRY_S ? RATE_CALM : 1;
    if (this.#element.paused) this.#element.play().catch(() => undefined);
  }
}
