import type { CopyState } from "../protocol/api-copy.ts";

/** What routes and the health screen may do with the copy elsewhere. */
export interface CopyDesk {
  state(): CopyState;
  /** The same without what is counted: for whoever asks often. */
  standing(): Pick<CopyState, "place" | "finishedAtMs">;
  /**
   * Begins a turn, or lets the one that runs go on.
   *
   * @returns Resolves when that turn is over; how it went, the state says.
   * @throws HubError NO_COPY, NOT_CLAIMED.
   */
  now(): Promise<void>;
}
