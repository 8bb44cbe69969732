import Type, { type Static } from "typebox";

const timeMs = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

export const CONNECTIONS_MAX = 1_000;

/**
 * Every address that the hub was ever told to connect to. It connects to nothing else: it has no
 * update check, no telemetry, no cloud.
 */
export const ConnectionList = Type.Array(
  Type.Object(
    {
      /** `camera front`; `camera trial` where an owner only tried one. */
      what: Type.String({ maxLength: 60 }),
      /** Host and port. */
      address: Type.String({ maxLength: 300 }),
      /** UTC when it first and last answered, to a few minutes; null where it never did. */
      firstAtMs: Type.Union([timeMs, Type.Null()]),
      lastAtMs: Type.Union([timeMs, Type.Null()]),
      open: Type.Boolean(),
    },
    { additionalProperties: false },
  ),
  { maxItems: CONNECTIONS_MAX },
);
export type ConnectionList = Static<typeof ConnectionList>;
