import Type, { type Static } from "typebox";

/** Answers about when something was recorded and who has looked. */
const count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const closed = { additionalProperties: false } as const;

export const TIMELINE_ROWS_MAX = 10_000;
export const HOUR_MS = 3_600_000;

export const TimelineAnswer = Type.Object(
  {
    /**
     * Newest first: hours since 1970 UTC, index in `cameras`, index in `kinds`, how many clips began
     * in that hour. Hours without one are left out.
     */
    hours: Type.Array(Type.Tuple([count, count, count, count]), { maxItems: TIMELINE_ROWS_MAX }),
    cameras: Type.Array(Type.String({ maxLength: 32 }), { maxItems: 1_000 }),
    kinds: Type.Array(Type.String({ maxLength: 20 }), { maxItems: 20 }),
    /** Pass as `before` for older hours; null at the end. An hour is never cut in two. */
    next: Type.Union([count, Type.Null()]),
    /** UTC of the newest clip's beginning; null where there is none. */
    newestAtMs: Type.Union([count, Type.Null()]),
  },
  closed,
);
export type TimelineAnswer = Static<typeof TimelineAnswer>;

/** Newest first. */
export const ClipViews = Type.Array(
  Type.Object({ device: Type.String({ minLength: 64, maxLength: 64 }), atMs: count }, closed),
  { maxItems: 200 },
);
