import Type, { type Static } from "typebox";

/** Answers about what is told to programs of the house: Home Assistant and webhooks. */

const closed = { additionalProperties: false } as const;
const text = (maxLength: number) => Type.String({ maxLength });

/** UTC. */
const timeMs = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

const HouseTrouble = Type.Object({ atMs: timeMs, code: text(64), message: text(500) }, closed);
export type HouseTrouble = Static<typeof HouseTrouble>;

const Tried = Type.Union([
  Type.Object(
    {
      atMs: timeMs,
      problem: Type.Union([
        Type.Object({ code: text(64), message: text(500) }, closed),
        Type.Null(),
      ]),
    },
    closed,
  ),
  Type.Null(),
]);

export const HouseAnswer = Type.Object(
  {
    /** Host and port of the broker in the settings; null where there is none. */
    broker: Type.Union([text(300), Type.Null()]),
    /** Null where nothing is announced. */
    homeAssistant: Type.Union([
      Type.Object(
        {
          ...{ prefix: text(60), privacySwitch: text(10) },
          /** Whether the broker is there, and took the last of it. */
          told: Type.Boolean(),
          /** Since when it is so; null until something was to be said. */
          sinceMs: Type.Union([timeMs, Type.Null()]),
          /** The last one since the hub began, also where it is over. */
          trouble: Type.Union([HouseTrouble, Type.Null()]),
        },
        closed,
      ),
      Type.Null(),
    ]),
    webhooks: Type.Array(
      Type.Object(
        {
          /** Without its path, which may be a secret of whoever is called. */
          address: text(300),
          events: Type.Array(text(20), { maxItems: 8 }),
          anywhere: Type.Boolean(),
          /** When it was last called; null where it never was. */
          tried: Tried,
        },
        closed,
      ),
      { maxItems: 8 },
    ),
  },
  closed,
);
export type HouseAnswer = Static<typeof HouseAnswer>;
