import type { CopyState } from "../protocol/api-copy.ts";

/** What routes and the health screen may do with the copy elsewhere. */
export interface CopyDesk {
  state(): CopyState;
  /** The same without what is counted: for whoever asks often. */
  standing(): Pick<CopyState, "place" | "finishedAtMs">;
  /**
   * A turn that begins now, or after the one that runs.
   *
   * @returns Resolves when that turn is over; how it went, the state says.
   * @throws HubError NO_COPY, NOT_CLAIMED.
   */
  now(): Promise<void>;
  /**
   * A turn in a few seconds: without a change of the keyring in the copy, a hub that goes on from it
   * would let in whoever was removed.
   */
  soon(): void;
}
