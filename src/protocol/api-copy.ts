import Type, { type Static } from "typebox";

const count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const timeMs = Type.Union([count, Type.Null()]);
const closed = { additionalProperties: false } as const;
const amount = Type.Object({ files: count, bytes: count }, closed);

/** How the copy elsewhere stands. */
export const CopyAnswer = Type.Object(
  {
    /** Null where the settings name none. `address` has no login in it. */
    place: Type.Union([
      Type.Object(
        {
          kind: Type.Union([Type.Literal("folder"), Type.Literal("webdav"), Type.Literal("s3")]),
          address: Type.String({ maxLength: 400 }),
        },
        closed,
      ),
      Type.Null(),
    ]),
    running: Type.Boolean(),
    /** When everything was there the last time, by the hub's clock. */
    finishedAtMs: timeMs,
    /** When the hub's own state was last sealed for it. */
    stateAtMs: timeMs,
    /** What is still to go. */
    behind: amount,
    there: amount,
    /** Deleted or sealed anew here, and still there as it was. */
    stays: amount,
    deletions: Type.Union([Type.Literal("follow"), Type.Literal("keep")]),
    /** Whether it can delete there; null until it was tried. */
    canRemove: Type.Union([Type.Boolean(), Type.Null()]),
    /** While it runs; null where it does not. */
    bytesPerSecond: Type.Union([count, Type.Null()]),
    /** What stands in the way, in words, and since when. */
    trouble: Type.Union([
      Type.Object(
        {
          code: Type.String({ maxLength: 40 }),
          message: Type.String({ maxLength: 500 }),
          sinceMs: count,
        },
        closed,
      ),
      Type.Null(),
    ]),
  },
  closed,
);
export type CopyState = Static<typeof CopyAnswer>;
