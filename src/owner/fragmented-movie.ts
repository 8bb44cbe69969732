import { HubError } from "../protocol/errors.ts";
import { HEVC_PROFILE_BYTES, hevcCodec } from "../protocol/hevc-codec.ts";

/**
 * Reads a fragmented MP4 of one track (ISO/IEC 14496-12), as a sealed segment carries it. What was
 * cut off at the end is left out; everything else that does not fit is an error, since the bytes
 * come from a camera.
 */
export interface FragmentedMovie {
  readonly track: "video" | "audio";
  /** Ticks a second. */
  readonly timescale: number;
  /** As RFC 6381 names it, for instance `avc1.64001f`. */
  readonly codec: string;
  /** `ftyp` and `moov`. */
  readonly init: Uint8Array;
  /** Whole `moof` + `mdat` pairs. */
  readonly fragments: Uint8Array;
  readonly samples: readonly MovieSample[];
  /** Bodies of the boxes that another container needs as they are. */
  readonly boxes: Readonly<Record<"tkhd" | "hdlr" | "mediaHeader" | "dinf" | "stsd", Uint8Array>>;
}

export interface MovieSample {
  readonly decodeTicks: number;
  readonly durationTicks: number;
  /** Presentation minus decode time; may be negative. */
  readonly compositionTicks: number;
  readonly isKey: boolean;
  readonly bytes: Uint8Array;
}

interface Box {
  readonly type: string;
  /** From the size field to the end of the body. */
  readonly whole: Uint8Array;
  readonly body: Uint8Array;
}

interface Defaults {
  readonly duration: number;
  readonly size: number;
  readonly flags: number;
}

const SAMPLES_MAX = 200_000;
const BOXES_MAX = 500_000;
/** `sample_is_non_sync_sample` of the sample flags. */
const NOT_KEY = 0x10000;

/** `ftyp` and `moov`, and the whole `moof` + `mdat` pairs behind them. */
export function splitInit(segment: Uint8Array): { init: Uint8Array; fragments: Uint8Array } {
  let initEnd = 0;
  let wholeEnd = 0;
  for (const { type, whole } of boxesIn(segment)) {
    const end = whole.byteOffset - segment.byteOffset + whole.length;
    if (type === "moov") initEnd = wholeEnd = end;
    if (type === "mdat") wholeEnd = end;
  }
  return {
    init: segment.subarray(0, initEnd),
    fragments: segment.subarray(initEnd, Math.max(initEnd, wholeEnd)),
  };
}

/** @throws HubError NOT_A_MOVIE. */
export function readFragmentedMovie(segment: Uint8Array): FragmentedMovie {
  try {
    return read(segment);
  } catch (cause) {
    if (cause instanceof HubError) throw cause;
    throw notAMovie("it ends in the middle of a box", cause);
  }
}

function read(segment: Uint8Array): FragmentedMovie {
  const { init, fragments } = splitInit(segment);
  const moov = find(init, "moov").body;
  const trak = find(moov, "trak").body;
  const mdia = find(trak, "mdia").body;
  const hdlr = find(mdia, "hdlr").body;
  const minf = find(mdia, "minf").body;
  const stsd = find(find(minf, "stbl").body, "stsd").body;
  const handler = text(hdlr, 8, 4);
  if (handler !== "vide" && handler !== "soun") throw notAMovie(`a track of "${handler}"`);
  const isVideo = handler === "vide";
  const trex = boxesIn(find(moov, "mvex").body).find(({ type }) => type === "trex");
  return {
    track: isVideo ? "video" : "audio",
    timescale: timescaleOf(find(mdia, "mdhd").body),
    codec: codecOf(stsd),
    init,
    fragments,
    samples: samplesIn(fragments, trex ? trexDefaults(trex.body) : NO_DEFAULTS),
    boxes: {
      tkhd: find(trak, "tkhd").body,
      hdlr,
      mediaHeader: find(minf, isVideo ? "vmhd" : "smhd").body,
      dinf: find(minf, "dinf").body,
      stsd,
    },
  };
}

function boxesIn(bytes: Uint8Array): Box[] {
  const view = viewOf(bytes);
  const boxes: Box[] = [];
  for (let offset = 0; offset + 8 <= bytes.length;) {
    const size = view.getUint32(offset);
    if (size < 8 || offset + size > bytes.length) break;
    const whole = bytes.subarray(offset, offset + size);
    boxes.push({ type: text(bytes, offset + 4, 4), whole, body: whole.subarray(8) });
    if (boxes.length > BOXES_MAX) throw notAMovie("too many boxes");
    offset += size;
  }
  return boxes;
}

function find(bytes: Uint8Array, type: string): Box {
  const box = boxesIn(bytes).find((each) => each.type === type);
  if (!box) throw notAMovie(`no ${type}`);
  return box;
}

function timescaleOf(mdhd: Uint8Array): number {
  const timescale = viewOf(mdhd).getUint32(mdhd[0] === 1 ? 20 : 12);
  if (timescale === 0) throw notAMovie("a timescale of 0");
  return timescale;
}

