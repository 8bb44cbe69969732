import { MailboxClient } from "../../../../src/owner/mailbox-client.ts";
import { lookIntoMailbox, sendReply } from "../../../../src/owner/mailbox.ts";
import { forgetItem, readItem } from "../device-store.ts";
import { mailboxStore } from "../mailbox-store.ts";
import type { VaultContext } from "../vault-worker.ts";
import { show, type ShownRequest } from "./request-calls.ts";

/** What waits, as the mailbox has it. */
export interface AwayState {
  readonly atMs: number;
  readonly requests: readonly AwayRequest[];
  /** Pieces of the recordings that found no room there. */
  readonly leftOut: number;
  readonly answers: readonly {
    readonly request: string;
    readonly taken: boolean;
    readonly message: string | null;
    readonly atMs: number;
  }[];
}

export interface AwayRequest {
  readonly shown: ShownRequest;
  /** Signed on this device, and without an answer yet. */
  readonly isOnItsWay: boolean;
  /** More recordings than a mailbox carries: from here it can only be refused. */
  readonly isPartial: boolean;
}

/** Deciding with the hub out of reach. */
export const mailboxCalls = {
  /** Whether this device was ever told of a mailbox. Needs no keys. */
  hasMailbox: async (_context: VaultContext): Promise<boolean> =>
    (await readItem<Uint8Array>("mailbox")) !== null,

  /** A device that is in the household no more needs no login to its mailbox. */
  forgetMailbox: async (_context: VaultContext): Promise<void> => forgetItem("mailbox"),

  /** The hub answers again, as far as the page knows: it is asked itself. */
  comeHome: async ({ device }: VaultContext): Promise<void> => device.goHome(),

  /** From now on what waits is asked of the mailbox, until the hub itself answers again. */
  goAway: async ({ device }: VaultContext): Promise<AwayState> => {
    const { bundle } = device;
    const store = mailboxStore(device);
    const found = await lookIntoMailbox(bundle, store, await device.seen());
    device.goAway(
      new MailboxClient(device.home.url, found, (reply) => sendReply(bundle, store, found, reply)),
    );
    await device.follow();
    const outbox = (await store.read())?.outbox ?? [];
    const { state } = found;
    const requests: AwayRequest[] = [];
    for (const { summary, clips } of state.requests)
      requests.push({
        shown: await show(device, summary),
        isOnItsWay: outbox.some(({ request }) => request === summary.record.request),
        isPartial: clips === null,
      });
    const { atMs, leftOut, answers } = state;
    return { atMs, leftOut, requests, answers };
  },
};
