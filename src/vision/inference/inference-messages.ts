import type { FaceMode } from "./find-faces.ts";
import type { Scope } from "./finder.ts";

/** What a thread is started with. */
export interface ThreadStart {
  readonly task: { readonly find: "faces"; readonly mode: FaceMode } | { readonly find: "objects" };
  /** Where the networks lie. */
  readonly folder: string;
}

/** One picture; its bytes lie in memory that both threads have. */
export interface ToThread {
  readonly number: number;
  readonly width: number;
  readonly height: number;
  readonly bytes: Uint8Array;
  readonly scope: Scope;
}

/**
 * What comes back: for each find x, y, width, height, score and the number of its kind; nothing else
 * ever leaves the thread.
 */
export type FromThread =
  | { readonly type: "ready" }
  | { readonly type: "found"; readonly number: number; readonly finds: Float64Array }
  | { readonly type: "failed"; readonly number: number | null; readonly message: string };

export const NUMBERS_PER_FIND = 6;
