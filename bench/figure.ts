/** One line of `npm run bench`; names and targets are in docs/figures.md. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What was measured and how, so that the number means something a year later. */
  readonly context: string;
}
