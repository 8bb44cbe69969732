import type { Fragment, TrackInit } from "../protocol/fragment.ts";
import {
  TranscodedStream,
  type TranscodedState,
  type TranscodedStreamOptions,
} from "./transcode.ts";

/**
 * One stream of a camera with masks: what comes out of it has them. They are painted here, unless
 * and for as long as the camera is known to do so itself; then its pictures pass as they are.
 */
export class MaskedStream implements AsyncDisposable {
  readonly #options: TranscodedStreamOptions;
  readonly #painted: TranscodedStream;
  /** `due`: from the next key frame on. */
  #passing: "no" | "due" | "yes" = "no";
  #init: TrackInit | null = null;
  #sourceSequence: number | null = null;
  #nextSequence = 0;
  #shownMs = -Infinity;

  private constructor(options: TranscodedStreamOptions) {
    this.#options = options;
    this.#painted = TranscodedStream.open({
      ...options,
      onFragment: (fragment) => this.#give(fragment, fragment.sequence),
    });
  }

  static open(options: TranscodedStreamOptions): MaskedStream {
    return new MaskedStream(options);
  }

  get state(): TranscodedState {
    return this.#passing === "yes" && this.#init !== null
      ? { name: "running", init: this.#init }
      : this.#painted.state;
  }

  /** Process id of the encoder, null while there is none. */
  get pid(): number | null {
    return this.#painted.pid;
  }

  /**
   * @param isHidden - Whether the camera itself paints its masks. With false nothing that comes from
   *   it from now on passes as it is.
   */
  setHiddenByCamera(isHidden: boolean): void {
    if (isHidden && this.#passing === "no") this.#passing = "due";
    if (isHidden || this.#passing === "no") return;
    const wasPassing = this.#passing === "yes";
    this.#passing = "no";
    this.#init = null;
    if (!wasPassing) return;
    this.#changeWay();
    this.#options.onChange();
  }

  /** Takes the next fragment of the camera. */
  push(fragment: Fragment): void {
    const { track, keyFrame, decodeTimeMs } = fragment;
    if (track === "audio")
      return this.#passing === "yes"
        ? this.#options.onFragment(fragment)
        : this.#painted.push(fragment);
    // What is being encoded is shown first: times only run forward.
    if (this.#passing === "due" && keyFrame && decodeTimeMs >= this.#shownMs) {
      this.#passing = "yes";
      this.#painted.reset();
      this.#changeWay();
    }
    if (this.#passing !== "yes") return this.#painted.push(fragment);
    const isChanged = this.#init !== fragment.init;
    this.#init = fragment.init;
    this.#give(fragment, fragment.sequence);
    if (isChanged) this.#options.onChange();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#painted[Symbol.asyncDispose]();
  }

  /** Numbers run on, with a jump: something may be missing between. */
  #changeWay(): void {
    this.#sourceSequence = null;
    if (this.#nextSequence > 0) this.#nextSequence += 1;
  }

  #give(fragment: Fragment, sourceSequence: number): void {
    if (fragment.track === "audio") return this.#options.onFragment(fragment);
    const before = this.#sourceSequence;
    this.#sourceSequence = sourceSequence;
    const lost = before === null ? 0 : sourceSequence - before - 1;
    const sequence = this.#nextSequence + (lost < 0 ? 1 : lost);
    this.#nextSequence = sequence + 1;
    this.#shownMs = fragment.decodeTimeMs + fragment.durationMs;
    this.#options.onFragment(sequence === fragment.sequence ? fragment : { ...fragment, sequence });
  }
}
