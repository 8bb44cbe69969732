import { Encrypter } from "age-encryption";
import { requireAgeHeader } from "../protocol/age-header.ts";
import type * as Api from "../protocol/api.ts";
import { RenditionListed, RenditionStarted } from "../protocol/api-renditions.ts";
import { HubError } from "../protocol/errors.ts";
import type { Keyring } from "../protocol/keyring.ts";
import type { DerivedFile, DerivedStill, DeviceCopyFile } from "../protocol/ledger-entry.ts";
import { LIMITS } from "../protocol/limits.ts";
import { digestHex } from "./digest.ts";
import type { HubClient } from "./hub-client.ts";

/** A blurred segment as this device made it: an MP4 in the clear. */
export interface BlurredSegment {
  readonly segment: number;
  readonly bytes: Uint8Array;
}

/** A still of what this device made, and the segment whose first picture it is: a JPEG in the clear. */
export interface BlurredStill {
  readonly segment: number;
  readonly bytes: Uint8Array;
}

/** The same, sealed, with what the ledger is to say of it. */
export interface SealedCopyFile<File extends DeviceCopyFile = DeviceCopyFile> {
  readonly file: File;
  readonly bytes: Uint8Array;
}
export type SealedSegment = SealedCopyFile<DerivedFile>;

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
    const { bytes, common } = await seal(made, readers);
    const { segment, fromMs, toMs, payloadSha256: derivedFrom } = original;
    const file = { ...common, segment, track: "video" as const, fromMs, toMs, derivedFrom };
    sealed.push({ file, bytes });
  }
  return sealed;
}

/**
 * The same for a still of it.
 *
 * @throws HubError RENDITION_INCOMPLETE, TOO_LARGE.
 */
export async function sealStill(
  clip: Api.ClipDetail,
  { readers }: Pick<Keyring, "readers">,
  still: BlurredStill,
): Promise<SealedCopyFile<DerivedStill>> {
  const original = clip.files.find(
    ({ track, rendition, segment }) =>
      track === "video" && rendition === "original" && segment === still.segment,
  );
  if (!original)
    throw new HubError(
      "RENDITION_INCOMPLETE",
      `Cannot seal rendition: there is no segment ${still.segment} for its still`,
    );
  const { bytes, common } = await seal(still, readers);
  const { fromMs, payloadSha256: derivedFrom } = original;
  const at = { fromMs, toMs: fromMs };
  return {
    file: { ...common, segment: null, track: "poster", ...at, derivedFrom },
    bytes,
  };
}

async function seal(made: BlurredSegment, readers: Keyring["readers"]) {
  const encrypter = new Encrypter();
  for (const reader of [readers.originals, readers.blurred, readers.recovery])
    encrypter.addRecipient(reader);
  const bytes = await encrypter.encrypt(made.bytes);
  if (bytes.length > LIMITS.renditionFileBytes)
    throw new HubError("TOO_LARGE", `Cannot seal rendition: segment ${made.segment} is too long`);
  const payloadSha256 = await digestHex(bytes.subarray(requireAgeHeader(bytes).payloadOffset));
  const common = { rendition: "blurred" as const, sizeBytes: bytes.length, payloadSha256 };
  return { bytes, common };
}

/** Payload hashes of what a new copy of this clip takes the place of. */
export function replacedBy(clip: Pick<Api.ClipDetail, "files">): string[] {
  return clip.files
    .filter(({ rendition }) => rendition === "blurred")
    .map(({ payloadSha256 }) => payloadSha256);
}

/**
 * Hands a sealed rendition to the hub: all of it is listed, or nothing.
 *
 * @param options.replaces - `replacedBy` of the clip, where it has a copy already: that is erased.
 * @param onSent - Called after each file, with how many have gone.
 * @returns Index of the ledger entry that lists it.
 * @throws HubError of the hub; what was sent is dropped there, also when `signal` aborts.
 */
export async function sendRendition(
  client: HubClient,
  clip: string,
  sealed: readonly SealedCopyFile[],
  options: {
    readonly replaces?: readonly string[];
    readonly onSent?: (count: number) => void;
    readonly signal?: AbortSignal;
  } = {},
): Promise<number> {
  const path = `/api/clips/${clip}/renditions`;
  const files = sealed.map(({ file }) => file);
  const { replaces = [] } = options;
  const { upload } = await client.post(path, { files, replaces }, RenditionStarted);
  try {
    let count = 0;
    for (const { file, bytes } of sealed) {
      if (options.signal?.aborted)
        throw new HubError("CANCELLED", "Cancelled: nothing was sent or listed");
      await client.sendBytes(`${path}/${upload}/files/${file.segment ?? "poster"}`, bytes);
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
