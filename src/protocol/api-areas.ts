import Type, { type Static } from "typebox";
import {
  AREAS_MAX,
  POINTS_MAX,
  PUBLIC_BUDGET_MAX,
  SHAPE_MAX,
  SHAPE_MIN,
  ZONE_NAME_CHARACTERS,
  type Point,
} from "./picture-areas.ts";

/**
 * Bodies and answers of a camera's zones, privacy masks and public space. They only bound what comes
 * in; what an area may be is said once, by the schema of the settings file.
 */
const closed = { additionalProperties: false } as const;
const text = (maxLength: number) => Type.String({ maxLength });
const share = Type.Number({ minimum: 0, maximum: 1 });
const point = Type.Array(share, { minItems: 2, maxItems: 2 }) as unknown as Type.TUnsafe<Point>;
const polygon = Type.Array(point, { maxItems: POINTS_MAX });
const polygons = Type.Array(polygon, { maxItems: AREAS_MAX });

const members = {
  zones: Type.Array(
    Type.Object({ name: text(2 * ZONE_NAME_CHARACTERS), points: polygon }, closed),
    {
      maxItems: AREAS_MAX,
    },
  ),
  masks: polygons,
  /**
   * Width over height of the picture that masks were drawn on. Left out: nobody knows, or, of masks
   * that are saved as they were, what was known before.
   */
  masksShape: Type.Optional(Type.Number({ minimum: SHAPE_MIN, maximum: SHAPE_MAX })),
  public: polygons,
  /** Null: the default holds. */
  publicBudget: Type.Union([Type.Number({ minimum: 0, maximum: PUBLIC_BUDGET_MAX }), Type.Null()]),
};

/** SHA-256 of what was read, in hexadecimal. */
const version = Type.String({ pattern: "^[0-9a-f]{64}$", maxLength: 64 });

export const AreasAnswer = Type.Object(
  {
    camera: text(32),
    name: text(80),
    ...members,
    version,
    /** What holds: share of the picture that is public and not masked, and how much may be. */
    publicSpace: Type.Object({ share, budget: share, isArmed: Type.Boolean() }, closed),
    /** False for the demo scene, which stands in no file. */
    canChange: Type.Boolean(),
    /** It has an ONVIF address: it may be able to hide masks by itself. */
    mayHideMasks: Type.Boolean(),
  },
  closed,
);
export type AreasAnswer = Static<typeof AreasAnswer>;

/** Replaces all areas of a camera. */
export const AreasBody = Type.Object(
  {
    ...members,
    /** Of the answer that the change starts from: otherwise somebody else's would be lost. */
    version,
  },
  closed,
);
export type AreasBody = Static<typeof AreasBody>;

export const AreasCameraParameter = Type.Object({
  id: Type.String({ pattern: "^[a-z][a-z0-9-]{0,31}$", maxLength: 32 }),
});
