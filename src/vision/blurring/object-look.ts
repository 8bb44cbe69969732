import type { SeenObject } from "../../blur/nanodet.ts";
import type { PictureSize } from "../../blur/boxes.ts";
import type { BlurFootage } from "../blur-footage.ts";
import type { ChildLimits } from "./child-watch.ts";
import type { Detectors } from "./look-pass.ts";
import { PictureDecoder } from "./picture-decoder.ts";
import { readSegment } from "./segment-pictures.ts";

export interface ObjectLookOptions {
  readonly ffmpegPath: string;
  /** From a key frame on. */
  readonly footage: BlurFootage;
  readonly detector: Detectors["objects"];
  readonly signal: AbortSignal;
  readonly limits?: ChildLimits;
}

/** What is in one picture; boxes are shares of it. */
export interface ObjectsSeen {
  /** Wall clock of the picture. */
  readonly atMs: number;
  readonly objects: readonly SeenObject[];
}

/** The network sees pictures of 416 px; more would be thrown away. */
const LOOK_WIDTH = 640;
/** Nobody walks through a picture in less. */
const EVERY_MS = 320;

/**
 * Looks at pictures for persons, vehicles and animals: about three a second, and at the last.
 *
 * @throws HubError `SEGMENT_UNREADABLE`, `DECODER_FAILED`, `DETECTOR_FAILED` or `VISION_TIMEOUT`;
 *   AbortError.
 */
export async function* objectsIn(options: ObjectLookOptions): AsyncGenerator<ObjectsSeen> {
  const { ffmpegPath, footage, detector, signal, limits } = options;
  const pictures = readSegment(footage);
  const size = lookSize(pictures.size);
  const wallClocks = new Map(
    pictures.times.map(({ shownTicks }, index) => [
      shownTicks,
      footage.fragments[index]?.wallClockMs ?? 0,
    ]),
  );
  await using decoder = await PictureDecoder.start({
    ...{ ffmpegPath, footage, pictures: pictures.times.length },
    form: { kind: "rgb", size },
    ...(limits === undefined ? {} : { limits }),
  });
  const lastTicks = pictures.shownTicks.at(-1);
  let lookedMs = -Infinity;
  for await (const { ticks, bytes } of decoder.pictures()) {
    signal.throwIfAborted();
    const atMs = wallClocks.get(ticks);
    if (atMs === undefined) continue;
    if (atMs - lookedMs < EVERY_MS && ticks !== lastTicks) continue;
    lookedMs = atMs;
    const found = await detector.find({ ...size, bytes });
    yield { atMs, objects: found.map((object) => inShares(object, size)) };
  }
}

function lookSize({ width, height }: PictureSize): PictureSize {
  const scale = Math.min(1, LOOK_WIDTH / width);
  const side = (length: number): number => Math.max(16, Math.round((length * scale) / 2) * 2);
  return { width: side(width), height: side(height) };
}

function inShares({ kind, score, ...box }: SeenObject, { width, height }: PictureSize): SeenObject {
  const share = (at: number, length: number): number => Math.min(1, Math.max(0, at / length));
  const [x, y] = [share(box.x, width), share(box.y, height)];
  return {
    ...{ kind, score, x, y },
    width: share(box.x + box.width, width) - x,
    height: share(box.y + box.height, height) - y,
  };
}
