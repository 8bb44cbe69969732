import { readFragmentedMovie, type FragmentedMovie } from "../../../src/owner/fragmented-movie.ts";
import { HubError } from "../../../src/protocol/errors.ts";
import type { SoundShape, TickRange } from "./silent-sound.ts";

/** An opened segment of one track, and what a player must know of it. */
export interface OpenedPart {
  readonly bytes: Uint8Array;
  /** As RFC 6381 names it. */
  readonly codec: string;
  /** On the camera's own time line. */
  readonly startSeconds: number;
  readonly endSeconds: number;
  readonly frameSeconds: number;
  /** Null for a picture. */
  readonly sound: (SoundShape & { readonly holes: readonly TickRange[] }) | null;
}

/**
 * @param bytes - A fragmented MP4 of one track, as a sealed segment carries it.
 * @throws HubError NOTHING_TO_SHOW, NOT_A_MOVIE.
 */
export function openedPart(bytes: Uint8Array): OpenedPart {
  const movie = readFragmentedMovie(bytes);
  const { codec, timescale, samples } = movie;
  const [first, last] = [samples[0], samples.at(-1)];
  if (!first || !last)
    throw new HubError("NOTHING_TO_SHOW", "Cannot play part: nothing of it is whole");
  return {
    ...{ bytes, codec },
    startSeconds: first.decodeTicks / timescale,
    endSeconds: (last.decodeTicks + last.durationTicks) / timescale,
    frameSeconds: first.durationTicks / timescale,
    sound: movie.track === "audio" ? soundOf(movie) : null,
  };
}

/** Bytes of `stsd` up to the first entry's count of channels. */
const CHANNELS_AT = 32;

function soundOf({ init, timescale, samples, boxes: { stsd } }: FragmentedMovie) {
  const unitTicks = samples[0]?.durationTicks ?? 0;
  const holes = samples.flatMap((sample, index): TickRange[] => {
    const before = samples[index - 1];
    const fromTicks = before ? before.decodeTicks + before.durationTicks : sample.decodeTicks;
    const isHole = unitTicks > 0 && sample.decodeTicks - fromTicks >= unitTicks;
    return isHole ? [{ fromTicks, toTicks: sample.decodeTicks }] : [];
  });
  const channels = ((stsd[CHANNELS_AT] ?? 0) << 8) | (stsd[CHANNELS_AT + 1] ?? 0);
  // Copied, so that a whole part is not kept for its beginning.
  return { init: init.slice(), timescale, unitTicks, channels, holes };
}
