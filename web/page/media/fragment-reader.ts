import { MalformedInput } from "../../../src/protocol/errors.ts";

// Reads what the hub's fragments carry (ISO/IEC 14496-12 and -15): one access unit each.

/** The one sample of a fragment. Ticks count by the time scale that its track's init names. */
export interface MediaSample {
  /** `tfdt`. */
  readonly decodeTicks: number;
  /** 0 where the fragment does not say it. */
  readonly durationTicks: number;
  /** Presentation minus decode time; may be negative. */
  readonly compositionTicks: number;
  /** A view of the fragment: NAL units with lengths in front, or one raw audio frame. */
  readonly bytes: Uint8Array;
}

interface Box {
  readonly name: string;
  /** Of the box's header, and of what is in the box. */
  readonly start: number;
  readonly from: number;
  readonly to: number;
}

const BOXES_MAX = 64;
/** What `trun` may say of all samples, and of each. */
const OFFSET = 0x01;
const FIRST_FLAGS = 0x04;
const DURATION = 0x100;
const SIZE = 0x200;
const FLAGS = 0x400;
const COMPOSITION = 0x800;
/** Bytes of a `VisualSampleEntry` before its boxes. */
const VISUAL_ENTRY_BYTES = 78;

/** @throws MalformedInput for anything but one sample within the fragment. */
export function readSample(fragment: Uint8Array): MediaSample {
  const view = viewOf(fragment);
  const movie = need(view, whole(view), "moof");
  const track = need(view, movie, "traf");
  const run = need(view, track, "trun");
  const flags = uint32(view, run, 0) & 0xffffff;
  if (uint32(view, run, 4) !== 1) throw malformed("trun", "does not have one sample");
  if ((flags & OFFSET) === 0 || (flags & SIZE) === 0)
    throw malformed("trun", "does not say where the sample is");
  let at = 8;
  const next = (): number => uint32(view, run, (at += 4) - 4);
  const offset = next();
  if ((flags & FIRST_FLAGS) !== 0) next();
  const durationTicks = (flags & DURATION) === 0 ? 0 : next();
  const size = next();
  if ((flags & FLAGS) !== 0) next();
  const compositionTicks = (flags & COMPOSITION) === 0 ? 0 : next() | 0;
  const from = movie.start + offset;
  if (size === 0 || from + size > fragment.length)
    throw malformed("trun", "points out of the fragment");
  return {
    decodeTicks: decodeTicksOf(view, track),
    durationTicks,
    compositionTicks,
    bytes: fragment.subarray(from, from + size),
  };
}

function decodeTicksOf(view: DataView, track: Box): number {
  const time = need(view, track, "tfdt");
  if (uint32(view, time, 0) >>> 24 === 0) return uint32(view, time, 4);
  const ticks = uint32(view, time, 4) * 2 ** 32 + uint32(view, time, 8);
  if (!Number.isSafeInteger(ticks)) throw malformed("tfdt", "is out of range");
  return ticks;
}

/**
 * The decoder configuration record of an initialisation segment, as a decoder wants it.
 *
 * @param codec - As RFC 6381 names it: of H.265 the record is another one.
 * @throws MalformedInput where there is none: the track is neither H.264 nor H.265.
 */
export function readDecoderRecord(init: Uint8Array, codec: string): Uint8Array {
  const view = viewOf(init);
  let box = whole(view);
  for (const name of ["moov", "trak", "mdia", "minf", "stbl", "stsd"]) box = need(view, box, name);
  // Version and flags, and the number of entries.
  const [sampleEntry, configuration] = codec.startsWith("hvc1")
    ? ["hvc1", "hvcC"]
    : ["avc1", "avcC"];
  const entry = need(view, { ...box, from: box.from + 8 }, sampleEntry);
  const record = need(view, { ...entry, from: entry.from + VISUAL_ENTRY_BYTES }, configuration);
  return init.subarray(record.from, record.to);
}

function need(view: DataView, within: Box, name: string): Box {
  let at = within.from;
  for (let count = 0; count < BOXES_MAX && at + 8 <= within.to; count += 1) {
    const size = view.getUint32(at);
    if (size < 8 || at + size > within.to)
      throw malformed(within.name, "has a box of a wrong size");
    const found = String.fromCharCode(...new Uint8Array(view.buffer, view.byteOffset + at + 4, 4));
    if (found === name) return { name, start: at, from: at + 8, to: at + size };
    at += size;
  }
  throw malformed(within.name, `lacks ${name}`);
}

function whole(view: DataView): Box {
  return { name: "segment", start: 0, from: 0, to: view.byteLength };
}

function uint32(view: DataView, box: Box, offset: number): number {
  const at = box.from + offset;
  if (at + 4 > box.to) throw malformed(box.name, "is cut off");
  return view.getUint32(at);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function malformed(field: string, found: string): MalformedInput {
  return new MalformedInput(field, `Cannot read fragment: ${field} ${found}`);
}
