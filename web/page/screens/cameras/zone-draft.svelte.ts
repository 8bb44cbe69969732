import {
  AREAS_MAX,
  faultOf,
  POINTS_MAX,
  POINTS_MIN,
  PUBLIC_BUDGET,
  publicShare,
  SHAPE_MAX,
  SHAPE_MIN,
  ZONE_AREA_MIN,
  type AreaFault,
  type Point,
} from "../../../../src/protocol/picture-areas.ts";
import type { AreasBody } from "../../../../src/protocol/api-areas.ts";
import type { VaultResult } from "../../device/vault-messages.ts";

export const KINDS = ["zones", "masks", "public"] as const;
export type Kind = (typeof KINDS)[number];

/** An area as it is being drawn; only a zone has a name. */
export interface Area {
  readonly name: string;
  readonly points: readonly Point[];
}

type Answer = VaultResult<"areas">;

interface Drawn {
  readonly zones: readonly Area[];
  readonly masks: readonly Area[];
  readonly public: readonly Area[];
  /** Share; null: the usual. */
  readonly budget: number | null;
}

const UNDO_MAX = 100;
/** What is drawn to a ten-thousandth of the picture: finer than a pixel of any camera. */
const STEPS = 10_000;
/** A new area, in the middle; each a little further down and to the right than the one before. */
const NEW: readonly Point[] = [
  [0.3, 0.3],
  [0.6, 0.3],
  [0.6, 0.6],
  [0.3, 0.6],
];
const NEW_OFFSET = 0.04;

const round = (share: number): number =>
  Math.round(Math.min(1, Math.max(0, share)) * STEPS) / STEPS;

/** What somebody draws on a camera's picture, until it is saved. */
export class ZoneDraft {
  #drawn = $state.raw<Drawn>({ zones: [], masks: [], public: [], budget: null });
  #saved = $state.raw<Drawn | null>(null);
  #before = $state.raw<readonly Drawn[]>([]);
  kind = $state<Kind>("zones");
  /** Width over height of the still that is drawn on; null: there is none. */
  stillShape: number | null = null;
  #savedShape: number | undefined;
  /** Which of the kind's areas is being changed; -1: none. */
  selected = $state(-1);

