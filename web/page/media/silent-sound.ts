/** What must be known of a track of AAC to write silence into it. */
export interface SoundShape {
  /** `ftyp` and `moov`. */
  readonly init: Uint8Array;
  /** Ticks a second. */
  readonly timescale: number;
  /** Of one AAC frame. */
  readonly unitTicks: number;
  readonly channels: number;
}

/** On the track's own time line. */
export interface TickRange {
  readonly fromTicks: number;
  readonly toTicks: number;
}

interface Span {
  readonly startSeconds: number;
  readonly endSeconds: number;
}

/** Sound that begins or ends this much beside its picture is missing there. */
const MISSING_SECONDS = 0.25;

/**
 * Silence for all of a picture's time in which there is no sound: a hole would stop the picture.
 *
 * @param sound - Null where there is none at all.
 */
export function silenceBeside(
  shape: SoundShape,
  picture: Span,
  sound: (Span & { readonly sound: { readonly holes: readonly TickRange[] } | null }) | null,
): Uint8Array<ArrayBuffer>[] {
  const around: readonly (readonly [number, number])[] = sound
    ? [
        [picture.startSeconds, sound.startSeconds],
        [sound.endSeconds, picture.endSeconds],
      ]
    : [[picture.startSeconds, picture.endSeconds]];
  const ticks = (seconds: number): number => Math.ceil(seconds * shape.timescale);
  return [
    ...(sound?.sound?.holes ?? []),
    ...around
      .filter(([from, to]) => to - from > MISSING_SECONDS)
      .map(([from, to]) => ({ fromTicks: ticks(from), toTicks: ticks(to) })),
  ].flatMap(({ fromTicks, toTicks }) => silentFragment(shape, fromTicks, toTicks) ?? []);
}

/** An AAC-LC frame in which nothing is heard, for one and for two channels, at any rate. */
const SILENT_FRAMES: Readonly<Record<number, readonly number[]>> = {
  1: [0x00, 0xc8, 0x00, 0x80, 0x23, 0x80],
  2: [0x21, 0x00, 0x49, 0x90, 0x02, 0x19, 0x00, 0x23, 0x80],
};
/** An hour of the shortest frames; nothing that is shown at once is as long. */
const FRAMES_MAX = 200_000;
const AUDIO_TRACK_ID = 2;
const SYNC_SAMPLE_FLAGS = 0x02000000;

/**
 * One `moof` and `mdat` of silence (ISO/IEC 14496-12): as many whole frames as there is room for.
 *
 * @returns null where there is room for none, or nobody knows what silence is in this track.
 */
export function silentFragment(
  { unitTicks, channels }: SoundShape,
  fromTicks: number,
  toTicks: number,
): Uint8Array<ArrayBuffer> | null {
  const frame = SILENT_FRAMES[channels];
  const count = Math.min(FRAMES_MAX, Math.floor((toTicks - fromTicks) / unitTicks));
  if (!frame || !(count > 0) || fromTicks < 0) return null;
  const header = box("mfhd", u32(0, 1));
  // Offsets count from this `moof`; duration, size and flags are those of every frame.
  const defaults = u32(0x020038, AUDIO_TRACK_ID, unitTicks, frame.length, SYNC_SAMPLE_FLAGS);
  const start = Math.round(fromTicks);
  const time = u32(0x01000000, Math.floor(start / 2 ** 32), start % 2 ** 32);
  const moof = (dataOffset: number): Uint8Array =>
    box(
      "moof",
      header,
      box("traf", box("tfhd", defaults), box("tfdt", time), box("trun", u32(1, count, dataOffset))),
    );
  const sound = new Uint8Array(frame.length * count);
  for (let index = 0; index < count; index += 1) sound.set(frame, index * frame.length);
  return join(moof(moof(0).length + 8), box("mdat", sound));
}

function box(name: string, ...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const length = 8 + parts.reduce((sum, part) => sum + part.length, 0);
  const codes = Uint8Array.from(name, (character) => character.charCodeAt(0));
  return join(u32(length), codes, ...parts);
}

function u32(...values: readonly number[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(values.length * 4);
  const view = new DataView(bytes.buffer);
  values.forEach((value, index) => view.setUint32(index * 4, value));
  return bytes;
}

function join(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
