import Type, { type Static, type TSchema } from "typebox";
import { BlurBacklogSchema } from "./blur-backlog.ts";
import { CameraOff } from "./api-privacy.ts";

/** How the hub and its cameras do, as its API says it. */
const timeMs = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const closed = { additionalProperties: false } as const;
const orNull = <Schema extends TSchema>(schema: Schema) => Type.Union([schema, Type.Null()]);
/** Clocks of cameras begin in 1970 as a rule; what is further off is no clock. */
const OFFSET_MAX_MS = 200 * 366 * 86_400_000;

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
    /** Pictures a second that came in the last seconds; null where none were counted. */
    seenFps: orNull(Type.Number({ minimum: 0 })),
    /** Camera clock minus hub clock, as its stream says; null where it does not. */
    clockOffsetMs: orNull(Type.Integer({ minimum: -OFFSET_MAX_MS, maximum: OFFSET_MAX_MS })),
    /** Of the last 24 hours: how long it was on and watched, and for how much of that nothing came. */
    gaps: Type.Object({ watchedMs: timeMs, gapMs: timeMs }, closed),
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

/** What owners are told of when it begins and when it is over. */
const TroubleSchema = Type.Object(
  {
    code: Type.String({ maxLength: 40 }),
    camera: orNull(Type.String({ maxLength: 32 })),
    /** UTC. */
    sinceMs: timeMs,
  },
  closed,
);

/** What the machine says of itself; null for what it does not say. */
const MachineSchema = Type.Object(
  {
    /** The warmest sensor of its processor, in degrees Celsius. */
    temperatureC: orNull(Type.Number({ minimum: -40, maximum: 150 })),
    /** Of a Raspberry Pi's supply: too weak now, or when it last was since the hub began. */
    power: orNull(Type.Object({ isLow: Type.Boolean(), lastLowAtMs: orNull(timeMs) }, closed)),
    /** "piped": the hub's limit forbids them, and the machine asks a program and not the limit. */
    coreDumps: orNull(Type.Union([Type.Literal("off"), Type.Literal("piped"), Type.Literal("on")])),
    /** Whether a time server has set its clock. */
    isClockSet: orNull(Type.Boolean()),
  },
  closed,
);

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
    /** What goes on of it, the oldest first. */
    troubles: Type.Array(TroubleSchema, { maxItems: 100 }),
    machine: MachineSchema,
    /** Of the certificate that the local network is shown, where the hub shows it itself. */
    certificateEndsAtMs: orNull(timeMs),
    /** When a device last held the hub to its ledger, and the entries since. */
    witness: Type.Object(
      { lastAtMs: orNull(timeMs), entriesSince: Type.Integer({ minimum: 0 }) },
      closed,
    ),
    /** The newest jump of the hub's clock within a week that is in its ledger. */
    clockJump: orNull(Type.Object({ atMs: timeMs, jumpMs: Type.Integer() }, closed)),
    /** Places that the hub may connect to, and how many of them it is connected to. */
    connections: Type.Object(
      { known: Type.Integer({ minimum: 0 }), open: Type.Integer({ minimum: 0 }) },
      closed,
    ),
    warnings: Type.Array(NoticeSchema, { maxItems: 20 }),
  },
  closed,
);
export type HealthAnswer = Static<typeof HealthAnswer>;

/** Whether programs may read the hub's figures, and whether a token for it has been made. */
export const MetricsAnswer = Type.Object(
  { isOn: Type.Boolean(), madeAtMs: orNull(timeMs) },
  closed,
);
export type MetricsAnswer = Static<typeof MetricsAnswer>;

/** Said once, when it is made: the hub keeps its hash alone. */
export const MetricsTokenAnswer = Type.Object(
  { token: Type.String({ pattern: "^[0-9a-f]{64}$", maxLength: 64 }) },
  closed,
);
export type MetricsTokenAnswer = Static<typeof MetricsTokenAnswer>;
