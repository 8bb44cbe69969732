import type { CameraOff, PrivacyAnswer, PrivacySwitchBody } from "../protocol/api-privacy.ts";
import type { SessionDevice } from "./sessions.ts";

/** Which cameras are switched off. What is off has no connection, no recording and no live picture. */
export interface PrivacyDesk {
  isOff(camera: string): boolean;
  /** Null where it is on. */
  offOf(camera: string): CameraOff | null;
  /** Every configured camera that is off. */
  allOff(): string[];
  answer(device: SessionDevice): PrivacyAnswer;
  /**
   * Returns once the ledger has it and it is in force.
   *
   * @throws HubError NOT_FOUND, or NOT_ALLOWED for what only an owner may undo.
   */
  set(camera: string, wish: PrivacySwitchBody, device: SessionDevice): void;
  /**
   * What came over the broker, where an owner allows that: off whatever is on, on only what it
   * switched off itself. Does nothing where there is nothing to do.
   */
  setByBroker(camera: string, isOff: boolean): void;
  /** Called with each change, when it is in force. */
  onChange(listener: (camera: string, isOff: boolean) => void): void;
  /** Puts in force what time or new settings have changed; to be called about every second. */
  settle(): void;
  /** Whether `settle` has anything to do. */
  isDue(): boolean;
}
