import { readFragmentedMovie } from "../../../src/owner/fragmented-movie.ts";
import { HubError } from "../../../src/protocol/errors.ts";

/** An opened segment of one track, and what a player must know of it. */
export interface OpenedPart {
  readonly bytes: Uint8Array;
  /** As RFC 6381 names it. */
  readonly codec: string;
  /** On the camera's own time line. */
  readonly startSeconds: number;
  readonly endSeconds: number;
  readonly frameSeconds: number;
}

/**
 * @param bytes - A fragmented MP4 of one track, as a sealed segment carries it.
 * @throws HubError NOTHING_TO_SHOW, NOT_A_MOVIE.
 */
export function openedPart(bytes: Uint8Array): OpenedPart {
  const { codec, timescale, samples } = readFragmentedMovie(bytes);
  const [first, last] = [samples[0], samples.at(-1)];
  if (!first || !last)
    throw new HubError("NOTHING_TO_SHOW", "Cannot play part: nothing of it is whole");
  return {
    ...{ bytes, codec },
    startSeconds: first.decodeTicks / timescale,
    endSeconds: (last.decodeTicks + last.durationTicks) / timescale,
    frameSeconds: first.durationTicks / timescale,
  };
}
