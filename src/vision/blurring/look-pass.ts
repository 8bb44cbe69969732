import type { Box, Face, PictureSize } from "../../blur/boxes.ts";
import type { ColourPicture } from "../../blur/planes.ts";
import { HubError } from "../../protocol/errors.ts";
import type { BlurFootage, BlurRules } from "../blur-footage.ts";
import type { FaceDetector } from "../inference/face-detector.ts";
import type { SeenObject } from "../../blur/nanodet.ts";
import type { ObjectDetector } from "../inference/object-detector.ts";
import type { Sightings } from "./boxes-to-cover.ts";
import type { ChildLimits } from "./child-watch.ts";
import type { Colours } from "./colours.ts";
import { PictureDecoder } from "./picture-decoder.ts";
import { missingBefore, type SegmentPictures } from "./segment-pictures.ts";

export interface Detectors {
  readonly faces: Pick<FaceDetector, "find">;
  readonly objects: Pick<ObjectDetector, "find">;
}

/** What looking at a segment's pictures has left: boxes are in the sightings, pictures nowhere. */
export interface SegmentLook {
  /** Pictures that a detector has answered for; also while it goes on, and after it has failed. */
  looked: number;
  /** Of each picture, in the order in which they are shown. */
  readonly marks: string[];
  colours: Colours | null;
  /** Number of its first picture in the sightings. */
  readonly firstFrame: number;
  /** The picture that shows the most of who or what is there. */
  best: { readonly index: number; readonly score: number } | null;
}

export interface LookOptions {
  readonly ffmpegPath: string;
  readonly footage: BlurFootage;
  readonly pictures: SegmentPictures;
  readonly rules: BlurRules;
  readonly detectors: Detectors;
  readonly sightings: Sightings;
  readonly size: PictureSize;
  readonly signal: AbortSignal;
  readonly limits?: ChildLimits;
  /** Told how long the detectors took for each picture. */
  readonly onDetected?: (tookMs: number) => void;
}

/**
 * Width of the pictures that are looked at. Detectors see the whole picture smaller still; where a
 * face got lost, they see a part of it in this size.
 */
const LOOK_WIDTH = { live: 640, standard: 640, thorough: 960 } as const;
/** How often a lost face is looked for again in a picture. */
const LOOK_AGAIN_MAX = { live: 0, standard: 2, thorough: 8 } as const;
/**
 * Persons and vehicles are followed from one look at them to the next: large as they are, they still
 * overlap where they were, and what is held before and after is longer than what is left out.
 */
const OBJECTS_EVERY_MS = { faces: 320, bodies: 130 } as const;
const SIDE_MIN = 16;
/** Parts come in few sizes, each of which the networks have to be made ready for. */
const PART_STEP = 32;
/** A face says more of a picture than as much of a person does. */
const FACE_WEIGHT = 12;

/** Size in which a segment's pictures are looked at. */
export function lookSize({ width, height }: PictureSize, mode: BlurRules["mode"]): PictureSize {
  const scale = Math.min(1, LOOK_WIDTH[mode] / width);
  const side = (length: number): number => Math.max(SIDE_MIN, Math.round((length * scale) / 2) * 2);
  return { width: side(width), height: side(height) };
}

export function startLook(sightings: Sightings): SegmentLook {
  return { looked: 0, marks: [], colours: null, firstFrame: sightings.frames, best: null };
}

/**
 * The first pass: every picture of a segment is looked at.
 *
 * @param look - Filled while it goes on.
 * @throws HubError `DETECTOR_FAILED`, `DECODER_FAILED` or `VISION_TIMEOUT`; AbortError.
 */
export async function lookAt(look: SegmentLook, options: LookOptions): Promise<void> {
  const { ffmpegPath, footage, pictures, size, signal, limits } = options;
  await using decoder = await PictureDecoder.start({
    ...{ ffmpegPath, footage, pictures: pictures.times.length },
    form: { kind: "rgb", size },
    ...(limits === undefined ? {} : { limits }),
  });
  const watch = new ObjectWatch(options);
  for await (const { ticks, mark, bytes } of decoder.pictures()) {
    signal.throwIfAborted();
    const before = look.marks.length === 0 ? missingBefore(pictures, ticks) : 0;
    if (before === null || ticks !== pictures.shownTicks[look.marks.length + before])
      throw otherTime();
    // The first picture stands for those that are not there before it, with all that is found in it.
    const shownAt = pictures.shownTicks.slice(look.marks.length, look.marks.length + before + 1);
    await lookAtPicture(look, options, { ...size, bytes }, { shownAt, watch });
    for (const _ of shownAt) look.marks.push(mark);
    look.looked += shownAt.length;
  }
  if (look.marks.length !== pictures.shownTicks.length)
    throw new HubError(
      "DECODER_FAILED",
      `Cannot cover faces: ${look.marks.length} of ${pictures.shownTicks.length} pictures came`,
    );
  look.colours = decoder.colours;
}

