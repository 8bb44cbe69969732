import Type, { type Static } from "typebox";
import { EnvelopeSchema } from "./envelope.ts";
import { ACCEPTANCES_MAX, NOTE_CHARACTERS_MAX, RESTORATIONS_MAX } from "./restoration.ts";

const closed = { additionalProperties: false } as const;
const index = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

const Signed = Type.Object({ index, statement: EnvelopeSchema }, closed);

/** What was restored, oldest first, and which owners have accepted it. */
export const RestorationList = Type.Object(
  {
    restorations: Type.Array(
      Type.Object(
        {
          ...Signed.properties,
          acceptances: Type.Array(Signed, { maxItems: ACCEPTANCES_MAX }),
        },
        closed,
      ),
      { maxItems: RESTORATIONS_MAX },
    ),
    /** The newest checkpoint that the asking device has cosigned, with that line; null: none. */
    cosigned: Type.Union([Type.String({ maxLength: NOTE_CHARACTERS_MAX }), Type.Null()]),
  },
  closed,
);
export type RestorationList = Static<typeof RestorationList>;

export const AcceptanceBody = Type.Object({ statement: EnvelopeSchema }, closed);
export const AcceptanceTaken = Type.Object({ index }, closed);
