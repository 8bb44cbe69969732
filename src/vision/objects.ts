import type { LeftThing, ShareBox } from "./share-box.ts";
import type { ZoneCells } from "./zones.ts";

/** What the detector says of one picture. In memory only: nothing of it is kept but a kind. */
export interface SeenThing extends ShareBox {
  readonly kind: "person" | "vehicle" | "animal";
  readonly score: number;
}

/**
 * A wrong name is worse than none: least score in a picture, and least sum over the pictures that
 * show it. A vehicle scores low from above, and has to move besides.
 */
const SCORES = { person: 0.4, vehicle: 0.3, animal: 0.5 } as const;
const SUMS = { person: 1, vehicle: 0.9, animal: 1.6 } as const;
const PICTURES_MIN = 2;
/** Share of a thing that must lie where something moves, or of what moves that must lie in it. */
const MOVING_SHARE = 0.25;
/** What moves is put into a box somewhat too small. */
const MARGIN = 0.03;
/** A vehicle that others walk past stays where it is: one that is named has moved by this much of it. */
const MOVED_SHARE = 0.12;
/** Smaller, it is a sheet of paper that was moved; larger, a vehicle or a door. */
const PACKAGE_SHARE_MIN = 0.002;
const PACKAGE_SHARE_MAX = 0.04;
const REMEMBERED_MAX = 64;

type Kind = SeenThing["kind"];
/** What says more comes first. */
const KINDS: readonly Kind[] = ["person", "vehicle", "animal"];

/**
 * What it was that moved in one event. A kind is named once it was clearly seen in several pictures,
 * where something moves, and in a zone where there are zones. Pure; keeps boxes of this event only.
 */
export class EventObjects {
  readonly #zones: ZoneCells | null;
  readonly #seen: Record<Kind, SeenThing[]> = { person: [], vehicle: [], animal: [] };
  #named: Kind | null = null;

  constructor(zones: ZoneCells | null) {
    this.#zones = zones;
  }

  /** Whether a person has been named: nothing says more. */
  get isSettled(): boolean {
    return this.#named === "person";
  }

  /**
   * Takes one picture.
   *
   * @param moving - Where something moved of late; null where that is not known.
   * @returns What to name the recording now, or null where there is nothing new to say. Where it was
   *   seen and how surely is told to nobody.
   */
  look(things: readonly SeenThing[], moving: ShareBox | null): Kind | null {
    if (moving === null) return null;
    for (const kind of KINDS) {
      const best = things
        .filter((thing) => thing.kind === kind && thing.score >= SCORES[kind])
        .filter((thing) => overlaps(thing, grown(moving)) && this.#isInZone(thing))
        .toSorted((one, other) => other.score - one.score)[0];
      if (best && this.#seen[kind].length < REMEMBERED_MAX) this.#seen[kind].push(best);
    }
    const kind = KINDS.find((each) => this.#isSure(each));
    if (kind === undefined || kind === this.#named) return null;
    if (this.#named !== null && KINDS.indexOf(kind) > KINDS.indexOf(this.#named)) return null;
    this.#named = kind;
    return kind;
  }

  /** The end of the event: whether a package was left. Somebody was here, and something stayed. */
  isPackage(left: LeftThing): boolean {
    if (this.#named === "vehicle") return false;
    if (left.areaShare > PACKAGE_SHARE_MAX || left.areaShare < PACKAGE_SHARE_MIN) return false;
    return this.#isSure("person");
  }

  #isSure(kind: Kind): boolean {
    const seen = this.#seen[kind];
    const sum = seen.reduce((scores, { score }) => scores + score, 0);
    if (seen.length < PICTURES_MIN || sum < SUMS[kind]) return false;
    return kind !== "vehicle" || hasMoved(seen);
  }

  /** By where it stands: the middle of its lower edge, or of itself. */
  #isInZone(box: ShareBox): boolean {
    const zones = this.#zones;
    if (zones === null) return true;
    const x = box.x + box.width / 2;
    return [box.y + box.height * 0.97, box.y + box.height / 2].some((y) => {
      const column = Math.min(zones.columns - 1, Math.floor(x * zones.columns));
      const row = Math.min(zones.rows - 1, Math.floor(y * zones.rows));
      return (zones.bits[row * zones.columns + column] ?? 0) !== 0;
    });
  }
}

function grown({ x, y, width, height }: ShareBox): ShareBox {
  return {
    ...{ x: x - MARGIN, y: y - MARGIN },
    ...{ width: width + 2 * MARGIN, height: height + 2 * MARGIN },
  };
}

function overlaps(thing: ShareBox, moving: ShareBox): boolean {
  const side = (one: number, oneTo: number, other: number, otherTo: number): number =>
    Math.max(0, Math.min(oneTo, otherTo) - Math.max(one, other));
  const common =
    side(thing.x, thing.x + thing.width, moving.x, moving.x + moving.width) *
    side(thing.y, thing.y + thing.height, moving.y, moving.y + moving.height);
  const smaller = Math.min(thing.width * thing.height, moving.width * moving.height);
  return smaller > 0 && common / smaller >= MOVING_SHARE;
}

/** Whether the box itself went somewhere: its middle, or an edge of what comes into the picture. */
function hasMoved(seen: readonly ShareBox[]): boolean {
  const first = seen[0];
  if (!first) return false;
  return seen.some(
    (box) =>
      Math.abs(middle(box.x, box.width) - middle(first.x, first.width)) >
        MOVED_SHARE * first.width ||
      Math.abs(middle(box.y, box.height) - middle(first.y, first.height)) >
        MOVED_SHARE * first.height,
  );
}

function middle(from: number, length: number): number {
  return from + length / 2;
}
