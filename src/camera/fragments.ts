import {
  AUDIO_TRACK_ID,
  VIDEO_TIMESCALE,
  VIDEO_TRACK_ID,
  type TrackInit,
} from "../protocol/fragment.ts";
import { isHevc } from "../protocol/hevc-codec.ts";
import type { AacParameters } from "./aac-depacketiser.ts";
import type { H264Parameters } from "./h264-parameters.ts";
import type { H265Parameters } from "./h265-parameters.ts";
import type { VideoParameters } from "./nal-depacketiser.ts";

// Box names and layouts: ISO/IEC 14496-12 (file format), -14 (`esds`), -15 (`avcC`, `hvcC`).

/** The one sample of a fragment. Times are in ticks of its track. */
export interface Sample {
  /** `mfhd` number; taken modulo 2^32. */
  readonly sequence: number;
  /** Decode time from the start of the time line (`tfdt`). */
  readonly decodeTicks: number;
  readonly durationTicks: number;
  /** Presentation minus decode time; may be negative. */
  readonly compositionTicks: number;
  readonly keyFrame: boolean;
  /** Video: NAL units with 4-byte lengths. Audio: one raw AAC frame. */
  readonly bytes: Uint8Array;
}

/** `moof` with its six boxes, and the header of `mdat`. */
const FRAGMENT_HEAD_BYTES = 112;
const SYNC_SAMPLE_FLAGS = 0x02000000;
const DEPENDENT_SAMPLE_FLAGS = 0x01010000;
const UNITY_MATRIX = [0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000];

/** Initialisation segment of a video track: `ftyp` + `moov` with `avcC` or `hvcC`. */
export function videoInit(parameters: VideoParameters): TrackInit {
  const { width, height, codec } = parameters;
  const record = "videoSets" in parameters ? hevcRecord(parameters) : avcRecord(parameters);
  return videoInitFromRecord({ record, codec, width, height });
}

/** The same from a finished decoder configuration record, as another MP4 carries it. */
export function videoInitFromRecord(options: {
  readonly record: Uint8Array;
  readonly codec: string;
  readonly width: number;
  readonly height: number;
}): TrackInit {
  const { record, codec, width, height } = options;
  // VisualSampleEntry: 72 dots to the inch, one frame a sample, no name, 24 bits of colour.
  const hevc = isHevc(codec);
  const entry = box(
    hevc ? "hvc1" : "avc1",
    zeros(6),
    u16(1),
    zeros(16),
    u16(width, height),
    u32(0x480000, 0x480000, 0),
    u16(1),
    zeros(32),
    u16(24, 0xffff),
    box(hevc ? "hvcC" : "avcC", record),
  );
  const mediaHeader = fullBox("vmhd", 1, zeros(8));
  const bytes = initSegment({
    trackId: VIDEO_TRACK_ID,
    timescale: VIDEO_TIMESCALE,
    handler: "vide",
    mediaHeader,
    entry,
    width,
    height,
  });
  return { track: "video", codec, timescale: VIDEO_TIMESCALE, width, height, bytes };
}

/** Initialisation segment of an AAC track: `ftyp` + `moov` with `esds`. */
export function audioInit(parameters: AacParameters): TrackInit {
  const { sampleRate, channels, configuration, codec } = parameters;
  const entry = box(
    "mp4a",
    zeros(6),
    u16(1),
    zeros(8),
    u16(channels, 16, 0, 0),
    u32((sampleRate < 0x10000 ? sampleRate : 0) * 0x10000),
    fullBox("esds", 0, elementaryStream(configuration)),
  );
  const bytes = initSegment({
    trackId: AUDIO_TRACK_ID,
    timescale: sampleRate,
    handler: "soun",
    mediaHeader: fullBox("smhd", 0, zeros(4)),
    entry,
    width: 0,
    height: 0,
  });
  return { track: "audio", codec, timescale: sampleRate, width: 0, height: 0, bytes };
}

