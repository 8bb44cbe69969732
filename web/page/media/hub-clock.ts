/** Where the hub's clock stands beside this browser's, by questions and answers over a socket. */
export class HubClock {
  #samples: { readonly roundTripMs: number; readonly offsetMs: number }[] = [];

  /**
   * @param askedAtMs - `performance.now()` of the question.
   * @param hubMs - The hub's wall clock in its answer.
   */
  take(askedAtMs: number, hubMs: number, nowMs = performance.now()): void {
    const roundTripMs = nowMs - askedAtMs;
    if (!(roundTripMs >= 0 && roundTripMs < ROUND_TRIP_MAX_MS)) return;
    this.#samples.push({ roundTripMs, offsetMs: hubMs - (askedAtMs + roundTripMs / 2) });
    if (this.#samples.length > SAMPLES_MAX) this.#samples.shift();
  }

  /** Clocks that slept or were set say nothing together any more. */
  forget(): void {
    this.#samples = [];
  }

  /** The hub's wall clock at `performance.now() = nowMs`; null before the first answer. */
  at(nowMs: number): number | null {
    // The quickest answer leaves the least room for error.
    let best = this.#samples[0];
    for (const sample of this.#samples)
      if (best && sample.roundTripMs < best.roundTripMs) best = sample;
    return best ? nowMs + best.offsetMs : null;
  }
}

const SAMPLES_MAX = 8;
const ROUND_TRIP_MAX_MS = 5_000;

/** Values of the last while, for what lies in their middle. */
export class RecentValues {
  readonly #durationMs: number;
  #values: { readonly atMs: number; readonly value: number }[] = [];

  constructor(durationMs: number) {
    this.#durationMs = durationMs;
  }

  take(value: number, nowMs = performance.now()): void {
    this.#values.push({ atMs: nowMs, value });
    if (this.#values.length > VALUES_MAX) this.#values.shift();
  }

  forget(): void {
    this.#values = [];
  }

  /** Null where nothing came lately. */
  median(nowMs = performance.now()): number | null {
    const recent = this.#values.filter(({ atMs }) => nowMs - atMs <= this.#durationMs);
    this.#values = recent;
    const sorted = recent.map(({ value }) => value).toSorted((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)] ?? null;
  }
}

const VALUES_MAX = 400;
