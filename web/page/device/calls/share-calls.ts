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

  /** The links of a request, and whether this device can make the first or another one. */
  shares: async (
    { device }: VaultContext,
    { request, recipient }: { request: string; recipient: string | null },
  ): Promise<ShareList & { canMake: boolean }> => {
    const list = await device.client.get(
      `/api/requests/${parseRequestId(request)}/shares`,
      ShareList,
    );
    const link = links.get(request);
    return { ...list, canMake: link !== undefined && link.recipient === recipient };
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