/** One `moof` + `mdat`, self-contained but for the initialisation segment. */
export function fragmentBytes(track: "video" | "audio", sample: Sample): Uint8Array {
  const size = FRAGMENT_HEAD_BYTES + sample.bytes.length;
  const out = Buffer.allocUnsafeSlow(size);
  const moofSize = FRAGMENT_HEAD_BYTES - 8;
  const trafSize = moofSize - 24;
  let at = head(out, 0, moofSize, "moof");
  at = head(out, at, 16, "mfhd");
  at = out.writeUInt32BE(0, at);
  at = out.writeUInt32BE(sample.sequence % 2 ** 32, at);
  at = head(out, at, trafSize, "traf");
  at = head(out, at, 16, "tfhd");
  // Offsets count from this `moof`.
  at = out.writeUInt32BE(0x020000, at);
  at = out.writeUInt32BE(track === "video" ? VIDEO_TRACK_ID : AUDIO_TRACK_ID, at);
  at = head(out, at, 20, "tfdt");
  at = out.writeUInt32BE(0x01000000, at);
  at = out.writeUInt32BE(Math.floor(sample.decodeTicks / 2 ** 32), at);
  at = out.writeUInt32BE(sample.decodeTicks % 2 ** 32, at);
  at = head(out, at, 36, "trun");
  // Version 1 (signed composition offset); offset, duration, size, flags, composition present.
  at = out.writeUInt32BE(0x01000f01, at);
  at = out.writeUInt32BE(1, at);
  at = out.writeUInt32BE(FRAGMENT_HEAD_BYTES, at);
  at = out.writeUInt32BE(sample.durationTicks, at);
  at = out.writeUInt32BE(sample.bytes.length, at);
  at = out.writeUInt32BE(sample.keyFrame ? SYNC_SAMPLE_FLAGS : DEPENDENT_SAMPLE_FLAGS, at);
  at = out.writeInt32BE(sample.compositionTicks, at);
  at = head(out, FRAGMENT_HEAD_BYTES - 8, 8 + sample.bytes.length, "mdat");
  out.set(sample.bytes, at);
  return new Uint8Array(out.buffer, out.byteOffset, out.length);
}

/** Where {@link fragmentBytes} writes the decode time and the composition offset. */
const DECODE_TIME_AT = 60;
const COMPOSITION_AT = 100;

/** Presentation minus decode time of what {@link fragmentBytes} wrote. */
export function presentationTicks(fragment: Uint8Array): number {
  return new DataView(fragment.buffer, fragment.byteOffset, FRAGMENT_HEAD_BYTES).getInt32(
    COMPOSITION_AT,
  );
}

/** The same fragment at another decode time; the first is left as it is. */
export function movedFragment(fragment: Uint8Array, decodeTicks: number): Uint8Array {
  const moved = Uint8Array.from(fragment);
  const view = new DataView(moved.buffer);
  view.setBigUint64(DECODE_TIME_AT, BigInt(decodeTicks));
  return moved;
}

/** `AVCDecoderConfigurationRecord` (ISO/IEC 14496-15 section 5.3.3.1). */
function avcRecord(parameters: H264Parameters): Uint8Array {
  const { sequenceSets, pictureSets } = parameters;
  const first = sequenceSets[0] ?? new Uint8Array(4);
  const profile = first[1] ?? 0;
  const withLength = (set: Uint8Array): Uint8Array => join(u16(set.length), set);
  const parts = [
    u8(1, profile, first[2] ?? 0, first[3] ?? 0, 0xff, 0xe0 | sequenceSets.length),
    ...sequenceSets.map(withLength),
    u8(pictureSets.length),
    ...pictureSets.map(withLength),
  ];
  if (profile === 100 || profile === 110 || profile === 122 || profile === 144) {
    const { chromaFormat, bitDepthLuma, bitDepthChroma } = parameters;
    parts.push(u8(0xfc | chromaFormat, 0xf8 | (bitDepthLuma - 8), 0xf8 | (bitDepthChroma - 8), 0));
  }
  return join(...parts);
}

/** `HEVCDecoderConfigurationRecord` (ISO/IEC 14496-15 section 8.3.3.1). */
function hevcRecord(parameters: H265Parameters): Uint8Array {
  const { chromaFormat, bitDepthLuma, bitDepthChroma, temporalLayers } = parameters;
  const nested = parameters.isTemporalIdNested ? 1 : 0;
  // `hvc1`: all sets are here, and none among the pictures.
  const array = (type: number, sets: readonly Uint8Array[]): Uint8Array =>
    join(u8(0x80 | type), u16(sets.length), ...sets.flatMap((set) => [u16(set.length), set]));
  return join(
    u8(1),
    parameters.profileTierLevel,
    // Not said: how finely a picture is cut up, and for what kind of parallel decoding.
    u8(0xf0, 0, 0xfc),
    u8(0xfc | chromaFormat, 0xf8 | (bitDepthLuma - 8), 0xf8 | (bitDepthChroma - 8)),
    // Average frame rate not said; lengths of four bytes.
    u8(0, 0, (temporalLayers << 3) | (nested << 2) | 3, 3),
    array(32, parameters.videoSets),
    array(33, parameters.sequenceSets),
    array(34, parameters.pictureSets),
  );
}

