import Type from "typebox";

const id = Type.String({ pattern: "^[0-9a-f]{32}$", minLength: 32, maxLength: 32 });
const closed = { additionalProperties: false } as const;

/** Recordings that a ledger lists and has no deletion of: does the hub still have them? */
export const PresenceBody = Type.Object(
  { clips: Type.Array(id, { minItems: 1, maxItems: 1_000 }) },
  closed,
);
export const PresenceAnswer = Type.Object(
  {
    /** In the order asked: files that are whole, as far as their size says; null = not listed. */
    files: Type.Array(Type.Union([Type.Integer({ minimum: 0 }), Type.Null()]), {
      maxItems: 1_000,
    }),
  },
  closed,
);
