import Type, { type Static } from "typebox";

const hex = (length: number) => Type.String({ minLength: length, maxLength: length });

/** As many as a `clip` entry lists. */
export const REWRAP_FILES_MAX = 1_000;

/** A file that is sealed anew, as statement and entry name it: what stays, and what it begins with. */
export const RewrappedFileSchema = Type.Object(
  {
    segment: Type.Union([Type.Integer({ minimum: 0, maximum: 9_999 }), Type.Null()]),
    track: Type.Union([Type.Literal("video"), Type.Literal("audio"), Type.Literal("poster")]),
    rendition: Type.Union([Type.Literal("original"), Type.Literal("blurred")]),
    payloadSha256: hex(64),
    /** Over the whole new header, through its final newline. */
    headerSha256: hex(64),
  },
  { additionalProperties: false },
);
export type RewrappedFile = Static<typeof RewrappedFileSchema>;