async function lookAtPicture(
  look: SegmentLook,
  { detectors, sightings, rules, onDetected }: LookOptions,
  picture: ColourPicture,
  { shownAt, watch }: { readonly shownAt: readonly number[]; readonly watch: ObjectWatch },
): Promise<void> {
  const startedAtMs = performance.now();
  const faces = requireFaces(await detectors.faces.find(picture));
  const again = sightings.faces.lookAgainAt(faces).slice(0, LOOK_AGAIN_MAX[rules.mode]);
  for (const region of again) faces.push(...(await facesWithin(detectors.faces, picture, region)));
  const isDue = watch.isDue((shownAt.at(-1) ?? 0) / 90);
  const objects = isDue ? requireObjects(await detectors.objects.find(picture)) : null;
  onDetected?.(performance.now() - startedAtMs);
  for (const ticks of shownAt) sightings.push(ticks / 90, faces, objects);
  const score = scoreOf(faces, objects ?? [], picture);
  if (score > (look.best?.score ?? 0)) look.best = { index: look.marks.length, score };
}

/** When persons and vehicles are looked for. */
class ObjectWatch {
  readonly #everyMs: number;
  #lastMs = -Infinity;

  constructor({ rules }: LookOptions) {
    const areBodiesCovered = rules.cover === "persons" || rules.plates;
    this.#everyMs = areBodiesCovered ? OBJECTS_EVERY_MS.bodies : OBJECTS_EVERY_MS.faces;
  }

  isDue(atMs: number): boolean {
    if (atMs - this.#lastMs < this.#everyMs) return false;
    this.#lastMs = atMs;
    return true;
  }
}

/** Looks at a square part of a picture by itself. */
async function facesWithin(
  detector: Detectors["faces"],
  { width, height, bytes }: ColourPicture,
  region: Box,
): Promise<Face[]> {
  const wanted = Math.ceil(Math.max(region.width, region.height) / PART_STEP) * PART_STEP;
  const side = Math.min(wanted, width, height);
  if (!(side >= SIDE_MIN)) return [];
  const startOf = (centre: number, length: number): number =>
    Math.round(Math.min(length - side, Math.max(0, centre - side / 2)));
  const x = startOf(region.x + region.width / 2, width);
  const y = startOf(region.y + region.height / 2, height);
  const cut = new Uint8Array(3 * side * side);
  for (let row = 0; row < side; row++) {
    const from = 3 * ((y + row) * width + x);
    cut.set(bytes.subarray(from, from + 3 * side), 3 * row * side);
  }
  const found = requireFaces(
    await detector.find({ width: side, height: side, bytes: cut }, "part"),
  );
  cut.fill(0);
  return found.map((face) => ({ ...face, x: face.x + x, y: face.y + y }));
}

/** A number that is none would be a face that is covered nowhere. */
function requireFaces(faces: readonly Face[]): Face[] {
  for (const { x, y, width, height, score } of faces)
    if (![x, y, width, height, score].every(Number.isFinite))
      throw new HubError("DETECTOR_FAILED", "Cannot cover faces: a box that is none");
  return [...faces];
}

function requireObjects(objects: readonly SeenObject[]): readonly SeenObject[] {
  requireFaces(objects);
  return objects;
}

function scoreOf(
  faces: readonly Face[],
  objects: readonly SeenObject[],
  { width, height }: PictureSize,
): number {
  const areaOf = (boxes: readonly Face[], weight: number): number =>
    boxes.reduce((sum, box) => sum + weight * box.score * box.width * box.height, 0);
  return (areaOf(faces, FACE_WEIGHT) + areaOf(objects, 1)) / (width * height);
}

function otherTime(): HubError {
  return new HubError("DECODER_FAILED", "Cannot cover faces: a picture of another time came");
}
