import { readFileSync } from "node:fs";
import { findFfmpeg } from "../src/base/ffmpeg.ts";
import type { PictureSize } from "../src/blur/boxes.ts";
import type { ColourPicture } from "../src/blur/planes.ts";
import type { BlurRules } from "../src/vision/blur-footage.ts";
import { OpenDetectors } from "../src/vision/blurring/open-detectors.ts";
import { madeClip, madeSources, type MadeClip } from "../test/support/labelled-made.ts";
import { blurred, movieOf } from "../test/vision/blurring/ground.ts";
import type { Figure } from "./figure.ts";
import { openJudges, placeOf, type Judge } from "./judge.ts";
import { colourFrames, footageOf } from "./vision-look.ts";

/**
 * Blurred copies as the hub makes them, shown to detectors that have no part in blurring; and what
 * making them costs.
 */

const MODES = ["standard", "thorough"] as const;
/** Of each track; each place is shown to every judge twice, clear and covered. */
const FRAMES_APART = 9;
/** One clip of each kind, of the half that nothing was tuned on. */
const CLIP_ENDS = ["-a", "-plain", "-faceapi_sample4", "-obama_partial_face2"];
const TICKS_PER_SECOND = 100;

interface Findings {
  places: number;
  clear: number;
  covered: number;
  /** Places without a face, for what a judge sees by mistake. */
  empty: number;
  readonly where: string[];
}

export async function judgeFigures(): Promise<Figure[]> {
  const sources = madeSources();
  if (sources === null) {
    console.error("Not measured: judge.*, the labelled media is not here");
    return [];
  }
  const chosen = sources.filter(
    ({ name, half }) => half === "check" && CLIP_ENDS.some((end) => name.endsWith(end)),
  );
  const clips: MadeClip[] = [];
  for (const source of chosen) clips.push(await madeClip(source));
  const judges = await openJudges();
  try {
    const figures: Figure[] = [];
    for (const mode of MODES) figures.push(...(await judgedMode(mode, clips, judges)));
    return figures;
  } finally {
    for (const judge of judges) await judge[Symbol.asyncDispose]();
  }
}

async function judgedMode(
  mode: BlurRules["mode"],
  clips: readonly MadeClip[],
  judges: readonly Judge[],
): Promise<Figure[]> {
  const { path: ffmpegPath } = await findFfmpeg();
  await using open = new OpenDetectors();
  const rules = { cover: "faces", plates: false, mode } as const;
  const all = new Map(judges.map((judge) => [judge, newFindings()]));
  let [frames, spentMs] = [0, 0];
  for (const clip of clips) {
    const footage = footageOf(clip);
    const before = spentSeconds();
    const { answers } = await blurred(footage, {
      ...{ ffmpegPath, rules },
      detectors: (wanted) => open.for(wanted),
    });
    spentMs += (spentSeconds() - before) * 1_000;
    frames += clip.frames;
    const odd = answers.filter(({ outcome }) => outcome !== "blurred");
    if (odd.length > 0) throw new Error(`${clip.name}: ${odd[0]?.outcome} ${odd[0]?.reason}`);
    // Each by itself: their encoders need not have described themselves in the same way.
    await compare(clip, answers.map(movieOf), all);
  }
  return [
    {
      name: `blur.whole_ms.${mode}`,
      value: Math.round((spentMs / frames) * 10) / 10,
      unit: "ms",
      context: `mode ${mode}; processor time a frame for everything: decoding twice, looking, covering, encoding, posters; this process and its children, ${frames} frames, most of 1280x720`,
    },
    ...[...all].flatMap(([judge, findings]) => judgeLines(mode, judge, findings)),
  ];
}

function judgeLines(mode: string, { name }: Judge, findings: Findings): Figure[] {
  const { places, clear, covered, empty, where } = findings;
  const what = `a judge of ${name} that does not blur, shown ${places} places of known faces by themselves, enlarged; mode ${mode}`;
  const share = (count: number): number => Math.round((count / places) * 10_000) / 10_000;
  return [
    {
      name: `judge.${name}.clear`,
      value: share(clear),
      unit: "share",
      context: `${what}; sees a face before it is covered`,
    },
    {
      name: `judge.${name}.blurred.${mode}`,
      value: share(covered),
      unit: "share",
      context: `${what}; sees a face after it was covered, and where there is none in ${share(empty)}; ${where.join(", ") || "none"}`,
    },
  ];
}

function newFindings(): Findings {
  return { places: 0, clear: 0, covered: 0, empty: 0, where: [] };
}

async function compare(
  clip: MadeClip,
  copies: readonly Uint8Array[],
  all: ReadonlyMap<Judge, Findings>,
): Promise<void> {
  const covered = oneAfterTheOther(copies, clip)[Symbol.asyncIterator]();
  let frame = 0;
  for await (const clear of colourFrames(clip.file, clip)) {
    const after = await covered.next();
    if (after.done === true) throw new Error(`${clip.name}: the copy ends at frame ${frame}`);
    for (const { id, boxes } of clip.tracks) {
      const box = boxes.get(frame);
      if (!box || (frame + 3 * id) % FRAMES_APART !== 0) continue;
      const mirrored = { ...box, x: clip.width - box.x - box.width, y: clip.height - box.height };
      for (const [judge, findings] of all) {
        findings.places += 1;
        if (await judge.sees(placeOf(clear, box))) findings.clear += 1;
        if (await judge.sees(placeOf(clear, mirrored))) findings.empty += 1;
        if (!(await judge.sees(placeOf(after.value, box)))) continue;
        findings.covered += 1;
        findings.where.push(`${clip.name} track ${id} frame ${frame}`);
      }
    }
    frame += 1;
  }
  if (frame !== clip.frames) throw new Error(`${clip.name}: only ${frame} pictures were judged`);
}

async function* oneAfterTheOther(
  movies: readonly Uint8Array[],
  size: PictureSize,
): AsyncGenerator<ColourPicture> {
  for (const movie of movies) yield* colourFrames(movie, size);
}

/** Of this process and of all children that have ended. */
function spentSeconds(): number {
  const fields = readFileSync("/proc/self/stat", "utf8").split(") ")[1]?.split(" ") ?? [];
  const ticks = [11, 12, 13, 14].reduce((sum, at) => sum + Number(fields[at]), 0);
  return ticks / TICKS_PER_SECOND;
}
