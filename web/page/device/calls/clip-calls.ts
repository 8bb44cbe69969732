import { clipIdentities } from "../../../../src/owner/device-bundle.ts";
import { fetchListedClip } from "../../../../src/owner/listed-clip.ts";
import { openSealedFile } from "../../../../src/owner/open-clip.ts";
import { sealedFileName, type FileKey } from "../../../../src/protocol/clip.ts";
import { HubError } from "../../../../src/protocol/errors.ts";
import type { VaultContext } from "../vault-worker.ts";

/** Recordings: what the hub lists, proven; and what is in them, opened here. */
export const clipCalls = {
  /** A clip whose files this device has seen proven in the ledger, to be looked at. */
  clip: async ({ device }: VaultContext, { id }: { id: string }) =>
    fetchListedClip(await device.follow(), id, "look"),

  /** One sealed file of a clip, opened: a self-contained fMP4 for video and sound. */
  openFile: async (
    { device }: VaultContext,
    { clip, file, payloadSha256 }: { clip: string; file: FileKey; payloadSha256: string },
  ): Promise<ArrayBuffer> => {
    const sealed = await device.client.bytes(`/api/clips/${clip}/files/${sealedFileName(file)}`);
    const opened = await openSealedFile(sealed, clipIdentities(device.bundle), payloadSha256);
    if (!(opened.buffer instanceof ArrayBuffer))
      throw new HubError("FAILED", "Cannot open file: shared memory");
    return opened.byteLength === opened.buffer.byteLength ? opened.buffer : opened.slice().buffer;
  },
};
