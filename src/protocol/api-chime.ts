import Type, { type Static } from "typebox";
import { WeekHoursBody } from "./api-privacy.ts";

/** Bodies and answers of the chime's routes. What a setting may be is said by the settings' schema. */
const timeMs = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const closed = { additionalProperties: false } as const;
const text = (maxLength: number) => Type.String({ maxLength });
const orNull = <Schema extends Type.TSchema>(schema: Schema) => Type.Union([schema, Type.Null()]);

/** How one way did when it was last tried; null where it never was, or is not used. */
const tried = orNull(
  Type.Object(
    {
      atMs: timeMs,
      problem: orNull(Type.Object({ code: text(40), message: text(600) }, closed)),
    },
    closed,
  ),
);
export const ChimeTriedAnswer = Type.Object({ audio: tried, mqtt: tried }, closed);
export type ChimeTriedAnswer = Static<typeof ChimeTriedAnswer>;

export const ChimeAnswer = Type.Object(
  {
    /** Sounds to choose from. */
    sounds: Type.Array(text(20), { maxItems: 10 }),
    audio: orNull(
      Type.Object({ sound: text(20), volume: Type.Integer(), device: text(100) }, closed),
    ),
    mqtt: orNull(Type.Object({ topic: text(200), payload: text(200) }, closed)),
    /** Whether a broker is set: without one nothing can be published. */
    hasBroker: Type.Boolean(),
    quiet: WeekHoursBody,
    isQuietNow: Type.Boolean(),
    /** Of the hub's machine, in which the hours are meant. */
    timeZone: text(60),
    tried: ChimeTriedAnswer,
  },
  closed,
);
export type ChimeAnswer = Static<typeof ChimeAnswer>;

/** The whole of it but the device, which is set in the file; null switches a way off. */
export const ChimeBody = Type.Object(
  {
    audio: orNull(Type.Object({ sound: text(20), volume: Type.Integer() }, closed)),
    mqtt: orNull(Type.Object({ topic: text(400), payload: text(400) }, closed)),
    quiet: WeekHoursBody,
  },
  closed,
);
export type ChimeBody = Static<typeof ChimeBody>;
