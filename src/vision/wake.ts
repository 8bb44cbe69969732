/**
 * Decides from the sizes of a stream's pictures whether anybody has to look at them. A picture that
 * is told as the difference from the one before is small while nothing moves, and nothing needs to
 * be decoded to know its size.
 */

/** What is known of an access unit without decoding it. */
export interface UnitSize {
  readonly keyFrame: boolean;
  readonly sizeBytes: number;
  /** On the decode time line, which only runs forward. */
  readonly decodeTimeMs: number;
}

/** The level is the middle size of what came within this time: seven pictures of a sub stream. */
const LEVEL_MS = 467;
/** Levels are remembered in steps of this length. */
const STEP_MS = 400;
/** What the scene looked like while nothing moved: 40 s of it, and the last 6 s. */
const CALM_STEPS = 100;
const CALM_STEPS_LATELY = 15;
/** Before this many of them (6 s) nothing is known. */
const CALM_STEPS_MIN = 15;
/** How far above the highest usual level one has to be: in widths of the usual spread, and in shares. */
const RISE_PER_SPREAD = 0.5;
const RISE_SHARE = 0.05;
const RISE_BYTES_MIN = 40;
/** Levels count as calm once nothing was seen to move for this long. */
const SETTLE_MS = 3_000;
/** The gate stays open for this long after the last rise. */
const OPEN_MS = 2_500;
const LEVELS_MAX = 64;
/** Movements that the sizes must have shown, one after the other, before they are relied on. */
const SHOWN_FIRST = 2;
/** The same after one that they did not show. */
const SHOWN_AFTER_MISS = 4;
/** Heights of the last movements that are remembered. */
const PEAKS = 8;
/** They have to rise clearly for that: what hardly does may be the wavering of a constant bit rate. */
const SHOWN_RISE = 1.4;
/** Sizes may show a movement this much before and after the pictures do. */
const SHOWN_BEFORE_MS = 1_000;
const SHOWN_AFTER_MS = 600;
/** Rises that are remembered until it is known whether something moved. */
const RISE_MEMORY_MS = 8_000;
/** Time that runs back, or on by more than this, is another stretch of the stream. */
const GAP_MS = 3_000;

interface Level {
  readonly atMs: number;
  readonly sizeBytes: number;
}

/**
 * One stream's gate. It is told of each access unit, and of what was seen to move while the
 * pictures were looked at; it says whether the sizes are at their usual level (`isCalm`) and whether
 * they can be relied on to show a movement (`isTrusted`).
 *
 * They are relied on only after they have shown movements that the pictures showed too, and only
 * while they would have to rise less for that than they have been seen to. So a stream of constant
 * bit rate, whose sizes say nothing, and one that has no room to rise are never relied on.
 */
export class WakeGate {
  readonly #recent: Level[] = [];
  #level = 0;
  #stepEndsMs = 0;
  #stepLevel = 0;
  /** The highest level of each of the last calm steps. */
  #calm: number[] = [];
  #threshold = Infinity;
  #lastAtMs: number | null = null;
  #lastMovedAtMs = -Infinity;
  #risenUntilMs = -Infinity;
  readonly #rises: Level[] = [];
  readonly #peaks: number[] = [];
  /** A movement of which it is still open whether the sizes showed it. */
  #judged: { readonly fromMs: number; readonly toMs: number } | null = null;
  #shownInARow = 0;
  #shownNeeded = SHOWN_FIRST;

  /** False above the usual level, and while it is not known what is usual. */
  get isCalm(): boolean {
    return this.#calm.length >= CALM_STEPS_MIN && (this.#lastAtMs ?? 0) > this.#risenUntilMs;
  }

  /** Whether a movement would show in the sizes, as far as can be told. */
  get isTrusted(): boolean {
    return this.#shownInARow >= this.#shownNeeded && Math.max(...this.#peaks) > this.#threshold;
  }

