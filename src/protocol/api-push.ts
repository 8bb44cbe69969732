import Type, { type Static } from "typebox";

/** Where this device's browser takes pushes (Web Push, RFC 8030 and 8291). */
const closed = { additionalProperties: false } as const;
const timeMs = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const orNull = <Schema extends Type.TSchema>(schema: Schema) => Type.Union([schema, Type.Null()]);
const base64url = (length: number) =>
  Type.String({ pattern: `^[A-Za-z0-9_-]{${length}}$`, minLength: length, maxLength: length });
/** An address that only the browser's push service and this hub know. */
const endpoint = Type.String({ pattern: "^https://[!-~]+$", minLength: 12, maxLength: 1_024 });
/** First half of the endpoint's SHA-256: names it without telling it. */
const id = Type.String({ pattern: "^[0-9a-f]{32}$", minLength: 32, maxLength: 32 });

export const PushBody = Type.Object(
  {
    endpoint,
    /** Uncompressed point of P-256, 65 bytes. */
    p256dh: base64url(87),
    /** 16 bytes. */
    auth: base64url(22),
    /** Of the words that stand in every push, for a device that cannot ask its hub. */
    language: Type.Optional(Type.Union([Type.Literal("en"), Type.Literal("fr")])),
    /** What the browser had before, where it has changed. */
    replaces: Type.Optional(endpoint),
  },
  closed,
);
export type PushBody = Static<typeof PushBody>;

export const PushParameter = Type.Object({ id });

export const PushAnswer = Type.Object(
  {
    /** `applicationServerKey` to subscribe with: a point of P-256. */
    key: base64url(87),
    subscriptions: Type.Array(
      Type.Object(
        {
          id,
          /** Host of the push service. */
          service: Type.String({ maxLength: 253 }),
          language: Type.Union([Type.Literal("en"), Type.Literal("fr")]),
          createdAtMs: timeMs,
          /** When the service last took a push. */
          takenAtMs: orNull(timeMs),
          /** First half of the SHA-256 of its {@link PushStored} secret; null where it has none. */
          secretName: orNull(id),
          /** Why it did not take the last one: a code as `BUSY`. */
          problem: orNull(Type.String({ maxLength: 40 })),
        },
        closed,
      ),
      { maxItems: 2 },
    ),
  },
  closed,
);
export type PushAnswer = Static<typeof PushAnswer>;

export const PushStored = Type.Object(
  {
    ...PushAnswer.properties,
    /**
     * For this browser alone, told this once: as `Authorization: Notice SECRET` it looks up notices of
     * its device, and says that they came. 32 random bytes.
     */
    secret: Type.String({ pattern: "^[0-9a-f]{64}$", minLength: 64, maxLength: 64 }),
  },
  closed,
);
export type PushStored = Static<typeof PushStored>;
