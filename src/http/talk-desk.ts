import type { TalkCamera } from "../protocol/api-talk.ts";
import type { G711Law } from "../protocol/g711.ts";
import type { SessionDevice } from "./sessions.ts";

/** Why a conversation is over; null where its speaker ended it. */
export interface TalkProblem {
  readonly code: string;
  readonly message: string;
}

/** Sound on its way to one camera, from one speaker. */
export interface Conversation {
  /** How the camera wants it coded. Rejects with a HubError where it takes none. */
  readonly opened: Promise<G711Law>;
  /** Resolves when nothing more is sent and the camera was told so. Never rejects. */
  readonly ended: Promise<TalkProblem | null>;
  sound(law: G711Law, bytes: Uint8Array): void;
  /** What waits is still said. */
  end(problem?: TalkProblem): void;
}

/** Talking at the cameras: one speaker at a time each, entered before it begins. */
export interface TalkDesk {
  /** @param session - Who asks: what he himself says is no reason to call a camera busy. */
  cameras(session: string): TalkCamera[];
  /**
   * Begins a conversation. Its entry is in the ledger when this returns.
   *
   * @param queueBytesMax - What may wait to be said.
   * @throws HubError NOT_FOUND, TALK_OFF, CAMERA_OFF, TALK_BUSY.
   */
  begin(camera: string, speaker: SessionDevice, queueBytesMax: number): Conversation;
  /** A camera was switched off: whoever talks there is cut off. */
  switchedOff(camera: string): void;
}
