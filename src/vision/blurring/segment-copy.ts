import type { BlurFootage, FootageFragment } from "../blur-footage.ts";
import type { Container } from "./container.ts";
import type { EncodedSegment } from "./segment-encoder.ts";
import type { SegmentPictures } from "./segment-pictures.ts";

/**
 * Puts encoded pictures into fragments with the numbers and times of the original: the n-th of the
 * copy is decoded when the n-th of the original is, and pictures are shown when they were.
 */
export function copyOf(
  { fragments }: BlurFootage,
  { times, shownTicks }: SegmentPictures,
  { pictures }: EncodedSegment,
  container: Container,
): FootageFragment[] {
  return fragments.map((original, index) => {
    const [time, shown, encoded] = [times[index], shownTicks[index], pictures[index]];
    if (!time || shown === undefined || !encoded) throw new Error("a picture that is not there");
    const { sequence, decodeTicks, durationTicks } = time;
    const { decodeTimeMs, durationMs, wallClockMs } = original;
    const { keyFrame, bytes } = encoded;
    return {
      ...{ keyFrame, decodeTimeMs, durationMs, wallClockMs },
      bytes: container.fragment({
        ...{ sequence, decodeTicks, durationTicks, keyFrame, bytes },
        compositionTicks: shown - decodeTicks,
      }),
    };
  });
}
