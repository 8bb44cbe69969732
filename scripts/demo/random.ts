/** A repeatable source of numbers from 0 up to 1: the same seed draws the same garden. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function latticeValue(column: number, row: number): number {
  let mixed = Math.imul(column, 374761393) ^ Math.imul(row, 668265263);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 1274126177);
  return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32;
}

/** Smooth noise from 0 to 1 over the plane, with features about one unit wide. */
export function smoothNoise(x: number, y: number): number {
  const column = Math.floor(x);
  const row = Math.floor(y);
  const right = ease(x - column);
  const down = ease(y - row);
  const above = latticeValue(column, row) * (1 - right) + latticeValue(column + 1, row) * right;
  const below =
    latticeValue(column, row + 1) * (1 - right) + latticeValue(column + 1, row + 1) * right;
  return above * (1 - down) + below * down;
}

/** Noise of several sizes on top of one another, from 0 to 1. */
export function roughNoise(x: number, y: number): number {
  return (
    smoothNoise(x, y) * 0.5 +
    smoothNoise(x * 2.1 + 17, y * 2.1) * 0.3 +
    smoothNoise(x * 4.3, y * 4.3 + 31) * 0.2
  );
}

/** From 0 to 1 with a gentle start and end; outside it stays at the nearer one. */
export function ease(share: number): number {
  const clamped = Math.min(1, Math.max(0, share));
  return clamped * clamped * (3 - 2 * clamped);
}

export function mix(from: number, to: number, share: number): number {
  return from + (to - from) * share;
}
