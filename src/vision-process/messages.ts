import Type, { type Static } from "typebox";
import { BlurReasonSchema } from "../protocol/blur-state.ts";
import { checkShape } from "../protocol/check.ts";
import { MalformedInput } from "../protocol/errors.ts";
import type { CameraId } from "../protocol/ids.ts";
import type { TrackInit } from "../protocol/fragment.ts";
import type {
  BlurredPoster,
  BlurredSegment,
  BlurFootage,
  BlurRules,
} from "../vision/blur-footage.ts";

/**
 * What ingest and vision process say to each other. Everything about a job or a look goes through the
 * pipes of `pipe.ts`, each way in its order, with the footage it speaks of; over the channel
 * for messages goes what belongs to none. The vision process decodes what cameras send, so it is
 * believed nothing (invariant 12). Nothing here passes the hub.
 */

/** File descriptors of the vision process: what it reads footage from, and what it writes it to. */
export const FOOTAGE_IN_PIPE = 4;
export const FOOTAGE_OUT_PIPE = 5;

/** Over the channel for messages. */
export type ToVisionMessage = { readonly type: "stop" };

/** A job is a clip, a look is a camera's analysed stream; numbers are never given twice. */
export type ToVision =
  | {
      readonly type: "begin";
      readonly job: number;
      readonly camera: CameraId;
      readonly rules: BlurRules;
    }
  /** In the order of their numbers; the answer to one may wait for the next, or for `end`. */
  | ({ readonly type: "segment"; readonly job: number } & BlurFootage)
  /** The clip is closed and nothing follows. What has not been answered yet is to be. */
  | { readonly type: "end"; readonly job: number }
  /** Nobody waits for it any more: everything of it is let go at once, and nothing is answered. */
  | { readonly type: "drop"; readonly job: number }
  | { readonly type: "look"; readonly look: number; readonly camera: CameraId }
  /** Pictures to look at for objects, as they come. */
  | ({ readonly type: "look-footage"; readonly look: number } & Omit<BlurFootage, "segment">)
  | { readonly type: "look-end"; readonly look: number };

export type FromVision =
  | ({ readonly type: "segment"; readonly job: number } & BlurredSegment)
  /** At most one of each rendition a job, before its last segment's answer. */
  | ({ readonly type: "poster"; readonly job: number } & BlurredPoster);

/** Of the original, its initialisation included; somewhat more than `SEGMENT_MAX_BYTES`. */
export const FOOTAGE_BYTES_MAX = 24 * 1024 * 1024;
/** 30 s of 100 pictures a second. */
export const FOOTAGE_FRAGMENTS_MAX = 3_000;
export const POSTER_BYTES_MAX = 2 * 1024 * 1024;
const OBJECTS_MAX = 100;

/** A copy may be somewhat larger than its original, whose encoder may have been a better one. */
export function blurredBytesMax(originalBytes: number): number {
  return Math.min(originalBytes * 4 + 2 * 1024 * 1024, 64 * 1024 * 1024);
}

const closed = { additionalProperties: false } as const;
const number = (maximum: number) => Type.Integer({ minimum: 0, maximum });
const id = number(Number.MAX_SAFE_INTEGER);
const timeMs = Type.Number({ minimum: 0, maximum: 8_640_000_000_000_000 });
const share = Type.Number({ minimum: 0, maximum: 1 });
const camera = Type.String({ pattern: "^[a-z][a-z0-9-]{0,31}$", maxLength: 32 });
const word = Type.String({ pattern: "^[A-Z_]{1,40}$", maxLength: 40 });

/** Without its bytes, which come in the body: first those of `init`, then of each fragment. */
const InitHead = Type.Object(
  {
    codec: Type.String({ pattern: "^[\\w.-]{1,40}$", maxLength: 40 }),
    timescale: Type.Integer({ minimum: 1, maximum: 10_000_000 }),
    width: Type.Integer({ minimum: 1, maximum: 16_384 }),
    height: Type.Integer({ minimum: 1, maximum: 16_384 }),
    sizeBytes: Type.Integer({ minimum: 8, maximum: 64 * 1024 }),
  },
  closed,
);
const FragmentHead = Type.Object(
  {
    keyFrame: Type.Boolean(),
    decodeTimeMs: timeMs,
    durationMs: Type.Number({ minimum: 0, maximum: 3_600_000 }),
    wallClockMs: timeMs,
    sizeBytes: Type.Integer({ minimum: 16, maximum: FOOTAGE_BYTES_MAX }),
  },
  closed,
);
const fragments = Type.Array(FragmentHead, { minItems: 1, maxItems: FOOTAGE_FRAGMENTS_MAX });
const member = <Kind extends string, Members extends Record<string, Type.TSchema>>(
  type: Kind,
  members: Members,
) => Type.Object({ type: Type.Literal(type), ...members }, closed);
const segment = Type.Integer({ minimum: 0, maximum: 9_999 });

