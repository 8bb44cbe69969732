import type { MailboxAnswer } from "../protocol/api-mailbox.ts";
import type { DeviceId } from "../protocol/ids.ts";

/** What routes may do with the household's mailbox. */
export interface MailboxDesk {
  answerFor(device: DeviceId): MailboxAnswer;
  /** Where the page may connect to besides this hub; none where there is no mailbox. */
  origins(): readonly string[];
  /** A device was shown the ledger at this size. */
  handedOut(device: DeviceId, size: number): void;
  /** Something waits for the owners. */
  wake(): void;
}
