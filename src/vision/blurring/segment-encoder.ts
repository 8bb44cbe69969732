import type { PictureSize } from "../../blur/boxes.ts";
import { spawnSandboxed, type SandboxedChild } from "../../base/sandbox.ts";
import { HubError } from "../../protocol/errors.ts";
import { VIDEO_TIMESCALE, type TrackInit } from "../../protocol/fragment.ts";
import { pictureProblem } from "../encoded-picture.ts";
import {
  CHILD_LIMITS,
  ChildWatch,
  ENDED_WELL,
  endOf,
  writeTo,
  type ChildLimits,
} from "./child-watch.ts";
import { encoderColours, type Colours } from "./colours.ts";
import type { Container, EncodedSample, EncodedTrack } from "./container.ts";

export interface EncoderOptions {
  readonly ffmpegPath: string;
  readonly container: Container;
  /** Of the pictures that are written. */
  readonly size: PictureSize;
  /** Of the pictures that come out: each block that went in becomes a rectangle of one colour. */
  readonly shownSize: PictureSize;
  readonly colours: Colours | null;
  /** Pictures that will be written. */
  readonly pictures: number;
  readonly bitsPerSecond: number;
  readonly framesPerSecond: number;
  /** All that may come out. */
  readonly bytesMax: number;
  readonly limits?: ChildLimits;
}

export interface EncodedPicture {
  readonly keyFrame: boolean;
  /** NAL units with 4-byte lengths. */
  readonly bytes: Uint8Array;
}

export interface EncodedSegment {
  readonly init: TrackInit;
  /** One for each picture written, in order. */
  readonly pictures: readonly EncodedPicture[];
}

/** The child counts pictures, so that none can be taken for another; times are put on afterwards. */
const COUNTED_PER_SECOND = 25;
const TICKS_PER_PICTURE = VIDEO_TIMESCALE / COUNTED_PER_SECOND;
/** As good as the original for the eye; the limit on the rate is what usually counts. */
const QUALITY = 21;
const GROUP_PICTURES_MAX = 300;
const BITS_PER_SECOND_MIN = 300_000;
const BITS_PER_SECOND_MAX = 40_000_000;
/** What was coded once already costs more to code as well again. */
const RATE_FACTOR = 1.5;

/** One ffmpeg child that encodes one segment as H.264, without pictures out of order. */
export class SegmentEncoder implements AsyncDisposable {
  readonly #child: SandboxedChild;
  readonly #watch: ChildWatch;
  readonly #options: EncoderOptions;
  readonly #pictures: EncodedPicture[] = [];
  readonly #read: Promise<void>;
  #init: TrackInit | null = null;
  #bytes = 0;
  #written = 0;

  private constructor(child: SandboxedChild, options: EncoderOptions) {
    this.#child = child;
    this.#options = options;
    this.#watch = new ChildWatch(child, (options.limits ?? CHILD_LIMITS).stallMs);
    this.#read = this.#readAll();
    this.#read.catch(() => undefined);
  }

  /** @throws HubError `SANDBOX_FAILED` */
  static async start(options: EncoderOptions): Promise<SegmentEncoder> {
    const { cpuSecondsMax, memoryBytes } = options.limits ?? CHILD_LIMITS;
    const child = await spawnSandboxed({
      command: [options.ffmpegPath, ...ffmpegArguments(options)],
      stdin: "pipe",
      cpuSecondsMax,
      memoryLimitBytes: memoryBytes,
    });
    return new SegmentEncoder(child, options);
  }

