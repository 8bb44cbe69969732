import { PRE_ROLL_MS } from "../protocol/clip.ts";
import type { Fragment } from "../protocol/fragment.ts";

export interface RingLimits {
  /** What is older than this, and not needed to decode what is younger, is let go. */
  readonly durationMs: number;
  readonly sizeBytes: number;
}

/** Twelve seconds at 16 Mbit/s: what one camera may take of the memory that all share. */
export const RING_BYTES_MAX = 24 * 1024 * 1024;
/** What a fragment takes beside its bytes. */
export const FRAGMENT_OVERHEAD_BYTES = 2_048;

/**
 * The last seconds of one stream, in memory only: at least `durationMs`, from a key frame on. What
 * it holds is what an event's clip begins with.
 */
export class FragmentRing {
  readonly #limits: RingLimits;
  #fragments: Fragment[] = [];
  #sizeBytes = 0;
  readonly #listeners = new Set<(fragment: Fragment) => void>();

  constructor(limits: RingLimits = { durationMs: PRE_ROLL_MS, sizeBytes: RING_BYTES_MAX }) {
    this.#limits = limits;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get length(): number {
    return this.#fragments.length;
  }

  /** Keeps a fragment and hands it to every subscriber, in the order they came. */
  push(fragment: Fragment): void {
    this.#fragments.push(fragment);
    this.#sizeBytes += countedBytes(fragment);
    this.#dropOld(fragment);
    while (this.#sizeBytes > this.#limits.sizeBytes) this.#dropForSize();
    for (const listener of this.#listeners) listener(fragment);
  }

  /**
   * From the video key frame at or before a time on; from the oldest key frame where the ring does
   * not reach back that far. Empty before the first key frame.
   */
  since(wallClockMs: number): Fragment[] {
    const isStart = (fragment: Fragment): boolean => isKeyPicture(fragment);
    let start = this.#fragments.findLastIndex(
      (fragment) => isStart(fragment) && fragment.wallClockMs <= wallClockMs,
    );
    if (start < 0) start = this.#fragments.findIndex(isStart);
    return start < 0 ? [] : this.#fragments.slice(start);
  }

  /** From the newest video key frame on. */
  latest(): Fragment[] {
    return this.since(Number.POSITIVE_INFINITY);
  }

  /**
   * Calls `listener` with everything from the newest video key frame on, so that a picture can be
   * shown at once, and then with every fragment that comes, synchronously: it must be quick and must
   * not throw. Nothing is queued here.
   *
   * @returns a function that ends the subscription.
   */
  subscribe(listener: (fragment: Fragment) => void): () => void {
    for (const fragment of this.latest()) listener(fragment);
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Forgets everything, for instance when the camera's owner takes it out of service. */
  clear(): void {
    this.#fragments = [];
    this.#sizeBytes = 0;
  }

  /** Lets go of groups of pictures that no clip of `durationMs` could need any more. */
  #dropOld(newest: Fragment): void {
    if (!isKeyPicture(newest)) return;
    const oldestNeededMs = newest.wallClockMs - this.#limits.durationMs;
    const start = this.#fragments.findLastIndex(
      (fragment) => isKeyPicture(fragment) && fragment.wallClockMs <= oldestNeededMs,
    );
    if (start > 0) this.#remove(start);
  }

  /** Lets go of the oldest group of pictures: without its key frame the rest of it is worthless. */
  #dropForSize(): void {
    const next = this.#fragments.findIndex(
      (fragment, index) => index > 0 && isKeyPicture(fragment),
    );
    this.#remove(next < 0 ? this.#fragments.length : next);
  }

  #remove(count: number): void {
    for (const fragment of this.#fragments.splice(0, count))
      this.#sizeBytes -= countedBytes(fragment);
  }
}

function countedBytes({ bytes }: Fragment): number {
  return bytes.length + FRAGMENT_OVERHEAD_BYTES;
}

function isKeyPicture(fragment: Fragment): boolean {
  return fragment.track === "video" && fragment.keyFrame;
}
