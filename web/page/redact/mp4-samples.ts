import { HubError } from "../../../src/protocol/errors.ts";
import { HEVC_PROFILE_BYTES, hevcCodec } from "../../../src/protocol/hevc-codec.ts";

/**
 * Reads the access units of a fragmented MP4 with an H.264 or H.265 track (ISO/IEC 14496-12 and
 * -15), as a clip's segments are. Pure. Whatever is in the bytes, an offset outside of them is an error.
 */

export interface VideoSample {
  /** Presentation time in ticks of the track, as the file has it: segments run on. */
  readonly ticks: number;
  readonly durationTicks: number;
  readonly isKey: boolean;
  /** NAL units with their lengths. */
  readonly bytes: Uint8Array;
}

export interface VideoTrack {
  readonly timescale: number;
  /** RFC 6381. */
  readonly codec: string;
  readonly width: number;
  readonly height: number;
  /** Decoder configuration record, of `avcC` or `hvcC`. */
  readonly record: Uint8Array;
  /** In the order in which they are decoded. */
  readonly samples: readonly VideoSample[];
}

/** 30 s at 120 frames a second, and room. */
const SAMPLES_MAX = 5_000;
const BOXES_MAX = 50_000;
const H264_KEY_FRAME = 5;
const H265_KEY_FRAMES = { first: 16, last: 21 };
/** Where the records say how long lengths are. */
const AVC_LENGTH_AT = 4;
const HEVC_LENGTH_AT = 21;
const PICTURE_MAX = 8_192;

const TFHD = { baseOffset: 1, description: 2, duration: 8, size: 0x10, flags: 0x20 } as const;
const TRUN = {
  offset: 1,
  firstFlags: 4,
  duration: 0x100,
  size: 0x200,
  flags: 0x400,
  composition: 0x800,
} as const;

interface Box {
  readonly name: string;
  readonly start: number;
  /** Where its content is. */
  readonly from: number;
  readonly to: number;
}

/** @throws HubError `SEGMENT_UNREADABLE` naming what is wrong. */
export function readVideoTrack(file: ArrayBuffer): VideoTrack {
  try {
    return new SegmentReader(file).read();
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new HubError("SEGMENT_UNREADABLE", "Cannot read recording: it is cut off", { cause });
  }
}

function unreadable(found: string): HubError {
  return new HubError("SEGMENT_UNREADABLE", `Cannot read recording: ${found}`);
}

interface Track {
  id: number;
  timescale: number;
  isHevc: boolean;
  codec: string;
  width: number;
  height: number;
  record: Uint8Array | null;
  lengthBytes: number;
  defaults: Defaults;
}

interface Defaults {
  readonly duration: number;
  readonly size: number;
}

class SegmentReader {
  readonly #view: DataView;
  readonly #samples: VideoSample[] = [];
  #boxes = 0;

  constructor(file: ArrayBuffer) {
    this.#view = new DataView(file);
  }