  /**
   * Settles when the bytes may be used again.
   *
   * @throws HubError `ENCODER_FAILED`, or `VISION_TIMEOUT` where it takes nothing any more.
   */
  async write(planes: Uint8Array): Promise<void> {
    this.#written += 1;
    if (await this.#watch.during(writeTo(this.#child, planes))) return;
    await this.#watch.during(this.#read);
    throw failed(`up (${await this.#watch.during(endOf(this.#child))})`);
  }

  /**
   * @throws HubError `ENCODER_FAILED` where another number of pictures came than was written, or
   *   something that is no picture.
   */
  async finish(): Promise<EncodedSegment> {
    this.#child.stdin.end();
    await this.#watch.during(this.#read);
    const end = await this.#watch.during(endOf(this.#child));
    if (this.#watch.reason) throw this.#watch.reason;
    if (end !== ENDED_WELL) throw failed(`up (${end})`);
    const init = this.#init;
    const pictures = this.#pictures;
    if (pictures.length !== this.#written || pictures.length !== this.#options.pictures)
      throw failed(`${pictures.length} of ${this.#written} pictures`);
    if (!init || pictures[0]?.keyFrame !== true) throw failed("no key frame to begin with");
    // Only now: what was whole when it came may have been written over since.
    for (const [index, { keyFrame, bytes }] of pictures.entries()) {
      const problem = pictureProblem(bytes, keyFrame);
      if (problem !== null)
        throw failed(`picture ${index} of ${pictures.length}, which ${problem}`);
    }
    return { init, pictures };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child[Symbol.asyncDispose]();
    await this.#read.catch(() => undefined);
  }

  async #readAll(): Promise<void> {
    const reader = this.#options.container.reader({
      onTracks: (tracks) => this.#begin(tracks),
      onSample: (sample) => this.#take(sample),
    });
    try {
      for await (const chunk of this.#child.stdout) reader.push(chunk as Uint8Array);
    } catch (cause) {
      this.#watch.end(
        cause instanceof HubError && cause.code === "ENCODER_FAILED"
          ? cause
          : failed(cause instanceof Error ? cause.message : "unknown"),
      );
    }
    if (this.#watch.reason) throw this.#watch.reason;
  }

  #begin(tracks: readonly EncodedTrack[]): void {
    const [track] = tracks;
    const { width, height } = this.#options.shownSize;
    if (track?.timescale !== VIDEO_TIMESCALE || track.width !== width || track.height !== height)
      throw failed("another track");
    this.#init = this.#options.container.init(track);
  }

  #take({ decodeTicks, compositionTicks, keyFrame, bytes }: EncodedSample): void {
    if (decodeTicks !== this.#pictures.length * TICKS_PER_PICTURE || compositionTicks !== 0)
      throw failed("a picture out of its place");
    this.#bytes += bytes.length;
    if (this.#bytes > this.#options.bytesMax) throw failed("far more than the original has");
    // Not `slice`, which of a Buffer is no copy.
    this.#pictures.push({ keyFrame, bytes: Uint8Array.from(bytes) });
  }
}

function ffmpegArguments(options: EncoderOptions): string[] {
  const { size, shownSize, colours, bitsPerSecond, framesPerSecond } = options;
  // The child's clock is not the camera's: its limits on the rate are converted to it.
  const rate = (bitsPerSecond * RATE_FACTOR * COUNTED_PER_SECOND) / framesPerSecond;
  const kilobits = Math.round(
    Math.min(BITS_PER_SECOND_MAX, Math.max(BITS_PER_SECOND_MIN, rate)) / 1_000,
  );
  const isEnlarged = size.width !== shownSize.width || size.height !== shownSize.height;
  const enlarge = `scale=${shownSize.width}:${shownSize.height}:flags=neighbor`;
  return [
    ...["-hide_banner", "-nostdin", "-nostats", "-loglevel", "error"],
    ...["-protocol_whitelist", "pipe", "-f", "rawvideo", "-pix_fmt", "yuv420p"],
    ...["-video_size", `${size.width}x${size.height}`, "-framerate", String(COUNTED_PER_SECOND)],
    ...["-i", "pipe:0", "-map", "0:v:0", "-map_metadata", "-1", "-filter_threads", "1"],
    ...(isEnlarged ? ["-vf", enlarge] : []),
    ...["-c:v", "libx264", "-preset", "veryfast", "-threads", "1", "-pix_fmt", "yuv420p"],
    ...["-crf", String(QUALITY), "-maxrate", `${kilobits}k`, "-bufsize", `${kilobits * 2}k`],
    ...["-bf", "0", "-g", String(GROUP_PICTURES_MAX), "-sc_threshold", "0"],
    ...["-x264-params", encoderColours(colours)],
    ...["-fps_mode", "passthrough", "-video_track_timescale", String(VIDEO_TIMESCALE)],
    ...["-use_editlist", "0", "-movflags", "empty_moov+default_base_moof+frag_every_frame"],
    ...["-flush_packets", "1", "-f", "mp4", "pipe:1"],
  ];
}

function failed(found: string): HubError {
  return new HubError("ENCODER_FAILED", `Cannot cover faces: the encoder gave ${found}`);
}
