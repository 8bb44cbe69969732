import { findFfmpeg } from "../src/base/ffmpeg.ts";
import type { BlurRules } from "../src/vision/blur-footage.ts";
import type { Detectors } from "../src/vision/blurring/look-pass.ts";
import { OpenDetectors } from "../src/vision/blurring/open-detectors.ts";
import { coveredAreas, judgedTracks, type JudgedTrack } from "../test/support/labelled-covered.ts";
import { madeClip, madeSources, type SceneSource } from "../test/support/labelled-made.ts";
import type { Half } from "../test/support/labelled-scenes.ts";
import type { Figure } from "./figure.ts";
import { lookedAt } from "./vision-look.ts";

/**
 * Faces on made footage whose truth is exact. What the tracker and the detectors are tuned with was
 * tuned on the one half, `tune`; the other, `check`, has other people in it and was only looked at.
 */

type Mode = BlurRules["mode"];

const RUNS: readonly { readonly mode: Mode; readonly halves: readonly Half[] }[] = [
  { mode: "live", halves: ["check"] },
  { mode: "standard", halves: ["tune", "check"] },
  { mode: "thorough", halves: ["tune", "check"] },
];
/** What `blur.covered` and its like are measured with. */
const DEFAULT_MODE: Mode = "standard";

interface Run {
  readonly mode: Mode;
  readonly half: Half;
  readonly tracks: readonly JudgedTrack[];
  readonly areas: { readonly covered: number; readonly faces: number };
  /** Processor time of one picture, all of it on one thread. */
  readonly facesMs: number;
  readonly objectsMs: number;
  readonly frames: number;
}

export async function faceFigures(): Promise<Figure[]> {
  const sources = madeSources();
  if (sources === null) {
    console.error("Not measured: blur.*, the labelled media is not here");
    return [];
  }
  const runs: Run[] = [];
  for (const { mode, halves } of RUNS)
    for (const half of halves)
      runs.push(
        await runOf(
          mode,
          half,
          sources.filter((source) => source.half === half),
        ),
      );
  const checked = runs.find((run) => run.mode === DEFAULT_MODE && run.half === "check");
  return [
    ...(checked ? figuresOf(checked, "") : []),
    ...runs.flatMap((run) => figuresOf(run, suffix(run))),
  ];
}

function suffix({ mode, half }: Run): string {
  return `.${mode}.${half}`;
}

async function runOf(mode: Mode, half: Half, sources: readonly SceneSource[]): Promise<Run> {
  await using open = new OpenDetectors();
  const timed = timedDetectors(await open.for(mode));
  const { path: ffmpegPath } = await findFfmpeg();
  const rules = { cover: "faces", plates: false, mode } as const;
  const tracks: JudgedTrack[] = [];
  let [frames, area, faceArea] = [0, 0, 0];
  for (const source of sources) {
    const clip = await madeClip(source);
    const { covered } = await lookedAt(clip, { ffmpegPath, detectors: timed.detectors, rules });
    const judged = judgedTracks(clip, covered);
    const areas = coveredAreas(clip, covered);
    tracks.push(...judged);
    frames += clip.frames;
    area += areas.covered * clip.frames;
    faceArea += areas.faces * clip.frames;
    for (const track of judged.filter(({ uncovered }) => uncovered.length > 0))
      console.error(`Not covered, ${mode}: ${missOf(track)}`);
  }
  const ms = timed.used();
  return {
    ...{ mode, half, tracks, frames },
    ...{ facesMs: ms.faces / frames, objectsMs: ms.objects / frames },
    areas: { covered: area / frames, faces: faceArea / frames },
  };
}

/** Processor time, so that what else the machine does counts less. */
function timedDetectors(detectors: Detectors): {
  readonly detectors: Detectors;
  readonly used: () => { readonly faces: number; readonly objects: number };
} {
  const spent = { faces: 0, objects: 0 };
  const timed =
    <Looking extends unknown[], Found>(
      kind: keyof typeof spent,
      find: (...looking: Looking) => Promise<Found>,
    ) =>
    async (...looking: Looking): Promise<Found> => {
      const before = process.cpuUsage();
      const found = await find(...looking);
      const { user, system } = process.cpuUsage(before);
      spent[kind] += (user + system) / 1_000;
      return found;
    };
  return {
    detectors: {
      faces: { find: timed("faces", (...looking) => detectors.faces.find(...looking)) },
      objects: { find: timed("objects", (picture) => detectors.objects.find(picture)) },
    },
    used: () => spent,
  };
}

function missOf({ clip, id, frames, uncovered, widths }: JudgedTrack): string {
  const each = uncovered.map(({ frame, share }) => `${frame} (${share.toFixed(2)})`);
  return `${clip} track ${id}, ${widths.join(" to ")} px wide: ${each.length} of ${frames} frames: ${each.join(", ")}`;
}

function figuresOf(
  { mode, half, tracks, areas, facesMs, objectsMs, frames }: Run,
  end: string,
): Figure[] {
  const faces = tracks.reduce((sum, track) => sum + track.frames, 0);
  const missed = tracks.reduce((sum, track) => sum + track.uncovered.length, 0);
  const whole = tracks.filter(({ uncovered }) => uncovered.length === 0);
  const what = `mode ${mode}, half ${half}, made footage at a door camera's bit rate`;
  const kinds = [...new Set(tracks.map(({ kind }) => kind))].map((kind) => {
    const all = tracks.filter((track) => track.kind === kind);
    const kept = all.filter(({ uncovered }) => uncovered.length === 0);
    return `${kind} ${kept.length}/${all.length}`;
  });
  return [
    {
      name: `blur.covered${end}`,
      value: rounded((faces - missed) / faces, 4),
      unit: "share",
      context: `${what}; ${faces - missed} of ${faces} faces, frame by frame, of which at least 80 % lies under the mosaic`,
    },
    {
      name: `blur.tracks_whole${end}`,
      value: rounded(whole.length / tracks.length, 4),
      unit: "share",
      context: `${what}; ${whole.length} of ${tracks.length} tracks covered in every frame; ${kinds.join(", ")}`,
    },
    {
      name: `blur.detect_ms${end}`,
      value: rounded(facesMs, 1),
      unit: "ms",
      context: `${what}; processor time a frame for faces, looking again included, ${frames} frames; for persons ${rounded(objectsMs, 1)} ms more`,
    },
    {
      name: `blur.area${end}`,
      value: rounded(areas.covered, 3),
      unit: "share",
      context: `${what}; of the picture that is covered; faces alone, grown as much, would be ${rounded(areas.faces, 3)}`,
    },
  ];
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
