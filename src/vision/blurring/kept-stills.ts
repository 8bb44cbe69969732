import type { BlurredPoster } from "../blur-footage.ts";

export interface Still {
  readonly score: number;
  readonly original: BlurredPoster;
  readonly blurred: BlurredPoster;
}

/**
 * So old a picture may become here, ten minutes less what handing it over takes. What is seen of the
 * clip after that is in no still.
 */
export const STILL_AGE_MAX_MS = 9 * 60_000;

/**
 * The best stills of a clip so far, in memory only: they are told when the clip ends, or before they
 * are too old. What is not told is wiped.
 */
export class KeptStills {
  readonly #tellOne: (poster: BlurredPoster) => void;
  #still: Still | null = null;
  /** Of a clip of which no picture was covered by what was found. */
  #clear: BlurredPoster | null = null;
  #timer: NodeJS.Timeout | null = null;
  #isDone = false;

  constructor(tell: (poster: BlurredPoster) => void) {
    this.#tellOne = tell;
  }

  /** How much the best one shows; null where there is none. Infinite where none is wanted any more. */
  get score(): number | null {
    return this.#isDone ? Infinity : (this.#still?.score ?? null);
  }

  get hasAny(): boolean {
    return this.#isDone || this.#still !== null || this.#clear !== null;
  }

  /** @param ageMs - How long its picture has been in memory. */
  keep(still: Still, ageMs: number): void {
    wipePosters(this.#still?.original, this.#still?.blurred, this.#clear);
    this.#still = still;
    this.#clear = null;
    this.#wait(ageMs);
  }

  keepClear(poster: BlurredPoster, ageMs: number): void {
    wipePosters(this.#clear);
    this.#clear = poster;
    this.#wait(ageMs);
  }

  tell(): void {
    const [still, clear] = [this.#still, this.#clear];
    if (!still && !clear) return;
    this.#still = null;
    this.#clear = null;
    // Whoever takes them in takes one of each.
    this.letGo();
    const original = still?.original ?? clear;
    if (original) this.#tellOne(original);
    if (still) this.#tellOne(still.blurred);
  }

  /** Wipes what there is; nothing is kept or told after that. */
  letGo(): void {
    this.#isDone = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    wipePosters(this.#still?.original, this.#still?.blurred, this.#clear);
    this.#still = null;
    this.#clear = null;
  }

  #wait(ageMs: number): void {
    if (this.#isDone) {
      this.letGo();
      return;
    }
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.tell(), Math.max(0, STILL_AGE_MAX_MS - ageMs)).unref();
  }
}

export function wipePosters(...posters: readonly (BlurredPoster | null | undefined)[]): void {
  for (const poster of posters) poster?.jpeg.fill(0);
}
