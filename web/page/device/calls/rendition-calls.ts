import { fetchListedClip } from "../../../../src/owner/listed-clip.ts";
import { sealRendition, sendRendition } from "../../../../src/owner/rendition.ts";
import type { VaultContext } from "../vault-worker.ts";

/** What this device made of a clip: sealed here, and listed by the hub as a whole or not at all. */
export const renditionCalls = {
  /**
   * Blurred files of a clip, one for each original video segment.
   *
   * @returns Index of the ledger entry that lists them.
   */
  addRendition: async (
    { device, progress, signal }: VaultContext,
    { clip, files }: { clip: string; files: readonly { segment: number; bytes: Uint8Array }[] },
  ): Promise<number> => {
    const hub = await device.follow();
    const listed = await fetchListedClip(hub, clip, "release");
    const sealed = await sealRendition(listed, hub.keyring, files);
    return sendRendition(hub.client, listed.id, sealed, {
      signal,
      onSent: (count) => progress(count, sealed.length),
    });
  },
};