  /** For figures and tests. Bytes of an access unit, averaged as the threshold is. */
  get levels(): { readonly now: number; readonly threshold: number } {
    return { now: this.#level, threshold: this.#threshold };
  }

  push(unit: UnitSize, isStill: boolean): void {
    const { decodeTimeMs: atMs } = unit;
    const last = this.#lastAtMs;
    if (last !== null && (atMs < last || atMs - last > GAP_MS)) this.#startOver();
    this.#lastAtMs = atMs;
    if (!isStill) this.#lastMovedAtMs = atMs;
    if (unit.keyFrame) return;
    this.#recent.push({ atMs, sizeBytes: unit.sizeBytes });
    while ((this.#recent[0]?.atMs ?? atMs) <= atMs - LEVEL_MS || this.#recent.length > LEVELS_MAX)
      this.#recent.shift();
    this.#level = quantile(this.#recent.map(({ sizeBytes }) => sizeBytes).toSorted(rising), 0.5);
    if (this.#level > this.#threshold) {
      this.#risenUntilMs = atMs + OPEN_MS;
      this.#rises.push({ atMs, sizeBytes: this.#level });
    }
    while ((this.#rises[0]?.atMs ?? atMs) < atMs - RISE_MEMORY_MS) this.#rises.shift();
    if (this.#judged && atMs >= this.#judged.toMs)
      this.#judge(this.#judged.fromMs, this.#judged.toMs);
    this.#addToStep(atMs);
  }

  /**
   * Something was seen to move in the pictures. What the sizes said of it is judged a moment later.
   *
   * @param onsetAtMs - Decode time at which it began, and the one of the picture that settled it.
   */
  moved(onsetAtMs: number, seenAtMs: number): void {
    if (this.#calm.length < CALM_STEPS_MIN) return;
    this.#judged = {
      fromMs: onsetAtMs - SHOWN_BEFORE_MS,
      toMs: Math.max(seenAtMs, this.#lastAtMs ?? seenAtMs) + SHOWN_AFTER_MS,
    };
  }

  #judge(fromMs: number, toMs: number): void {
    this.#judged = null;
    const shown = this.#rises.filter(({ atMs }) => atMs >= fromMs && atMs <= toMs);
    const peak = Math.max(0, ...shown.map(({ sizeBytes }) => sizeBytes));
    if (peak < SHOWN_RISE * this.#threshold) {
      this.#shownInARow = 0;
      this.#shownNeeded = SHOWN_AFTER_MISS;
      return;
    }
    this.#shownInARow += 1;
    this.#peaks.push(peak);
    if (this.#peaks.length > PEAKS) this.#peaks.shift();
  }

  /** What was usual is kept: the scene is the same after a gap. */
  #startOver(): void {
    this.#recent.length = 0;
    this.#rises.length = 0;
    this.#stepLevel = 0;
    this.#stepEndsMs = 0;
    this.#judged = null;
    this.#lastMovedAtMs = -Infinity;
    this.#risenUntilMs = -Infinity;
  }

  #addToStep(atMs: number): void {
    if (atMs >= this.#stepEndsMs) {
      if (atMs - this.#lastMovedAtMs > SETTLE_MS) this.#addCalm(this.#stepLevel);
      this.#stepLevel = 0;
      this.#stepEndsMs = atMs + STEP_MS;
    }
    this.#stepLevel = Math.max(this.#stepLevel, this.#level);
  }

  #addCalm(level: number): void {
    this.#calm.push(level);
    if (this.#calm.length > CALM_STEPS) this.#calm.shift();
    if (this.#calm.length < CALM_STEPS_MIN) return;
    // Whichever is lower: the scene may have become calmer, or may just be getting restless.
    this.#threshold = Math.min(
      thresholdOf(this.#calm),
      thresholdOf(this.#calm.slice(-CALM_STEPS_LATELY)),
    );
  }
}

function rising(one: number, other: number): number {
  return one - other;
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.floor((sorted.length - 1) * share)] ?? 0;
}

function thresholdOf(levels: readonly number[]): number {
  const sorted = levels.toSorted(rising);
  const middle = quantile(sorted, 0.5);
  const high = quantile(sorted, 0.9);
  return high + Math.max(RISE_PER_SPREAD * (high - middle), RISE_SHARE * middle, RISE_BYTES_MIN);
}
