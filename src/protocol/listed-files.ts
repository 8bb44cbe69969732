import type { ListedFile } from "./clip.ts";
import { fileName, type TermsFile } from "./decision.ts";
import { MalformedInput } from "./errors.ts";
import { parseSha256Hex } from "./ids.ts";
import type { LedgerEntry, LedgerEntryOf } from "./ledger-entry.ts";

/**
 * Every file of a clip as its `clip` entry and its `rendition` entries list them, with what a blurred
 * file was made from, and without what a later copy took the place of.
 *
 * @param entries - Of any clips and kinds, in any order; those of other clips are passed over.
 * @returns null where no `clip` entry is of this clip.
 * @throws MalformedInput with field `rendition` where entries list a file twice, or say of a file that
 * it was made from something other than the original video of the same segment and time, or where an
 * entry of the hub does not say what it covered.
 */
export function listedFiles(
  clip: string,
  entries: readonly LedgerEntry[],
): { readonly camera: string; readonly files: readonly ListedFile[] } | null {
  const recorded = entries.find(isClipEntry(clip));
  if (!recorded) return null;
  const files = new Map<string, ListedFile>();
  for (const file of recorded.files) files.set(fileName(clip, file), listedFile(file));
  if (files.size !== recorded.files.length) throw refused("the recording lists a file twice");
  const renditions = entries.filter(isRenditionEntry(clip));
  // Never what was recorded: an entry can only take the place of what entries like it have listed.
  const replaced = new Set(renditions.flatMap((entry) => (entry.v === 4 ? entry.replaces : [])));
  const payloads = new Set(recorded.files.map(({ payloadSha256 }) => payloadSha256));
  if (payloads.size !== files.size) throw refused("two files of the recording are one");
  for (const entry of renditions) {
    for (const file of entry.files) {
      const name = fileName(clip, file);
      const listed = listedFile(file);
      requireOriginal(name, listed, recorded.files);
      if (entry.v === 3) requireSaid(name, listed);
      if (replaced.has(file.payloadSha256)) continue;
      // Under another name the recording itself would be passed on as its covered copy.
      if (payloads.has(file.payloadSha256)) throw refused(`${name} is another file of the clip`);
      payloads.add(file.payloadSha256);
      if (files.has(name)) throw refused(`${name} is listed twice`);
      files.set(name, listed);
    }
  }
  return { camera: recorded.camera, files: [...files.values()] };
}

function isRenditionEntry(clip: string) {
  return (entry: LedgerEntry): entry is LedgerEntryOf<"rendition"> =>
    entry.kind === "rendition" && entry.clip === clip;
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
export function listedFile({ derivedFrom, pixelated, ...file }: TermsFile): ListedFile {
  return {
    ...file,
    payloadSha256: parseSha256Hex(file.payloadSha256),
    ...(derivedFrom === undefined ? {} : { derivedFrom: parseSha256Hex(derivedFrom) }),
    ...(pixelated === undefined ? {} : { pixelated }),
  };
}

/** A copy of the hub's says what it covered; a still of what was recorded has nothing to say. */
function requireSaid(name: string, { rendition, pixelated }: ListedFile): void {
  if ((rendition === "blurred") !== (pixelated !== undefined))
    throw refused(`${name} does not say what was covered`);
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
