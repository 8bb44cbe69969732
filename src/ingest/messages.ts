import Type, { type Static } from "typebox";
import { readRecorderEvent } from "../clips/recorder-event.ts";
import { RingOutcomeSchema } from "./rings.ts";
import { BlurBacklogSchema } from "../protocol/blur-backlog.ts";
import { checkShape } from "../protocol/check.ts";
import type { RecorderEvent } from "../protocol/clip.ts";
import type { Json } from "../protocol/canonical-json.ts";
import type { CameraId } from "../protocol/ids.ts";
import type { CameraSettings } from "../settings/cameras.ts";

/**
 * What hub and ingest process say to each other over their pipe. The ingest process parses what
 * cameras send and holds nothing worth taking: public halves of readers, and its cameras' passwords.
 */
export type ToIngest =
  /** Again when an owner has changed the cameras: those that stay as they are go on undisturbed. */
  | {
      readonly type: "configure";
      readonly clipsDirectory: string;
      readonly cameras: readonly CameraSettings[];
      /** Of footage that may wait to be blurred; left out: the default. */
      readonly blurBytesMax?: number;
    }
  /** The whole chain: the recorder verifies it itself (invariant 9). Nothing opens before it came. */
  | { readonly type: "keyring"; readonly statements: readonly Json[] }
  /** Only what somebody looks at crosses the pipe for pictures, from the last key frame on. */
  | {
      readonly type: "watch";
      readonly camera: CameraId;
      readonly stream: "main" | "sub";
      readonly on: boolean;
      /** Whether its sound crosses too: only while somebody listens. */
      readonly sound?: boolean;
    }
  /** Somebody has pressed the bell, `agoMs` ago: answered by `rang` with the same `ring`. */
  | {
      readonly type: "ring";
      readonly camera: CameraId;
      readonly ring: number;
      readonly agoMs: number;
    }
  /** Switched off or on. What is off at the start is said before `configure`. */
  | { readonly type: "privacy"; readonly camera: CameraId; readonly isOff: boolean }
  | { readonly type: "stop" };

/** File descriptor of the pipe for pictures: the ingest process writes, the hub reads. */
export const PICTURE_PIPE = 4;

/** What a log line or a page may show: one line, not endless. */
const text = (maxLength: number) => Type.String({ pattern: "^[^\\p{C}]*$", maxLength });
const closed = { additionalProperties: false } as const;
const camera = Type.String({ pattern: "^[a-z][a-z0-9-]{0,31}$", maxLength: 32 });

/** 200 years. */
export const CLOCK_OFFSET_MAX_MS = 200 * 366 * 86_400_000;

/** State of one stream, without anything that a camera could have chosen freely. */
const StreamReportSchema = Type.Object(
  {
    state: Type.Union([
      Type.Literal("idle"),
      Type.Literal("connecting"),
      Type.Literal("streaming"),
      Type.Literal("waiting-to-retry"),
    ]),
    problem: Type.Union([Type.Object({ code: text(40), message: text(500) }, closed), Type.Null()]),
    codec: Type.Union([text(40), Type.Null()]),
    /** While it streams, what the newest picture was like. */
    picture: Type.Union([
      Type.Object(
        {
          /** UTC by the hub's clock, when it arrived. */
          lastAtMs: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
          width: Type.Integer({ minimum: 1, maximum: 16_384 }),
          height: Type.Integer({ minimum: 1, maximum: 16_384 }),
          /** As the stream says it. */
          fps: Type.Union([Type.Number({ minimum: 0, maximum: 1_000 }), Type.Null()]),
          /** As they came, since it was last said. */
          seenFps: Type.Optional(Type.Number({ minimum: 0, maximum: 1_000 })),
          /** Camera clock minus hub clock; left out where the camera says no time. */
          clockOffsetMs: Type.Optional(
            Type.Integer({ minimum: -CLOCK_OFFSET_MAX_MS, maximum: CLOCK_OFFSET_MAX_MS }),
          ),
        },
        closed,
      ),
      Type.Null(),
    ]),
    /** While it streams, what became of its sound: "off" where nobody asked for it. */
    sound: Type.Optional(
      Type.Object(
        {
          state: Type.Union([
            Type.Literal("off"),
            Type.Literal("absent"),
            Type.Literal("on"),
            Type.Literal("failing"),
            Type.Literal("unsupported"),
          ]),
          message: Type.Union([text(500), Type.Null()]),
        },
        closed,
      ),
    ),
  },
  closed,
);
export type StreamReport = Static<typeof StreamReportSchema>;

/** What the recorder says is read with the same care by `clips/`, which knows its shape. */
const FromIngestSchema = Type.Union([
  Type.Object(
    {
      type: Type.Literal("ready"),
      sandbox: Type.Object({ inForce: Type.Boolean(), reason: text(500) }, closed),
    },
    closed,
  ),
  Type.Object(
    {
      type: Type.Literal("camera"),
      camera,
      role: Type.Union([Type.Literal("main"), Type.Literal("sub")]),
      report: StreamReportSchema,
    },
    closed,
  ),
  Type.Object({ type: Type.Literal("recorder"), event: Type.Unknown() }, closed),
  Type.Object(
    { type: Type.Literal("trouble"), camera, code: text(40), message: text(500) },
    closed,
  ),
  Type.Object(
    {
      type: Type.Literal("rang"),
      camera,
      ring: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
      outcome: RingOutcomeSchema,
    },
    closed,
  ),
  Type.Object({ type: Type.Literal("keyring-refused"), message: text(500) }, closed),
  Type.Object({ type: Type.Literal("blur"), backlog: BlurBacklogSchema }, closed),
]);

export type FromIngest =
  | Exclude<Static<typeof FromIngestSchema>, { type: "recorder" }>
  | { readonly type: "recorder"; readonly event: RecorderEvent };

/**
 * Reads what the ingest process says: it has parsed hostile bytes, so it is believed no more than
 * they are (invariant 12).
 *
 * @throws MalformedInput for any other shape.
 */
export function readFromIngest(value: unknown): FromIngest {
  const message = checkShape(FromIngestSchema, value, "message of the ingest process");
  return message.type === "recorder"
    ? { type: "recorder", event: readRecorderEvent(message.event) }
    : message;
}

/** What the ingest process is to do, from the settings. */
export function configurationFor(
  clipsDirectory: string,
  settings: { readonly cameras: readonly CameraSettings[]; readonly blurBytesMax?: number },
): ToIngest {
  const { cameras, blurBytesMax } = settings;
  const blur = blurBytesMax === undefined ? {} : { blurBytesMax };
  return { type: "configure", clipsDirectory, cameras, ...blur };
}
