import { createBitReader, withoutEmulation, type BitReader } from "./bit-reader.ts";
import { CameraError } from "./camera-error.ts";
import { PARAMETER_SET_BYTES_MAX } from "./parameter-sets.ts";

/** What the parameter sets of an H.264 stream say (ITU-T H.264 section 7.3.2). */
export interface H264Parameters {
  readonly sequenceSets: readonly Uint8Array[];
  readonly pictureSets: readonly Uint8Array[];
  /** RFC 6381, for instance `avc1.64001f`. */
  readonly codec: string;
  /** Pixels after cropping. */
  readonly width: number;
  readonly height: number;
  /** From the timing information, where the camera writes it. */
  readonly framesPerSecond: number | null;
  /** How many pictures may be shown after a picture that was sent later; null where not said. */
  readonly reorderFrames: number | null;
  readonly chromaFormat: number;
  readonly bitDepthLuma: number;
  readonly bitDepthChroma: number;
}

const PIXELS_MAX = 8_192;
const PROFILES_WITH_CHROMA = new Set([
  100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135,
]);
const EXTENDED_ASPECT_RATIO = 255;

/**
 * Reads the first sequence parameter set of the list; the others are carried along.
 *
 * @throws CameraError `PROTOCOL_ERROR` when it does not parse or its picture size is absurd.
 */
export function readH264Parameters(
  sequenceSets: readonly Uint8Array[],
  pictureSets: readonly Uint8Array[],
): H264Parameters {
  const first = sequenceSets[0];
  if (first === undefined || first.length < 5) throw malformed("no sequence parameter set");
  const bits = createBitReader(withoutEmulation(first.subarray(1)));
  const read = readSequenceSet(bits);
  if (bits.isPastEnd()) throw malformed("the sequence parameter set is cut short");
  if (read.width < 16 || read.height < 16 || read.width > PIXELS_MAX || read.height > PIXELS_MAX)
    throw malformed(`a picture of ${read.width} x ${read.height}`);
  const profileBytes = Buffer.from(first.subarray(1, 4)).toString("hex");
  return { sequenceSets, pictureSets, codec: `avc1.${profileBytes}`, ...read };
}

/** `seq_parameter_set_id` or `pic_parameter_set_id` of a parameter set NAL unit. */
export function parameterSetId(nalUnit: Uint8Array): number {
  const isSequence = ((nalUnit[0] ?? 0) & 0x1f) === 7;
  const bits = createBitReader(withoutEmulation(nalUnit.subarray(isSequence ? 4 : 1, 16)));
  return bits.unsigned();
}

/** Sets from `sprop-parameter-sets` (RFC 6184 section 8.1). What is not base64 is left out. */
export function parameterSetsFromSdp(text: string | undefined): Uint8Array[] {
  return (text ?? "")
    .split(",", 16)
    .map((part) => new Uint8Array(Buffer.from(part.trim(), "base64")))
    .filter((set) => set.length > 1 && set.length <= PARAMETER_SET_BYTES_MAX);
}

type SequenceSet = Omit<H264Parameters, "sequenceSets" | "pictureSets" | "codec">;

// ITU-T H.264 section 7.3.2.1.1, field by field; what the hub does not need is read and dropped.
function readSequenceSet(bits: BitReader): SequenceSet {
  const profile = bits.fixed(8);
  bits.skip(16);
  bits.unsigned();
  const chroma = readChroma(bits, profile);
  bits.unsigned();
  const orderType = readPictureOrder(bits);
  const referenceFrames = bits.unsigned();
  bits.skip(1);
  const widthInBlocks = bits.unsigned() + 1;
  const heightInUnits = bits.unsigned() + 1;
  const framesOnly = bits.fixed(1);
  if (framesOnly === 0) bits.skip(1);
  bits.skip(1);
  const cropping = bits.fixed(1) === 1;
  const crop = cropping
    ? {
        left: bits.unsigned(),
        right: bits.unsigned(),
        top: bits.unsigned(),
        bottom: bits.unsigned(),
      }
    : { left: 0, right: 0, top: 0, bottom: 0 };
  const cropX = chroma.format === 1 || chroma.format === 2 ? 2 : 1;
  const cropY = (chroma.format === 1 ? 2 : 1) * (2 - framesOnly);
  const timing = bits.fixed(1) === 1 ? readUsability(bits) : { fps: null, reorder: null };
  // A picture shown before one that was sent earlier needs two of those to refer to.
  const neverReorders = profile === 66 || orderType === 2 || referenceFrames < 2;
  return {
    width: widthInBlocks * 16 - cropX * (crop.left + crop.right),
    height: (2 - framesOnly) * heightInUnits * 16 - cropY * (crop.top + crop.bottom),
    framesPerSecond: timing.fps,
    reorderFrames: neverReorders ? 0 : timing.reorder,
    chromaFormat: chroma.format,
    bitDepthLuma: chroma.luma,
    bitDepthChroma: chroma.chroma,
  };
}

