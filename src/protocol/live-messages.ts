import Type, { type Static } from "typebox";

/** What goes over the live socket as text beside the frames of `live-frame.ts`. */
const closed = { additionalProperties: false } as const;
const text = (maxLength: number) => Type.String({ pattern: "^[^\\p{C}]*$", maxLength });

/** Base64 of an initialisation segment: parameter sets and boxes, a few hundred bytes in truth. */
const INIT_CHARACTERS_MAX = 128 * 1024;
/** Longest text that a viewer may send. */
export const LIVE_CLIENT_TEXT_MAX = 200;

/** How the hub ends a live socket, beside the codes of RFC 6455. */
export const LIVE_CLOSE = {
  hubStops: 1001,
  notUnderstood: 1008,
  failed: 1011,
  tooSlow: 1013,
  sessionOver: 4401,
  cameraGone: 4404,
  cameraOff: 4409,
  tooManyViewers: 4429,
} as const;

/** A track's initialisation segment, before its first fragment and whenever it changes. */
const LiveInitSchema = Type.Object(
  {
    type: Type.Literal("init"),
    track: Type.Union([Type.Literal("video"), Type.Literal("audio")]),
    codec: text(40),
    /** Pixels; 0 for audio. */
    width: Type.Integer({ minimum: 0, maximum: 16_384 }),
    height: Type.Integer({ minimum: 0, maximum: 16_384 }),
    timescale: Type.Integer({ minimum: 1, maximum: 10_000_000 }),
    /** `ftyp` + `moov`, base64. */
    bytes: Type.String({ minLength: 4, maxLength: INIT_CHARACTERS_MAX }),
  },
  closed,
);

export const LiveServerMessageSchema = Type.Union([
  LiveInitSchema,
  /** This viewer was too slow and lost so many fragments; what follows begins with a key frame. */
  Type.Object({ type: Type.Literal("skipped"), fragments: Type.Integer({ minimum: 1 }) }, closed),
  /** The camera gives no picture. A fragment that comes says that it does again. */
  Type.Object(
    { type: Type.Literal("waiting"), reason: text(40), message: Type.Optional(text(500)) },
    closed,
  ),
  Type.Object(
    { type: Type.Literal("pong"), atMs: Type.Number(), hubMs: Type.Integer({ minimum: 0 }) },
    closed,
  ),
]);
export type LiveServerMessage = Static<typeof LiveServerMessageSchema>;

export const LiveClientMessageSchema = Type.Union([
  Type.Object({ type: Type.Literal("ping"), atMs: Type.Number() }, closed),
  /** Sound too, or no more of it. It is sent to nobody who has not asked and to nobody who may not. */
  Type.Object({ type: Type.Literal("sound"), on: Type.Boolean() }, closed),
]);
export type LiveClientMessage = Static<typeof LiveClientMessageSchema>;
