import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { clipIdentities } from "../../src/owner/device-bundle.ts";
import { follow, HubClient, type FollowedHub } from "../../src/owner/hub-client.ts";
import { fetchListedClip } from "../../src/owner/listed-clip.ts";
import { openSealedFile } from "../../src/owner/open-clip.ts";
import { sealRendition, sendRendition, type SealedSegment } from "../../src/owner/rendition.ts";
import type { ClipDetail } from "../../src/protocol/api.ts";
import { sealedFileName } from "../../src/protocol/clip.ts";
import { parseClipId } from "../../src/protocol/ids.ts";
import type { TestDevice, TestHub } from "./test-hub.ts";

/** An owner's device that makes a blurred rendition, over HTTP and with nothing replaced. */
export async function followTestHub(
  hub: TestHub,
  device: TestDevice = hub.owner,
): Promise<FollowedHub> {
  const client = new HubClient(hub.hub.url, device.token);
  const { keyring, seen } = await follow(client, device.bundle, null);
  let newest = seen;
  const followTo: FollowedHub["followTo"] = async (index) => {
    if (index >= newest.size) newest = (await follow(client, device.bundle, newest)).seen;
    return newest;
  };
  return { client, keyring, seen, followTo };
}

/** The opened original video segments of a clip. */
export async function openOriginals(
  { client }: FollowedHub,
  clip: ClipDetail,
  device: TestDevice,
): Promise<{ segment: number; bytes: Uint8Array }[]> {
  const opened = [];
  for (const file of clip.files) {
    if (file.track !== "video" || file.rendition !== "original" || file.segment === null) continue;
    const sealed = await client.bytes(`/api/clips/${clip.id}/files/${sealedFileName(file)}`);
    const bytes = await openSealedFile(sealed, clipIdentities(device.bundle), file.payloadSha256);
    opened.push({ segment: file.segment, bytes });
  }
  return opened;
}

/** The whole picture as a mosaic: what an owner's page makes of faces, made of all here. */
export function mosaic(movie: Uint8Array): Uint8Array {
  const result = spawnSync(
    "ffmpeg",
    [
      ...["-v", "error", "-i", "pipe:0", "-vf", "pixelize=w=32:h=32", "-c:v", "libx264"],
      ...[
        "-preset",
        "ultrafast",
        "-g",
        "10",
        "-bf",
        "0",
        "-copyts",
        "-video_track_timescale",
        "10240",
      ],
      ...["-movflags", "frag_every_frame+empty_moov+default_base_moof", "-f", "mp4", "pipe:1"],
    ],
    { input: movie, maxBuffer: 64 * 1024 * 1024 },
  );
  if (result.status !== 0) throw new Error(`ffmpeg failed: ${result.stderr.toString()}`);
  return laterBy(result.stdout, decodeTimesOf(Buffer.from(movie))[0]?.time ?? 0n);
}

/** Where a fragmented MP4 says at what time each fragment is decoded. */
function decodeTimesOf(movie: Buffer): { at: number; time: bigint }[] {
  const times = [];
  for (let at = movie.indexOf("tfdt"); at >= 0; at = movie.indexOf("tfdt", at + 4)) {
    const isLong = movie[at + 4] === 1;
    const time = isLong ? movie.readBigUInt64BE(at + 8) : BigInt(movie.readUInt32BE(at + 8));
    times.push({ at, time });
  }
  return times;
}

/** Times run on across the segments of a clip; ffmpeg begins each file at 0. */
function laterBy(movie: Buffer, start: bigint): Uint8Array {
  for (const { at, time } of decodeTimesOf(movie)) {
    if (movie[at + 4] !== 1) throw new Error("a decode time of 32 bits");
    movie.writeBigUInt64BE(time + start, at + 8);
  }
  return new Uint8Array(movie);
}

/** Blurs and seals all of a clip, without sending it. */
export async function sealBlurred(
  hub: TestHub,
  id: string,
  make: (movie: Uint8Array) => Uint8Array = mosaic,
): Promise<{ followed: FollowedHub; clip: ClipDetail; sealed: SealedSegment[] }> {
  const followed = await followTestHub(hub);
  const clip = await fetchListedClip(followed, id, "release");
  const originals = await openOriginals(followed, clip, hub.owner);
  const made = originals.map(({ segment, bytes }) => ({ segment, bytes: make(bytes) }));
  return { followed, clip, sealed: await sealRendition(clip, followed.keyring, made) };
}

/** The same, and the hub lists it. */
export async function addBlurred(hub: TestHub, id: string): Promise<SealedSegment[]> {
  const { followed, clip, sealed } = await sealBlurred(hub, id, (movie) => movie.slice(0, 2_000));
  await sendRendition(followed.client, clip.id, sealed);
  return sealed;
}

/** Names of blurred files, whole or partial, in the folder of a clip. */
export function blurredNames({ hub }: TestHub, clip: string): string[] {
  const names = readdirSync(hub.services.clips.folderOf(parseClipId(clip)));
  return names.filter((name) => name.includes("blurred")).toSorted();
}
