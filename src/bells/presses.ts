import type { BellRing, PressWay } from "../http/bell-desk.ts";
import type { FromIngest, ToIngest } from "../ingest/messages.ts";
import { BELL_EVENT_MS, type RingOutcome } from "../ingest/rings.ts";
import type { CameraId } from "../protocol/ids.ts";

/** Two messages within this time are one press: who presses twice means one ring. */
export const SAME_PRESS_MS = 3_000;
/** A press that could not be handed to the recorder for this long is not recorded any more. */
export const RING_LATEST_MS = 60_000;
/** Presses of sixteen cameras within {@link RING_LATEST_MS}. */
const WAITING_MAX = 16 * Math.ceil(RING_LATEST_MS / SAME_PRESS_MS);

interface Waiting {
  readonly camera: CameraId;
  readonly pressedAtMs: number;
  /** Null until the ingest process has answered. */
  outcome: RingOutcome | null;
}

/** `waiting` until it is known; `too-late` where no recorder was there for a minute. */
export type PressFate = "waiting" | "too-late" | RingOutcome;

export interface LastPress {
  readonly atMs: number;
  readonly via: PressWay;
  readonly fate: PressFate;
}

export interface PressesOptions {
  readonly nowMs: () => number;
  readonly monotonicMs: () => number;
  readonly tellIngest: (message: ToIngest) => void;
  readonly onFate: (camera: CameraId, fate: PressFate) => void;
}

/**
 * Presses from the moment they are known: told apart from repetitions, and handed to the ingest
 * process until it has answered, also to one that had to be begun anew meanwhile.
 */
export class Presses {
  readonly #options: PressesOptions;
  readonly #countedAtMs = new Map<CameraId, number>();
  readonly #last = new Map<CameraId, LastPress & { readonly ring: number }>();
  readonly #waiting = new Map<number, Waiting>();
  #nextRing = 1;

  constructor(options: PressesOptions) {
    this.#options = options;
  }

  /** @returns what to tell listeners, or null for a repetition. */
  press(camera: CameraId, via: PressWay): BellRing | null {
    const { nowMs, monotonicMs, tellIngest } = this.#options;
    const pressedAtMs = monotonicMs();
    const before = this.#countedAtMs.get(camera);
    if (before !== undefined && pressedAtMs - before < SAME_PRESS_MS) return null;
    this.#countedAtMs.set(camera, pressedAtMs);
    const ring = this.#nextRing++;
    const atMs = nowMs();
    this.#last.set(camera, { atMs, via, fate: "waiting", ring });
    this.forgetLate();
    if (this.#waiting.size < WAITING_MAX)
      this.#waiting.set(ring, { camera, pressedAtMs, outcome: null });
    tellIngest({ type: "ring", camera, ring, agoMs: 0 });
    return { camera, via, atMs };
  }

  last(camera: CameraId): LastPress | null {
    return this.#last.get(camera) ?? null;
  }

  /** The ingest process has said what became of a press. */
  settle({ ring, outcome }: Extract<FromIngest, { type: "rang" }>): void {
    const waiting = this.#waiting.get(ring);
    if (!waiting) return;
    waiting.outcome = outcome;
    this.#setFate(ring, waiting.camera, outcome);
  }

  /**
   * What a new ingest process is told: presses that no one before it took, and those that the one
   * before was recording when it ended.
   */
  unsettled(): readonly ToIngest[] {
    this.forgetLate();
    const nowMs = this.#options.monotonicMs();
    return [...this.#waiting].map(([ring, { camera, pressedAtMs }]) => ({
      ...({ type: "ring", camera, ring } as const),
      agoMs: Math.max(0, Math.round(nowMs - pressedAtMs)),
    }));
  }

  /** To be called now and then: says of presses that nobody took that it is too late. */
  forgetLate(): void {
    const nowMs = this.#options.monotonicMs();
    for (const [ring, { camera, pressedAtMs, outcome }] of this.#waiting) {
      const latestMs = outcome === null ? RING_LATEST_MS : BELL_EVENT_MS;
      if (nowMs - pressedAtMs < latestMs) continue;
      this.#waiting.delete(ring);
      if (outcome === null) this.#setFate(ring, camera, "too-late");
    }
  }

  #setFate(ring: number, camera: CameraId, fate: PressFate): void {
    const last = this.#last.get(camera);
    if (last?.ring === ring) this.#last.set(camera, { ...last, fate });
    this.#options.onFate(camera, fate);
  }
}
