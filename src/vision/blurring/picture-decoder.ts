import type { PictureSize } from "../../blur/boxes.ts";
import { SIDE_OUTPUT_FD, spawnSandboxed, type SandboxedChild } from "../../base/sandbox.ts";
import { HubError } from "../../protocol/errors.ts";
import { VIDEO_TIMESCALE } from "../../protocol/fragment.ts";
import type { BlurFootage } from "../blur-footage.ts";
import {
  CHILD_LIMITS,
  ChildWatch,
  ENDED_WELL,
  endOf,
  writeTo,
  type ChildLimits,
} from "./child-watch.ts";
import { readColours, type Colours } from "./colours.ts";
import { PIXELS_MAX } from "./segment-pictures.ts";

/** What pictures come out as. */
export type PictureForm =
  /** Red, green, blue, to look at. */
  | { readonly kind: "rgb"; readonly size: PictureSize }
  /** Three planes (4:2:0), as they were coded where `isPlain`; else in the limited range. */
  | { readonly kind: "planes"; readonly size: PictureSize; readonly isPlain: boolean };

export interface DecoderOptions {
  /** Path of ffmpeg, see `findFfmpeg`. */
  readonly ffmpegPath: string;
  readonly footage: BlurFootage;
  /** Of the segment; a decoder that gives more has failed. */
  readonly pictures: number;
  readonly form: PictureForm;
  readonly limits?: ChildLimits;
}

export interface DecodedPicture {
  /** When it is shown, in ticks of the track. */
  readonly ticks: number;
  /** Time and a sum over samples of the picture as it was decoded, whatever its form. */
  readonly mark: string;
  /** Used again for the next picture. */
  readonly bytes: Uint8Array;
}

const SIDE_LINE_MAX = 4_096;
/** What a camera has put beside its first picture is not told: nobody here has a use for it. */
const FIRST_TOLD = "select='eq(n,0)',sidedata=mode=delete,showinfo,nullsink";
/** Samples across and down a picture that its mark is made of. */
const MARKED_SIDE = 64;
/** What Node reads at once, at most; and how many pictures may come before the time of the first. */
const CHUNK_BYTES = 65_536;
const WAITING_PICTURES_MAX = 4;

/**
 * One ffmpeg child for one pass over one segment. It is given no more than it takes, and gives no
 * more than is taken: of full pictures there is one here, and about one in the child.
 */
export class PictureDecoder implements AsyncDisposable {
  readonly #child: SandboxedChild;
  readonly #watch: ChildWatch;
  readonly #pictures: number;
  readonly #frame: Uint8Array;
  readonly #lines: Ahead<string>;
  readonly #chunks: Ahead<Uint8Array>;
  #sideText = "";
  #chunk: Uint8Array = new Uint8Array(0);
  /** Read while a time was waited for: the child may write pictures ahead of their times. */
  #waiting: Uint8Array[] = [];
  /** Of the chunk, what has been taken. */
  #taken = 0;

  private constructor(child: SandboxedChild, options: DecoderOptions) {
    this.#child = child;
    this.#watch = new ChildWatch(child, (options.limits ?? CHILD_LIMITS).stallMs);
    this.#pictures = options.pictures;
    this.#frame = new Uint8Array(frameBytes(options.form));
    this.#chunks = new Ahead<Uint8Array>(child.stdout[Symbol.asyncIterator]());
    this.#lines = new Ahead<string>(child.sideOutput.setEncoding("latin1")[Symbol.asyncIterator]());
    void feed(child, options.footage);
  }

  /** @throws HubError `SANDBOX_FAILED` */
  static async start(options: DecoderOptions): Promise<PictureDecoder> {
    const { cpuSecondsMax, memoryBytes } = options.limits ?? CHILD_LIMITS;
    const child = await spawnSandboxed({
      command: [options.ffmpegPath, ...ffmpegArguments(options.form)],
      stdin: "pipe",
      sideOutput: true,
      cpuSecondsMax,
      memoryLimitBytes: memoryBytes,
    });
    return new PictureDecoder(child, options);
  }

