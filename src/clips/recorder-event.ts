import Type, { type Static } from "typebox";
import { BlurReasonSchema } from "../protocol/blur-state.ts";
import { checkShape } from "../protocol/check.ts";
import type { RecorderEvent, SealedFile } from "../protocol/clip.ts";
import { MalformedInput } from "../protocol/errors.ts";
import { parseCameraId, parseClipId, parseSha256Hex, type Sha256Hex } from "../protocol/ids.ts";
import { CopyFileSchema, SealedFileSchema } from "../protocol/ledger-entry.ts";

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

const epoch = Type.Integer({ minimum: 0, maximum: 1_000_000_000 });

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
      faces: Type.Union([
        Type.Literal("keep"),
        Type.Literal("blur-copy"),
        Type.Literal("blur-only"),
      ]),
      kind,
      why,
      eventAtMs: timeMs,
      startedAtMs: timeMs,
      keyringHead: id,
      keyringEpoch: epoch,
    },
    closed,
  ),
  Type.Object({ type: Type.Literal("clip-named"), clip: id, why }, closed),
  Type.Object({ type: Type.Literal("clip-rang"), clip: id, why, eventAtMs: timeMs }, closed),
  Type.Object(
    {
      ...{ type: Type.Literal("file-closed"), clip: id, file: SealedFileSchema },
      pixelated: CopyFileSchema.properties.pixelated,
    },
    closed,
  ),
  Type.Object(
    { type: Type.Literal("copy-file"), clip: id, file: CopyFileSchema, keyringEpoch: epoch },
    closed,
  ),
  Type.Object({ type: Type.Literal("blur-closed"), clip: id, reason: BlurReasonSchema }, closed),
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
      const file = requirePossible(event.file);
      return { ...event, clip, file: { ...file, payloadSha256: hashOf(file) } };
    }
    case "copy-file": {
      const file = requirePossible(event.file);
      const isClear = file.rendition === "original";
      // What is clear is a still and nothing else, and what is not says how it was covered.
      if ((isClear && file.track !== "poster") || isClear !== (file.pixelated === undefined))
        throw new MalformedInput("file", "Cannot read recorder event: a copy that is none");
      parseSha256Hex(file.derivedFrom);
      return { ...event, clip, file: { ...file, payloadSha256: hashOf(file) } };
    }
    case "blur-closed":
      return { ...event, clip };
    case "clip-rang":
      if (event.why.kind !== "bell")
        throw new MalformedInput("why", "Cannot read recorder event: a ring that is no bell");
      return { ...event, clip };
    case "clip-named":
      if (event.why.kind === "bell" || event.why.kind === "motion")
        throw new MalformedInput("why", "Cannot read recorder event: a name that names nothing");
      return { ...event, clip };
    case "clip-closed":
      return { ...event, clip };
  }
}

function requirePossible<File extends Pick<SealedFile, "track" | "segment" | "fromMs" | "toMs">>(
  file: File,
): File {
  if ((file.track === "poster") !== (file.segment === null) || file.toMs < file.fromMs)
    throw new MalformedInput("file", "Cannot read recorder event: an impossible file");
  return file;
}

function hashOf({ payloadSha256 }: { readonly payloadSha256: string }): Sha256Hex {
  return parseSha256Hex(payloadSha256);
}
