import type { Clock } from "../base/clock.ts";
import type { Fragment } from "../protocol/fragment.ts";
import type { CameraId } from "../protocol/ids.ts";
import { HubError } from "../protocol/errors.ts";
import { CameraError, type CameraErrorCode } from "./camera-error.ts";
import type { Connection, SoundState } from "./connection.ts";
import type { FfmpegInput } from "./ffmpeg-inputs.ts";
import { openFfmpegSource } from "./ffmpeg-source.ts";
import { openRtspSource, type RtspTiming } from "./rtsp-source.ts";
import { createTimeline, type Timeline } from "./timeline.ts";

export type CameraSource =
  | {
      readonly kind: "rtsp";
      /** `rtsp://host[:port]/path`, without user name and password. */
      readonly url: string;
      readonly username?: string;
      readonly password?: string;
      /** Whether the password may go over the wire in clear, where the camera knows nothing else. */
      readonly allowBasic?: boolean;
      readonly audio: boolean;
    }
  | {
      readonly kind: "ffmpeg";
      readonly input: FfmpegInput;
      readonly audio: false;
      /** What is done to each picture, as ffmpeg's filters. */
      readonly filter?: string;
      /** Makes a smaller stream beside the main one, in the same child. */
      readonly sub?: {
        readonly width: number;
        readonly height: number;
        readonly onFragment: (fragment: Fragment) => void;
      };
    };

export type CameraStatus =
  | { readonly state: "idle" }
  | { readonly state: "connecting"; readonly attempt: number }
  | {
      readonly state: "streaming";
      readonly codec: string;
      readonly width: number;
      readonly height: number;
      /** As the stream says it. */
      readonly fps?: number;
      readonly sinceMs: number;
      readonly sound: SoundState;
      readonly wallClock: "camera" | "hub";
      /** Camera clock minus hub clock, where the camera says its time. */
      readonly clockOffsetMs?: number;
      readonly lostPackets: number;
      readonly droppedUnits: number;
    }
  | {
      readonly state: "waiting-to-retry";
      readonly code: CameraErrorCode;
      readonly message: string;
      readonly retryAtMs: number;
      readonly attempt: number;
    };

export interface CameraStreamOptions {
  readonly camera: CameraId;
  readonly role: "main" | "sub";
  readonly source: CameraSource;
  readonly clock: Clock;
  /** Called for every access unit, synchronously; it must not throw. */
  readonly onFragment: (fragment: Fragment) => void;
  readonly onStatus: (status: CameraStatus) => void;
  /** For tests; see {@link DEFAULT_TIMING}. */
  readonly timing?: Partial<StreamTiming>;
}

export interface StreamTiming extends RtspTiming {
  readonly retryFirstMs: number;
  /** A camera that works again is back within this and the time for one answer: 10 s. */
  readonly retryMaxMs: number;
  /** After a refused password: cameras lock an account after a few, and it takes a person anyway. */
  readonly retryPasswordMs: number;
  /** A connection that lasted this long makes the next failure a first one again. */
  readonly stableMs: number;
}

export const DEFAULT_TIMING: StreamTiming = {
  connectMs: 5_000,
  answerMs: 5_000,
  silenceMs: 5_000,
  keyFrameMs: 30_000,
  retryFirstMs: 1_000,
  retryMaxMs: 5_000,
  retryPasswordMs: 30_000,
  stableMs: 10_000,
};

/** How often a streaming status is looked at again for what has changed. */
const STATUS_INTERVAL_MS = 5_000;
/** A camera clock that drifts by less is not worth a new status. */
const OFFSET_CHANGE_MS = 500;

/**
 * One stream of one camera, kept up for as long as this object is open: it connects, and when that
 * fails or ends, says why and tries again. Fragments run on one time line across reconnections.
 */
export class CameraStream implements AsyncDisposable {
  readonly #options: CameraStreamOptions;
  readonly #timing: StreamTiming;
  readonly #closing = new AbortController();
  readonly #timeline: Timeline;
  readonly #subTimeline: Timeline | null;
  #onFirstFragment: (() => void) | null = null;
  #status: CameraStatus = { state: "idle" };
  #finished: Promise<void> = Promise.resolve();

