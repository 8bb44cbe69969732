import Type, { type Static } from "typebox";

const count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const tookMs = Type.Union([Type.Number({ minimum: 0, maximum: 3_600_000 }), Type.Null()]);

/** How far behind the blurring is, of all cameras. */
export const BlurBacklogSchema = Type.Object(
  {
    /** What waits or is worked on: how long it lasts, what it takes, and how old the oldest of it is. */
    footageMs: count,
    bytes: count,
    oldestMs: count,
    /** What may wait at the most, and for how long; what does not fit is left out. */
    bytesMax: count,
    ageMaxMs: count,
    /** Segments since recording began: blurred, pixelated whole among them, and left out. */
    done: count,
    whole: count,
    leftOut: count,
    /** For a picture, of late: to find what is in it, and for all that is done. Null before the first. */
    detectMs: tookMs,
    frameMs: tookMs,
    /** What went wrong last; null where nothing has. */
    problem: Type.Union([Type.String({ maxLength: 500, pattern: "^[^\\p{C}]*$" }), Type.Null()]),
  },
  { additionalProperties: false },
);
export type BlurBacklog = Static<typeof BlurBacklogSchema>;
