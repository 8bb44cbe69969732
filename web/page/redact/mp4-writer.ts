/**
 * Writes a fragmented MP4 with one H.264 track (ISO/IEC 14496-12 and -15): what a blurred segment is.
 * Pure.
 */

/** As `colr` says it (ISO/IEC 23091-2), so that players show the colours of the original. */
export interface Colours {
  readonly primaries: number;
  readonly transfer: number;
  readonly matrix: number;
  readonly fullRange: boolean;
}

export interface WrittenTrack {
  readonly timescale: number;
  readonly width: number;
  readonly height: number;
  /** `AVCDecoderConfigurationRecord`. */
  readonly record: Uint8Array;
  readonly colours: Colours | null;
}

export interface WrittenSample {
  /** Decoding and presentation time; there are no pictures out of order. */
  readonly ticks: number;
  readonly durationTicks: number;
  readonly isKey: boolean;
  readonly bytes: Uint8Array;
}

const TRACK_ID = 1;
const KEY_FLAGS = 0x02000000;
const DEPENDENT_FLAGS = 0x01010000;
const MATRIX = [0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000];

/** The whole file: initialisation, then one fragment a sample, as the hub's recordings are. */
export function writeMp4(track: WrittenTrack, samples: readonly WrittenSample[]): Uint8Array {
  return join(
    box("ftyp", ascii("iso6"), u32(1), ascii("iso6mp41")),
    movie(track),
    ...samples.flatMap(fragment),
  );
}

function movie({ timescale, width, height, record, colours }: WrittenTrack): Uint8Array {
  const colour = colours
    ? [
        box(
          "colr",
          ascii("nclx"),
          u16(colours.primaries, colours.transfer, colours.matrix),
          Uint8Array.of(colours.fullRange ? 0x80 : 0),
        ),
      ]
    : [];
  const entry = box(
    "avc1",
    ...[zeros(6), u16(1), zeros(16), u16(width, height), u32(0x480000, 0x480000, 0)],
    ...[u16(1), zeros(32), u16(24, 0xffff), box("avcC", record), ...colour],
  );
  const table = box(
    "stbl",
    fullBox("stsd", 0, u32(1), entry),
    fullBox("stts", 0, u32(0)),
    fullBox("stsc", 0, u32(0)),
    fullBox("stsz", 0, u32(0, 0)),
    fullBox("stco", 0, u32(0)),
  );
  const data = box("dinf", fullBox("dref", 0, u32(1), fullBox("url ", 1)));
  const media = box(
    "mdia",
    fullBox("mdhd", 0, u32(0, 0, timescale, 0), u16(0x55c4, 0)),
    fullBox("hdlr", 0, u32(0), ascii("vide"), zeros(12), ascii("Doorward\0")),
    box("minf", fullBox("vmhd", 1, zeros(8)), data, table),
  );
  const trackHeader = fullBox(
    "tkhd",
    3,
    ...[u32(0, 0, TRACK_ID, 0, 0), zeros(8), u16(0, 0, 0, 0), u32(...MATRIX)],
    u32(width * 0x10000, height * 0x10000),
  );
  const header = fullBox(
    "mvhd",
    0,
    ...[u32(0, 0, 1000, 0, 0x10000), u16(0x0100), zeros(10), u32(...MATRIX), zeros(24)],
    u32(TRACK_ID + 1),
  );
  const extending = box("mvex", fullBox("trex", 0, u32(TRACK_ID, 1, 0, 0, 0)));
  return box("moov", header, box("trak", trackHeader, media), extending);
}

const MOOF_BYTES = 100;

function fragment(sample: WrittenSample, index: number): Uint8Array[] {
  const { ticks, durationTicks, isKey, bytes } = sample;
  const run = fullBox(
    "trun",
    // Offset of the data, duration, size, flags.
    0x701,
    u32(1, MOOF_BYTES + 8, durationTicks, bytes.length, isKey ? KEY_FLAGS : DEPENDENT_FLAGS),
  );
  const traf = box(
    "traf",
    fullBox("tfhd", 0x020000, u32(TRACK_ID)),
    fullBox("tfdt", 0x01000000, u32(Math.floor(ticks / 2 ** 32), ticks % 2 ** 32)),
    run,
  );
  const moof = box("moof", fullBox("mfhd", 0, u32(index)), traf);
  if (moof.length !== MOOF_BYTES) throw new Error(`a fragment's head has ${moof.length} bytes`);
  return [moof, u32(8 + bytes.length), ascii("mdat"), bytes];
}

function box(name: string, ...parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 8);
  return join(u32(length), ascii(name), ...parts);
}

/** A box with its version (the first byte) and flags. */
function fullBox(name: string, flags: number, ...parts: readonly Uint8Array[]): Uint8Array {
  return box(name, u32(flags), ...parts);
}

function join(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

function zeros(count: number): Uint8Array {
  return new Uint8Array(count);
}

function u16(...values: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(values.length * 2));
  values.forEach((value, index) => view.setUint16(index * 2, value));
  return new Uint8Array(view.buffer);
}

function u32(...values: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(values.length * 4));
  values.forEach((value, index) => view.setUint32(index * 4, value));
  return new Uint8Array(view.buffer);
}