function codecOf(stsd: Uint8Array): string {
  const [entry] = boxesIn(stsd.subarray(8));
  if (!entry) throw notAMovie("no sample entry");
  const hex = (value: number): string => value.toString(16).padStart(2, "0");
  if (entry.type === "avc1" || entry.type === "avc3") {
    const { body } = find(entry.body.subarray(78), "avcC");
    return `${entry.type}.${[...body.subarray(1, 4)].map(hex).join("")}`;
  }
  if (entry.type === "hvc1" || entry.type === "hev1")
    return hevcCodec(entry.type, hevcProfile(find(entry.body.subarray(78), "hvcC").body));
  if (entry.type === "mp4a")
    return `mp4a.40.${audioObjectType(find(entry.body.subarray(28), "esds").body)}`;
  throw notAMovie(`a codec that is not known here, "${entry.type}"`);
}

/** Of an `HEVCDecoderConfigurationRecord`: what follows its version. */
function hevcProfile(record: Uint8Array): Uint8Array {
  const profile = record.subarray(1, 1 + HEVC_PROFILE_BYTES);
  if (profile.length < HEVC_PROFILE_BYTES) throw notAMovie("H.265 without a profile");
  return profile;
}

/** First five bits of the `DecoderSpecificInfo` (tag 5) of an `esds`. */
function audioObjectType(esds: Uint8Array): number {
  for (let at = 4; at + 2 < esds.length; at += 1) {
    if (esds[at] !== 0x05) continue;
    let start = at + 1;
    while (((esds[start] ?? 0) & 0x80) !== 0) start += 1;
    const length = esds[start] ?? 0;
    if (length >= 2 && start + length < esds.length) return (esds[start + 1] ?? 0) >> 3;
  }
  throw notAMovie("sound without a description");
}

const NO_DEFAULTS: Defaults = { duration: 0, size: 0, flags: 0 };

function trexDefaults(body: Uint8Array): Defaults {
  const view = viewOf(body);
  return { duration: view.getUint32(12), size: view.getUint32(16), flags: view.getUint32(20) };
}

function samplesIn(fragments: Uint8Array, defaults: Defaults): MovieSample[] {
  const samples: MovieSample[] = [];
  const boxes = boxesIn(fragments);
  for (const [index, moof] of boxes.entries()) {
    const mdat = boxes[index + 1];
    if (moof.type !== "moof" || mdat?.type !== "mdat") continue;
    readFragment(moof, fragments, defaults, samples);
  }
  return samples;
}

function readFragment(
  moof: Box,
  fragments: Uint8Array,
  defaults: Defaults,
  samples: MovieSample[],
): void {
  const traf = find(moof.body, "traf").body;
  const own = fragmentDefaults(find(traf, "tfhd").body, defaults);
  const tfdt = find(traf, "tfdt").body;
  const view = viewOf(tfdt);
  let decodeTicks =
    tfdt[0] === 1 ? view.getUint32(4) * 2 ** 32 + view.getUint32(8) : view.getUint32(4);
  const start = moof.whole.byteOffset - fragments.byteOffset;
  for (const { type, body } of boxesIn(traf)) {
    if (type !== "trun") continue;
    for (const sample of readRun(body, own, start)) {
      const { from, size, durationTicks } = sample;
      // Samples of no bytes cost the file nothing: a few boxes could name millions.
      if (samples.length >= SAMPLES_MAX) throw notAMovie("too many pictures");
      if (from < 0 || from + size > fragments.length) throw notAMovie("a picture outside the file");
      samples.push({
        decodeTicks,
        durationTicks,
        compositionTicks: sample.compositionTicks,
        isKey: (sample.flags & NOT_KEY) === 0,
        bytes: fragments.subarray(from, from + size),
      });
      decodeTicks += durationTicks;
    }
  }
}

function fragmentDefaults(tfhd: Uint8Array, defaults: Defaults): Defaults {
  const view = viewOf(tfhd);
  const flags = view.getUint32(0) & 0xffffff;
  if ((flags & 0x1) !== 0) throw notAMovie("offsets that count from the whole file");
  let at = 8;
  const next = (flag: number, otherwise: number): number => {
    if ((flags & flag) === 0) return otherwise;
    at += 4;
    return view.getUint32(at - 4);
  };
  next(0x2, 0);
  return {
    duration: next(0x8, defaults.duration),
    size: next(0x10, defaults.size),
    flags: next(0x20, defaults.flags),
  };
}

interface RunSample {
  readonly from: number;
  readonly size: number;
  readonly durationTicks: number;
  readonly compositionTicks: number;
  readonly flags: number;
}

function readRun(trun: Uint8Array, defaults: Defaults, start: number): RunSample[] {
  const view = viewOf(trun);
  const flags = view.getUint32(0) & 0xffffff;
  const count = view.getUint32(4);
  if (count > SAMPLES_MAX) throw notAMovie("too many pictures");
  let at = 8;
  const next = (flag: number, otherwise: number): number => {
    if ((flags & flag) === 0) return otherwise;
    at += 4;
    return view.getUint32(at - 4);
  };
  let from = start + (next(0x1, 0) | 0);
  const firstFlags = next(0x4, defaults.flags);
  return Array.from({ length: count }, (_, index) => {
    const durationTicks = next(0x100, defaults.duration);
    const size = next(0x200, defaults.size);
    const own = next(0x400, index === 0 ? firstFlags : defaults.flags);
    const compositionTicks = next(0x800, 0) | 0;
    from += size;
    return { from: from - size, size, durationTicks, compositionTicks, flags: own };
  });
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

function text(bytes: Uint8Array, offset: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(offset, offset + length));
}

function notAMovie(what: string, cause?: unknown): HubError {
  return new HubError("NOT_A_MOVIE", `Cannot play file: ${what}`, { cause });
}
