/**
 * The smallest of `values` that at least this share of them does not exceed (nearest rank): always one
 * that was measured. In any order; NaN of none, so that no bound is met by it.
 *
 * @param share - Of 1: 0.5 is the median, 1 the largest.
 */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}
