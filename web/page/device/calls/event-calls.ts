import { identitiesOf } from "../../../../src/owner/device-bundle.ts";
import { fetchListedClip } from "../../../../src/owner/listed-clip.ts";
import { movieRuns, plainMovie, type OpenedSegment } from "../../../../src/owner/movie.ts";
import { openSealedFile, openTornFile } from "../../../../src/owner/open-clip.ts";
import type { ClipDetail } from "../../../../src/protocol/api.ts";
import { sealedFileName, type ListedFile } from "../../../../src/protocol/clip.ts";
import { HubError } from "../../../../src/protocol/errors.ts";
import { parseClipId, type Rendition } from "../../../../src/protocol/ids.ts";
import { openedPart, type OpenedPart } from "../../media/opened-part.ts";
import type { VaultContext } from "../vault-worker.ts";

/** One sealed file of a clip: listed whole, or left unfinished by a crash. */
export type PlayableFile =
  | { readonly is: "listed"; readonly file: ListedFile }
  | { readonly is: "torn"; readonly name: string };

const TORN_NAME = /^(\d{3,4})\.(video|audio)\.(original|blurred)\.age(\.partial)?$/;

/** What is in a recording: opened here, part by part, for the player and for a file. */
export const eventCalls = {
  openPart: async (
    context: VaultContext,
    { clip, part }: { clip: string; part: PlayableFile },
  ): Promise<OpenedPart> => {
    return openedPart(await openFile(context, parseClipId(clip), part));
  },

  /**
   * A whole clip as MP4 files, one where the camera kept its picture.
   *
   * @returns the files, and which segments could not be opened.
   */
  saveMovie: async (
    context: VaultContext,
    { id, rendition, sound }: { id: string; rendition: Rendition; sound: boolean },
  ): Promise<{ movies: Blob[]; missing: number[] }> => {
    const { device, signal, progress } = context;
    const clip = await fetchListedClip(await device.follow(), id, "look");
    const wanted = filesOf(clip, rendition, sound);
    const opened: OpenedSegment[] = [];
    const missing: number[] = [];
    for (const [index, { file, part }] of wanted.entries()) {
      signal.throwIfAborted();
      try {
        opened.push({ file, plaintext: await openFile(context, clip.id, part) });
      } catch (error) {
        if (!(error instanceof HubError)) throw error;
        // What cannot be opened is left out, and said.
        missing.push(file.segment ?? 0);
      }
      progress(index + 1, wanted.length);
    }
    const movies = movieRuns(opened).map(
      (run) => new Blob(plainMovie(run) as Uint8Array<ArrayBuffer>[], { type: "video/mp4" }),
    );
    return { movies, missing };
  },
};

async function openFile(
  { device, signal }: VaultContext,
  clip: string,
  part: PlayableFile,
): Promise<Uint8Array> {
  const name = part.is === "listed" ? sealedFileName(part.file) : part.name;
  if (part.is === "torn" && !TORN_NAME.test(name))
    throw new HubError("FILE_MISSING", "Cannot open file: not a recording's name");
  const sealed = await device.client.bytes(`/api/clips/${clip}/files/${name}`);
  signal.throwIfAborted();
  const of = part.is === "torn" ? TORN_NAME.exec(part.name)?.[3] : part.file.rendition;
  const identities = identitiesOf(device.bundle)(of === "blurred" ? "blurred" : "original", sealed);
  if (part.is === "listed") return openSealedFile(sealed, identities, part.file.payloadSha256);
  return (await openTornFile(sealed, identities)).plaintext;
}

interface WantedFile {
  readonly file: OpenedSegment["file"];
  readonly part: PlayableFile;
}

function filesOf(clip: ClipDetail, rendition: Rendition, sound: boolean): WantedFile[] {
  const isWanted = (track: string, of: string): boolean =>
    track === "audio" ? sound : track === "video" && of === rendition;
  const whole = clip.files
    .filter(({ track, rendition: of }) => isWanted(track, of))
    .map((file): WantedFile => ({ file, part: { is: "listed", file: file as ListedFile } }));
  const torn = clip.torn.flatMap(({ name }): WantedFile[] => {
    const [, segment, track, of] = TORN_NAME.exec(name) ?? [];
    if (track === undefined || of === undefined || !isWanted(track, of)) return [];
    const kind = track === "audio" ? "audio" : "video";
    return [{ file: { segment: Number(segment), track: kind }, part: { is: "torn", name } }];
  });
  return [...whole, ...torn];
}
