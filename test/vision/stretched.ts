import type { LabelledFootage } from "./labelled.ts";

/** Left out at both ends of what lies between two labelled ranges, which are good to 0.7 s. */
const AFTER_S = 1.2;
const BEFORE_S = 0.9;
const LEAD_S = 0.4;
const TRAIL_S = 0.6;
const FRAMES_PER_SECOND = 15;

export interface Stretched {
  /** A graph for ffmpeg's `-f lavfi -i`. */
  readonly graph: string;
  readonly ranges: readonly (readonly [from: number, to: number])[];
}

/**
 * Labelled footage as a camera over a quiet door would have it: before each visit, and at the end,
 * the longest stretch of it in which nobody is seen, played forward and backward `times` times.
 *
 * @returns null where two visits are never more than three seconds apart.
 */
export function stretched(
  { file, ranges }: LabelledFootage,
  { times, rounds = 1, noise = 0 }: { times: number; rounds?: number; noise?: number },
): Stretched | null {
  const gaps = ranges.slice(1).map(([next], index): readonly [number, number] => {
    const left = ranges[index]?.[1] ?? 0;
    return [left + AFTER_S, next - BEFORE_S];
  });
  const [gap] = gaps.toSorted((one, other) => other[1] - other[0] - (one[1] - one[0]));
  if (gap === undefined || gap[1] - gap[0] < 1) return null;
  const [from, to] = gap;
  const frames = Math.floor((to - from) * FRAMES_PER_SECOND);
  const chains: string[] = [];
  const found: (readonly [number, number])[] = [];
  let atS = 0;
  const part = (chain: string, lengthS: number): void => {
    chains.push(chain);
    atS += lengthS;
  };
  const addGap = (): void => {
    const id = chains.length;
    part(
      `[i${id}]trim=start=${from}:end=${from + frames / FRAMES_PER_SECOND},setpts=PTS-STARTPTS,` +
        `split[a${id}][b${id}];[b${id}]reverse[r${id}];[a${id}][r${id}]concat=n=2,` +
        `loop=loop=${times - 1}:size=${frames * 2},setpts=N/${FRAMES_PER_SECOND}/TB[s${id}]`,
      (2 * frames * times) / FRAMES_PER_SECOND,
    );
  };
  for (let round = 0; round < rounds; round += 1) {
    for (const [comes, goes] of ranges) {
      addGap();
      const start = Math.max(0, comes - LEAD_S);
      found.push([atS + comes - start, atS + goes - start]);
      const lengthS = goes + TRAIL_S - start;
      part(
        `[i${chains.length}]trim=start=${start}:end=${goes + TRAIL_S},setpts=PTS-STARTPTS` +
          `[s${chains.length}]`,
        lengthS,
      );
    }
  }
  addGap();
  const all = (letter: string): string => chains.map((_, id) => `[${letter}${id}]`).join("");
  const grain = noise === 0 ? "" : `,noise=alls=${noise}:allf=t`;
  const graph = [
    `movie=${file},fps=${FRAMES_PER_SECOND},scale=640:360,setsar=1,format=yuv420p,` +
      `split=${chains.length}${all("i")}`,
    ...chains,
    `${all("s")}concat=n=${chains.length},setpts=N/${FRAMES_PER_SECOND}/TB${grain}`,
  ].join(";");
  return { graph, ranges: found };
}
