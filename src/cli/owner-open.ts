import { writeFile } from "node:fs/promises";
import { PRIVATE_FILE_MODE } from "../base/files.ts";
import { identitiesOf } from "../owner/device-bundle.ts";
import { openSealedFile, openTornFile } from "../owner/open-clip.ts";
import type * as Api from "../protocol/api.ts";
import { sealedFileName } from "../protocol/clip.ts";
import { HubError } from "../protocol/errors.ts";
import { parseClipId } from "../protocol/ids.ts";
import { UsageError, type ExitCode } from "./exit.ts";
import { openSession, type OwnerSession } from "./hub-session.ts";
import { fetchListedClip } from "../owner/listed-clip.ts";
import type { OpenedSegment } from "../owner/movie.ts";
import { joinSegments } from "./join-segments.ts";
import { print, readOptions, say } from "./options.ts";

/** Fetches a clip's sealed files, opens them here and writes one MP4. */
export async function ownerOpen(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, {
    values: ["hub", "keys", "out", "rendition"],
    flags: ["poster"],
    positionals: 1,
  });
  const id = parseClipId(options.positionals[0] ?? "");
  const out = options.required("out");
  await using session = await openSession(options);
  const clip = await fetchListedClip(session, id, "look");
  const rendition = renditionOf(options.text("rendition"), clip, mayOriginals(session));
  if (options.flag("poster")) return await openPoster(session, clip, rendition, out);
  sayGaps(clip, rendition);
  const whole = await openWholeFiles(session, clip, rendition);
  const torn = await openTornFiles(session, clip, rendition);
  for (const written of await joinSegments([...whole, ...torn], out)) print(written);
  if (clip.state === "recording") say("This clip is still being recorded: this is what is closed.");
  if (clip.state === "torn")
    say("This clip is TORN: a stop of the hub cut it off; this is what authenticates of it.");
  return 0;
}

function renditionOf(
  text: string | null,
  clip: Api.ClipDetail,
  hasOriginals: boolean,
): "original" | "blurred" {
  if (text !== null && text !== "original" && text !== "blurred")
    throw new UsageError("Cannot read --rendition: expected original or blurred");
  // Whoever may see blurred only has no other; of a camera that records blurred only, nor has anybody.
  const rendition =
    text ?? (hasOriginals && clip.renditions[0] !== "blurred" ? "original" : "blurred");
  if (clip.torn.length === 0 && !clip.renditions.includes(rendition))
    throw new HubError(
      "NO_SUCH_RENDITION",
      `Cannot open clip: it has no ${rendition} rendition yet`,
    );
  return rendition;
}

/** What of a blurred copy has nothing to see in it, or is not there. */
function sayGaps({ files, blur }: Api.ClipDetail, rendition: string): void {
  if (rendition !== "blurred") return;
  const videos = files.filter(({ track }) => track === "video");
  const covered = videos.filter((file) => file.rendition === "blurred");
  const whole = covered.filter(({ pixelated }) => pixelated === "whole").length;
  const missing = videos.filter((file) => file.rendition === "original").length - covered.length;
  const why = blur?.reason ? ` (${blur.reason})` : "";
  if (whole > 0) say(`${whole} pieces are pixelated whole: they could not be looked at${why}.`);
  if (missing > 0) say(`${missing} pieces have no blurred copy, and are left out${why}.`);
}

/** With the keys of the file's own rendition: no original passes for a blurred one. */
async function openListed(
  { bundle }: OwnerSession["keys"],
  { rendition, payloadSha256 }: Api.ClipDetail["files"][number],
  sealed: Uint8Array,
): Promise<Uint8Array> {
  return openSealedFile(sealed, identitiesOf(bundle)(rendition, sealed), payloadSha256);
}

/** The still, a JPEG. */
async function openPoster(
  { client, keys }: OwnerSession,
  clip: Api.ClipDetail,
  rendition: string,
  out: string,
): Promise<ExitCode> {
  const file = clip.files.find((one) => one.track === "poster" && one.rendition === rendition);
  if (!file)
    throw new HubError("NO_SUCH_RENDITION", `Cannot open still: there is no ${rendition} one`);
  const sealed = await client.bytes(`/api/clips/${clip.id}/files/${sealedFileName(file)}`);
  const opened = await openListed(keys, file, sealed);
  await writeFile(out, opened, { mode: PRIVATE_FILE_MODE });
  print(out);
  return 0;
}

/** Whether this device holds what opens clear recordings, and sound. */
function mayOriginals({ keys }: OwnerSession): boolean {
  return Boolean(keys.bundle.readers.originals);
}

async function openWholeFiles(
  session: OwnerSession,
  clip: Api.ClipDetail,
  rendition: string,
): Promise<OpenedSegment[]> {
  const { client, keys } = session;
  const wanted = clip.files.filter((file) =>
    file.track === "audio" ? mayOriginals(session) : file.rendition === rendition,
  );
  const opened: OpenedSegment[] = [];
  for (const file of wanted) {
    if (file.track === "poster") continue;
    const sealed = await client.bytes(`/api/clips/${clip.id}/files/${sealedFileName(file)}`);
    const plaintext = await openListed(keys, file, sealed);
    opened.push({ file, plaintext });
  }
  return opened;
}

const TORN_NAME = /^(\d{3,4})\.(video|audio)\.(original|blurred)\.age(\.partial)?$/;

async function openTornFiles(
  { client, keys }: OwnerSession,
  clip: Api.ClipDetail,
  rendition: string,
): Promise<OpenedSegment[]> {
  const opened: OpenedSegment[] = [];
  for (const { name, sizeBytes } of clip.torn) {
    const match = TORN_NAME.exec(name);
    const of = match?.[3] === "blurred" ? "blurred" : "original";
    const track = match?.[2] === "audio" ? "audio" : "video";
    if (!match || sizeBytes === 0 || (track === "video" && match[3] !== rendition)) continue;
    const sealed = await client.bytes(`/api/clips/${clip.id}/files/${name}`);
    try {
      const { plaintext, isWhole } = await openTornFile(
        sealed,
        identitiesOf(keys.bundle)(of, sealed),
      );
      opened.push({ file: { segment: Number(match[1]), track }, plaintext });
      say(
        isWhole
          ? `${name}: whole, but the hub stopped before it was listed`
          : `${name}: torn, ${plaintext.length} bytes of it authenticate`,
      );
    } catch (error) {
      if (!(error instanceof HubError)) throw error;
      say(`${name}: nothing of it can be opened (${error.message})`);
    }
  }
  return opened;
}
