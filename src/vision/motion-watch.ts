import type { Fragment } from "../protocol/fragment.ts";
import type { GreyFrame } from "./grey-frame.ts";
import { MotionDetector, type MotionEvent, type MotionRules } from "./motion.ts";
import { WakeGate } from "./wake.ts";

/** What turns fragments into pictures: `GreyFrames`, or in tests something that needs no child. */
export interface PictureSource extends AsyncDisposable {
  push(fragment: Fragment): void;
  /** False while there is no decoder that works. */
  readonly isDecoding: boolean;
}

export interface MotionWatchOptions {
  readonly pictures: (onFrame: (frame: GreyFrame) => void) => PictureSource;
  readonly onEvent: (event: MotionEvent) => void;
  /** Left out: those of a camera of which nothing is said. */
  readonly rules?: MotionRules;
  /** Never sleep: for comparison. */
  readonly alwaysLook?: boolean;
}

/** Counters since the start, for figures and tests. */
export interface MotionWatchCounts {
  readonly fragments: number;
  /** Those that no decoder had to look at. */
  readonly unseen: number;
  readonly wakes: { readonly bySizes: number; readonly byPicture: number; readonly other: number };
}

/** While asleep, key frames are looked at, but not more often than this. */
const LOOK_EVERY_MS = 1_900;
/** A group of pictures that is longer is not slept through: too much would have to be made up for. */
const GROUP_MS_MAX = 12_000;
const HELD_BYTES_MAX = 6 * 1024 * 1024;
const HELD_COUNT_MAX = 450;
/** A decoder that gives no picture of a key frame within this time needs what follows it. */
const PICTURE_WITHIN_MS = 1_000;
/** After one that does not, nothing is slept through for this long, and longer each time. */
const LATE_PAUSE_MS = 60_000;
const LATE_PAUSE_DOUBLINGS_MAX = 5;

/**
 * Looks for motion in one camera's stream, at all of it while something moves and otherwise only at
 * key frames: as long as the sizes of the pictures between them stay as they usually are. Those are
 * held, up to one group of pictures, and decoded first when sizes rise or a key frame looks
 * different, so that nothing between is missed. Whenever it cannot be told, everything is decoded.
 */
export class MotionWatch implements AsyncDisposable {
  readonly #options: MotionWatchOptions;
  readonly #pictures: PictureSource;
  readonly #detector: MotionDetector;
  readonly #gate = new WakeGate();
  #asleep = false;
  #held: Fragment[] = [];
  #heldBytes = 0;
  #lastKeyAtMs: number | null = null;
  #groupMs = Infinity;
  /** Decode time of the last key frame that was looked at while asleep. */
  #lookedAtMs = -Infinity;
  /** Its picture is still to come. */
  #awaitsPicture = false;
  /** Wall clock minus decode time. */
  #wallOffsetMs = 0;
  #latePictures = 0;
  #mayNotSleepUntilMs = -Infinity;
  #counts = { fragments: 0, unseen: 0, bySizes: 0, byPicture: 0, other: 0 };

  private constructor(options: MotionWatchOptions) {
    this.#options = options;
    this.#detector = new MotionDetector(options.rules);
    this.#pictures = options.pictures((frame) => this.#look(frame));
  }

  static open(options: MotionWatchOptions): MotionWatch {
    return new MotionWatch(options);
  }

  get isAsleep(): boolean {
    return this.#asleep;
  }

  get gate(): Pick<WakeGate, "isCalm" | "isTrusted" | "levels"> {
    return this.#gate;
  }

  get counts(): MotionWatchCounts {
    const { fragments, unseen, bySizes, byPicture, other } = this.#counts;
    return { fragments, unseen, wakes: { bySizes, byPicture, other } };
  }

  /** Where something moves while an event goes on, as shares of the picture. */
  get moving(): MotionDetector["moving"] {
    return this.#detector.moving;
  }

  /** From the next picture on. */
  setRules(rules: MotionRules): void {
    this.#detector.setRules(rules);
  }

