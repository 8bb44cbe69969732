import { HEVC_PROFILE_BYTES, hevcCodec } from "../protocol/hevc-codec.ts";
import { createBitReader, withoutEmulation, type BitReader } from "./bit-reader.ts";
import { CameraError } from "./camera-error.ts";
import { PARAMETER_SET_BYTES_MAX } from "./parameter-sets.ts";

/** What the parameter sets of an H.265 stream say (ITU-T H.265 section 7.3.2). */
export interface H265Parameters {
  readonly videoSets: readonly Uint8Array[];
  readonly sequenceSets: readonly Uint8Array[];
  readonly pictureSets: readonly Uint8Array[];
  /** RFC 6381 and ISO/IEC 14496-15 annex E, for instance `hvc1.1.6.L93.90`. */
  readonly codec: string;
  /** Pixels within the conformance window. */
  readonly width: number;
  readonly height: number;
  /** From the timing information, where the camera writes it. */
  readonly framesPerSecond: number | null;
  /** How many pictures may be shown after a picture that was sent later. */
  readonly reorderFrames: number;
  readonly chromaFormat: number;
  readonly bitDepthLuma: number;
  readonly bitDepthChroma: number;
  /** The twelve bytes of `profile_tier_level` that a decoder is chosen by. */
  readonly profileTierLevel: Uint8Array;
  readonly temporalLayers: number;
  readonly isTemporalIdNested: boolean;
}

const PIXELS_MAX = 8_192;
const REORDER_MAX = 16;
const EXTENDED_ASPECT_RATIO = 255;
const REFERENCE_SETS_MAX = 64;
const REFERENCES_MAX = 16;
const LONG_TERM_MAX = 32;
const NAL_HEADER_BYTES = 2;
const NAL_VIDEO_SET = 32;
const NAL_SEQUENCE_SET = 33;

/**
 * Reads the first sequence parameter set of the list; the others are carried along.
 *
 * @throws CameraError `PROTOCOL_ERROR` when it does not parse or its picture size is absurd.
 */
export function readH265Parameters(sets: {
  readonly video: readonly Uint8Array[];
  readonly sequence: readonly Uint8Array[];
  readonly picture: readonly Uint8Array[];
}): H265Parameters {
  const first = sets.sequence[0];
  if (first === undefined || first.length < NAL_HEADER_BYTES + 1 + HEVC_PROFILE_BYTES)
    throw malformed("no sequence parameter set");
  const bytes = withoutEmulation(first.subarray(NAL_HEADER_BYTES));
  const bits = createBitReader(bytes);
  const read = readSequenceSet(bits);
  if (bits.isPastEnd()) throw malformed("the sequence parameter set is cut short");
  const { width, height } = read;
  if (width < 16 || height < 16 || width > PIXELS_MAX || height > PIXELS_MAX)
    throw malformed(`a picture of ${width} x ${height}`);
  const profileTierLevel = bytes.slice(1, 1 + HEVC_PROFILE_BYTES);
  return {
    videoSets: sets.video,
    sequenceSets: sets.sequence,
    pictureSets: sets.picture,
    codec: hevcCodec("hvc1", profileTierLevel),
    profileTierLevel,
    ...read,
  };
}

/** Identifier of a video, sequence or picture parameter set NAL unit. */
export function h265ParameterSetId(nalUnit: Uint8Array): number {
  const type = ((nalUnit[0] ?? 0) >> 1) & 0x3f;
  const bits = createBitReader(withoutEmulation(nalUnit.subarray(NAL_HEADER_BYTES, 160)));
  if (type === NAL_VIDEO_SET) return bits.fixed(4);
  if (type !== NAL_SEQUENCE_SET) return bits.unsigned();
  bits.skip(4);
  const subLayers = bits.fixed(3);
  bits.skip(1);
  skipProfileTierLevel(bits, subLayers);
  return bits.unsigned();
}

/** Sets from `sprop-vps`, `sprop-sps`, `sprop-pps` (RFC 7798 section 7.1). */
export function h265SetsFromSdp(format: ReadonlyMap<string, string>): Uint8Array[] {
  return ["sprop-vps", "sprop-sps", "sprop-pps"].flatMap((name) =>
    (format.get(name) ?? "")
      .split(",", 16)
      .map((part) => new Uint8Array(Buffer.from(part.trim(), "base64")))
      .filter((set) => set.length > NAL_HEADER_BYTES && set.length <= PARAMETER_SET_BYTES_MAX),
  );
}

type SequenceSet = Omit<
  H265Parameters,
  "videoSets" | "sequenceSets" | "pictureSets" | "codec" | "profileTierLevel"
>;

// ITU-T H.265 section 7.3.2.2.1, field by field; what the hub does not need is read and dropped.
function readSequenceSet(bits: BitReader): SequenceSet {
  bits.skip(4);
  const subLayers = bits.fixed(3);
  if (subLayers > 6) throw malformed("more than seven sub-layers");
  const isTemporalIdNested = bits.fixed(1) === 1;
  skipProfileTierLevel(bits, subLayers);
  bits.unsigned();
  const chromaFormat = bits.unsigned();
  if (chromaFormat > 3) throw malformed("an impossible chroma format");
  if (chromaFormat === 3) bits.skip(1);
  const size = readSize(bits, chromaFormat);
  const bitDepthLuma = 8 + bits.unsigned();
  const bitDepthChroma = 8 + bits.unsigned();
  if (bitDepthLuma > 16 || bitDepthChroma > 16) throw malformed("an impossible bit depth");
  const orderBits = bits.unsigned() + 4;
  if (orderBits > 16) throw malformed("an impossible picture order");
  const reorderFrames = readOrdering(bits, subLayers);
  skipCoding(bits);
  skipReferenceSets(bits, orderBits);
  bits.skip(2);
  return {
    ...size,
    framesPerSecond: bits.fixed(1) === 1 ? readUsability(bits) : null,
    reorderFrames,
    chromaFormat,
    bitDepthLuma,
    bitDepthChroma,
    temporalLayers: subLayers + 1,
    isTemporalIdNested,
  };
}

