import { overlapOf, type Box } from "../src/blur/boxes.ts";
import type { ColourPicture } from "../src/blur/planes.ts";
import { SURE_SCORE } from "../src/blur/tracks.ts";
import { openFaceFinder, type FaceMode } from "../src/vision/inference/find-faces.ts";
import { openObjectFinder } from "../src/vision/inference/find-objects.ts";
import type { Find, Finder } from "../src/vision/inference/finder.ts";
import { MODELS_FOLDER } from "../src/vision/inference/models.ts";
import {
  labelledPhoto,
  labelledPhotoNames,
  type LabelledPhoto,
} from "../test/support/labelled-photos.ts";
import { percentile } from "../test/support/percentile.ts";
import type { Figure } from "./figure.ts";

/** Faces on photographs, each shown in three sizes, and how long one picture takes. */

const MODES: readonly FaceMode[] = ["live", "standard", "thorough"];
/** Length of a canvas, and of the photographs in its upper left: the same faces, smaller. */
const CANVAS_LENGTH = 640;
const PHOTO_LENGTHS = [640, 320, 160];
const HIT_OVERLAP = 0.4;
/** What touches something labelled this much is no false alarm. */
const TOUCHING_OVERLAP = 0.2;
/** Width of a face in the canvas: from the first to below the second. */
const SIZES = [
  [8, 12],
  [12, 24],
  [24, 48],
  [48, Infinity],
] as const;
const TIMED_RUNS = 30;

interface Still {
  readonly picture: ColourPicture;
  readonly faces: readonly Box[];
  readonly ignored: readonly Box[];
}

interface Tally {
  readonly wanted: Map<string, number>;
  readonly found: Map<string, number>;
  hits: number;
  falseAlarms: number;
}

/** Figures; none where the photographs are not there. */
export async function stillFigures(): Promise<readonly Figure[]> {
  const names = labelledPhotoNames();
  if (names === null) {
    console.error("Nothing to measure: the labelled photographs are not on this machine");
    return [];
  }
  const figures: Figure[] = [];
  for (const mode of MODES) {
    await using finder = await openFaceFinder(mode, MODELS_FOLDER);
    const tally: Tally = { wanted: new Map(), found: new Map(), hits: 0, falseAlarms: 0 };
    for (const name of names)
      for (const length of PHOTO_LENGTHS)
        await count(finder, shown(labelledPhoto(name), length), tally);
    figures.push(
      ...accuracy(mode, tally, names.length),
      ...(await timing(`faces.${mode}`, finder)),
    );
  }
  await using objects = await openObjectFinder(MODELS_FOLDER);
  figures.push(...(await timing("objects", objects)));
  return figures;
}

/** The photograph by averages over areas, in the upper left of a grey canvas. */
function shown({ image, faces, ignored }: LabelledPhoto, length: number): Still {
  const by = length / Math.max(image.width, image.height);
  const [width, height] = [Math.floor(image.width * by), Math.floor(image.height * by)];
  const bytes = new Uint8Array(3 * CANVAS_LENGTH * CANVAS_LENGTH).fill(128);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let colour = 0; colour < 3; colour++)
        bytes[3 * (y * CANVAS_LENGTH + x) + colour] = averageAt(image, { x, y, by }, colour);
  const scaled = (box: Box): Box => ({
    ...{ x: box.x * by, y: box.y * by, width: box.width * by, height: box.height * by },
  });
  return {
    picture: { width: CANVAS_LENGTH, height: CANVAS_LENGTH, bytes },
    ...{ faces: faces.map(scaled), ignored: ignored.map(scaled) },
  };
}

function averageAt(
  image: ColourPicture,
  { x, y, by }: { readonly x: number; readonly y: number; readonly by: number },
  colour: number,
): number {
  const [left, top] = [Math.floor(x / by), Math.floor(y / by)];
  const right = Math.max(left + 1, Math.min(image.width, Math.floor((x + 1) / by)));
  const bottom = Math.max(top + 1, Math.min(image.height, Math.floor((y + 1) / by)));
  let sum = 0;
  for (let row = top; row < bottom; row++)
    for (let at = left; at < right; at++)
      sum += image.bytes[3 * (row * image.width + at) + colour] ?? 0;
  return sum / ((right - left) * (bottom - top));
}

async function count(finder: Finder, still: Still, tally: Tally): Promise<void> {
  const { faces, ignored } = still;
  const found = (await finder.find(still.picture, "whole"))
    .map(asBox)
    .filter(({ score }) => score >= SURE_SCORE);
  const free = new Set(faces);
  for (const box of found) {
    const [best] = [...free].toSorted((one, other) => overlapOf(other, box) - overlapOf(one, box));
    if (best && overlapOf(best, box) >= HIT_OVERLAP) {
      free.delete(best);
      tally.hits += 1;
    } else if (![...faces, ...ignored].some((each) => overlapOf(each, box) > TOUCHING_OVERLAP))
      tally.falseAlarms += 1;
  }
  for (const face of faces) {
    const size = sizeOf(face);
    if (size === null) continue;
    tally.wanted.set(size, (tally.wanted.get(size) ?? 0) + 1);
    if (!free.has(face)) tally.found.set(size, (tally.found.get(size) ?? 0) + 1);
  }
}

function asBox([x, y, width, height, score]: Find): Box & { readonly score: number } {
  return { x, y, width, height, score };
}

function sizeOf({ width }: Box): string | null {
  const size = SIZES.find(([from, below]) => width >= from && width < below);
  return size ? (size[1] === Infinity ? `from_${size[0]}` : `${size[0]}_to_${size[1]}`) : null;
}

function accuracy(mode: FaceMode, tally: Tally, photographs: number): Figure[] {
  const of = `${photographs} photographs at ${PHOTO_LENGTHS.join(", ")} px, scores from ${SURE_SCORE}`;
  const recall = [...tally.wanted].map(([size, wanted]) => ({
    name: `faces.${mode}.recall.${size}`,
    value: (tally.found.get(size) ?? 0) / wanted,
    unit: "share",
    context: `${wanted} faces, width in px of a picture of 640; ${of}`,
  }));
  return [
    ...recall.toSorted((one, other) => one.name.localeCompare(other.name)),
    {
      name: `faces.${mode}.precision`,
      value: tally.hits / (tally.hits + tally.falseAlarms),
      unit: "share",
      context: `${tally.falseAlarms} boxes where no face is, among them four dogs' heads; ${of}`,
    },
  ];
}

/** Of the thread's processor time, so that others on the machine count for little. */
async function timing(what: string, finder: Finder): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const [width, height] of [
    [640, 360],
    [1280, 720],
  ] as const) {
    const bytes = new Uint8Array(3 * width * height).map((_, at) => (at * 2_654_435_761) >>> 24);
    const tookMs: number[] = [];
    for (let run = 0; run < TIMED_RUNS; run++) {
      const before = process.threadCpuUsage();
      await finder.find({ width, height, bytes }, "whole");
      const { user, system } = process.threadCpuUsage(before);
      tookMs.push((user + system) / 1_000);
    }
    figures.push({
      name: `${what}.cpu_ms.${width}`,
      value: percentile(tookMs, 0.5),
      unit: "ms",
      context: `median of ${TIMED_RUNS}, one picture of ${width} x ${height}, scaling included, one thread`,
    });
  }
  return figures;
}