  /** Takes the next fragment; never waits. */
  push(fragment: Fragment): void {
    if (fragment.track !== "video") return;
    const { keyFrame, decodeTimeMs, bytes } = fragment;
    this.#counts.fragments += 1;
    this.#wallOffsetMs = fragment.wallClockMs - decodeTimeMs;
    this.#gate.push({ keyFrame, sizeBytes: bytes.length, decodeTimeMs }, this.#detector.isStill);
    if (keyFrame) this.#noteGroup(decodeTimeMs);
    const reason = this.#reasonToLook(fragment);
    if (reason !== null) {
      this.#wake(reason);
      this.#pictures.push(fragment);
      return;
    }
    this.#asleep = true;
    if (keyFrame) {
      this.#forgetHeld();
      if (decodeTimeMs - this.#lookedAtMs >= LOOK_EVERY_MS) {
        this.#lookedAtMs = decodeTimeMs;
        this.#awaitsPicture = true;
        this.#pictures.push(fragment);
        return;
      }
    }
    this.#held.push(fragment);
    this.#heldBytes += bytes.length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#forgetHeld();
    await this.#pictures[Symbol.asyncDispose]();
  }

  #noteGroup(decodeTimeMs: number): void {
    this.#groupMs = this.#lastKeyAtMs === null ? Infinity : decodeTimeMs - this.#lastKeyAtMs;
    this.#lastKeyAtMs = decodeTimeMs;
  }

  /** Null where nothing has to be looked at but key frames. */
  #reasonToLook({ decodeTimeMs }: Fragment): "bySizes" | "byPicture" | "other" | null {
    if (!this.#detector.isStill) return "byPicture";
    if (!this.#gate.isCalm) return "bySizes";
    const sinceKeyMs = decodeTimeMs - (this.#lastKeyAtMs ?? -Infinity);
    const isShortGroup =
      this.#groupMs <= GROUP_MS_MAX && sinceKeyMs <= GROUP_MS_MAX && sinceKeyMs >= 0;
    const isFull = this.#heldBytes > HELD_BYTES_MAX || this.#held.length > HELD_COUNT_MAX;
    const waitedMs = decodeTimeMs - this.#lookedAtMs;
    if (this.#asleep && this.#awaitsPicture && waitedMs > PICTURE_WITHIN_MS) {
      this.#awaitsPicture = false;
      this.#mayNotSleepUntilMs = decodeTimeMs + LATE_PAUSE_MS * 2 ** this.#latePictures;
      this.#latePictures = Math.min(LATE_PAUSE_DOUBLINGS_MAX, this.#latePictures + 1);
      return "other";
    }
    const canSleep =
      this.#gate.isTrusted &&
      isShortGroup &&
      !isFull &&
      this.#pictures.isDecoding &&
      decodeTimeMs >= this.#mayNotSleepUntilMs &&
      this.#options.alwaysLook !== true;
    return canSleep ? null : "other";
  }

  #wake(reason: "bySizes" | "byPicture" | "other"): void {
    if (!this.#asleep) return;
    this.#asleep = false;
    this.#counts[reason] += 1;
    const held = this.#held;
    this.#forgetHeld(0);
    for (const fragment of held) this.#pictures.push(fragment);
  }

  #forgetHeld(unseen = this.#held.length): void {
    this.#counts.unseen += unseen;
    this.#held = [];
    this.#heldBytes = 0;
  }

  #look(frame: GreyFrame): void {
    if (this.#awaitsPicture && frame.atMs - this.#wallOffsetMs >= this.#lookedAtMs - 1) {
      this.#awaitsPicture = false;
      this.#latePictures = 0;
    }
    const event = this.#detector.push(frame);
    if (event === null) return;
    if (event.type === "start")
      this.#gate.moved(event.onsetAtMs - this.#wallOffsetMs, frame.atMs - this.#wallOffsetMs);
    this.#options.onEvent(event);
  }
}
