import { Encrypter } from "age-encryption";
import { requireAgeHeader } from "../protocol/age-header.ts";
import type * as Api from "../protocol/api.ts";
import { RenditionListed, RenditionStarted } from "../protocol/api-renditions.ts";
import { HubError } from "../protocol/errors.ts";
import type { Keyring } from "../protocol/keyring.ts";
import type { DerivedFile } from "../protocol/ledger-entry.ts";
import { LIMITS } from "../protocol/limits.ts";
import { digestHex } from "./digest.ts";
import type { HubClient } from "./hub-client.ts";

/** A blurred segment as this device made it: an MP4 in the clear. */
export interface BlurredSegment {
  readonly segment: number;
  readonly bytes: Uint8Array;
}

/** The same, sealed, with what the ledger is to say of it. */
export interface SealedSegment {
  readonly file: DerivedFile;
  readonly bytes: Uint8Array;
}

/**
 * Seals what was made of a clip's original video to those who may see it: whoever holds the
 * originals reader, the blurred reader or the recovery sheet, in this order, and nobody else.
 *
 * @param clip - As the ledger lists it, proven (`fetchListedClip`).
 * @param segments - One for each original video segment of the clip.
 * @throws HubError RENDITION_INCOMPLETE, TOO_LARGE.
 */
export async function sealRendition(
  clip: Api.ClipDetail,
  { readers }: Pick<Keyring, "readers">,
  segments: readonly BlurredSegment[],
): Promise<SealedSegment[]> {
  const originals = clip.files.filter(
    ({ track, rendition }) => track === "video" && rendition === "original",
  );
  const sealed: SealedSegment[] = [];
  for (const original of originals) {
    const made = segments.find(({ segment }) => segment === original.segment);
    if (!made || original.segment === null || segments.length !== originals.length)
      throw new HubError(
        "RENDITION_INCOMPLETE",
        `Cannot seal rendition: ${segments.length} segments were made of ${originals.length}`,
      );
    const encrypter = new Encrypter();
    for (const reader of [readers.originals, readers.blurred, readers.recovery])
      encrypter.addRecipient(reader);
    const bytes = await encrypter.encrypt(made.bytes);
    if (bytes.length > LIMITS.renditionFileBytes)
      throw new HubError("TOO_LARGE", `Cannot seal rendition: segment ${made.segment} is too long`);
    const { fromMs, toMs } = original;
    const file: DerivedFile = {
      ...{ segment: original.segment, track: "video", rendition: "blurred" },
      sizeBytes: bytes.length,
      payloadSha256: await digestHex(bytes.subarray(requireAgeHeader(bytes).payloadOffset)),
      ...{ fromMs, toMs, derivedFrom: original.payloadSha256 },
    };
    sealed.push({ file, bytes });
  }
  return sealed;
}

/**
 * Hands a sealed rendition to the hub: all of it is listed, or nothing.
 *
 * @param onSent - Called after each file, with how many have gone.
 * @returns Index of the ledger entry that lists it.
 * @throws HubError of the hub; what was sent is dropped there, also when `signal` aborts.
 */
export async function sendRendition(
  client: HubClient,
  clip: string,
  sealed: readonly SealedSegment[],
  options: { readonly onSent?: (count: number) => void; readonly signal?: AbortSignal } = {},
): Promise<number> {
  const path = `/api/clips/${clip}/renditions`;
  const files = sealed.map(({ file }) => file);
  const { upload } = await client.post(path, { files }, RenditionStarted);
  try {
    let count = 0;
    for (const { file, bytes } of sealed) {
      if (options.signal?.aborted)
        throw new HubError("CANCELLED", "Cancelled: nothing was sent or listed");
      await client.sendBytes(`${path}/${upload}/files/${file.segment}`, bytes);
      options.onSent?.(++count);
    }
    const listed = await client.post(`${path}/${upload}/close`, {}, RenditionListed);
    return listed.entryIndex;
  } catch (error) {
    // The hub drops it by itself after a while, too; what went wrong first is what matters.
    await client.delete(`${path}/${upload}`).catch(() => undefined);
    throw error;
  }
}