/** `ES_Descriptor` of an AAC track (ISO/IEC 14496-1 section 7.2.6.5). */
function elementaryStream(configuration: Uint8Array): Uint8Array {
  const descriptor = (tag: number, ...parts: readonly Uint8Array[]): Uint8Array => {
    const body = join(...parts);
    return join(u8(tag, body.length), body);
  };
  // 0x40: AAC; 0x15: audio stream. Buffer size and bit rates are left unsaid.
  const decoder = descriptor(
    0x04,
    u8(0x40, 0x15, 0, 0, 0),
    u32(0, 0),
    descriptor(0x05, configuration),
  );
  return descriptor(0x03, u16(0), u8(0), decoder, descriptor(0x06, u8(2)));
}

function initSegment(track: {
  readonly trackId: number;
  readonly timescale: number;
  readonly handler: "vide" | "soun";
  readonly mediaHeader: Uint8Array;
  readonly entry: Uint8Array;
  readonly width: number;
  readonly height: number;
}): Uint8Array {
  const { trackId, timescale, handler, mediaHeader, entry, width, height } = track;
  const isAudio = handler === "soun";
  const sampleTable = box(
    "stbl",
    fullBox("stsd", 0, u32(1), entry),
    fullBox("stts", 0, u32(0)),
    fullBox("stsc", 0, u32(0)),
    fullBox("stsz", 0, u32(0, 0)),
    fullBox("stco", 0, u32(0)),
  );
  // The one data reference says: the media is in this file.
  const dataInformation = box("dinf", fullBox("dref", 0, u32(1), fullBox("url ", 1)));
  const media = box(
    "mdia",
    fullBox("mdhd", 0, u32(0, 0, timescale, 0), u16(0x55c4, 0)),
    fullBox("hdlr", 0, u32(0), ascii(handler), zeros(12), ascii("Doorward\0")),
    box("minf", mediaHeader, dataInformation, sampleTable),
  );
  const trackHeader = fullBox(
    "tkhd",
    3,
    u32(0, 0, trackId, 0, 0),
    zeros(8),
    u16(0, 0, isAudio ? 0x0100 : 0, 0),
    u32(...UNITY_MATRIX),
    u32(width * 0x10000, height * 0x10000),
  );
  const movieHeader = fullBox(
    "mvhd",
    0,
    u32(0, 0, 1000, 0, 0x10000),
    u16(0x0100),
    zeros(10),
    u32(...UNITY_MATRIX),
    zeros(24),
    u32(trackId + 1),
  );
  const extends_ = box("mvex", fullBox("trex", 0, u32(trackId, 1, 0, 0, 0)));
  return join(
    box("ftyp", ascii("iso6"), u32(1), ascii("iso6mp41")),
    box("moov", movieHeader, box("trak", trackHeader, media), extends_),
  );
}

function head(out: Buffer, at: number, size: number, name: string): number {
  out.writeUInt32BE(size, at);
  out.write(name, at + 4, "latin1");
  return at + 8;
}

function box(name: string, ...parts: readonly Uint8Array[]): Uint8Array {
  const body = join(...parts);
  return join(u32(8 + body.length), ascii(name), body);
}

/** A box with version 0 and flags. */
function fullBox(name: string, flags: number, ...parts: readonly Uint8Array[]): Uint8Array {
  return box(name, u32(flags), ...parts);
}

function join(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

function ascii(text: string): Uint8Array {
  return Buffer.from(text, "latin1");
}

function zeros(count: number): Uint8Array {
  return new Uint8Array(count);
}

function u8(...values: readonly number[]): Uint8Array {
  return Uint8Array.from(values);
}

function u16(...values: readonly number[]): Uint8Array {
  return Uint8Array.from(values.flatMap((value) => [(value >> 8) & 0xff, value & 0xff]));
}

function u32(...values: readonly number[]): Uint8Array {
  return Uint8Array.from(
    values.flatMap((value) => [
      (value / 0x1000000) & 0xff,
      (value >> 16) & 0xff,
      (value >> 8) & 0xff,
      value & 0xff,
    ]),
  );
}