/** What stands before the bytes of each message to the vision process. */
export const ToVisionHead = Type.Union([
  member("begin", {
    job: id,
    camera,
    rules: Type.Object(
      {
        cover: Type.Union([Type.Literal("faces"), Type.Literal("persons")]),
        plates: Type.Boolean(),
        mode: Type.Union([
          Type.Literal("live"),
          Type.Literal("standard"),
          Type.Literal("thorough"),
        ]),
      },
      closed,
    ),
  }),
  member("segment", { job: id, segment, init: InitHead, fragments, ageMs: Type.Optional(id) }),
  member("end", { job: id }),
  member("drop", { job: id }),
  member("look", { look: id, camera }),
  member("look-footage", { look: id, init: InitHead, fragments }),
  member("look-end", { look: id }),
]);
export type ToVisionHead = Static<typeof ToVisionHead>;

/** What stands before the bytes of each message of the vision process. */
export const FromVisionHead = Type.Union([
  member("segment", {
    job: id,
    segment,
    outcome: Type.Union([Type.Literal("blurred"), Type.Literal("whole")]),
    reason: BlurReasonSchema,
    frames: number(FOOTAGE_FRAGMENTS_MAX),
    framesLooked: number(FOOTAGE_FRAGMENTS_MAX),
    init: InitHead,
    fragments,
  }),
  member("segment", {
    job: id,
    segment,
    outcome: Type.Literal("absent"),
    reason: BlurReasonSchema,
    frames: number(FOOTAGE_FRAGMENTS_MAX),
    framesLooked: number(FOOTAGE_FRAGMENTS_MAX),
  }),
  member("poster", {
    job: id,
    rendition: Type.Union([Type.Literal("original"), Type.Literal("blurred")]),
    atMs: timeMs,
    pixelated: Type.Union([Type.Literal("faces"), Type.Literal("whole"), Type.Null()]),
    sizeBytes: Type.Integer({ minimum: 100, maximum: POSTER_BYTES_MAX }),
  }),
]);
export type FromVisionHead = Static<typeof FromVisionHead>;

/** The lengths of the bytes that follow a head, in their order. */
export function bodyLengths(head: ToVisionHead | FromVisionHead): readonly number[] {
  if (head.type === "poster") return [head.sizeBytes];
  if (!("fragments" in head)) return [];
  return [head.init.sizeBytes, ...head.fragments.map(({ sizeBytes }) => sizeBytes)];
}

/** An initialisation and its fragments from a head and the bytes after it. */
function footageOf(
  head: { init: Static<typeof InitHead>; fragments: readonly Static<typeof FragmentHead>[] },
  parts: readonly Uint8Array[],
): Omit<BlurFootage, "segment"> {
  const { sizeBytes: _initBytes, ...described } = head.init;
  const [bytes = new Uint8Array(0), ...rest] = parts;
  const init: TrackInit = { track: "video", ...described, bytes };
  return {
    init,
    fragments: head.fragments.map(({ sizeBytes: _size, ...fragment }, index) => ({
      ...fragment,
      bytes: rest[index] ?? new Uint8Array(0),
    })),
  };
}

/** A whole message from its checked head and its bytes, which are views of one buffer. */
export function toVisionOf(head: ToVisionHead, parts: readonly Uint8Array[]): ToVision {
  switch (head.type) {
    case "segment":
      return {
        ...{ type: "segment", job: head.job, segment: head.segment, ...footageOf(head, parts) },
        ...(head.ageMs === undefined ? {} : { ageMs: head.ageMs }),
      };
    case "look-footage":
      return { type: "look-footage", look: head.look, ...footageOf(head, parts) };
    case "begin":
    case "look":
      return { ...head, camera: head.camera as CameraId };
    case "end":
    case "drop":
    case "look-end":
      return head;
  }
}

