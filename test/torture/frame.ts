import { setTimeout as wait } from "node:timers/promises";

/** One number that was measured, as docs/figures.md names it. */
export interface TortureFigure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What was done to come to it: how often, with what, at which load. */
  readonly context: string;
}

/** Whether one thing holds. */
export interface TortureResult {
  readonly name: string;
  readonly holds: boolean;
  readonly detail: string;
  readonly figures?: readonly TortureFigure[];
}

export interface TortureRun {
  /** All of it, as on demand; otherwise a spread that ends in about a minute. */
  readonly isFull: boolean;
  /** Says what is done as it is done, one line each. */
  readonly say: (line: string) => void;
  /** Empty, and this group's own. What is mounted or started below it ends before `run` does. */
  readonly directory: string;
  /** Aborted when somebody wants it to end: `run` then ends what it started and throws. */
  readonly signal: AbortSignal;
}

export interface TortureGroup {
  readonly name: string;
  /** What must hold, as a sentence for people. */
  readonly promise: string;
  /** Commands that have to be on PATH. */
  readonly needs: readonly string[];
  /** @throws CannotLook where the machine does not let it look. */
  readonly run: (run: TortureRun) => Promise<readonly TortureResult[]>;
}

/** The machine does not let a group look: no result, which is never "it holds". */
export class CannotLook extends Error {
  override readonly name = "CannotLook";
}

/**
 * Waits for a state, never for a time.
 * @throws Error where it has not come after `limitMs`, or what `signal` was aborted with.
 */
export async function until(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  { limitMs = 60_000, signal }: { limitMs?: number; signal?: AbortSignal } = {},
): Promise<void> {
  const beganAtMs = performance.now();
  while (!(await isSo())) {
    signal?.throwIfAborted();
    if (performance.now() - beganAtMs > limitMs)
      throw new Error(`Waited ${Math.round(limitMs / 1000)} s in vain for ${what}`);
    await wait(20);
  }
}
