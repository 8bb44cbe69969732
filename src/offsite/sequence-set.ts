/** Which of many rows: a bit each, so that a million take 125 kB. */
export class SequenceSet {
  readonly #bits: Uint8Array;

  /** @param last - The highest sequence that it can hold; one above is not kept. */
  constructor(last: number) {
    this.#bits = new Uint8Array(Math.floor(last / 8) + 1);
  }

  add(sequence: number): void {
    const at = Math.floor(sequence / 8);
    this.#bits[at] = (this.#bits[at] ?? 0) | (1 << (sequence % 8));
  }

  has(sequence: number): boolean {
    return ((this.#bits[Math.floor(sequence / 8)] ?? 0) & (1 << (sequence % 8))) !== 0;
  }
}
