import Type, { type Static } from "typebox";
import { EnvelopeSchema } from "./envelope.ts";
import { MonthSchema } from "./monthly-statement.ts";

const closed = { additionalProperties: false } as const;

export const StatementBody = Type.Object({ statement: EnvelopeSchema }, closed);
export const StatementTaken = Type.Object({ index: Type.Integer({ minimum: 0 }) }, closed);
/** Oldest month first. */
export const StatementList = Type.Array(
  Type.Object(
    { month: MonthSchema, index: Type.Integer({ minimum: 0 }), statement: EnvelopeSchema },
    closed,
  ),
  { maxItems: 2_000 },
);
export type StatementList = Static<typeof StatementList>;
