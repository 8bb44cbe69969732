import type { Clock } from "../base/clock.ts";
import type { Fragment, TrackInit } from "../protocol/fragment.ts";
import type { CameraId } from "../protocol/ids.ts";
import { fragmentBytes } from "./fragments.ts";
import { MasksShape, type ShapeCheck } from "./masks-shape.ts";
import type { PlacedUnit } from "./timeline.ts";
import { TranscodeChild } from "./transcode-child.ts";
import type { PictureLoad } from "./transcode-cost.ts";

export interface TranscodedStreamOptions {
  readonly camera: CameraId;
  readonly ffmpegPath: string;
  /** What is done to each picture, as ffmpeg's filters; see `maskFilter`. */
  readonly filter: string;
  readonly clock: Clock;
  /** Called for every access unit that has been through the encoder, and for sound beside it. */
  readonly onFragment: (fragment: Fragment) => void;
  /** Called when {@link TranscodedStream.state} is another one. */
  readonly onChange: () => void;
  /**
   * Asked before pictures of a size are first encoded: whether this machine can. Resolves with what
   * is wrong, in words for a person, or null.
   */
  readonly admit?: (load: PictureLoad) => Promise<string | null>;
  /** What was admitted is not needed any more. */
  readonly release?: () => void;
  /** Left out: the first picture's shape is right. */
  readonly checkShape?: ShapeCheck;
  readonly timing?: Partial<TranscodeTiming>;
}

export interface TranscodeTiming {
  /** How long a picture may be in the child. */
  readonly stallMs: number;
  readonly retryFirstMs: number;
  readonly retryMaxMs: number;
  /** A child that worked for this long makes the next failure a first one again. */
  readonly stableMs: number;
  /** A child this old makes room for a new one at the next key frame. */
  readonly renewMs: number;
}

export type TranscodedState =
  /** Nothing has come out yet, and nothing is wrong. */
  | { readonly name: "starting" }
  | { readonly name: "running"; readonly init: TrackInit }
  /** Nothing comes out. */
  | { readonly name: "failing"; readonly message: string };

export const TRANSCODE_TIMING: TranscodeTiming = {
  stallMs: 5_000,
  retryFirstMs: 1_000,
  retryMaxMs: 30_000,
  stableMs: 30_000,
  renewMs: 24 * 3_600_000,
};
const WATCH_EVERY_MS = 250;
/** Sound that waits for its pictures: some seconds of any codec that is taken. */
const SOUND_WAITING_MAX = 512;
const RATE_GUESS = 30;

/** What was decided about pictures of a size. */
interface Admission {
  readonly width: number;
  readonly height: number;
  is: "asked" | "given" | "refused";
  atMs: number;
}

/**
 * One stream of a camera whose pictures are changed before anybody sees them: what is pushed in goes
 * through a sandboxed ffmpeg, and comes out with the same times. It fails closed: while there is no
 * child that works, nothing comes out at all, pictures or sound.
 */
export class TranscodedStream implements AsyncDisposable {
  readonly #options: TranscodedStreamOptions;
  readonly #timing: TranscodeTiming;
  readonly #checkShape: ShapeCheck;
  readonly #watch: NodeJS.Timeout;
  #child: TranscodeChild | null = null;
  #childInit: TrackInit | null = null;
  #childSinceMs = 0;
  /** The one before, until the next one's first picture. */
  #draining: TranscodeChild | null = null;
  readonly #ending = new Set<Promise<void>>();
  #retryAtMs = -Infinity;
  #failures = 0;
  #state: TranscodedState = { name: "starting" };
  #admission: Admission | null = null;
  #isClosed = false;
  #nextSequence = 0;
  #startsAnew = false;
  /** On the decode time line, where the newest picture that came out ends. */
  #shownMs = -Infinity;
  #sound: Fragment[] = [];

