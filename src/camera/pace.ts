/** Says how fast pictures come out against how fast they were filmed, once in a window. */
export interface Pace {
  /**
   * @param filmedMs - On the source's own time line.
   * @param atMs - Monotonic, when it came out.
   * @returns 1 where both go at one pace; null within a window.
   */
  take(filmedMs: number, atMs: number): number | null;
}

export function createPace(windowMs: number): Pace {
  let from: { readonly filmedMs: number; readonly atMs: number } | null = null;
  return {
    take(filmedMs, atMs) {
      from ??= { filmedMs, atMs };
      const lastedMs = atMs - from.atMs;
      if (lastedMs < windowMs) return null;
      const pace = (filmedMs - from.filmedMs) / lastedMs;
      from = { filmedMs, atMs };
      return pace;
    },
  };
}