function readSize(bits: BitReader, chromaFormat: number): { width: number; height: number } {
  const width = bits.unsigned();
  const height = bits.unsigned();
  const hasWindow = bits.fixed(1) === 1;
  const [left, right, top, bottom] = hasWindow
    ? [bits.unsigned(), bits.unsigned(), bits.unsigned(), bits.unsigned()]
    : [0, 0, 0, 0];
  const unitX = chromaFormat === 1 || chromaFormat === 2 ? 2 : 1;
  const unitY = chromaFormat === 1 ? 2 : 1;
  return { width: width - unitX * (left + right), height: height - unitY * (top + bottom) };
}

function skipProfileTierLevel(bits: BitReader, subLayers: number): void {
  bits.skip(HEVC_PROFILE_BYTES * 8);
  const present = Array.from({ length: subLayers }, () => ({
    profile: bits.fixed(1) === 1,
    level: bits.fixed(1) === 1,
  }));
  if (subLayers > 0) bits.skip((8 - subLayers) * 2);
  for (const { profile, level } of present) bits.skip((profile ? 88 : 0) + (level ? 8 : 0));
}

/** Of the highest sub-layer, which is the last. */
function readOrdering(bits: BitReader, subLayers: number): number {
  const count = bits.fixed(1) === 1 ? subLayers + 1 : 1;
  let reorder = 0;
  for (let index = 0; index < count; index += 1) {
    bits.unsigned();
    reorder = bits.unsigned();
    bits.unsigned();
  }
  if (reorder > REORDER_MAX) throw malformed("an impossible picture order");
  return reorder;
}

function skipCoding(bits: BitReader): void {
  for (let field = 0; field < 6; field += 1) bits.unsigned();
  if (bits.fixed(1) === 1 && bits.fixed(1) === 1) skipScalingLists(bits);
  bits.skip(2);
  if (bits.fixed(1) === 0) return;
  bits.skip(8);
  bits.unsigned();
  bits.unsigned();
  bits.skip(1);
}

// Section 7.3.4.
function skipScalingLists(bits: BitReader): void {
  for (let sizeId = 0; sizeId < 4; sizeId += 1)
    for (let matrix = 0; matrix < 6; matrix += sizeId === 3 ? 3 : 1) {
      if (bits.fixed(1) === 0) {
        bits.unsigned();
        continue;
      }
      if (sizeId > 1) bits.signed();
      const coefficients = Math.min(64, 1 << (4 + (sizeId << 1)));
      for (let index = 0; index < coefficients; index += 1) bits.signed();
    }
}

function skipReferenceSets(bits: BitReader, orderBits: number): void {
  const count = bits.unsigned();
  if (count > REFERENCE_SETS_MAX) throw malformed("too many reference picture sets");
  let previous = 0;
  for (let index = 0; index < count; index += 1)
    previous = skipReferenceSet(bits, index === 0 ? null : previous);
  if (bits.fixed(1) === 0) return;
  const longTerm = bits.unsigned();
  if (longTerm > LONG_TERM_MAX) throw malformed("too many long-term pictures");
  bits.skip(longTerm * (orderBits + 1));
}

/**
 * Section 7.3.7, within a sequence parameter set: the set before is the one that is referred to.
 *
 * @param previous - Pictures of the set before, null for the first set.
 * @returns Pictures of this set.
 */
function skipReferenceSet(bits: BitReader, previous: number | null): number {
  const isPredicted = previous !== null && bits.fixed(1) === 1;
  if (!isPredicted) {
    const before = bits.unsigned();
    const after = bits.unsigned();
    if (before > REFERENCES_MAX || after > REFERENCES_MAX)
      throw malformed("too many reference pictures");
    for (let index = 0; index < before + after; index += 1) {
      bits.unsigned();
      bits.skip(1);
    }
    return before + after;
  }
  bits.skip(1);
  bits.unsigned();
  let pictures = 0;
  for (let index = 0; index <= previous; index += 1) {
    const isUsed = bits.fixed(1) === 1;
    if (isUsed || bits.fixed(1) === 1) pictures += 1;
  }
  return pictures;
}

// Annex E.2.1, as far as the timing.
function readUsability(bits: BitReader): number | null {
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
  bits.skip(3);
  if (bits.fixed(1) === 1) for (let edge = 0; edge < 4; edge += 1) bits.unsigned();
  if (bits.fixed(1) === 0) return null;
  const tick = bits.fixed(32);
  const scale = bits.fixed(32);
  // Cameras that write nonsense here are common.
  const rate = tick === 0 ? 0 : scale / tick;
  return rate >= 1 && rate <= 240 ? rate : null;
}

function malformed(what: string): CameraError {
  return new CameraError("PROTOCOL_ERROR", `Cannot read H.265 parameters: ${what}`);
}
