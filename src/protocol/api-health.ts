import Type, { type Static } from "typebox";
import { BlurBacklogSchema } from "./blur-backlog.ts";
import { CameraOff } from "./api-privacy.ts";

/** How the hub and its cameras do, as its API says it. */
const timeMs = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const closed = { additionalProperties: false } as const;

/** Something that an owner should know: a name for programs, and words in English. */
const NoticeSchema = Type.Object(
  { code: Type.String({ maxLength: 40 }), message: Type.String({ maxLength: 500 }) },
  closed,
);
export type Notice = Static<typeof NoticeSchema>;

export const CameraStatus = Type.Object(
  {
    id: Type.String({ maxLength: 32 }),
    name: Type.String({ maxLength: 80 }),
    /** idle, connecting, streaming, waiting-to-retry, off; one word for each of its streams. */
    main: Type.String({ maxLength: 20 }),
    sub: Type.Union([Type.String({ maxLength: 20 }), Type.Null()]),
    /** Named error and what to do about it; null where all is well. */
    problem: Type.Union([NoticeSchema, Type.Null()]),
    codec: Type.Union([Type.String({ maxLength: 40 }), Type.Null()]),
    /** UTC by the hub's clock, to a few seconds; null before the first picture. */
    lastPictureMs: Type.Union([timeMs, Type.Null()]),
    /** Of the newest picture, in pixels. */
    width: Type.Union([Type.Integer({ minimum: 1 }), Type.Null()]),
    height: Type.Union([Type.Integer({ minimum: 1 }), Type.Null()]),
    /** Pictures a second, where the stream says it. */
    fps: Type.Union([Type.Number({ minimum: 0 }), Type.Null()]),
    recording: Type.Boolean(),
    /** Of its main stream; "off" too while it does not stream. */
    sound: Type.Union([
      Type.Literal("off"),
      Type.Literal("absent"),
      Type.Literal("on"),
      Type.Literal("failing"),
      Type.Literal("unsupported"),
    ]),
    /** Left out where it is on. */
    off: Type.Optional(CameraOff),
    notes: Type.Array(NoticeSchema, { maxItems: 10 }),
  },
  closed,
);
export type CameraStatus = Static<typeof CameraStatus>;
export const HealthAnswer = Type.Object(
  {
    /** UTC, when the hub's process began. */
    startedAtMs: timeMs,
    version: Type.String({ maxLength: 40 }),
    cameras: Type.Array(CameraStatus, { maxItems: 16 }),
    sandbox: Type.Object(
      { inForce: Type.Boolean(), reason: Type.String({ maxLength: 500 }) },
      closed,
    ),
    ingestRestarts: Type.Integer({ minimum: 0 }),
    /** Where those who are not of the household reach the outside listener; null where it is off. */
    outside: Type.Union([Type.String({ maxLength: 300 }), Type.Null()]),
    clips: Type.Integer({ minimum: 0 }),
    ledgerEntries: Type.Integer({ minimum: 0 }),
    /** How far behind the blurring is; null before the recorder has said so. */
    blur: Type.Optional(Type.Union([BlurBacklogSchema, Type.Null()])),
    warnings: Type.Array(NoticeSchema, { maxItems: 20 }),
  },
  closed,
);
export type HealthAnswer = Static<typeof HealthAnswer>;