  private constructor(options: TranscodedStreamOptions) {
    this.#options = options;
    this.#timing = { ...TRANSCODE_TIMING, ...options.timing };
    this.#checkShape = options.checkShape ?? new MasksShape(null).of("main");
    this.#watch = setInterval(() => this.#checkForStall(), WATCH_EVERY_MS).unref();
  }

  static open(options: TranscodedStreamOptions): TranscodedStream {
    return new TranscodedStream(options);
  }

  get state(): TranscodedState {
    return this.#state;
  }

  /** Process id of the child at work, null while there is none. */
  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  /** Takes the next fragment of the camera. Never waits. */
  push(fragment: Fragment): void {
    if (this.#isClosed) return;
    if (fragment.track === "audio") return this.#takeSound(fragment);
    if (this.#child !== null && !this.#goesOn(fragment)) this.#leave(this.#child);
    if (this.#child === null && this.#mayBegin(fragment)) this.#begin(fragment);
    if (this.#child === null) this.#startsAnew = this.#nextSequence > 0;
    else this.#child.feed(fragment);
  }

  /** Ends the child and forgets what is in it, as when nothing is to come from here any more. */
  reset(): void {
    this.#endAll();
    this.#admission = null;
    this.#options.release?.();
    this.#failures = 0;
    this.#retryAtMs = -Infinity;
    this.#tell({ name: "starting" });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#watch);
    this.#endAll();
    await Promise.all(this.#ending);
  }

  #nowMs(): number {
    return this.#options.clock.monotonicMs();
  }

  #tell(state: TranscodedState): void {
    const before = this.#state;
    this.#state = state;
    const isSame =
      before.name === state.name &&
      (state.name !== "failing" ||
        (before.name === "failing" && before.message === state.message)) &&
      (state.name !== "running" || (before.name === "running" && before.init === state.init));
    if (!isSame && !this.#isClosed) this.#options.onChange();
  }

  /** A child knows one set of parameters; and the other stream may have said what shape is right. */
  #goesOn(fragment: Fragment): boolean {
    if (fragment.init !== this.#childInit) return false;
    if (!fragment.keyFrame) return true;
    const isOld = this.#nowMs() - this.#childSinceMs > this.#timing.renewMs;
    return !isOld && this.#checkShape(fragment.init) === null;
  }

  /** What is in it still comes out while the next one starts. */
  #leave(child: TranscodeChild): void {
    child.drain();
    this.#child = null;
    if (this.#draining !== null) this.#end(this.#draining);
    this.#draining = child;
  }

  #mayBegin(fragment: Fragment): boolean {
    if (!fragment.keyFrame || this.#nowMs() < this.#retryAtMs) return false;
    const wrong = this.#checkShape(fragment.init);
    if (wrong !== null) {
      this.#refuse(wrong);
      return false;
    }
    return this.#isAdmitted(fragment);
  }

  #begin({ init }: Fragment): void {
    const { ffmpegPath, filter } = this.#options;
    const child: TranscodeChild = TranscodeChild.start({
      ...{ ffmpegPath, filter, init },
      monotonicMs: () => this.#nowMs(),
      onPicture: (picture) => this.#take(child, picture),
      onEnd: (reason) => this.#ended(child, reason),
    });
    this.#child = child;
    this.#childInit = init;
    this.#childSinceMs = this.#nowMs();
  }

  #isAdmitted({ init: { width, height }, durationMs }: Fragment): boolean {
    const { admit } = this.#options;
    const before = this.#admission;
    if (admit === undefined) return true;
    const isSame = before?.width === width && before.height === height;
    // Other cameras may have gone meanwhile.
    const isOver =
      before?.is === "refused" && this.#nowMs() - before.atMs > this.#timing.retryMaxMs;
    if (isSame && !isOver) return before.is === "given";
    const admission: Admission = { width, height, is: "asked", atMs: this.#nowMs() };
    this.#admission = admission;
    const framesPerSecond = durationMs > 0 ? 1_000 / durationMs : RATE_GUESS;
    const decide = (wrong: string | null): void => {
      if (this.#isClosed || this.#admission === null) this.#options.release?.();
      if (this.#isClosed || this.#admission !== admission) return;
      admission.is = wrong === null ? "given" : "refused";
      admission.atMs = this.#nowMs();
      if (wrong !== null) this.#refuse(wrong);
    };
    void admit({ width, height, framesPerSecond }).then(decide, (cause: unknown) =>
      decide(cause instanceof Error ? cause.message : "it cannot be measured"),
    );
    return false;
  }

  #take(child: TranscodeChild, picture: PlacedUnit): void {
    const isOld = child === this.#draining;
    if (!isOld && child !== this.#child) return;
    if (!isOld && this.#draining !== null) this.#endDraining();
    const { init, decodeTicks, durationTicks, compositionTicks, keyFrame, wallClockMs } = picture;
    const decodeTimeMs = (decodeTicks / init.timescale) * 1_000;
    const durationMs = (durationTicks / init.timescale) * 1_000;
    const lost = picture.lostBefore + (this.#startsAnew && !isOld ? 1 : 0);
    if (!isOld) this.#startsAnew = false;
    const sequence = this.#nextSequence + lost;
    this.#nextSequence = sequence + 1;
    this.#shownMs = decodeTimeMs + durationMs;
    if (!isOld && this.#nowMs() - this.#childSinceMs > this.#timing.stableMs) this.#failures = 0;
    this.#tell({ name: "running", init });
    this.#options.onFragment({
      ...{ camera: this.#options.camera, track: "video", init },
      ...{ sequence, decodeTimeMs, durationMs, keyFrame, wallClockMs },
      bytes: fragmentBytes("video", {
        ...{ sequence, decodeTicks, durationTicks, compositionTicks, keyFrame },
        bytes: picture.bytes,
      }),
    });
    this.#giveSound();
  }

  /** As late as its pictures: who hears is to see. */
  #takeSound(fragment: Fragment): void {
    if (this.#state.name !== "running") return;
    this.#sound.push(fragment);
    if (this.#sound.length > SOUND_WAITING_MAX) this.#sound.shift();
    this.#giveSound();
  }

  #giveSound(): void {
    const later = this.#sound.findIndex(({ decodeTimeMs }) => decodeTimeMs > this.#shownMs);
    const due = this.#sound.splice(0, later < 0 ? this.#sound.length : later);
    for (const fragment of due) this.#options.onFragment(fragment);
  }

  #checkForStall(): void {
    for (const child of [this.#child, this.#draining])
      if (child !== null && child.waitingMs() > this.#timing.stallMs)
        this.#ended(child, `no picture came out for ${Math.round(child.waitingMs())} ms`);
  }

  #ended(child: TranscodeChild, reason: string): void {
    if (child === this.#draining) return this.#endDraining();
    if (child !== this.#child) return;
    this.#endAll();
    const { retryFirstMs, retryMaxMs } = this.#timing;
    this.#retryAtMs = this.#nowMs() + Math.min(retryMaxMs, retryFirstMs * 2 ** this.#failures);
    this.#failures = Math.min(10, this.#failures + 1);
    this.#refuse(reason);
  }

  #refuse(why: string): void {
    this.#tell({ name: "failing", message: `Cannot hide what its masks cover: ${why}` });
  }

  #endAll(): void {
    this.#startsAnew = this.#nextSequence > 0;
    this.#sound = [];
    this.#endDraining();
    if (this.#child !== null) this.#end(this.#child);
    this.#child = null;
  }

  #endDraining(): void {
    if (this.#draining !== null) this.#end(this.#draining);
    this.#draining = null;
  }

  #end(child: TranscodeChild): void {
    const ended = child.stop().finally(() => this.#ending.delete(ended));
    this.#ending.add(ended);
  }
}
