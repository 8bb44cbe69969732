import type { BellsAnswer, BellTeaching, BellWay } from "../protocol/api-bells.ts";
import type { CameraId } from "../protocol/ids.ts";

/** `test`: an owner has tried it. */
export type PressWay = BellWay | "test";

/** Somebody rings: told once for each press, whatever the recording does. */
export interface BellRing {
  readonly camera: CameraId;
  readonly via: PressWay;
  /** UTC. */
  readonly atMs: number;
}

/** `repeated`: a moment after another one, and the same press as far as anybody can tell. */
export type PressOutcome = "rung" | "repeated" | "unknown-camera";

/** What the hub does about bells. */
export interface BellDesk {
  /** Somebody has pressed: recorded, and told to everybody who listens, unless it is a repetition. */
  press(camera: string, via: PressWay): PressOutcome;
  /**
   * Calls `listener` for every press from now on; what it throws is logged, and nobody else's loss.
   *
   * @returns a function that ends it.
   */
  onRing(listener: (ring: BellRing) => void): () => void;
  answer(): BellsAnswer;
  /** Why a camera's bell is not heard now; null where it is, or it has none. */
  lostSinceMs(camera: string): number | null;
  /**
   * A press that came over HTTP. Takes the same time for a wrong token and an unknown camera.
   *
   * @returns whether the token was this camera's.
   */
  pressByToken(camera: string, token: string): boolean;
  /** Listens to everything a camera says of its bell for a minute. @throws HubError `NOT_FOUND`. */
  startTeaching(camera: string): BellTeaching;
  teaching(camera: string): BellTeaching;
  stopTeaching(camera: string): BellTeaching;
  /** Says something over the broker. @throws HubError `NO_BROKER`, `NOT_PUBLISHED`. */
  publish(topic: string, payload: string, options?: { readonly retain?: boolean }): Promise<void>;
}
