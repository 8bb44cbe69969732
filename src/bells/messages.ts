import Type, { type Static } from "typebox";
import {
  BELL_HEARD_MAX,
  BELL_WAYS,
  BellHeard,
  BellProblem,
  BellWaySchema,
} from "../protocol/api-bells.ts";
import { checkShape } from "../protocol/check.ts";
import { parseCameraId, type CameraId } from "../protocol/ids.ts";
import type { BellRule } from "../camera/bell/rules.ts";
import type { MqttBroker } from "../settings/bells.ts";

/**
 * What hub and bell process say to each other over their pipe. The bell process speaks with what
 * doorbells and the broker send, and holds nothing but what that takes: their addresses and
 * passwords.
 */
export type ToBells =
  /** Again when an owner has changed something: what stays as it is goes on undisturbed. */
  | {
      readonly type: "configure";
      readonly broker: MqttBroker | null;
      readonly cameras: readonly BellCamera[];
      /** Left out: nothing but bells and the chime. */
      readonly house?: HouseTopicsHeard | null;
    }
  /** Listens to everything that a camera may say of its bell, or stops doing so. */
  | { readonly type: "teach"; readonly camera: CameraId; readonly on: boolean }
  /** For the chime: answered by `published` with the same `id`. */
  | {
      readonly type: "publish";
      readonly id: number;
      readonly topic: string;
      readonly payload: string;
      readonly retain: boolean;
    }
  | { readonly type: "stop" };

/** What is said over the broker besides bells and the chime. */
export interface HouseTopicsHeard {
  /** What is heard there is told as `said`, and rings nothing. */
  readonly topics: readonly string[];
  /** Kept by the broker, and said by it when this hub is gone. */
  readonly will: { readonly topic: string; readonly payload: string };
}

/** Of a command or a word that somebody came up; more is cut off. */
export const SAID_CHARACTERS = 100;

/** A camera as the bell process needs to know it. */
export interface BellCamera {
  readonly id: CameraId;
  /** Address of its ONVIF device service; null where it has none. */
  readonly onvif: string | null;
  /** Host under which its maker's own interface answers; null where it has none. */
  readonly host: string | null;
  readonly username: string | null;
  readonly password: string | null;
  readonly allowBasic: boolean;
  readonly bells: readonly BellRule[];
}

const closed = { additionalProperties: false } as const;
const camera = Type.String({ pattern: "^[a-z][a-z0-9-]{0,31}$", maxLength: 32 });
const line = (maxLength: number) => Type.String({ pattern: "^[^\\p{C}]*$", maxLength });

const FromBellsSchema = Type.Union([
  Type.Object({ type: Type.Literal("ready") }, closed),
  /** Somebody has pressed: already de-duplicated by its rule, not yet across rules. */
  Type.Object({ type: Type.Literal("press"), camera, via: BellWaySchema }, closed),
  /** One listener serves all rules of a camera that come the same way. */
  Type.Object(
    {
      type: Type.Literal("listener"),
      camera,
      via: BellWaySchema,
      isListening: Type.Boolean(),
      problem: Type.Union([BellProblem, Type.Null()]),
    },
    closed,
  ),
  /** What teaching has heard so far, the whole of it. */
  Type.Object(
    {
      type: Type.Literal("heard"),
      camera,
      heard: Type.Array(BellHeard, { maxItems: BELL_HEARD_MAX }),
      leftOut: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
      ways: Type.Array(
        Type.Object(
          { via: BellWaySchema, problem: Type.Union([BellProblem, Type.Null()]) },
          closed,
        ),
        { maxItems: BELL_WAYS.length },
      ),
    },
    closed,
  ),
  /** A place that it connects to; `isOpen` once it has answered, until it does no more. */
  Type.Object(
    {
      type: Type.Literal("contact"),
      camera: Type.Union([camera, Type.Null()]),
      address: line(300),
      isOpen: Type.Boolean(),
    },
    closed,
  ),
  /** The broker is there, or no more. */
  Type.Object(
    {
      type: Type.Literal("broker"),
      isUp: Type.Boolean(),
      problem: Type.Union([BellProblem, Type.Null()]),
    },
    closed,
  ),
  /** On one of the topics of the house. */
  Type.Object(
    { type: Type.Literal("said"), topic: line(300), payload: line(SAID_CHARACTERS) },
    closed,
  ),
  Type.Object(
    {
      type: Type.Literal("published"),
      id: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
      problem: Type.Union([BellProblem, Type.Null()]),
    },
    closed,
  ),
]);
export type FromBells = Static<typeof FromBellsSchema>;

/**
 * Reads what the bell process says: it has parsed hostile bytes, so it is believed no more than
 * they are (invariant 12).
 *
 * @throws MalformedInput for any other shape.
 */
export function readFromBells(value: unknown): FromBells {
  const message = checkShape(FromBellsSchema, value, "message of the bell process");
  if ("camera" in message && message.camera !== null) parseCameraId(message.camera);
  return message;
}
