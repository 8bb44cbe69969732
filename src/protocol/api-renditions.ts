import Type, { type Static } from "typebox";
import { DerivedFileSchema } from "./ledger-entry.ts";
import { LIMITS } from "./limits.ts";

/** Bodies and answers of the routes by which an owner's device sends a blurred rendition. */

/** Every file that will come, as the ledger entry will list it. */
export const RenditionBody = Type.Object(
  { files: Type.Array(DerivedFileSchema, { minItems: 1, maxItems: LIMITS.filesPerRendition }) },
  { additionalProperties: false },
);
export type RenditionBody = Static<typeof RenditionBody>;

const uploadId = Type.String({ pattern: "^[0-9a-f]{32}$", minLength: 32, maxLength: 32 });
export const RenditionStarted = Type.Object({ upload: uploadId }, { additionalProperties: false });

/** Index of the ledger entry that lists the rendition. */
export const RenditionListed = Type.Object(
  { entryIndex: Type.Integer({ minimum: 0 }) },
  { additionalProperties: false },
);
