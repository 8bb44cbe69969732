import type { Box, PictureSize } from "../../blur/boxes.ts";
import { FaceTracker, type FollowedBox } from "../../blur/face-tracker.ts";
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
/**
 * Persons are looked for a few times a second only, and their boxes may begin well above them, or lie
 * beside somebody who walks.
 */
const HEAD_ROOM = { down: 1.4, across: 1.3 } as const;
/** A face whose middle is this far up in the head's region, and this near its middle, may be it. */
const FACE_DOWN_SHARE = 2 / 3;
const FACE_ASIDE_SHARE = 0.35;
/** Less of a person's height is the face of somebody farther away, or none. */
const FACE_HEIGHT_SHARE_MIN = 0.06;
/** From the top of a person's box to the middle of the face, in heights of the face. */
const FACE_FROM_TOP = 0.75;
/** A face is one person's only where the next is farther from it by this, in heights of the face. */
const CLEARLY_NEARER = 0.5;
/** Doubtful finds often are of a person who was found already: then the face is where this one's is. */
const SAME_PLACE = 0.5;
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
    const persons = this.#persons.followedFor(from, to);
    const vehicles = rules.plates ? this.#vehicles.boxesFor(from, to) : [];
    return this.faces
      .followedFor(from, to)
      .map((faces, index) => [
        ...faces.map(({ box }) => box),
        ...personBoxes(persons[index] ?? [], faces, rules),
        ...(vehicles[index] ?? []).map(plateRegion),
      ]);
  }
}

/**
 * One face hides one person's head at most, and only where it is certain, and whose: of two who
 * stand before one another the other's would be clear. A head that is covered twice harms nobody.
 */
function personBoxes(
  persons: readonly FollowedBox[],
  faces: readonly FollowedBox[],
  rules: BlurRules,
): Box[] {
  if (rules.cover === "persons") return persons.map(({ box }) => box);
  const owned = faces
    .filter(({ isSure }) => isSure)
    .map(({ box: face }) => ({ face, owner: ownerOf(face, persons) }));
  return persons
    .filter(
      (person) =>
        !owned.some(
          ({ face, owner }) =>
            isOf(person.box, face) && (isOwner(person, owner) || isSecondFind(person, face)),
        ),
    )
    .map(({ box }) => headRegion(box));
}

/** Track of the one person whose face it can be; null where it can be nobody's, or two persons'. */
function ownerOf(face: Box, persons: readonly FollowedBox[]): number | null {
  const distances = new Map<number, number>();
  for (const person of persons) {
    const { box, track } = person;
    if (track === null || !isOf(box, face) || isSecondFind(person, face)) continue;
    distances.set(track, Math.min(distances.get(track) ?? Infinity, distanceFrom(box, face)));
  }
  const [nearest, next] = [...distances].toSorted(([, one], [, other]) => one - other);
  if (!nearest || (next && next[1] - nearest[1] < CLEARLY_NEARER)) return null;
  return nearest[0];
}

function isOwner({ track }: FollowedBox, owner: number | null): boolean {
  return owner !== null && track === owner;
}

function isSecondFind({ box, isSure }: FollowedBox, face: Box): boolean {
  return !isSure && distanceFrom(box, face) <= SAME_PLACE;
}

/** How far a face is from where this person's would be, in heights of the face. */
function distanceFrom(person: Box, face: Box): number {
  const across = face.x + face.width / 2 - person.x - person.width / 2;
  const down = face.y + face.height / 2 - person.y - FACE_FROM_TOP * face.height;
  return Math.hypot(across, down) / face.height;
}

/** Whether a face may be that of this person. */
function isOf(person: Box, face: Box): boolean {
  const [x, y] = [face.x + face.width / 2, face.y + face.height / 2];
  const aside = Math.abs(x - person.x - person.width / 2);
  return (
    aside <= person.width * FACE_ASIDE_SHARE &&
    y >= person.y - face.height / 2 &&
    y <= person.y + headHeight(person) * FACE_DOWN_SHARE &&
    face.width <= person.width &&
    face.height >= person.height * FACE_HEIGHT_SHARE_MIN
  );
}

/** Where the head of somebody is whose face nobody found. */
export function headRegion(person: Box): Box {
  const { x, y, width, height } = person;
  return {
    x: x - (width * (HEAD_ROOM.across - 1)) / 2,
    y,
    width: width * HEAD_ROOM.across,
    height: Math.min(height, headHeight(person) * HEAD_ROOM.down),
  };
}

function headHeight({ width, height }: Box): number {
  return Math.min(height, Math.max(height * HEAD_HEIGHT_SHARE, width * HEAD_HEIGHT_IN_WIDTHS));
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
