import Type, { type Static } from "typebox";
import { EnvelopeSchema } from "./envelope.ts";
import { LIMITS } from "./limits.ts";
import { REWRAP_FILES_MAX } from "./rewrapped-file.ts";

const id = (length: number) => Type.String({ minLength: length, maxLength: length });
const count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

/** An owner's statement, and for each of its files the new header in base64. */
export const RewrapBody = Type.Object(
  {
    statement: EnvelopeSchema,
    headers: Type.Array(Type.String({ maxLength: LIMITS.rewrapHeaderCharacters }), {
      minItems: 1,
      maxItems: REWRAP_FILES_MAX,
    }),
  },
  { additionalProperties: false },
);

export const RewrapAnswer = Type.Object({ entryIndex: count });

/** A recording whose headers were made under an older keyring. */
export const SealedBefore = Type.Object({
  clip: id(32),
  startedAtMs: count,
  /** Epoch of the keyring that its headers were made under. */
  epoch: count,
  /** Of all listed files, and of the blurred ones among them. */
  bytes: count,
  blurredBytes: count,
  /** Unfinished files: no ledger entry lists them in a way that could be kept, so they stay. */
  torn: count,
  /** An owner has deleted it, and may take that back for so long. */
  goesInMs: Type.Optional(count),
});
export type SealedBefore = Static<typeof SealedBefore>;

export const SealedBeforeList = Type.Object({
  clips: Type.Array(SealedBefore, { maxItems: 500 }),
  next: Type.Union([count, Type.Null()]),
});
