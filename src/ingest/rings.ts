import Type, { type Static } from "typebox";
import type { FragmentRing } from "../camera/ring.ts";
import type { ClipRecorder } from "../clips/recorder.ts";
import { PRE_ROLL_MS } from "../protocol/clip.ts";
import type { Fragment } from "../protocol/fragment.ts";

/** What became of a press in the ingest process. */
export const RingOutcomeSchema = Type.Union([
  Type.Literal("recording"),
  /** What was being recorded became the recording of a bell. */
  Type.Literal("joined"),
  /** The camera sends nothing now; it is recorded from when it does. */
  Type.Literal("no-pictures"),
  /** It is not recorded: switched off, or nobody has claimed the hub. */
  Type.Literal("no-camera"),
]);
export type RingOutcome = Static<typeof RingOutcomeSchema>;

/** A press is recorded for this long, and the post-roll after it. */
export const BELL_EVENT_MS = 20_000;
/** Without a picture for this long, what the ring holds is of another time. */
const FRESH_MS = 5_000;

/** Presses of one camera's bell as events of its recorder. */
export class CameraRings implements Disposable {
  readonly #recorder: ClipRecorder;
  readonly #ring: FragmentRing;
  #newest: { readonly wallClockMs: number; readonly arrivedAtMs: number } | null = null;
  #end: NodeJS.Timeout | null = null;

  constructor(recorder: ClipRecorder, ring: FragmentRing) {
    this.#recorder = recorder;
    this.#ring = ring;
  }

  /** The next fragment of the main stream. */
  push(fragment: Fragment): void {
    if (fragment.track === "video")
      this.#newest = { wallClockMs: fragment.wallClockMs, arrivedAtMs: performance.now() };
  }

  /** @param agoMs - How long ago somebody pressed. */
  press(agoMs: number): RingOutcome {
    const newest = this.#freshest();
    const isFresh = newest !== null;
    // On the camera's clock, as every other time of the clip.
    const eventAtMs = isFresh ? newest.wallClockMs - agoMs : Date.now() - agoMs;
    const isJoining = this.#recorder.isRecording;
    const preRoll = isFresh ? this.#ring.since(eventAtMs - PRE_ROLL_MS) : [];
    this.#recorder.ring(eventAtMs, preRoll, this.#end === null);
    if (this.#end) this.#end.refresh();
    else this.#end = setTimeout(() => this.#over(), BELL_EVENT_MS);
    if (!isFresh) return "no-pictures";
    return isJoining ? "joined" : "recording";
  }

  #over(): void {
    this.#end = null;
    this.#recorder.endRing(this.#freshest()?.wallClockMs ?? null);
  }

  /** The newest picture, where pictures come at all. */
  #freshest(): { readonly wallClockMs: number } | null {
    const newest = this.#newest;
    return newest && performance.now() - newest.arrivedAtMs < FRESH_MS ? newest : null;
  }

  [Symbol.dispose](): void {
    if (this.#end) clearTimeout(this.#end);
  }
}