  /** Of the pictures as they were coded: to be asked after the last one, in the form `rgb` only. */
  get colours(): Colours | null {
    return readColours(this.#child.stderrTail());
  }

  /**
   * In the order in which they are shown.
   *
   * @throws HubError `DECODER_FAILED` where it ends with an error, in mid-picture, or gives more
   *   than the segment has; `VISION_TIMEOUT` where it stands still.
   */
  async *pictures(): AsyncGenerator<DecodedPicture> {
    for (let count = 0; await this.#fillFrame(); count++) {
      if (count === this.#pictures) throw failed("more pictures than the segment has");
      const { ticks, mark } = await this.#nextTimes();
      yield { ticks, mark, bytes: this.#frame };
    }
    if ((await this.#nextLine()) !== null) throw failed("a time without a picture");
    const end = await this.#watch.during(endOf(this.#child));
    if (this.#watch.reason) throw this.#watch.reason;
    if (end !== ENDED_WELL) throw failed(`up (${end})`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill();
    // Somebody who stopped listening in mid-picture would hold the child's end back.
    this.#child.stdout.destroy();
    this.#child.sideOutput.destroy();
    await this.#child[Symbol.asyncDispose]();
    this.#frame.fill(0);
    for (const chunk of [this.#chunk, ...this.#waiting]) chunk.fill(0);
  }

  /** False at the end. */
  async #fillFrame(): Promise<boolean> {
    let filled = 0;
    while (filled < this.#frame.length) {
      if (this.#taken === this.#chunk.length) {
        // What Node reads into is let go like any garbage: some day, and as it is.
        this.#chunk.fill(0);
        const next = this.#waiting.shift() ?? (await this.#watch.during(this.#chunks.take()));
        if (next === null) {
          if (filled === 0) return false;
          throw this.#watch.reason ?? failed("a picture that is cut off");
        }
        this.#chunk = next;
        this.#taken = 0;
      }
      const until = this.#taken + this.#frame.length - filled;
      const part = this.#chunk.subarray(this.#taken, until);
      this.#frame.set(part, filled);
      filled += part.length;
      this.#taken += part.length;
    }
    return true;
  }

  /** Lines of the framecrc format: `0, dts, pts, duration, size, sum`. */
  async #nextTimes(): Promise<{ readonly ticks: number; readonly mark: string }> {
    const line = await this.#nextLine();
    if (line === null) throw this.#watch.reason ?? failed("a picture without a time");
    const [, , shown = "", , size, sum] = line.split(",").map((field) => field.trim());
    const ticks = Number(shown);
    if (shown === "" || !Number.isSafeInteger(ticks)) throw failed("a picture without a time");
    return { ticks, mark: `${shown} ${size} ${sum}` };
  }

  /** The next line that is no comment; null at the end. */
  async #nextLine(): Promise<string | null> {
    for (;;) {
      const end = this.#sideText.indexOf("\n");
      if (end >= 0) {
        const line = this.#sideText.slice(0, end).trim();
        this.#sideText = this.#sideText.slice(end + 1);
        if (line === "" || line.startsWith("#")) continue;
        return line;
      }
      if (this.#sideText.length > SIDE_LINE_MAX) throw failed("a line of times without an end");
      const more = await this.#watch.during(this.#moreText());
      if (more === null) return null;
      this.#sideText += more;
    }
  }

  /** Text of the side output; takes pictures in meanwhile, since the child may not go on before. */
  async #moreText(): Promise<string | null> {
    for (;;) {
      const isFull = this.#waiting.length * CHUNK_BYTES > WAITING_PICTURES_MAX * this.#frame.length;
      if (isFull || this.#chunks.isDone) return this.#lines.take();
      const isText = await Promise.race([
        this.#lines.ready().then(() => true),
        this.#chunks.ready().then(() => false),
      ]);
      if (isText) return this.#lines.take();
      const chunk = await this.#chunks.take();
      if (chunk !== null) this.#waiting.push(chunk);
    }
  }
}

/** What comes next can be waited for, without being taken. */
class Ahead<T> {
  readonly #iterator: AsyncIterator<T>;
  #next: Promise<IteratorResult<T>> | null = null;
  #isDone = false;

  constructor(iterator: AsyncIterator<T>) {
    this.#iterator = iterator;
  }

  get isDone(): boolean {
    return this.#isDone;
  }

  ready(): Promise<unknown> {
    this.#next ??= this.#iterator.next();
    return this.#next;
  }

  /** Null at the end. */
  async take(): Promise<T | null> {
    if (this.#isDone) return null;
    const next = (this.#next ??= this.#iterator.next());
    const result = await next;
    this.#next = null;
    if (result.done !== true) return result.value;
    this.#isDone = true;
    return null;
  }
}

/** Bytes of three planes, the colours halved both ways. */
export function planesBytes({ width, height }: PictureSize): number {
  return width * height + 2 * Math.ceil(width / 2) * Math.ceil(height / 2);
}

function frameBytes({ kind, size: { width, height } }: PictureForm): number {
  return kind === "rgb" ? 3 * width * height : planesBytes({ width, height });
}

function ffmpegArguments({ kind, size: { width, height }, ...form }: PictureForm): string[] {
  const isRgb = kind === "rgb";
  // Of equal size and form, nothing is scaled or converted.
  const plain = "isPlain" in form && form.isPlain;
  const scale = isRgb
    ? `scale=${width}:${height}:flags=area,format=rgb24`
    : plain
      ? `scale=${width}:${height},format=yuv420p|yuvj420p`
      : `scale=${width}:${height}:flags=area:out_range=tv,format=yuv420p`;
  const codec = ["-c:v", "rawvideo", "-threads", "1"];
  const clock = ["-enc_time_base", `1:${VIDEO_TIMESCALE}`, "-flush_packets", "1"];
  const timing = ["-fps_mode", "passthrough", ...clock];
  const [told, split] = isRgb
    ? [`;[first]${FIRST_TOLD}`, "split=3[all][marked][first]"]
    : ["", "split[all][marked]"];
  const marks = `[marked]scale=${MARKED_SIDE}:${MARKED_SIDE}:flags=neighbor[marks]`;
  return [
    ...["-hide_banner", "-nostdin", "-nostats", "-protocol_whitelist", "pipe"],
    ...["-loglevel", isRgb ? "info" : "error"],
    ...["-copyts", "-threads", "1", "-max_pixels", String(PIXELS_MAX), "-f", "mp4", "-i", "pipe:0"],
    ...["-filter_threads", "1", "-filter_complex_threads", "1"],
    ...["-filter_complex", `[0:v:0]${split};[all]${scale}[pixels];${marks}${told}`],
    ...["-map", "[pixels]", ...codec, ...timing, "-f", "rawvideo", "pipe:1"],
    ...["-map", "[marks]", ...codec, ...timing, "-f", "framecrc", `pipe:${SIDE_OUTPUT_FD}`],
  ];
}

/** Writes as fast as the child reads; what becomes of it shows in what the child gives. */
async function feed(child: SandboxedChild, { init, fragments }: BlurFootage): Promise<void> {
  for (const bytes of [init.bytes, ...fragments.map((fragment) => fragment.bytes)])
    if (!(await writeTo(child, bytes))) return;
  child.stdin.end();
}

function failed(found: string): HubError {
  return new HubError("DECODER_FAILED", `Cannot cover faces: the decoder gave ${found}`);
}
