import Type, { type Static } from "typebox";

/** Answers about what is told to programs of the house: Home Assistant and webhooks. */

const closed = { additionalProperties: false } as const;
const text = (maxLength: number) => Type.String({ maxLength });

const Tried = Type.Union([
  Type.Object(
    {
      /** UTC. */
      atMs: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
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
    /** Null where nothing is announced. `told`: whether the broker took the last of it. */
    homeAssistant: Type.Union([
      Type.Object({ prefix: text(60), privacySwitch: text(10), told: Type.Boolean() }, closed),
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
