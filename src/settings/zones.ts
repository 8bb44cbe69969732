import Type, { type Static } from "typebox";
import {
  AREAS_MAX,
  POINTS_MAX,
  POINTS_MIN,
  PUBLIC_BUDGET,
  PUBLIC_BUDGET_MAX,
  SHAPE_MAX,
  SHAPE_MIN,
  publicShare,
  wrongPolygon,
  ZONE_AREA_MIN,
  ZONE_NAME_CHARACTERS,
  type Point,
  type Polygon,
  type Zone,
} from "../protocol/picture-areas.ts";
import { lineOfText, wrongAt } from "./file.ts";

/** Zones, privacy masks and public space of a camera, as they stand in the settings. */

const share = Type.Number({
  ...{ minimum: 0, maximum: 1 },
  description: "a share of the picture from 0 to 1",
});
const point = Type.Array(share, {
  ...{ minItems: 2, maxItems: 2 },
  description: "a corner as [0.25, 0.5]: shares of the picture from its left and its top",
}) as unknown as Type.TUnsafe<Point>;
const polygon = Type.Array(point, {
  ...{ minItems: POINTS_MIN, maxItems: POINTS_MAX },
  description: `${POINTS_MIN} to ${POINTS_MAX} corners as [[0, 0.5], [0.4, 0.5], [0.4, 1]]`,
});
const polygons = Type.Array(polygon, {
  maxItems: AREAS_MAX,
  description: `a list of at most ${AREAS_MAX} areas, each a list of corners`,
});

export const AREA_MEMBERS = {
  zones: Type.Optional(
    Type.Array(
      Type.Object(
        { name: lineOfText(ZONE_NAME_CHARACTERS), points: polygon },
        { additionalProperties: false, description: "a zone with its name and its points" },
      ),
      {
        maxItems: AREAS_MAX,
        description: `a list of at most ${AREAS_MAX} zones, each with name and points`,
      },
    ),
  ),
  masks: Type.Optional(polygons),
  masksShape: Type.Optional(
    Type.Number({
      ...{ minimum: SHAPE_MIN, maximum: SHAPE_MAX },
      description: `width of the picture over its height, 1.778 for 16 to 9, from ${SHAPE_MIN} to ${SHAPE_MAX}`,
    }),
  ),
  public: Type.Optional(polygons),
  publicBudget: Type.Optional(
    Type.Number({
      ...{ minimum: 0, maximum: PUBLIC_BUDGET_MAX },
      description: `a share of the picture from 0 to ${PUBLIC_BUDGET_MAX}`,
    }),
  ),
};
const AreaMembers = Type.Object(AREA_MEMBERS);
type AreaMembers = Static<typeof AreaMembers>;

/** What is left out is empty, and `publicBudget` its default. */
export interface CameraAreas {
  /** Where motion counts; none: in the whole picture. */
  readonly zones?: readonly Zone[];
  /** Painted over before anything is stored, shown or looked at. */
  readonly masks?: readonly Polygon[];
  /** Width over height of the picture that masks were drawn on; left out: nobody said. */
  readonly masksShape?: number;
  /** What of the picture is street or pavement, as a person marked it. */
  readonly public?: readonly Polygon[];
  /** Share of the picture that may be public and not masked. */
  readonly publicBudget?: number;
}

/** @throws SettingsError for areas that cannot be drawn, or two zones of one name. */
export function readAreas(options: {
  readonly file: string;
  readonly checked: Parameters<typeof wrongAt>[1];
  /** Where the camera stands in the file. */
  readonly at: readonly (string | number)[];
  readonly value: AreaMembers;
}): CameraAreas {
  const { file, checked, at, value } = options;
  const { zones, masks, masksShape, public: open, publicBudget } = value;
  const requireRight = (where: readonly (string | number)[], wrong: string | null): void => {
    if (wrong !== null) throw wrongAt(file, checked, [...at, ...where], wrong);
  };
  const names = new Set<string>();
  for (const [index, { name, points }] of (zones ?? []).entries()) {
    requireRight(["zones", index, "points"], wrongPolygon(points, ZONE_AREA_MIN));
    requireRight(["zones", index, "name"], wrongName(name, names));
    names.add(name);
  }
  for (const [member, areas] of [["masks", masks] as const, ["public", open] as const])
    for (const [index, points] of (areas ?? []).entries())
      requireRight([member, index], wrongPolygon(points));
  return {
    ...(zones === undefined ? {} : { zones }),
    ...(masks === undefined ? {} : { masks }),
    ...(masksShape === undefined ? {} : { masksShape }),
    ...(open === undefined ? {} : { public: open }),
    ...(publicBudget === undefined ? {} : { publicBudget }),
  };
}

function wrongName(name: string, names: ReadonlySet<string>): string | null {
  if (name.trim() === "") return "a zone needs a name that can be seen";
  return names.has(name) ? `"${name}" is the name of another zone of this camera` : null;
}

/** How much of a camera's picture is public space, and whether it may record by itself. */
export interface PublicSpace {
  /** Share of the picture that is marked as public and not masked. */
  readonly share: number;
  readonly budget: number;
  /** Whether motion is recorded. A bell that somebody presses is, in any case. */
  readonly isArmed: boolean;
}

/** Settings are read once and asked about with each look at the hub's health. */
const counted = new WeakMap<CameraAreas, PublicSpace>();

export function publicSpaceOf(camera: CameraAreas): PublicSpace {
  const known = counted.get(camera);
  if (known) return known;
  const budget = camera.publicBudget ?? PUBLIC_BUDGET;
  const found = publicShare(camera.public ?? [], camera.masks ?? []);
  const space = { share: found, budget, isArmed: found <= budget };
  counted.set(camera, space);
  return space;
}
