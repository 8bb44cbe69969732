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
export const SUBSCRIBERS_MAX = 64;

export interface SubscribeOptions {
  /** First everything from the last key frame on, so that a picture can be shown at once. */
  readonly replay?: boolean;
}

export interface FragmentReaderOptions extends SubscribeOptions {
  /** A reader that is behind by more than this loses whole groups of pictures. */
  readonly queueBytesMax: number;
  readonly signal?: AbortSignal;
}

/**
 * The last seconds of one stream, in memory only: at least `durationMs`, from a key frame on. What
 * it holds is what an event's clip begins with.
 */
export class FragmentRing {
  readonly #limits: RingLimits;
  #fragments: Fragment[] = [];
  #sizeBytes = 0;
  #droppedForSize = 0;
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

  /** Fragments let go early because of `sizeBytes`; the ring then holds less than it should. */
  get droppedForSize(): number {
    return this.#droppedForSize;
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
   * Calls `listener` for every fragment from now on, synchronously: it must be quick and must not
   * throw. Nothing is queued here; who cannot keep up uses {@link readRing}.
   *
   * @returns a function that ends the subscription.
   * @throws Error when there are too many subscribers, which only a leak can cause.
   */
  subscribe(listener: (fragment: Fragment) => void, options: SubscribeOptions = {}): () => void {
    if (this.#listeners.size >= SUBSCRIBERS_MAX)
      throw new Error("Cannot subscribe to camera: too many subscribers");
    if (options.replay === true) for (const fragment of this.latest()) listener(fragment);
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
    const count = next < 0 ? this.#fragments.length : next;
    this.#droppedForSize += count;
    this.#remove(count);
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

/** A fragment for a reader that may be slow. */
export interface ReadFragment {
  readonly fragment: Fragment;
  /** Fragments this reader has lost just before this one, because it was too slow. */
  readonly lostBefore: number;
}

/**
 * Reads a ring at the reader's own pace, within `queueBytesMax`. A reader that falls behind loses
 * the oldest groups of pictures it has not read and goes on at a key frame. Ends with the signal,
 * or when the loop over it is left.
 */
export async function* readRing(
  ring: FragmentRing,
  options: FragmentReaderOptions,
): AsyncGenerator<ReadFragment, void, void> {
  const { queueBytesMax, signal } = options;
  const queue: Fragment[] = [];
  let queuedBytes = 0;
  let lost = 0;
  let waitsForKeyFrame = false;
  let wake: (() => void) | null = null;

  const take = (fragment: Fragment): void => {
    if (waitsForKeyFrame && !isKeyPicture(fragment)) {
      lost += 1;
      return;
    }
    waitsForKeyFrame = false;
    queue.push(fragment);
    queuedBytes += fragment.bytes.length;
    while (queuedBytes > queueBytesMax) {
      const next = queue.findIndex((queued, index) => index > 0 && isKeyPicture(queued));
      const dropped = queue.splice(0, next < 0 ? queue.length : next);
      waitsForKeyFrame = next < 0;
      lost += dropped.length;
      for (const { bytes } of dropped) queuedBytes -= bytes.length;
    }
    wake?.();
  };
  const stop = (): void => wake?.();
  const unsubscribe = ring.subscribe(take, options);
  signal?.addEventListener("abort", stop);
  try {
    while (signal?.aborted !== true) {
      const fragment = queue.shift();
      if (fragment === undefined) {
        await new Promise<void>((resolve) => (wake = resolve));
        wake = null;
        continue;
      }
      queuedBytes -= fragment.bytes.length;
      const lostBefore = lost;
      lost = 0;
      yield { fragment, lostBefore };
    }
  } finally {
    unsubscribe();
    signal?.removeEventListener("abort", stop);
  }
}
