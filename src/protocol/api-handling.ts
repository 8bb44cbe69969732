import Type, { type Static } from "typebox";
import { EnvelopeSchema } from "./envelope.ts";
import { LIMITS } from "./limits.ts";
import { AnnouncedDocumentSchema } from "./request-document.ts";

/** What owners do about a request besides deciding, and the document that came with it. */
const timeMs = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const closed = { additionalProperties: false } as const;

export const StatementBody = Type.Object({ statement: EnvelopeSchema }, closed);

const statements = Type.Array(EnvelopeSchema, { maxItems: LIMITS.statementsPerRequest });
export const HandlingAnswer = Type.Object(
  {
    /** Signed statements, oldest first. */
    assurances: statements,
    preservations: statements,
    /** What was announced with the request, and when it came; null where nothing was announced. */
    document: Type.Union([
      Type.Object(
        {
          ...AnnouncedDocumentSchema.properties,
          receivedAtMs: Type.Union([timeMs, Type.Null()]),
        },
        closed,
      ),
      Type.Null(),
    ]),
  },
  closed,
);
export type HandlingAnswer = Static<typeof HandlingAnswer>;
