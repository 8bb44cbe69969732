import { systemClock } from "../base/clock.ts";
import type { FragmentRing } from "../camera/ring.ts";
import type { ClipRecorder } from "../clips/recorder.ts";
import { sayable } from "../base/sayable.ts";
import type { FromIngest } from "./messages.ts";
import { PRE_ROLL_MS } from "../protocol/clip.ts";
import type { Fragment } from "../protocol/fragment.ts";
import type { CameraId } from "../protocol/ids.ts";
import type { CameraSettings } from "../settings/cameras.ts";
import { CameraObjects } from "./objects.ts";
import { motionOf, motionRulesOf } from "../settings/motion.ts";
import { publicSpaceOf } from "../settings/zones.ts";
import { GreyFrames } from "../vision/frames.ts";
import type { MotionEvent } from "../vision/motion.ts";
import { MotionWatch } from "../vision/motion-watch.ts";
import type { VisionProcess } from "../vision-process/process.ts";

/** Decoders that had to be replaced in a row before it is said that motion is not seen. */
const DECODER_FAILURES = 4;

export interface CameraMotionOptions {
  readonly camera: CameraId;
  readonly settings: CameraSettings;
  readonly ring: Pick<FragmentRing, "since">;
  readonly recorder: Pick<ClipRecorder, "startEvent" | "endEvent" | "name">;
  /** Who is asked what moves; null where nobody is. */
  readonly vision: Pick<VisionProcess, "look"> | null;
  /** Recordings are being closed: nothing new may begin. */
  readonly isStopping: () => boolean;
  readonly watch: (settings: CameraSettings, onEvent: (event: MotionEvent) => void) => Watch;
}

export type Watch = Pick<MotionWatch, "push" | "setRules" | "moving" | typeof Symbol.asyncDispose>;

/**
 * What a camera records by itself: what moves, while it is armed. Above its budget of public space
 * nobody looks for motion at all; a press of its bell does not come this way.
 */
export class CameraMotion implements AsyncDisposable {
  readonly #options: CameraMotionOptions;
  #settings: CameraSettings;
  #watch: Watch | null = null;
  #objects: CameraObjects | null = null;
  /** What is being recorded because something moves. */
  #hasEvent = false;
  #newestMs = 0;
  #closing: Promise<void> = Promise.resolve();

  private constructor(options: CameraMotionOptions) {
    this.#options = options;
    this.#settings = options.settings;
    this.#arm();
  }

  static open(options: CameraMotionOptions): CameraMotion {
    return new CameraMotion(options);
  }

  /** The next fragment of the stream that is looked at; never waits. */
  push(fragment: Fragment): void {
    this.#newestMs = fragment.wallClockMs;
    this.#watch?.push(fragment);
    this.#objects?.push(fragment);
  }

  /** Other settings of the same streams: in force with the next picture. */
  configure(settings: CameraSettings): void {
    this.#settings = settings;
    if (publicSpaceOf(settings).isArmed !== (this.#watch !== null)) {
      this.#disarm();
      this.#arm();
      return;
    }
    // What was learned of the scenery stays, and so does what is being recorded.
    this.#watch?.setRules(motionRulesOf(settings));
    this.#nameThings();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disarm();
    await this.#closing;
  }

  #arm(): void {
    if (!publicSpaceOf(this.#settings).isArmed) return;
    const watch: Watch = this.#options.watch(this.#settings, (event) => {
      // One that was put away may still have a picture to look at.
      if (watch === this.#watch) this.#take(event);
    });
    this.#watch = watch;
    this.#nameThings();
  }

  #nameThings(): void {
    const { camera, vision, recorder } = this.#options;
    const isWanted = vision !== null && this.#watch !== null && motionOf(this.#settings).objects;
    if (isWanted === (this.#objects !== null)) return;
    this.#objects?.[Symbol.dispose]();
    this.#objects =
      vision === null || !isWanted
        ? null
        : new CameraObjects({
            ...{ camera, vision, name: (why) => recorder.name(why) },
            zones: () => motionRulesOf(this.#settings).zones,
            moving: () => this.#watch?.moving ?? null,
          });
  }

  #disarm(): void {
    const watch = this.#watch;
    this.#watch = null;
    this.#objects?.[Symbol.dispose]();
    this.#objects = null;
    if (this.#hasEvent) this.#take({ type: "end", atMs: this.#newestMs });
    if (!watch) return;
    const closed = watch[Symbol.asyncDispose]();
    this.#closing = Promise.all([this.#closing, closed]).then(() => undefined);
  }

  #take(event: MotionEvent): void {
    const { ring, recorder, isStopping } = this.#options;
    // What is being recorded is being closed, and nothing new may begin behind it.
    if (isStopping()) return;
    this.#hasEvent = event.type === "start";
    if (event.type === "start")
      recorder.startEvent(event.why, event.onsetAtMs, ring.since(event.onsetAtMs - PRE_ROLL_MS));
    else recorder.endEvent(event.atMs);
    this.#objects?.take(event);
  }
}

/** A watch with decoders of its own. */
export function watchMotion(
  {
    camera,
    settings,
    ffmpegPath,
  }: {
    readonly camera: CameraId;
    readonly settings: CameraSettings;
    readonly ffmpegPath: string;
  },
  send: (message: FromIngest) => void,
  onEvent: (event: MotionEvent) => void,
): MotionWatch {
  const onProblem = (message: string, inARow: number): void => {
    const isFailing = inARow >= DECODER_FAILURES;
    const often = `; this was try ${inARow} in a row: nothing is seen to move until one works`;
    send({
      type: "trouble",
      camera,
      code: isFailing ? "DECODER_FAILING" : "DECODER_RESTARTED",
      message: sayable(message, 400) + (isFailing ? often : ""),
    });
  };
  return MotionWatch.open({
    pictures: (onFrame) => GreyFrames.open({ ffmpegPath, clock: systemClock, onFrame, onProblem }),
    rules: motionRulesOf(settings),
    onEvent,
  });
}
