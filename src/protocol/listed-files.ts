import type { ListedFile } from "./clip.ts";
import { fileName, type TermsFile } from "./decision.ts";
import { MalformedInput } from "./errors.ts";
import { parseSha256Hex } from "./ids.ts";
import type { CopyFile, LedgerEntry, LedgerEntryOf } from "./ledger-entry.ts";

/**
 * Every file of a clip as its `clip` entry and its `rendition` entries list them, with what a blurred
 * file of an owner's device was made from.
 *
 * @param entries - Of any clips and kinds; those of other clips are passed over.
 * @returns null where no `clip` entry is of this clip.
 * @throws MalformedInput with field `rendition` where an entry lists a file again, or says of a file
 * that it was made from something other than the original video of the same segment and time.
 */
export function listedFiles(
  clip: string,
  entries: readonly LedgerEntry[],
): { readonly camera: string; readonly files: readonly ListedFile[] } | null {
  const recorded = entries.find(isClipEntry(clip));
  if (!recorded) return null;
  const files = new Map<string, ListedFile>();
  for (const file of recorded.files) files.set(fileName(clip, file), listedFile(file));
  for (const entry of entries) {
    if (entry.kind !== "rendition" || entry.clip !== clip) continue;
    for (const file of entry.files) {
      const name = fileName(clip, file);
      if (files.has(name)) throw refused(`${name} is listed twice`);
      const listed = listedFile(file);
      requireOriginal(name, listed, recorded.files);
      files.set(name, listed);
    }
  }
  return { camera: recorded.camera, files: [...files.values()] };
}

function isClipEntry(clip: string) {
  return (entry: LedgerEntry): entry is LedgerEntryOf<"clip"> =>
    entry.kind === "clip" && entry.clip === clip;
}

/**
 * A file as terms or an entry name it, as the checked type.
 *
 * @throws MalformedInput where a hash is none.
 */
export function listedFile({
  derivedFrom,
  pixelated: _pixelated,
  ...file
}: TermsFile & Pick<CopyFile, "pixelated">): ListedFile {
  return {
    ...file,
    payloadSha256: parseSha256Hex(file.payloadSha256),
    ...(derivedFrom === undefined ? {} : { derivedFrom: parseSha256Hex(derivedFrom) }),
  };
}

function requireOriginal(
  name: string,
  file: ListedFile,
  recorded: LedgerEntryOf<"clip">["files"],
): void {
  if (file.derivedFrom === undefined) return;
  const isOfRecording = recorded.some(
    (original) =>
      original.track === "video" &&
      original.rendition === "original" &&
      original.payloadSha256 === file.derivedFrom &&
      isOfSamePlace(file, original),
  );
  if (!isOfRecording)
    throw refused(`${name} was made from nothing that was recorded at its place and time`);
}

/** A still is of one moment of its segment. */
function isOfSamePlace(
  file: ListedFile,
  original: LedgerEntryOf<"clip">["files"][number],
): boolean {
  if (file.track === "poster")
    return file.segment === null && file.fromMs >= original.fromMs && file.toMs <= original.toMs;
  return (
    file.track === "video" &&
    file.rendition === "blurred" &&
    original.segment === file.segment &&
    original.fromMs === file.fromMs &&
    original.toMs === file.toMs
  );
}

function refused(found: string): MalformedInput {
  return new MalformedInput("rendition", `Cannot accept rendition entry: ${found}`);
}
