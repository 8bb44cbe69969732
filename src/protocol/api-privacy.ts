import Type, { type Static } from "typebox";

/** Bodies and answers of the privacy switch. What hours may be is said by the settings' schema. */
const timeMs = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const closed = { additionalProperties: false } as const;
const text = (maxLength: number) => Type.String({ maxLength });
const orNull = <Schema extends Type.TSchema>(schema: Schema) => Type.Union([schema, Type.Null()]);

export const PRIVACY_FOR_MIN_MS = 60_000;
export const PRIVACY_FOR_MAX_MS = 30 * 86_400_000;

const hours = Type.Object(
  { days: Type.Array(text(3), { maxItems: 7 }), from: text(5), to: text(5) },
  closed,
);
/** Hours of a week, as the settings file has them. */
export const WeekHoursBody = Type.Array(hours, { maxItems: 20 });
export type PrivacyHours = Static<typeof WeekHoursBody>;

/** That a camera is off, since when, by whom, and until when where that is known. */
export const CameraOff = Type.Object(
  {
    sinceMs: timeMs,
    /** `schedule`, `timer`, or the id of the device of whoever did it. */
    by: text(64),
    /** UTC at which it goes on again by itself; null where somebody has to switch it on. */
    untilMs: orNull(timeMs),
  },
  closed,
);
export type CameraOff = Static<typeof CameraOff>;

export const PrivacyAnswer = Type.Object(
  {
    nowMs: timeMs,
    /** Of the hub's machine, in which the hours are meant. */
    timeZone: text(60),
    cameras: Type.Array(
      Type.Object(
        {
          id: text(32),
          name: text(80),
          off: orNull(CameraOff),
          /** Switched on by hand against its hours, until then; left out where it was not. */
          onUntilMs: Type.Optional(timeMs),
          /** Whether whoever asks may switch it on now. */
          mayTurnOn: Type.Boolean(),
          hours: WeekHoursBody,
          /** UTC of the next change by these hours; null where there is none within a week. */
          hoursChangeAtMs: orNull(timeMs),
        },
        closed,
      ),
      { maxItems: 16 },
    ),
  },
  closed,
);
export type PrivacyAnswer = Static<typeof PrivacyAnswer>;

export const PrivacyCameraParameter = Type.Object({
  camera: Type.String({ pattern: "^[a-z][a-z0-9-]{0,31}$", maxLength: 32 }),
});

/** `off` without anything else stays until somebody switches it on. */
export const PrivacySwitchBody = Type.Union([
  Type.Object(
    {
      state: Type.Literal("off"),
      forMs: Type.Optional(
        Type.Integer({ minimum: PRIVACY_FOR_MIN_MS, maximum: PRIVACY_FOR_MAX_MS }),
      ),
    },
    closed,
  ),
  /** Until seven in the morning, by the hub's clock. */
  Type.Object({ state: Type.Literal("off"), until: Type.Literal("morning") }, closed),
  Type.Object({ state: Type.Literal("on") }, closed),
]);
export type PrivacySwitchBody = Static<typeof PrivacySwitchBody>;

export const PrivacyHoursBody = Type.Object({ hours: WeekHoursBody }, closed);
