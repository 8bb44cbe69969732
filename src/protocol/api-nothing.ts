import Type, { type Static } from "typebox";

/** "This was nothing", what to change so that it comes less often, and the settings of motion. */

const closed = { additionalProperties: false } as const;
const count = Type.Integer({ minimum: 0, maximum: 10_000 });
const share = Type.Number({ minimum: 0, maximum: 1 });

export const NothingBody = Type.Object({ isNothing: Type.Boolean() }, closed);

/** What a suggestion would do to the events that are stored: an estimate from their reasons. */
const effect = {
  /** Of those that were nothing, how many it would have left out. */
  spares: count,
  /** Of the other events, how many it would have left out too. */
  loses: count,
};
export const Suggestion = Type.Union([
  Type.Object({ change: Type.Literal("smallest"), smallest: share, ...effect }, closed),
  Type.Object(
    { change: Type.Literal("zone"), zone: Type.String({ maxLength: 80 }), ...effect },
    closed,
  ),
  /** There are no zones yet: how many a zone would spare is not known. */
  Type.Object({ change: Type.Literal("draw-zones") }, closed),
]);
export type Suggestion = Static<typeof Suggestion>;

export const NothingAnswer = Type.Object(
  {
    isNothing: Type.Boolean(),
    /** Of this camera's last events that were nothing, which these suggestions are from. */
    marked: count,
    others: count,
    suggestions: Type.Array(Suggestion, { maxItems: 3 }),
  },
  closed,
);
export type NothingAnswer = Static<typeof NothingAnswer>;

const sensitivity = Type.Union([Type.Literal("low"), Type.Literal("normal"), Type.Literal("high")]);

export const MotionAnswer = Type.Object(
  {
    sensitivity,
    /** Share of its zone, or of the picture, that something must cover; 0 for the least there is. */
    smallest: share,
    objects: Type.Boolean(),
    /** False for the demo camera, which is in no settings file. */
    canChange: Type.Boolean(),
  },
  closed,
);
export type MotionAnswer = Static<typeof MotionAnswer>;

/** What is left out stays as it is. */
export const MotionBody = Type.Object(
  {
    sensitivity: Type.Optional(sensitivity),
    smallest: Type.Optional(Type.Number({ minimum: 0, maximum: 0.5 })),
    objects: Type.Optional(Type.Boolean()),
  },
  closed,
);
export type MotionBody = Static<typeof MotionBody>;
