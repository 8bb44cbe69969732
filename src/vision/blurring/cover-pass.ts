import type { Box, PictureSize } from "../../blur/boxes.ts";
import { cover, type Plane } from "../../blur/mosaic.ts";
import { HubError } from "../../protocol/errors.ts";
import type { BlurFootage } from "../blur-footage.ts";
import type { ChildLimits } from "./child-watch.ts";
import type { Container } from "./container.ts";
import type { SegmentLook } from "./look-pass.ts";
import { PictureDecoder, planesBytes } from "./picture-decoder.ts";
import { SegmentEncoder, type EncodedSegment, type EncoderOptions } from "./segment-encoder.ts";
import { missingBefore, type SegmentPictures } from "./segment-pictures.ts";

export interface CoverOptions {
  readonly ffmpegPath: string;
  readonly container: Container;
  readonly footage: BlurFootage;
  readonly pictures: SegmentPictures;
  /** All that may come out. */
  readonly bytesMax: number;
  readonly signal: AbortSignal;
  readonly limits?: ChildLimits;
}

export interface CoveredPicture {
  /** In the order in which pictures are shown. */
  readonly index: number;
  /** Before and after it was covered; valid until the callback settles. */
  readonly clear: Uint8Array;
  readonly covered: Uint8Array;
}

/** As many blocks down a picture as may lie across a face that fills it. */
const BLOCKS_DOWN = 8;
const MIDDLE_GREY = 128;

/**
 * The second pass: decodes a segment again, which has to give the very pictures that were looked at,
 * and covers what was found.
 *
 * @param boxes - For each picture in the order in which they are shown, in its pixels.
 * @param keep - Index of a picture that is handed to `onKept` in both forms.
 * @throws HubError `DECODER_FAILED`, `ENCODER_FAILED` or `VISION_TIMEOUT`: then nothing of it may be
 *   used; AbortError.
 */
export async function coverFound(
  { marks, colours }: Pick<SegmentLook, "marks" | "colours">,
  boxes: readonly (readonly Box[])[],
  options: CoverOptions,
  keep: number | null,
  onKept: (picture: CoveredPicture) => Promise<void>,
): Promise<EncodedSegment> {
  const { ffmpegPath, footage, pictures, signal } = options;
  const { size, shownTicks } = pictures;
  await using decoder = await PictureDecoder.start({
    ...{ ffmpegPath, footage, pictures: shownTicks.length, ...limitsOf(options) },
    form: { kind: "planes", size, isPlain: colours?.isPlain === true },
  });
  await using encoder = await SegmentEncoder.start(encoderOptions(options, size, colours));
  let [index, written] = [0, 0];
  for await (const { ticks, mark, bytes } of decoder.pictures()) {
    signal.throwIfAborted();
    if (index === 0) index = missingBefore(pictures, ticks) ?? 0;
    const found = boxes[index];
    if (ticks !== shownTicks[index] || mark !== marks[index] || !found)
      throw new HubError("DECODER_FAILED", "Cannot cover faces: another picture than was seen");
    const clear = isKept(index, written, keep) ? bytes.slice() : null;
    for (const box of found) cover(planesOf(bytes, size), box, size);
    if (clear)
      try {
        await onKept({ index, clear, covered: bytes });
      } finally {
        clear.fill(0);
      }
    // The first is shown in the place of those before it that are not there.
    for (; written <= index; written++) await encoder.write(bytes);
    index += 1;
  }
  if (index !== shownTicks.length)
    throw new HubError("DECODER_FAILED", "Cannot cover faces: fewer pictures came than were seen");
  return await encoder.finish();
}

/**
 * A segment of which nothing can be recognised: averages over large blocks are all that leaves the
 * decoder. A picture that does not come looks like the one before it.
 *
 * @throws HubError where nothing can be decoded, or nothing encoded; AbortError.
 */
export async function coverWhole(options: CoverOptions): Promise<EncodedSegment> {
  const { ffmpegPath, footage, pictures, signal } = options;
  const size = blocksOf(pictures.size);
  const shown = new Map<number, Uint8Array>();
  await using decoder = await PictureDecoder.start({
    ...{ ffmpegPath, footage, pictures: pictures.shownTicks.length, ...limitsOf(options) },
    form: { kind: "planes", size, isPlain: false },
  });
  try {
    for await (const { ticks, bytes } of decoder.pictures()) {
      signal.throwIfAborted();
      shown.set(ticks, bytes.slice());
    }
  } catch (error) {
    // Whatever came of it is covered all over, and may be shown.
    if (!(error instanceof HubError) || shown.size === 0) throw error;
  }
  if (shown.size === 0) throw new HubError("DECODER_FAILED", "Cannot cover faces: no picture came");
  await using encoder = await SegmentEncoder.start(encoderOptions(options, size, null));
  let planes: Uint8Array = new Uint8Array(planesBytes(size)).fill(MIDDLE_GREY);
  for (const ticks of pictures.shownTicks) {
    signal.throwIfAborted();
    planes = shown.get(ticks) ?? planes;
    await encoder.write(planes);
  }
  return await encoder.finish();
}

/** Whether a picture is the one to keep, or stands in its place. */
function isKept(index: number, written: number, keep: number | null): boolean {
  return keep !== null && keep >= written && keep <= index;
}

/** Columns and rows of blocks, even, and square as far as that goes. */
function blocksOf({ width, height }: PictureSize): PictureSize {
  const even = (length: number): number => Math.max(2, Math.floor(length / 2) * 2);
  const side = Math.min(width, height) / BLOCKS_DOWN;
  return { width: even(width / side), height: even(height / side) };
}

function planesOf(bytes: Uint8Array, { width, height }: PictureSize): Plane[] {
  const luma = width * height;
  const chroma = { bytes, stride: width / 2, step: 1, scale: 2 } as const;
  return [
    { bytes, offset: 0, stride: width, step: 1, scale: 1 },
    { ...chroma, offset: luma },
    { ...chroma, offset: luma + luma / 4 },
  ];
}

function encoderOptions(
  { ffmpegPath, container, pictures, bytesMax, ...options }: CoverOptions,
  size: PictureSize,
  colours: EncoderOptions["colours"],
): EncoderOptions {
  const seconds = Math.max(pictures.durationMs, 1) / 1_000;
  return {
    ...{ ffmpegPath, container, size, shownSize: pictures.size, colours, bytesMax },
    ...limitsOf(options),
    pictures: pictures.shownTicks.length,
    bitsPerSecond: (pictures.sizeBytes * 8) / seconds,
    framesPerSecond: pictures.shownTicks.length / seconds,
  };
}

function limitsOf({ limits }: Pick<CoverOptions, "limits">): { readonly limits?: ChildLimits } {
  return limits === undefined ? {} : { limits };
}