  take(answer: Answer): void {
    const plain = (points: readonly Point[]): Area => ({ name: "", points });
    this.#drawn = {
      zones: answer.zones,
      masks: answer.masks.map(plain),
      public: answer.public.map(plain),
      budget: answer.publicBudget,
    };
    this.#saved = this.#drawn;
    this.#savedShape = answer.masksShape;
    this.#before = [];
    this.selected = Math.min(this.selected, this.areas.length - 1);
  }

  get drawn(): Drawn {
    return this.#drawn;
  }
  get areas(): readonly Area[] {
    return this.#drawn[this.kind];
  }
  get area(): Area | null {
    return this.areas[this.selected] ?? null;
  }
  get masks(): readonly (readonly Point[])[] {
    return this.#drawn.masks.filter((area) => this.faultOf("masks", area) === null).map(pointsOf);
  }
  get hasChanged(): boolean {
    return JSON.stringify(this.#drawn) !== JSON.stringify(this.#saved);
  }
  get canUndo(): boolean {
    return this.#before.length > 0;
  }
  get isFull(): boolean {
    return this.areas.length >= AREAS_MAX;
  }

  readonly space = $derived.by(() => {
    const open = this.#drawn.public.filter((area) => this.faultOf("public", area) === null);
    const share = publicShare(open.map(pointsOf), this.masks);
    const budget = this.#drawn.budget ?? PUBLIC_BUDGET;
    return { share, budget, isArmed: share <= budget };
  });

  /** What keeps it from being saved, or null. */
  readonly fault = $derived.by((): { kind: Kind; index: number; fault: Fault } | null => {
    for (const kind of KINDS)
      for (const [index, area] of this.#drawn[kind].entries()) {
        const fault = this.faultOf(kind, area);
        if (fault) return { kind, index, fault };
      }
    return null;
  });

  faultOf(kind: Kind, { name, points }: Area): Fault | null {
    const fault = faultOf(points, kind === "zones" ? ZONE_AREA_MIN : undefined);
    if (fault !== null || kind !== "zones") return fault;
    if (name.trim() === "") return "unnamed";
    const isTwice = this.#drawn.zones.filter((zone) => zone.name === name).length > 1;
    return isTwice ? "twice" : null;
  }

  /** As the hub takes it. */
  body(version: string): AreasBody {
    const { zones, masks, public: open, budget } = this.#drawn;
    const isSame = JSON.stringify(masks) === JSON.stringify(this.#saved?.masks);
    const isKnown = isSame && this.#savedShape !== undefined;
    return {
      // Masks that were drawn on another picture than this one are not for this one.
      ...(isKnown || this.stillShape === null ? {} : { masksShape: shapeOf(this.stillShape) }),
      zones: zones.map(({ name, points }) => ({ name: name.trim(), points: [...points] })),
      masks: masks.map(({ points }) => [...points]),
      public: open.map(({ points }) => [...points]),
      ...{ publicBudget: budget, version },
    };
  }

  /** Before a change that comes in many small steps, a drag for instance, once. */
  remember(): void {
    this.#before = [...this.#before, this.#drawn].slice(-UNDO_MAX);
  }
  undo(): void {
    const last = this.#before.at(-1);
    if (!last) return;
    this.#before = this.#before.slice(0, -1);
    this.#drawn = last;
    this.selected = Math.min(this.selected, this.areas.length - 1);
  }

  add(name: string): void {
    if (this.isFull) return;
    this.remember();
    const off = (this.areas.length * NEW_OFFSET) % 0.4;
    const points = NEW.map(([x, y]): Point => [round(x + off), round(y + off)]);
    this.#put([...this.areas, { name, points }]);
    this.selected = this.areas.length - 1;
  }
  remove(): void {
    this.remember();
    this.#put(this.areas.filter((_, index) => index !== this.selected));
    this.selected = Math.min(this.selected, this.areas.length - 1);
  }
  rename(name: string): void {
    this.#change((area) => ({ ...area, name }));
  }
  setBudget(budget: number | null): void {
    this.remember();
    this.#drawn = { ...this.#drawn, budget };
  }

  movePoint(at: number, [x, y]: Point): void {
    const point: Point = [round(x), round(y)];
    this.#change(({ name, points }) => ({
      name,
      points: points.map((each, index) => (index === at ? point : each)),
    }));
  }
  moveArea([byX, byY]: Point, from: readonly Point[]): void {
    const bounded = (by: number, shares: readonly number[]): number =>
      Math.min(1 - Math.max(...shares), Math.max(-Math.min(...shares), by));
    const [dx, dy] = [
      bounded(
        byX,
        from.map(([x]) => x),
      ),
      bounded(
        byY,
        from.map(([, y]) => y),
      ),
    ];
    this.#change(({ name }) => ({
      name,
      points: from.map(([x, y]): Point => [round(x + dx), round(y + dy)]),
    }));
  }
  /** A corner in the middle of the edge that begins at `at`; what it is then, or -1. */
  addPoint(at: number): number {
    const points = this.area?.points ?? [];
    const [from, to] = [points[at], points[(at + 1) % points.length]];
    if (!from || !to || points.length >= POINTS_MAX) return -1;
    this.remember();
    const middle: Point = [round((from[0] + to[0]) / 2), round((from[1] + to[1]) / 2)];
    this.#change(({ name }) => ({ name, points: points.toSpliced(at + 1, 0, middle) }));
    return at + 1;
  }
  removePoint(at: number): boolean {
    const points = this.area?.points ?? [];
    if (points.length <= POINTS_MIN) return false;
    this.remember();
    this.#change(({ name }) => ({ name, points: points.toSpliced(at, 1) }));
    return true;
  }

  #change(change: (area: Area) => Area): void {
    this.#put(this.areas.map((area, index) => (index === this.selected ? change(area) : area)));
  }
  #put(areas: readonly Area[]): void {
    this.#drawn = { ...this.#drawn, [this.kind]: areas };
  }
}

export type Fault = AreaFault | "unnamed" | "twice";

function shapeOf(share: number): number {
  return Math.round(Math.min(SHAPE_MAX, Math.max(SHAPE_MIN, share)) * 1_000) / 1_000;
}

function pointsOf({ points }: Area): readonly Point[] {
  return points;
}
