import {
  linkAddress,
  newLink,
  signShare,
  type LinkChoice,
  type NewLink,
} from "../../../../src/owner/share.ts";
import { ShareList, ShareSummary } from "../../../../src/protocol/api-shares.ts";
import { HubError } from "../../../../src/protocol/errors.ts";
import { parseRequestId } from "../../../../src/protocol/ids.ts";
import { confirmingSigner } from "../confirming-signer.ts";
import type { VaultContext } from "../vault-worker.ts";

/** Keys of links that are being made, by request: in this worker's memory, until it ends. */
const links = new Map<string, NewLink>();

/** Links for people without a key. */
export const shareCalls = {
  /** A key that is made here; what is approved for it can be shared as a link. */
  keyForLink: async (_context: VaultContext, { request }: { request: string }): Promise<string> => {
    const link = links.get(request) ?? (await newLink());
    links.set(request, link);
    return link.recipient;
  },

  /** The owner wants no link after all. */
  dropKeyForLink: async (_context: VaultContext, { request }: { request: string }) => {
    links.delete(request);
  },

  /** The links of a request, and whether one is waiting to be made. An approval has one at most. */
  shares: async (
    { device }: VaultContext,
    { request }: { request: string },
  ): Promise<ShareList & { canMake: boolean }> => {
    const path = `/api/requests/${parseRequestId(request)}/shares`;
    const list = await device.client.get(path, ShareList);
    return { ...list, canMake: links.has(request) && list.shares.length === 0 };
  },

  /**
   * Signs the link to an approval that was made for its key.
   *
   * @returns The link: whoever has it can open what was approved. It is kept nowhere.
   */
  makeLink: async (
    context: VaultContext,
    made: { request: string; decisionSha256: string; base: string; choice: LinkChoice },
  ): Promise<string> => {
    const { request, decisionSha256, base, choice } = made;
    const link = links.get(request);
    if (!link)
      throw new HubError(
        "LINK_GONE",
        "Cannot make link: its key was made before this page was loaded",
      );
    const address = linkAddress(base, link);
    const { keyring } = await context.device.follow();
    const signer = await confirmingSigner(context, keyring);
    const ground = { keyring, request, decisionSha256, nowMs: Date.now() };
    const share = await signShare(link, choice, ground, signer);
    await context.device.client.post("/api/shares", { share }, ShareSummary);
    return address;
  },
};
