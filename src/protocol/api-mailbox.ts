import Type, { type Static } from "typebox";
import { MailboxPlaceSchema } from "./mailbox.ts";

const timeMs = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

/** What a device needs to find the household's mailbox when it is away; only owners get it. */
export const MailboxAnswer = Type.Object(
  {
    /** Null where the household has none. */
    place: Type.Union([MailboxPlaceSchema, Type.Null()]),
    /** Name of what lies there for this device; null where there is nothing for it yet. */
    item: Type.Union([Type.String({ pattern: "^[0-9a-f]{32}$", maxLength: 32 }), Type.Null()]),
    /** When it was last put. */
    putAtMs: Type.Union([timeMs, Type.Null()]),
    /** What stands in the way, in words. */
    trouble: Type.Union([Type.String({ maxLength: 500 }), Type.Null()]),
  },
  { additionalProperties: false },
);
export type MailboxAnswer = Static<typeof MailboxAnswer>;