  private constructor(options: CameraStreamOptions) {
    this.#options = options;
    this.#timing = { ...DEFAULT_TIMING, ...options.timing };
    const { camera, clock, source } = options;
    this.#timeline = createTimeline(camera, clock, (fragment) => {
      options.onFragment(fragment);
      this.#onFirstFragment?.();
    });
    this.#subTimeline =
      source.kind === "ffmpeg" && source.sub !== undefined
        ? createTimeline(camera, clock, source.sub.onFragment)
        : null;
  }

  /** Starts to connect and returns at once; what comes of it is told by `onStatus`. */
  static start(options: CameraStreamOptions): CameraStream {
    const stream = new CameraStream(options);
    stream.#finished = stream.#keepUp();
    return stream;
  }

  get status(): CameraStatus {
    return this.#status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#finished;
  }

  async #keepUp(): Promise<void> {
    let attempt = 0;
    while (!this.#closing.signal.aborted) {
      attempt += 1;
      const startedMs = this.#options.clock.monotonicMs();
      const reason = await this.#runOnce(attempt);
      if (this.#closing.signal.aborted) break;
      const lastedMs = this.#options.clock.monotonicMs() - startedMs;
      if (this.#wasStreaming() && lastedMs >= this.#timing.stableMs) attempt = 1;
      await this.#waitToRetry(reason, attempt);
    }
    this.#tell({ state: "idle" });
  }

  #wasStreaming(): boolean {
    return this.#status.state === "streaming";
  }

  /** One connection from beginning to end, and why it ended. */
  async #runOnce(attempt: number): Promise<CameraError> {
    this.#tell({ state: "connecting", attempt });
    const { signal } = this.#closing;
    try {
      await using connection = await this.#open();
      const sinceMs = this.#options.clock.wallClockMs();
      this.#onFirstFragment = () => {
        this.#onFirstFragment = null;
        this.#tellStreaming(connection, sinceMs);
      };
      if (connection.report() !== null) this.#onFirstFragment();
      const timer = setInterval(() => this.#tellStreaming(connection, sinceMs), STATUS_INTERVAL_MS);
      const aborted = Promise.withResolvers<CameraError>();
      const abort = (): void =>
        aborted.resolve(new CameraError("UNREACHABLE", "Cannot keep stream: the hub is closing"));
      signal.addEventListener("abort", abort, { once: true });
      if (signal.aborted) abort();
      const reason = await Promise.race([connection.ended, aborted.promise]);
      clearInterval(timer);
      signal.removeEventListener("abort", abort);
      this.#onFirstFragment = null;
      return reason;
    } catch (cause) {
      if (cause instanceof CameraError) return cause;
      // Settings are checked when they are read, so this is a source this machine cannot provide.
      if (cause instanceof HubError)
        return new CameraError("SOURCE_FAILED", cause.message, { cause });
      throw cause;
    }
  }

  async #open(): Promise<Connection> {
    const { source, clock } = this.#options;
    const common = {
      clock,
      timeline: this.#timeline,
      signal: this.#closing.signal,
    };
    switch (source.kind) {
      case "rtsp": {
        const { url, username, password, allowBasic = false, audio } = source;
        const credentials =
          username === undefined ? null : { username, password: password ?? "", allowBasic };
        const timing = this.#timing;
        return openRtspSource({ ...common, timing, url, credentials, audio });
      }
      case "ffmpeg": {
        const { input, sub, filter } = source;
        const second =
          sub === undefined || this.#subTimeline === null
            ? null
            : { width: sub.width, height: sub.height, timeline: this.#subTimeline };
        const { silenceMs } = this.#timing;
        const changes = filter === undefined ? {} : { filter };
        return openFfmpegSource({ ...common, silenceMs, input, sub: second, ...changes });
      }
    }
  }

  #tellStreaming(connection: Connection, sinceMs: number): void {
    const report = connection.report();
    if (report === null) return;
    const { framesPerSecond, clockOffsetMs, garbageBytes: _, ...rest } = report;
    const status: CameraStatus = {
      state: "streaming",
      sinceMs,
      ...rest,
      ...(framesPerSecond === null ? {} : { fps: framesPerSecond }),
      ...(clockOffsetMs === null ? {} : { clockOffsetMs }),
    };
    if (isNews(this.#status, status)) this.#tell(status);
  }

  async #waitToRetry(reason: CameraError, attempt: number): Promise<void> {
    const { clock } = this.#options;
    const waitMs = retryDelayMs(reason.code, attempt, this.#timing, Math.random());
    this.#tell({
      state: "waiting-to-retry",
      code: reason.code,
      message: reason.message,
      retryAtMs: clock.wallClockMs() + Math.round(waitMs),
      attempt,
    });
    const { signal } = this.#closing;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(done, waitMs);
      function done(): void {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        resolve();
      }
      signal.addEventListener("abort", done, { once: true });
      if (signal.aborted) done();
    });
  }

  #tell(status: CameraStatus): void {
    this.#status = status;
    this.#options.onStatus(status);
  }
}

/**
 * How long to wait before the next attempt: doubling from `retryFirstMs` to `retryMaxMs`, each
 * time between half and all of it, so that sixteen cameras behind one switch do not come back at
 * the same instant.
 *
 * @param random - 0 to 1.
 */
export function retryDelayMs(
  code: CameraErrorCode,
  attempt: number,
  timing: Pick<StreamTiming, "retryFirstMs" | "retryMaxMs" | "retryPasswordMs">,
  random: number,
): number {
  const doubled = timing.retryFirstMs * 2 ** Math.min(20, attempt - 1);
  const wasRefused = code === "WRONG_PASSWORD";
  const longest = wasRefused ? timing.retryPasswordMs : Math.min(timing.retryMaxMs, doubled);
  return longest * (0.5 + random / 2);
}

function isNews(before: CameraStatus, now: CameraStatus): boolean {
  if (before.state !== "streaming" || now.state !== "streaming") return true;
  const offsetChangeMs = Math.abs((before.clockOffsetMs ?? 0) - (now.clockOffsetMs ?? 0));
  return (
    before.codec !== now.codec ||
    before.width !== now.width ||
    before.height !== now.height ||
    before.wallClock !== now.wallClock ||
    before.sound.state !== now.sound.state ||
    (before.clockOffsetMs === undefined) !== (now.clockOffsetMs === undefined) ||
    offsetChangeMs > OFFSET_CHANGE_MS ||
    before.lostPackets !== now.lostPackets ||
    before.droppedUnits !== now.droppedUnits
  );
}
