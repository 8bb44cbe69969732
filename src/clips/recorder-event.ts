import Type, { type Static } from "typebox";
import { checkShape } from "../protocol/check.ts";
import type { RecorderEvent } from "../protocol/clip.ts";
import { MalformedInput } from "../protocol/errors.ts";
import { parseCameraId, parseClipId, parseSha256Hex } from "../protocol/ids.ts";
import { SealedFileSchema } from "../protocol/ledger-entry.ts";

const closed = { additionalProperties: false };
const timeMs = Type.Integer({ minimum: 0, maximum: 8_640_000_000_000_000 });
const share = Type.Number({ minimum: 0, maximum: 1 });
const kind = Type.Union([
  Type.Literal("bell"),
  Type.Literal("motion"),
  Type.Literal("person"),
  Type.Literal("vehicle"),
  Type.Literal("animal"),
  Type.Literal("package"),
]);
const id = Type.String({ maxLength: 64 });

const why = Type.Object(
  { kind, zone: Type.String({ maxLength: 80 }), areaShare: share, score: share },
  closed,
);
const RecorderEventSchema = Type.Union([
  Type.Object(
    {
      type: Type.Literal("clip-started"),
      clip: id,
      camera: id,
      kind,
      why,
      eventAtMs: timeMs,
      startedAtMs: timeMs,
      keyringHead: id,
      keyringEpoch: Type.Integer({ minimum: 0, maximum: 1_000_000_000 }),
    },
    closed,
  ),
  Type.Object({ type: Type.Literal("clip-rang"), clip: id, why, eventAtMs: timeMs }, closed),
  Type.Object({ type: Type.Literal("file-closed"), clip: id, file: SealedFileSchema }, closed),
  Type.Object({ type: Type.Literal("clip-closed"), clip: id, endedAtMs: timeMs }, closed),
]);

/**
 * Reads what came from the recorder's process. That process parses camera bytes, so what it says
 * is input from outside (invariant 12).
 *
 * @throws MalformedInput naming the field.
 */
export function readRecorderEvent(value: unknown): RecorderEvent {
  const event: Static<typeof RecorderEventSchema> = checkShape(
    RecorderEventSchema,
    value,
    "recorder event",
  );
  const clip = parseClipId(event.clip);
  switch (event.type) {
    case "clip-started":
      return {
        ...event,
        clip,
        camera: parseCameraId(event.camera),
        keyringHead: parseSha256Hex(event.keyringHead),
      };
    case "file-closed": {
      const { file } = event;
      if ((file.track === "poster") !== (file.segment === null) || file.toMs < file.fromMs)
        throw new MalformedInput("file", "Cannot read recorder event: an impossible file");
      return {
        ...event,
        clip,
        file: { ...file, payloadSha256: parseSha256Hex(file.payloadSha256) },
      };
    }
    case "clip-rang":
      if (event.why.kind !== "bell")
        throw new MalformedInput("why", "Cannot read recorder event: a ring that is no bell");
      return { ...event, clip };
    case "clip-closed":
      return { ...event, clip };
  }
}