function readChroma(
  bits: BitReader,
  profile: number,
): { format: number; luma: number; chroma: number } {
  if (!PROFILES_WITH_CHROMA.has(profile)) return { format: 1, luma: 8, chroma: 8 };
  const format = bits.unsigned();
  if (format === 3) bits.skip(1);
  const luma = 8 + bits.unsigned();
  const chroma = 8 + bits.unsigned();
  bits.skip(1);
  if (bits.fixed(1) === 1)
    for (let list = 0; list < (format === 3 ? 12 : 8); list += 1)
      if (bits.fixed(1) === 1) skipScalingList(bits, list < 6 ? 16 : 64);
  return { format, luma, chroma };
}

function skipScalingList(bits: BitReader, size: number): void {
  let last = 8;
  let next = 8;
  for (let index = 0; index < size; index += 1) {
    if (next !== 0) next = (last + bits.signed() + 256) % 256;
    last = next === 0 ? last : next;
  }
}

function readPictureOrder(bits: BitReader): number {
  const type = bits.unsigned();
  if (type === 0) bits.unsigned();
  if (type === 1) {
    bits.skip(1);
    bits.signed();
    bits.signed();
    const cycle = bits.unsigned();
    if (cycle > 255) throw malformed("an impossible picture order");
    for (let index = 0; index < cycle; index += 1) bits.signed();
  }
  return type;
}

// Annex E.1.1.
function readUsability(bits: BitReader): { fps: number | null; reorder: number | null } {
  if (bits.fixed(1) === 1 && bits.fixed(8) === EXTENDED_ASPECT_RATIO) bits.skip(32);
  if (bits.fixed(1) === 1) bits.skip(1);
  if (bits.fixed(1) === 1) {
    bits.skip(4);
    if (bits.fixed(1) === 1) bits.skip(24);
  }
  if (bits.fixed(1) === 1) {
    bits.unsigned();
    bits.unsigned();
  }
  let fps: number | null = null;
  if (bits.fixed(1) === 1) {
    const tick = bits.fixed(32);
    const scale = bits.fixed(32);
    bits.skip(1);
    // Two ticks make a frame; cameras that write nonsense here are common.
    const rate = tick === 0 ? 0 : scale / tick / 2;
    fps = rate >= 1 && rate <= 240 ? rate : null;
  }
  const hrdCount = skipHrd(bits) + skipHrd(bits);
  if (hrdCount > 0) bits.skip(1);
  bits.skip(1);
  if (bits.fixed(1) === 0) return { fps, reorder: null };
  bits.skip(1);
  for (let field = 0; field < 4; field += 1) bits.unsigned();
  const reorder = bits.unsigned();
  return { fps, reorder: reorder <= 16 ? reorder : null };
}

function skipHrd(bits: BitReader): number {
  if (bits.fixed(1) === 0) return 0;
  const count = bits.unsigned() + 1;
  if (count > 32) throw malformed("an impossible buffer description");
  bits.skip(8);
  for (let index = 0; index < count; index += 1) {
    bits.unsigned();
    bits.unsigned();
    bits.skip(1);
  }
  bits.skip(20);
  return 1;
}

function malformed(what: string): CameraError {
  return new CameraError("PROTOCOL_ERROR", `Cannot read H.264 parameters: ${what}`);
}
