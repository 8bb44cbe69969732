import type { PictureSize } from "../../blur/boxes.ts";
import { spawnSandboxed } from "../../base/sandbox.ts";
import type { BlurFootage } from "../blur-footage.ts";
import { CHILD_LIMITS, ChildWatch, writeTo, type ChildLimits } from "./child-watch.ts";
import type { Colours } from "./colours.ts";
import { PictureDecoder } from "./picture-decoder.ts";
import type { SegmentPictures } from "./segment-pictures.ts";

export interface StillOptions {
  readonly ffmpegPath: string;
  readonly planes: Uint8Array;
  readonly size: PictureSize;
  /** Null where the planes are in the limited range and nothing more is known. */
  readonly colours: Colours | null;
  readonly limits?: ChildLimits;
}

/** Wide enough for a phone's whole width. */
const WIDTH_MAX = 640;
const BYTES_MAX = 200 * 1024;
/** Of ffmpeg's scale for JPEG: 2 is the best. The next is taken where a picture is too large. */
const QUALITIES = [4, 12, 31];
/** From this height on, pictures that do not say it have the colours of high definition. */
const HIGH_DEFINITION_HEIGHT = 720;

/** A small JPEG of a picture; null where there is no encoder for it, or none that gets it small. */
export async function stillOf(options: StillOptions): Promise<Uint8Array | null> {
  for (const quality of QUALITIES) {
    const jpeg = await encode(options, quality);
    if (jpeg === null || jpeg.length <= BYTES_MAX) return jpeg;
    jpeg.fill(0);
  }
  return null;
}

/** The first picture that can be decoded of a segment; null where there is no encoder for it. */
export async function firstStillOf({
  pictures: { size, shownTicks },
  ...options
}: Pick<StillOptions, "ffmpegPath" | "limits"> & {
  readonly footage: BlurFootage;
  readonly pictures: SegmentPictures;
}): Promise<{ readonly ticks: number; readonly jpeg: Uint8Array } | null> {
  await using decoder = await PictureDecoder.start({
    ...{ ...options, pictures: shownTicks.length, form: { kind: "planes", size, isPlain: false } },
  });
  for await (const { ticks, bytes } of decoder.pictures()) {
    const jpeg = await stillOf({ ...options, planes: bytes, size, colours: null });
    return jpeg && { ticks, jpeg };
  }
  return null;
}

async function encode(options: StillOptions, quality: number): Promise<Uint8Array | null> {
  const { ffmpegPath, planes, limits = CHILD_LIMITS } = options;
  await using child = await spawnSandboxed({
    command: [ffmpegPath, ...ffmpegArguments(options, quality)],
    stdin: "pipe",
    cpuSecondsMax: limits.cpuSecondsMax,
    memoryLimitBytes: limits.memoryBytes,
  });
  const watch = new ChildWatch(child, limits.stallMs);
  const parts: Uint8Array[] = [];
  let bytes = 0;
  child.stdout.on("data", (part: Uint8Array) => {
    bytes += part.length;
    // More than the picture itself had is no JPEG of it.
    if (bytes > planes.length) child.kill();
    parts.push(part);
  });
  await watch.during(writeTo(child, planes));
  child.stdin.end();
  const { code } = await watch.during(child.exited);
  const jpeg = joined(parts, bytes);
  const isJpeg =
    jpeg[0] === 0xff && jpeg[1] === 0xd8 && jpeg.at(-2) === 0xff && jpeg.at(-1) === 0xd9;
  if (code === 0 && isJpeg) return jpeg;
  jpeg.fill(0);
  return null;
}

/** In memory of its own; what Node has read into keeps nothing of it. */
function joined(parts: readonly Uint8Array[], bytes: number): Uint8Array {
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
    part.fill(0);
  }
  return whole;
}

function ffmpegArguments({ size, colours }: StillOptions, quality: number): string[] {
  const [across, down] = colours?.aspect ?? [1, 1];
  const width = (size.width * across) / down;
  const scale = Math.min(1, WIDTH_MAX / width);
  const even = (length: number): number => Math.max(2, Math.round(length / 2) * 2);
  const isHigh =
    colours?.matrix === "bt709" || (!colours?.matrix && size.height >= HIGH_DEFINITION_HEIGHT);
  const filter = [
    `scale=${even(width * scale)}:${even(size.height * scale)}:flags=area`,
    `in_color_matrix=${isHigh ? "bt709" : "bt601"}:out_color_matrix=bt601`,
  ].join(":");
  const isFull = colours?.isPlain === true && colours.isFullRange;
  return [
    ...["-hide_banner", "-nostdin", "-nostats", "-loglevel", "error"],
    ...["-protocol_whitelist", "pipe", "-f", "rawvideo"],
    ...["-pix_fmt", isFull ? "yuvj420p" : "yuv420p"],
    ...["-video_size", `${size.width}x${size.height}`, "-i", "pipe:0", "-map", "0:v:0"],
    ...["-vf", `${filter},setsar=1,format=yuvj420p`, "-frames:v", "1", "-map_metadata", "-1"],
    ...["-c:v", "mjpeg", "-threads", "1", "-q:v", String(quality), "-f", "mjpeg", "pipe:1"],
  ];
}
