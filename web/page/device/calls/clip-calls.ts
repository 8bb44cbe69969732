import { identitiesOf } from "../../../../src/owner/device-bundle.ts";
import { fetchListedClip } from "../../../../src/owner/listed-clip.ts";
import { openSealedFile } from "../../../../src/owner/open-clip.ts";
import { sealedFileName, type FileKey } from "../../../../src/protocol/clip.ts";
import type { ClipDetail } from "../../../../src/protocol/api.ts";
import { HubError } from "../../../../src/protocol/errors.ts";
import { parseClipId, type Rendition } from "../../../../src/protocol/ids.ts";
import type { VaultContext } from "../vault-worker.ts";

/** Recordings: what the hub lists, proven; and what is in them, opened here. */
export const clipCalls = {
  /** A clip whose files this device has seen proven in the ledger, to be looked at. */
  clip: async ({ device }: VaultContext, { id }: { id: string }) =>
    fetchListedClip(await device.follow(), id, "look"),

  /**
   * The blurred still of a clip, not wider than asked for; null where there is none. For a list: what
   * the hub hands out is not held against the ledger, as it is where an event is opened.
   */
  poster: async (
    { device }: VaultContext,
    { clip, width }: { clip: string; width: number },
  ): Promise<ImageBitmap | null> => {
    const name = sealedFileName({ segment: null, track: "poster", rendition: "blurred" });
    const sealed = await device.client
      .bytes(`/api/clips/${parseClipId(clip)}/files/${name}`)
      .catch((error: unknown) => {
        if (error instanceof HubError && error.code === "NOT_FOUND") return null;
        throw error;
      });
    if (sealed === null) return null;
    const opened = await openSealedFile(
      sealed,
      identitiesOf(device.bundle)("blurred", sealed),
      null,
    );
    return pictureOf(opened, width);
  },

  /** The still of a clip in one rendition, as the ledger lists it; null where there is none. */
  provenPoster: async (
    context: VaultContext,
    { clip, rendition, width }: { clip: ClipDetail; rendition: Rendition; width: number },
  ): Promise<ImageBitmap | null> => {
    const file = clip.files.find(
      ({ track, rendition: of }) => track === "poster" && of === rendition,
    );
    if (!file) return null;
    const { payloadSha256 } = file;
    const opened = await clipCalls.openFile(context, { clip: clip.id, file, payloadSha256 });
    return pictureOf(new Uint8Array(opened), width);
  },

  /** One sealed file of a clip, opened: a self-contained fMP4 for video and sound. */
  openFile: async (
    { device }: VaultContext,
    { clip, file, payloadSha256 }: { clip: string; file: FileKey; payloadSha256: string },
  ): Promise<ArrayBuffer> => {
    const sealed = await device.client.bytes(`/api/clips/${clip}/files/${sealedFileName(file)}`);
    const identities = identitiesOf(device.bundle)(file.rendition, sealed);
    const opened = await openSealedFile(sealed, identities, payloadSha256);
    if (!(opened.buffer instanceof ArrayBuffer))
      throw new HubError("FAILED", "Cannot open file: shared memory");
    return opened.byteLength === opened.buffer.byteLength ? opened.buffer : opened.slice().buffer;
  },
};

/** Shown is what a JPEG decoder makes of it, and nothing else that the bytes may claim to be. */
function pictureOf(jpeg: Uint8Array, width: number): Promise<ImageBitmap> {
  const blob = new Blob([jpeg as Uint8Array<ArrayBuffer>], { type: "image/jpeg" });
  return createImageBitmap(blob, { resizeWidth: width, resizeQuality: "medium" });
}
