import Type, { type Static } from "typebox";
import { G711_SAMPLE_RATE } from "./g711.ts";

/** What page, command line and hub say to each other about talking to whoever stands at a door. */
const closed = { additionalProperties: false } as const;
const text = (maxLength: number) => Type.String({ pattern: "^[^\\p{C}]*$", maxLength });
const cameraId = Type.String({ pattern: "^[a-z][a-z0-9-]{0,31}$", maxLength: 32 });
const law = Type.Union([Type.Literal("PCMU"), Type.Literal("PCMA")]);

/** Of one message of sound over the socket: 20 ms as a rule, 200 ms at the most. */
export const TALK_MESSAGE_BYTES_MAX = G711_SAMPLE_RATE / 5;
/** A conversation ends by itself after this, so that nobody is heard who has forgotten it. */
export const TALK_LIMIT_MS = 5 * 60_000;
export const REPLIES_MAX = 8;
export const REPLY_NAME_CHARACTERS = 40;
export const REPLY_SECONDS_MAX = 15;
/** G.711, mu-law: a byte a sample. */
export const REPLY_BYTES_MAX = REPLY_SECONDS_MAX * G711_SAMPLE_RATE;
/** A fifth of a second: what is shorter was a slip. */
export const REPLY_BYTES_MIN = G711_SAMPLE_RATE / 5;

/** How the hub ends a talk socket, beside the codes of RFC 6455. */
export const TALK_CLOSE = {
  hubStops: 1001,
  notUnderstood: 1008,
  /** Said before in words, by a message. */
  refused: 4400,
  sessionOver: 4401,
} as const;

export const TalkServerMessageSchema = Type.Union([
  /** Sound is heard from now on, if it comes coded so. */
  Type.Object({ type: Type.Literal("open"), law }, closed),
  /** Last of all. `code` names why, as errors of the API do. */
  Type.Object({ type: Type.Literal("ended"), code: text(40), message: text(500) }, closed),
]);
export type TalkServerMessage = Static<typeof TalkServerMessageSchema>;

export const TalkCameraParameter = Type.Object({ camera: cameraId });

/**
 * - `untried`: nobody has talked there since the hub began;
 * - `able`: the camera took sound when somebody last talked;
 * - `unable`: it did not, and `problem` says why;
 * - `busy`: somebody else talks there now.
 */
export const TalkCamera = Type.Object(
  {
    camera: cameraId,
    state: Type.Union([
      Type.Literal("untried"),
      Type.Literal("able"),
      Type.Literal("unable"),
      Type.Literal("busy"),
    ]),
    problem: Type.Union([Type.Object({ code: text(40), message: text(500) }, closed), Type.Null()]),
  },
  closed,
);
export type TalkCamera = Static<typeof TalkCamera>;

/** A short reply that somebody has recorded. The hub can read its sound, since it must say it. */
export const Reply = Type.Object(
  {
    id: Type.String({ pattern: "^[0-9a-f]{32}$" }),
    name: text(REPLY_NAME_CHARACTERS),
    durationMs: Type.Integer({ minimum: 1, maximum: REPLY_SECONDS_MAX * 1_000 }),
  },
  closed,
);
export type Reply = Static<typeof Reply>;

/** Cameras that can be talked at, as far as the settings say, and the replies there are. */
export const TalkAnswer = Type.Object(
  {
    cameras: Type.Array(TalkCamera, { maxItems: 16 }),
    replies: Type.Array(Reply, { maxItems: REPLIES_MAX }),
  },
  closed,
);
export type TalkAnswer = Static<typeof TalkAnswer>;

export const ReplyParameter = Type.Object({ id: Type.String({ pattern: "^[0-9a-f]{32}$" }) });
export const SayParameter = Type.Object({
  camera: cameraId,
  id: Type.String({ pattern: "^[0-9a-f]{32}$" }),
});

/** A new reply; its sound is base64 of G.711 mu-law at 8,000 Hz. */
export const ReplyBody = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 200 }),
    sound: Type.String({ minLength: 4, maxLength: 4 * Math.ceil(REPLY_BYTES_MAX / 3) }),
  },
  closed,
);
export type ReplyBody = Static<typeof ReplyBody>;

/** The sound of one reply, to be heard in the page. */
export const ReplySound = Type.Object(
  { sound: Type.String({ maxLength: 4 * Math.ceil(REPLY_BYTES_MAX / 3) }) },
  closed,
);

/** A reply was said to its end. */
export const SaidAnswer = Type.Object(
  { durationMs: Type.Integer({ minimum: 0, maximum: 60_000 }) },
  closed,
);
