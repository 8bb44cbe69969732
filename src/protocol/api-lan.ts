import Type, { type Static } from "typebox";

/** Bodies and answers of the routes about the local network. */
const timeMs = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const closed = { additionalProperties: false } as const;
const text = (maxLength: number) => Type.String({ maxLength });
const orNull = <Schema extends Type.TSchema>(schema: Schema) => Type.Union([schema, Type.Null()]);

/** Eight words of the authority's fingerprint; null where the household's own is not used. */
const words = orNull(Type.Array(text(20), { maxItems: 8 }));
/** SHA-256 of the authority, as `A1 B2 ...`; null besides to whom it is not shown. */
const fingerprint = orNull(text(95));
const name = text(100);
/** As `https://doorward.local:8443`; null while the hub does not listen there. */
const origin = orNull(text(300));

export const LanNameAnswer = Type.Object({ name, origin, words }, closed);
export type LanNameAnswer = Static<typeof LanNameAnswer>;

export const LanAnswer = Type.Object(
  {
    ...{ name, origin, words, fingerprint },
    isOpen: Type.Boolean(),
    addresses: Type.Array(text(80), { maxItems: 32 }),
    certificatePage: orNull(text(300)),
    certificate: orNull(
      Type.Union([Type.Literal("own"), Type.Literal("household"), Type.Literal("proxy")]),
    ),
    expiresAtMs: orNull(timeMs),
    /** The name to which the household moves; both are served until an owner ends it. */
    moving: orNull(Type.Object({ name, origin, words, fingerprint }, closed)),
    /** What keeps it from working as it should, in words. */
    trouble: orNull(text(2_000)),
  },
  closed,
);
export type LanAnswer = Static<typeof LanAnswer>;

export const LanNameBody = Type.Object(
  { name: Type.String({ minLength: 3, maxLength: 100 }) },
  closed,
);
export type LanNameBody = Static<typeof LanNameBody>;

export const LanOpenBody = Type.Object({ isOpen: Type.Boolean() }, closed);
export type LanOpenBody = Static<typeof LanOpenBody>;
