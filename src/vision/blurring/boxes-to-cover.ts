import type { Box, PictureSize } from "../../blur/boxes.ts";
import { FaceTracker } from "../../blur/face-tracker.ts";
import { HubError } from "../../protocol/errors.ts";
import type { BlurRules } from "../blur-footage.ts";
import type { SeenObject } from "../../blur/nanodet.ts";

/**
 * From what was seen in each picture to what is covered in each: faces, and where a person is seen
 * without one, where the head has to be. Pure; boxes are forgotten with their pictures.
 */

/** Of a person who stands: head, shoulders, and room for one who bends. */
const HEAD_HEIGHT_SHARE = 0.28;
/** Of one who is only partly in the picture: the head is about as high as the body seems wide. */
const HEAD_HEIGHT_IN_WIDTHS = 0.9;
/** A face whose middle is this far up in a person's box is that person's. */
const FACE_WITHIN_SHARE = 0.55;
/** Plates are low; of a lorry or a car seen from above, lower than half. */
const PLATE_FROM_SHARE = 0.4;

/** Where faces, persons and vehicles are, over the pictures of one recording and one size. */
export class Sightings {
  readonly faces: FaceTracker;
  readonly #persons: FaceTracker;
  readonly #vehicles: FaceTracker;

  /** @param size - Of the pictures that are looked at; boxes are in its pixels. */
  constructor(size: PictureSize) {
    this.faces = new FaceTracker({ size });
    this.#persons = new FaceTracker({ size, of: "bodies" });
    this.#vehicles = new FaceTracker({ size, of: "bodies" });
  }

  /** Pictures so far. */
  get frames(): number {
    return this.faces.frames;
  }

  /** @param objects - Null for a picture that was not looked at for objects. */
  push(
    atMs: number,
    faces: Parameters<FaceTracker["push"]>[0]["faces"],
    objects: readonly SeenObject[] | null,
  ): void {
    const seen = (kind: SeenObject["kind"]): readonly SeenObject[] =>
      (objects ?? []).filter((object) => object.kind === kind);
    try {
      this.faces.push({ atMs, faces });
      this.#persons.push({ atMs, faces: seen("person") });
      this.#vehicles.push({ atMs, faces: seen("vehicle") });
    } catch (cause) {
      if (!(cause instanceof RangeError)) throw cause;
      throw new HubError("DETECTOR_FAILED", "Cannot cover faces: too many pictures", { cause });
    }
  }

  end(): void {
    for (const tracker of [this.faces, this.#persons, this.#vehicles]) tracker.end();
  }

  /** What lies before this frame cannot wait for later pictures; they go on from it all the same. */
  settleBefore(frame: number): void {
    for (const tracker of [this.faces, this.#persons, this.#vehicles]) tracker.settleBefore(frame);
  }

  forgetBefore(frame: number): void {
    for (const tracker of [this.faces, this.#persons, this.#vehicles]) tracker.forgetBefore(frame);
  }

  /** For each picture from `from` to before `to`, in pixels of the pictures that were looked at. */
  boxesFor(from: number, to: number, rules: BlurRules): Box[][] {
    const persons = this.#persons.boxesFor(from, to);
    const vehicles = rules.plates ? this.#vehicles.boxesFor(from, to) : [];
    return this.faces
      .boxesFor(from, to)
      .map((faces, index) => [
        ...faces,
        ...personBoxes(persons[index] ?? [], faces, rules),
        ...(vehicles[index] ?? []).map(plateRegion),
      ]);
  }
}

function personBoxes(persons: readonly Box[], faces: readonly Box[], rules: BlurRules): Box[] {
  if (rules.cover === "persons") return [...persons];
  return persons
    .filter((person) => !faces.some((face) => isOf(person, face)))
    .map((person) => headRegion(person));
}

/** Whether a face may be that of this person. */
function isOf(person: Box, face: Box): boolean {
  const [x, y] = [face.x + face.width / 2, face.y + face.height / 2];
  return (
    x >= person.x &&
    x <= person.x + person.width &&
    y >= person.y - face.height / 2 &&
    y <= person.y + person.height * FACE_WITHIN_SHARE
  );
}

/** Where the head of somebody is whose face nobody found. */
export function headRegion({ x, y, width, height }: Box): Box {
  const head = Math.max(height * HEAD_HEIGHT_SHARE, width * HEAD_HEIGHT_IN_WIDTHS);
  return { x, y, width, height: Math.min(height, head) };
}

export function plateRegion({ x, y, width, height }: Box): Box {
  return {
    ...{ x, width },
    y: y + height * PLATE_FROM_SHARE,
    height: height * (1 - PLATE_FROM_SHARE),
  };
}

/** The same boxes in another size of the same picture. */
export function scaledBoxes(boxes: readonly Box[], from: PictureSize, to: PictureSize): Box[] {
  const [across, down] = [to.width / from.width, to.height / from.height];
  return boxes.map(({ x, y, width, height }) => ({
    x: x * across,
    y: y * down,
    width: width * across,
    height: height * down,
  }));
}