/** The same for the other way. @throws MalformedInput for what contradicts itself. */
export function fromVisionOf(head: FromVisionHead, parts: readonly Uint8Array[]): FromVision {
  if (head.type === "poster") {
    const { sizeBytes: _size, ...poster } = head;
    if ((poster.rendition === "original") !== (poster.pixelated === null))
      throw new MalformedInput("pixelated", "Cannot read poster: it is covered, or an original");
    return { ...poster, jpeg: parts[0] ?? new Uint8Array(0) };
  }
  const { type, job, outcome, reason, frames, framesLooked } = head;
  const common = { type, job, segment: head.segment, reason, frames, framesLooked } as const;
  if (framesLooked > frames)
    throw new MalformedInput("framesLooked", "Cannot read segment: more was seen than there is");
  if (outcome !== "blurred" && reason === null)
    throw new MalformedInput("reason", `Cannot read segment: it is ${outcome} for no reason`);
  if (!("init" in head)) return { ...common, outcome: "absent", init: null, fragments: [] };
  if (outcome === "blurred" && framesLooked !== frames)
    throw new MalformedInput("framesLooked", "Cannot read segment: a frame was not looked at");
  return { ...common, outcome: head.outcome, ...footageOf(head, parts) };
}

/** A message as the head and the bytes that are written to a pipe. */
export function headOf(message: ToVision | FromVision): {
  readonly head: object;
  readonly parts: readonly Uint8Array[];
} {
  if (message.type === "poster") {
    const { jpeg, ...head } = message;
    return { head: { ...head, sizeBytes: jpeg.length }, parts: [jpeg] };
  }
  if (!("fragments" in message)) return { head: message, parts: [] };
  const { init, fragments: units, ...head } = message;
  if (init === null) return { head, parts: [] };
  const { codec, timescale, width, height } = init;
  return {
    head: {
      ...head,
      init: { codec, timescale, width, height, sizeBytes: init.bytes.length },
      fragments: units.map(({ keyFrame, decodeTimeMs, durationMs, wallClockMs, bytes }) => ({
        ...{ keyFrame, decodeTimeMs, durationMs, wallClockMs },
        sizeBytes: bytes.length,
      })),
    },
    parts: [init.bytes, ...units.map(({ bytes }) => bytes)],
  };
}

/** Over the channel for messages. */
const VisionMessageSchema = Type.Union([
  /** What was seen in a look's picture. In memory only: never stored, logged or passed on. */
  member("objects", {
    look: id,
    atMs: timeMs,
    objects: Type.Array(
      Type.Object(
        {
          kind: Type.Union([
            Type.Literal("person"),
            Type.Literal("vehicle"),
            Type.Literal("animal"),
          ]),
          ...{ x: share, y: share, width: share, height: share, score: share },
        },
        closed,
      ),
      { maxItems: OBJECTS_MAX },
    ),
  }),
  /** Something that a person should know: no name, no path, nothing of a picture. */
  member("trouble", {
    code: word,
    message: Type.String({ pattern: "^[^\\p{C}]*$", maxLength: 500 }),
  }),
  /** How long it took of late. Also says that it is alive; to be sent every 5 s while it works. */
  member("load", {
    /** Of a picture, to find what is in it, and for all that is done with it. */
    detectMs: Type.Number({ minimum: 0, maximum: 3_600_000 }),
    frameMs: Type.Number({ minimum: 0, maximum: 3_600_000 }),
    /** Pictures since it began. */
    frames: id,
  }),
]);
export type VisionMessage = Static<typeof VisionMessageSchema>;
export type SeenObjects = Extract<VisionMessage, { type: "objects" }>;

/** @throws MalformedInput for any other shape. */
export function readVisionMessage(value: unknown): VisionMessage {
  return checkShape(VisionMessageSchema, value, "message of the vision process");
}

const StopSchema = member("stop", {});

/** @throws MalformedInput for any other shape. */
export function readToVisionMessage(value: unknown): ToVisionMessage {
  return checkShape(StopSchema, value, "message to the vision process");
}
