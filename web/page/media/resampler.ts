/** Rates of one in `from` samples a second to 8,000, the rate of telephone sound. */
const TO = 8_000;
/** Speech ends below this; what lies above half the new rate would fold back into it. */
const CUT_OFF_HZ = 3_600;
/** Zeros of the filter on each side: how steeply it cuts, and 4 ms of delay. */
const ZEROS = 32;
/** Places between two samples that the filter is worked out for: exact for all usual rates. */
const PHASES = 160;

/**
 * Brings sound down to 8,000 samples a second by a windowed sinc filter, piece after piece of one
 * stream.
 */
export class Resampler {
  readonly #step: number;
  readonly #half: number;
  readonly #filters: readonly Float32Array[];
  #kept: Float32Array;
  /** Of the next sample to come out, counted in samples of `#kept`. */
  #position: number;

  constructor(fromRate: number) {
    this.#step = fromRate / TO;
    this.#half = Math.ceil(ZEROS * Math.max(1, this.#step));
    this.#filters = Array.from({ length: PHASES + 1 }, (_, phase) =>
      filterAt(phase / PHASES, this.#half, fromRate),
    );
    this.#kept = new Float32Array(this.#half);
    this.#position = this.#half;
  }

  push(samples: Float32Array): Float32Array {
    const all = new Float32Array(this.#kept.length + samples.length);
    all.set(this.#kept);
    all.set(samples, this.#kept.length);
    const out: number[] = [];
    for (; this.#position + this.#half + 1 < all.length; this.#position += this.#step)
      out.push(this.#at(all));
    const used = Math.floor(this.#position) - this.#half;
    this.#kept = all.slice(used);
    this.#position -= used;
    return Float32Array.from(out);
  }

  #at(all: Float32Array): number {
    const whole = Math.floor(this.#position);
    const filter = this.#filters[Math.round((this.#position - whole) * PHASES)];
    if (!filter) return 0;
    const first = whole - this.#half + 1;
    let sum = 0;
    for (let tap = 0; tap < filter.length; tap += 1)
      sum += (filter[tap] ?? 0) * (all[first + tap] ?? 0);
    return sum;
  }
}

/** Taps for a place that lies `phase` of a sample after the middle one; together they are 1. */
function filterAt(phase: number, half: number, fromRate: number): Float32Array {
  const width = (2 * CUT_OFF_HZ) / Math.max(fromRate, TO);
  const taps = Array.from({ length: 2 * half }, (_, tap) => {
    const distance = tap - half + 1 - phase;
    // Blackman's window.
    const angle = (Math.PI * distance) / half;
    const window =
      Math.abs(distance) >= half ? 0 : 0.42 + 0.5 * Math.cos(angle) + 0.08 * Math.cos(2 * angle);
    const turn = Math.PI * width * distance;
    return window * (distance === 0 ? 1 : Math.sin(turn) / turn);
  });
  const sum = taps.reduce((total, tap) => total + tap, 0);
  return Float32Array.from(taps, (tap) => tap / sum);
}
