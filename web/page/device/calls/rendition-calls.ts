import { fetchListedClip } from "../../../../src/owner/listed-clip.ts";
import {
  replacedBy,
  sealRendition,
  sealStill,
  sendRendition,
} from "../../../../src/owner/rendition.ts";
import type { VaultContext } from "../vault-worker.ts";

interface MadeFile {
  readonly segment: number;
  readonly bytes: Uint8Array;
}

/** What this device made of a clip: sealed here, and listed by the hub as a whole or not at all. */
export const renditionCalls = {
  /**
   * Blurred files of a clip, one for each original video segment, and a still. What there was of a
   * blurred copy, they take the place of.
   *
   * @returns Index of the ledger entry that lists them.
   */
  addRendition: async (
    { device, progress, signal }: VaultContext,
    made: { clip: string; files: readonly MadeFile[]; still: MadeFile },
  ): Promise<number> => {
    const hub = await device.follow();
    const listed = await fetchListedClip(hub, made.clip, "release");
    const sealed = [
      ...(await sealRendition(listed, hub.keyring, made.files)),
      await sealStill(listed, hub.keyring, made.still),
    ];
    return sendRendition(hub.client, listed.id, sealed, {
      ...{ signal, replaces: replacedBy(listed) },
      onSent: (count) => progress(count, sealed.length),
    });
  },
};
