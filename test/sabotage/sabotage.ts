/** One edit that would break a promise, and the tests that must notice. */
export interface Sabotage {
  readonly name: string;
  readonly file: string;
  /** Must occur exactly once. */
  readonly find: string;
  readonly replace: string;
  readonly tests: readonly string[];
  /** Only tests whose name matches: keeps slow files short. */
  readonly only?: string;
  /** Published vectors without which the tests cannot notice it. */
  readonly needs?: string;
}
