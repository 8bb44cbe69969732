import type { Recipient } from "../protocol/age-header.ts";
import type { FileKey, RecorderEvent, SealedFile } from "../protocol/clip.ts";
import { HubError } from "../protocol/errors.ts";
import { sealWhole } from "./blurred-file.ts";
import type { CopiedClip, Span } from "./clip-copy.ts";
import { failureOf, type RecorderTrouble } from "./recorder-trouble.ts";

/** Who can open what is made of a clip, and where the keyring stood that says so. */
export interface CopyReaders {
  /** Originals reader, blurred reader, recovery. */
  readonly blurred: readonly Recipient[];
  /** Of a still of the clear picture: originals reader, recovery. */
  readonly originals: readonly Recipient[];
  readonly keyringEpoch: number;
}

export interface CopySealer {
  /** Asked for each file: a reader that was removed meanwhile does not get it. */
  readonly readers: () => CopyReaders | null;
  readonly emit: (event: RecorderEvent) => void;
  readonly reportTrouble: (trouble: RecorderTrouble) => void;
}

/**
 * Seals one file of a copy and says so.
 *
 * @returns false where that failed, which was reported.
 */
export async function sealCopyFile(
  { readers, emit, reportTrouble }: CopySealer,
  clip: CopiedClip,
  file: {
    readonly key: FileKey & { readonly track: "video" | "poster" };
    readonly parts: readonly Uint8Array[];
    readonly span: Span;
    /** What it was made from; null where no original is recorded. */
    readonly original: SealedFile | null;
    readonly pixelated: "faces" | "whole" | null;
  },
): Promise<boolean> {
  const { key, parts, span, original, pixelated } = file;
  const covered = pixelated === null ? {} : { pixelated };
  const { folder, id, camera, isOnly } = clip;
  try {
    const inForce = readers();
    if (inForce === null)
      throw new HubError("RECORDER_NO_READERS", "nobody is there who could open it");
    const recipients = inForce[key.rendition === "original" ? "originals" : "blurred"];
    const keepsPartial = isOnly && key.track === "video";
    const sealed = await sealWhole({ folder, key, recipients, parts, span, keepsPartial });
    if (original === null) emit({ type: "file-closed", clip: id, file: sealed, ...covered });
    else
      emit({
        ...{ type: "copy-file", clip: id, keyringEpoch: inForce.keyringEpoch },
        file: { ...sealed, derivedFrom: original.payloadSha256, ...covered },
      });
    return true;
  } catch (error) {
    const { code, found } = failureOf(error);
    const message = `Cannot record the blurred copy of ${camera}: ${found}`;
    reportTrouble({ camera, clip: id, code, message });
    return false;
  } finally {
    // Nobody else has them: they came from the process that blurs.
    for (const part of parts) part.fill(0);
  }
}
