import { grown, type Box, type PictureSize } from "../../src/blur/boxes.ts";
import { GROWTH } from "../../src/blur/mosaic.ts";
import { shareUnder } from "./covered-faces.ts";
import type { MadeClip } from "./labelled-made.ts";

/** How much of what is known to be a face lies under what would be covered. */

/** This much of a face must be under the mosaic for it to count as covered. */
export const COVERED_MIN = 0.8;

export interface JudgedTrack {
  readonly clip: string;
  readonly kind: string;
  readonly half: string;
  readonly id: number;
  readonly frames: number;
  /** Frames in which it is not covered, and how much of it was. */
  readonly uncovered: readonly { readonly frame: number; readonly share: number }[];
  /** Smallest and largest width, in pixels. */
  readonly widths: readonly [number, number];
}

/** @param covered - Boxes of each frame, not grown. */
export function judgedTracks(
  { name, kind, half, tracks }: MadeClip,
  covered: readonly (readonly Box[])[],
): JudgedTrack[] {
  return tracks.map(({ id, boxes }) => {
    const uncovered = [...boxes].flatMap(([frame, box]) => {
      const share = shareUnder(
        box,
        (covered[frame] ?? []).map((one) => grown(one, GROWTH)),
      );
      return share < COVERED_MIN ? [{ frame, share }] : [];
    });
    const widths = [...boxes.values()].map(({ width }) => Math.round(width));
    return {
      ...{ clip: name, kind, half, id, frames: boxes.size, uncovered },
      widths: [Math.min(...widths), Math.max(...widths)],
    };
  });
}

/** Share of the pictures that is covered, and that had to be. */
export function coveredAreas(
  clip: MadeClip,
  covered: readonly (readonly Box[])[],
): { readonly covered: number; readonly faces: number } {
  const whole = (size: PictureSize): Box => ({ x: 0, y: 0, ...size });
  const picture = whole({ width: clip.width, height: clip.height });
  let [sum, needed] = [0, 0];
  covered.forEach((boxes, frame) => {
    const faces = clip.tracks.flatMap((track) => track.boxes.get(frame) ?? []);
    const share = (of: readonly Box[]): number =>
      shareUnder(
        picture,
        of.map((one) => grown(one, GROWTH)),
      );
    sum += share(boxes);
    needed += share(faces);
  });
  return { covered: sum / covered.length, faces: needed / covered.length };
}