  read(): VideoTrack {
    const top = this.#boxesIn(0, this.#view.byteLength);
    const movie = top.find(({ name }) => name === "moov");
    if (!movie) throw unreadable("it has no description");
    const track = this.#videoTrack(movie);
    if (!track.record) throw unreadable("its picture is not described");
    for (const fragment of top.filter(({ name }) => name === "moof"))
      this.#readFragment(fragment, track);
    if (this.#samples.length === 0) throw unreadable("it has no picture");
    const { timescale, codec, width, height, record } = track;
    return { timescale, codec, width, height, record, samples: this.#samples };
  }

  #boxesIn(from: number, to: number): Box[] {
    const boxes: Box[] = [];
    for (let at = from; at + 8 <= to;) {
      if ((this.#boxes += 1) > BOXES_MAX) throw unreadable("it has too many parts");
      const short = this.#view.getUint32(at);
      const isLong = short === 1;
      const size = isLong ? Number(this.#view.getBigUint64(at + 8)) : short === 0 ? to - at : short;
      const from = at + (isLong ? 16 : 8);
      if (size < from - at || at + size > to) throw unreadable("a part is longer than the whole");
      boxes.push({ name: this.#text(at + 4), start: at, from, to: at + size });
      at += size;
    }
    return boxes;
  }

  #text(at: number): string {
    return [0, 1, 2, 3]
      .map((place) => String.fromCharCode(this.#view.getUint8(at + place)))
      .join("");
  }

  #inside(box: Box, ...names: readonly string[]): Box | null {
    let found: Box | null = box;
    for (const name of names)
      found =
        found && (this.#boxesIn(found.from, found.to).find((one) => one.name === name) ?? null);
    return found;
  }

  #videoTrack(movie: Box): Track {
    for (const trak of this.#boxesIn(movie.from, movie.to)) {
      if (trak.name !== "trak") continue;
      const handler = this.#inside(trak, "mdia", "hdlr");
      if (!handler || this.#text(handler.from + 8) !== "vide") continue;
      return this.#readTrack(trak, movie);
    }
    throw unreadable("it has no video track");
  }

  #readTrack(trak: Box, movie: Box): Track {
    const header = this.#inside(trak, "tkhd");
    const media = this.#inside(trak, "mdia", "mdhd");
    const table = this.#inside(trak, "mdia", "minf", "stbl", "stsd");
    if (!header || !media || !table) throw unreadable("its track is not described");
    const isLong = (box: Box): boolean => this.#view.getUint8(box.from) === 1;
    const id = this.#view.getUint32(header.from + (isLong(header) ? 20 : 12));
    const timescale = this.#view.getUint32(media.from + (isLong(media) ? 20 : 12));
    if (timescale < 1) throw unreadable("its clock stands still");
    const [entry] = this.#boxesIn(table.from + 8, table.to);
    const isHevc = entry?.name === "hvc1" || entry?.name === "hev1";
    if (!entry || (!isHevc && entry.name !== "avc1" && entry.name !== "avc3"))
      throw unreadable("its picture is neither H.264 nor H.265");
    const width = this.#view.getUint16(entry.from + 24);
    const height = this.#view.getUint16(entry.from + 26);
    if (width < 16 || height < 16 || width > PICTURE_MAX || height > PICTURE_MAX)
      throw unreadable(`its picture has ${width} x ${height} px`);
    const configuration = this.#boxesIn(entry.from + 78, entry.to).find(
      ({ name }) => name === (isHevc ? "hvcC" : "avcC"),
    );
    if (!configuration) throw unreadable("its picture is not described");
    const record = this.#bytes(configuration.from, configuration.to - configuration.from).slice();
    const hex = [...record.subarray(1, 4)].map((byte) => byte.toString(16).padStart(2, "0"));
    return {
      ...{ id, timescale, width, height, record },
      isHevc,
      codec: isHevc
        ? hevcCodec("hvc1", record.subarray(1, 1 + HEVC_PROFILE_BYTES))
        : `avc1.${hex.join("")}`,
      lengthBytes: ((record[isHevc ? HEVC_LENGTH_AT : AVC_LENGTH_AT] ?? 3) & 3) + 1,
      defaults: this.#trackDefaults(movie, id),
    };
  }

  #trackDefaults(movie: Box, id: number): Defaults {
    const all = this.#inside(movie, "mvex");
    for (const trex of all ? this.#boxesIn(all.from, all.to) : [])
      if (trex.name === "trex" && this.#view.getUint32(trex.from + 4) === id)
        return {
          duration: this.#view.getUint32(trex.from + 12),
          size: this.#view.getUint32(trex.from + 16),
        };
    return { duration: 0, size: 0 };
  }

  #readFragment(fragment: Box, track: Track): void {
    for (const traf of this.#boxesIn(fragment.from, fragment.to)) {
      if (traf.name !== "traf") continue;
      const parts = this.#boxesIn(traf.from, traf.to);
      const header = parts.find(({ name }) => name === "tfhd");
      const time = parts.find(({ name }) => name === "tfdt");
      if (!header || this.#view.getUint32(header.from + 4) !== track.id) continue;
      if (!time) throw unreadable("a fragment has no time");
      const isLong = this.#view.getUint8(time.from) === 1;
      let ticks = isLong
        ? Number(this.#view.getBigUint64(time.from + 4))
        : this.#view.getUint32(time.from + 4);
      const { defaults, base } = this.#fragmentDefaults(header, track, fragment.start);
      for (const run of parts)
        if (run.name === "trun") ticks = this.#readRun(run, { defaults, base, ticks, track });
    }
  }

  #fragmentDefaults(
    header: Box,
    track: Track,
    start: number,
  ): { defaults: Defaults; base: number } {
    const flags = this.#view.getUint32(header.from) & 0xffffff;
    let at = header.from + 8;
    let base = start;
    let { duration, size } = track.defaults;
    if (flags & TFHD.baseOffset) {
      base = Number(this.#view.getBigUint64(at));
      at += 8;
    }
    if (flags & TFHD.description) at += 4;
    if (flags & TFHD.duration) {
      duration = this.#view.getUint32(at);
      at += 4;
    }
    if (flags & TFHD.size) size = this.#view.getUint32(at);
    return { defaults: { duration, size }, base };
  }

  #readRun(
    run: Box,
    from: { defaults: Defaults; base: number; ticks: number; track: Track },
  ): number {
    const flags = this.#view.getUint32(run.from) & 0xffffff;
    const count = this.#view.getUint32(run.from + 4);
    let at = run.from + 8;
    if (!(flags & TRUN.offset)) throw unreadable("a fragment does not say where its picture is");
    let place = from.base + this.#view.getInt32(at);
    at += flags & TRUN.firstFlags ? 8 : 4;
    let { ticks } = from;
    for (let index = 0; index < count; index++) {
      const next = (flag: number, otherwise: number): number => {
        if (!(flags & flag)) return otherwise;
        at += 4;
        return this.#view.getUint32(at - 4);
      };
      const durationTicks = next(TRUN.duration, from.defaults.duration);
      const size = next(TRUN.size, from.defaults.size);
      next(TRUN.flags, 0);
      const composition = next(TRUN.composition, 0) | 0;
      this.#addSample(this.#bytes(place, size), ticks + composition, durationTicks, from.track);
      ticks += durationTicks;
      place += size;
    }
    return ticks;
  }

  #addSample(bytes: Uint8Array, ticks: number, durationTicks: number, track: Track): void {
    if (this.#samples.length === SAMPLES_MAX) throw unreadable("it has too many pictures");
    const isKey = hasKeyFrame(bytes, track);
    this.#samples.push({ ticks, durationTicks, isKey, bytes });
  }

  #bytes(at: number, length: number): Uint8Array {
    if (at < 0 || at + length > this.#view.byteLength) throw unreadable("it is cut off");
    return new Uint8Array(this.#view.buffer, at, length);
  }
}

/** By what is coded, not by what the container says of it. */
function hasKeyFrame(
  bytes: Uint8Array,
  { lengthBytes, isHevc }: Pick<Track, "lengthBytes" | "isHevc">,
): boolean {
  for (let at = 0; at + lengthBytes < bytes.length;) {
    let length = 0;
    for (let place = 0; place < lengthBytes; place++)
      length = length * 256 + (bytes[at + place] ?? 0);
    at += lengthBytes;
    const header = bytes[at] ?? 0;
    const type = isHevc ? (header >> 1) & 63 : header & 31;
    const { first, last } = isHevc
      ? H265_KEY_FRAMES
      : { first: H264_KEY_FRAME, last: H264_KEY_FRAME };
    if (type >= first && type <= last) return true;
    at += length;
  }
  return false;
}
