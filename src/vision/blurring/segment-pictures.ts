import type { PictureSize } from "../../blur/boxes.ts";
import { HubError } from "../../protocol/errors.ts";
import { VIDEO_TIMESCALE, VIDEO_TRACK_ID } from "../../protocol/fragment.ts";
import type { BlurFootage } from "../blur-footage.ts";

/** When a picture is decoded and shown, in ticks of the track. */
export interface PictureTimes {
  /** Number of its fragment. */
  readonly sequence: number;
  readonly decodeTicks: number;
  readonly durationTicks: number;
  readonly shownTicks: number;
}

/** A segment as far as it can be told without decoding it. */
export interface SegmentPictures {
  /** Even in both directions, as a picture with halved colours has to be. */
  readonly size: PictureSize;
  /** In the order in which they are decoded: one for each fragment. */
  readonly times: readonly PictureTimes[];
  /** In the order in which they are shown; every one another. */
  readonly shownTicks: readonly number[];
  /** All of it, the initialisation included. */
  readonly sizeBytes: number;
  readonly durationMs: number;
}

/** Nothing a doorbell films is larger; a header that claims more is not worth the memory. */
export const PIXELS_MAX = 16_800_000;
const SIDE_MIN = 16;
const SIDE_MAX = 8_192;

/** `moof` with its six boxes, and the header of `mdat`, as the hub's fragments have them. */
const HEAD_BYTES = 112;
const BOXES = [
  { at: 0, name: "moof", sizeBytes: HEAD_BYTES - 8 },
  { at: 8, name: "mfhd", sizeBytes: 16 },
  { at: 24, name: "traf", sizeBytes: HEAD_BYTES - 32 },
  { at: 32, name: "tfhd", sizeBytes: 16 },
  { at: 48, name: "tfdt", sizeBytes: 20 },
  { at: 68, name: "trun", sizeBytes: 36 },
] as const;
const SEQUENCE_AT = 20;
/** Version and flags of `tfdt` and `trun`, and where their fields are. */
const TIME_AT = 56;
const TIME_FORM = 0x01000000;
const RUN_AT = 76;
const RUN_FORM = 0x01000f01;

/**
 * Reads the times of a segment's fragments, which have to be exactly as the hub writes them: one
 * picture of track 1 each, beginning with a key frame.
 *
 * @throws HubError `SEGMENT_UNREADABLE` for anything else.
 */
export function readSegment({ init, fragments }: BlurFootage): SegmentPictures {
  const size = { width: init.width & ~1, height: init.height & ~1 };
  const isUsable = [size.width, size.height].every((side) => side >= SIDE_MIN && side <= SIDE_MAX);
  if (!isUsable || size.width * size.height > PIXELS_MAX)
    throw unreadable(`a picture of ${init.width} x ${init.height}`);
  if (init.track !== "video" || init.timescale !== VIDEO_TIMESCALE)
    throw unreadable("another track or clock");
  if (fragments[0]?.keyFrame !== true) throw unreadable("no key frame to begin with");
  const times = fragments.map(({ bytes }) => readTimes(bytes));
  const shownTicks = times.map((each) => each.shownTicks).toSorted((left, right) => left - right);
  const isRising = times.every(
    ({ decodeTicks }, index) => index === 0 || decodeTicks > (times[index - 1]?.decodeTicks ?? 0),
  );
  if (!isRising || new Set(shownTicks).size !== shownTicks.length)
    throw unreadable("two pictures of one time");
  return {
    ...{ size, times, shownTicks },
    sizeBytes: fragments.reduce((sum, { bytes }) => sum + bytes.length, init.bytes.length),
    durationMs: fragments.reduce((sum, { durationMs }) => sum + durationMs, 0),
  };
}

/**
 * How many pictures at the beginning of a segment are not there, when the first that is there is shown
 * at `firstTicks`. Where groups are open, those shown before the key frame need the segment before.
 *
 * @returns Null where that is not what is missing.
 */
export function missingBefore(
  { times, shownTicks }: SegmentPictures,
  firstTicks: number,
): number | null {
  const place = shownTicks.indexOf(firstTicks);
  const key = times[0]?.shownTicks ?? firstTicks;
  return place < 0 || firstTicks > key ? null : place;
}

function readTimes(bytes: Uint8Array): PictureTimes {
  if (bytes.length <= HEAD_BYTES) throw unreadable("a fragment without a picture");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isBox = (at: number, name: string, sizeBytes: number): boolean =>
    view.getUint32(at) === sizeBytes &&
    [...name].every((letter, index) => bytes[at + 4 + index] === letter.charCodeAt(0));
  const isOurs =
    BOXES.every(({ at, name, sizeBytes }) => isBox(at, name, sizeBytes)) &&
    isBox(HEAD_BYTES - 8, "mdat", bytes.length - HEAD_BYTES + 8) &&
    view.getUint32(44) === VIDEO_TRACK_ID &&
    view.getUint32(TIME_AT) === TIME_FORM &&
    view.getUint32(RUN_AT) === RUN_FORM &&
    view.getUint32(RUN_AT + 4) === 1;
  if (!isOurs) throw unreadable("a fragment of another form");
  const decodeTicks = view.getUint32(TIME_AT + 4) * 2 ** 32 + view.getUint32(TIME_AT + 8);
  if (!Number.isSafeInteger(decodeTicks)) throw unreadable("an absurd time");
  return {
    sequence: view.getUint32(SEQUENCE_AT),
    decodeTicks,
    durationTicks: view.getUint32(RUN_AT + 12),
    shownTicks: decodeTicks + view.getInt32(RUN_AT + 24),
  };
}

function unreadable(found: string): HubError {
  return new HubError("SEGMENT_UNREADABLE", `Cannot cover faces: the recording has ${found}`);
}
